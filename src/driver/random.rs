use crate::wire::Secret;

/// Where a runtime gets what nobody can guess: from the system, or, in a simulation, from a seed that everybody knows.
pub(super) enum Entropy {
    /// The system.
    System,
    /// A simulation: the same seed, the same life.
    #[cfg(feature = "sim")]
    Seeded(fastrand::Rng),
}

impl Entropy {
    /// A seed is a simulation's.
    pub(super) const fn new(seed: Option<u64>) -> Self {
        #[cfg(feature = "sim")]
        if let Some(seed) = seed {
            return Self::Seeded(fastrand::Rng::with_seed(seed));
        }
        let _ = seed;
        Self::System
    }

    /// A session's secret: 128 bits that nobody can guess.
    pub(super) fn secret(&mut self) -> Secret {
        Secret::new(self.bytes())
    }

    /// What jitter begins with.
    pub(super) fn seed(&mut self) -> u64 {
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
    #[cfg_attr(
        not(feature = "sim"),
        expect(clippy::needless_pass_by_ref_mut, reason = "a seed moves on")
    )]
    pub(super) fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        match self {
            Self::System => {
                getrandom::fill(&mut bytes)
                    .expect("the system's random number generator must work");
            }
            #[cfg(feature = "sim")]
            Self::Seeded(rng) => rng.fill(&mut bytes),
        }
        bytes
    }
}
