use crate::wire::Secret;

/// A session's secret: 128 bits that nobody can guess.
pub(super) fn secret() -> Secret {
    Secret::new(bytes())
}

/// Random bytes from the system.
///
/// # Panics
///
/// If the system has none. There is no safe way on without: every session's secret would be a guess.
#[expect(
    clippy::expect_used,
    reason = "a server without randomness must not run"
)]
pub(super) fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the system's random number generator must work");
    bytes
}
