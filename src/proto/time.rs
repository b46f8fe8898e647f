use std::{fmt, num::NonZeroU64, ops::Add, time::Duration};

/// Microseconds since the runtime's start: the only clock the core knows, and always an argument.
///
/// Arithmetic saturates: no clock value, however wild, wraps around (584,000 years fit).
///
/// Kept as one more than it is, so that a time that may be none takes no more room than one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(NonZeroU64);

impl Time {
    /// The runtime's start.
    pub const START: Self = Self(NonZeroU64::MIN);
    /// As late as it gets: every later time is this one.
    pub const END: Self = Self(NonZeroU64::MAX);

    /// A time this many microseconds after the start.
    #[must_use]
    pub const fn from_micros(micros: u64) -> Self {
        Self(NonZeroU64::MIN.saturating_add(micros))
    }

    /// Microseconds since the start.
    #[must_use]
    pub const fn as_micros(self) -> u64 {
        self.0.get() - 1
    }

    /// How long after `earlier` this is; zero where it is not after it.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.get().saturating_sub(earlier.0.get()))
    }

    /// How long after the runtime's start this is.
    #[must_use]
    pub const fn since_start(self) -> Duration {
        Duration::from_micros(self.as_micros())
    }
}

impl Add<Duration> for Time {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(micros))
    }
}

impl Default for Time {
    fn default() -> Self {
        Self::START
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Time").field(&self.as_micros()).finish()
    }
}
