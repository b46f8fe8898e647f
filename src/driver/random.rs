#[cfg(feature = "sim")]
use std::sync::PoisonError;

#[cfg(feature = "sim")]
use crate::sync::Mutex;
use crate::wire::Secret;

/// Where a runtime gets what nobody can guess: from the system, or, in a simulation, from a seed that everybody knows.
///
/// Beside the runtime's lock, not under it: asking the system is a call of the system.
pub(super) enum Entropy {
    /// The system.
    System,
    /// A simulation: the same seed, the same life.
    #[cfg(feature = "sim")]
    Seeded(Mutex<fastrand::Rng>),
}

impl Entropy {
    /// A seed is a simulation's.
    pub(super) fn new(seed: Option<u64>) -> Self {
        match seed {
            #[cfg(feature = "sim")]
            Some(seed) => Self::Seeded(Mutex::new(fastrand::Rng::with_seed(seed))),
            _ => Self::System,
        }
    }

    /// A session's secret: 128 bits that nobody can guess.
    pub(super) fn secret(&self) -> Secret {
        Secret::new(self.bytes())
    }

    /// What jitter begins with.
    pub(super) fn seed(&self) -> u64 {
        u64::from_le_bytes(self.bytes())
    }

    /// Random bytes.
    ///
    /// # Panics
    ///
    /// If the system has none. There is no safe way on without: every session's secret would be a guess.
    #[expect(
        clippy::expect_used,
        reason = "a server without randomness must not run"
    )]
    pub(super) fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        match self {
            Self::System => {
                getrandom::fill(&mut bytes)
                    .expect("the system's random number generator must work");
            }
            #[cfg(feature = "sim")]
            Self::Seeded(rng) => rng
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .fill(&mut bytes),
        }
        bytes
    }
}
