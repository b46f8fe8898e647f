use super::limits;
use std::time::Duration;

/// How a client comes back after its link was lost: when, how often, how patiently.
///
/// Every wait is random between zero and `base` x 2^attempt, at most `cap` (full jitter), the first one too: clients
/// that lost their server together do not return together. A wait that the server asks for comes first.
///
/// ```
/// use sessile::{Config, Reconnect, ReconnectMode};
/// use std::time::Duration;
///
/// let patient = Reconnect::new()
///     .base(Duration::from_millis(200))
///     .cap(Duration::from_secs(10))
///     .attempts(50);
/// let config = Config::new().reconnect(patient);
/// let never = Config::new().reconnect(ReconnectMode::Never);
/// # config.check()?; never.check()?;
/// # Ok::<(), sessile::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reconnect {
    pub(crate) mode: ReconnectMode,
    pub(crate) base: Duration,
    pub(crate) cap: Duration,
    pub(crate) stable_after: Duration,
    pub(crate) attempts: Option<u32>,
    pub(crate) budget: Option<Duration>,
    pub(crate) redirects: bool,
}

/// When a client dials again after a loss. In every mode the handle hears of the loss, exactly once.
///
/// ```
/// use sessile::{Config, ReconnectMode};
///
/// let asks_first = Config::new().reconnect(ReconnectMode::OnResume);
/// # asks_first.check().unwrap();
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ReconnectMode {
    /// At once, whatever the application does: `resume` then usually finds the link up. The default.
    #[default]
    AtOnce,
    /// Only while the application awaits `resume`.
    OnResume,
    /// Not at all: a lost link ends the session.
    Never,
}

impl Reconnect {
    /// The defaults: at once, base 1 s, cap 30 s, stable after 30 s, no limit of attempts, no budget, no redirects.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            mode: ReconnectMode::AtOnce,
            base: limits::RECONNECT_BASE.default,
            cap: limits::RECONNECT_CAP.default,
            stable_after: limits::RECONNECT_STABLE_AFTER.default,
            attempts: None,
            budget: None,
            redirects: false,
        }
    }

    /// When to dial again. Default: [`ReconnectMode::AtOnce`].
    #[must_use]
    pub const fn mode(mut self, mode: ReconnectMode) -> Self {
        self.mode = mode;
        self
    }

    /// Upper bound of the first wait; it doubles with every attempt. Default 1 s; 1 ms to 1 h, at most `cap`.
    #[must_use]
    pub const fn base(mut self, base: Duration) -> Self {
        self.base = base;
        self
    }

    /// Upper bound of every wait. Default 30 s; 1 ms to 1 h, at least `base`.
    #[must_use]
    pub const fn cap(mut self, cap: Duration) -> Self {
        self.cap = cap;
        self
    }

    /// How long a link must have been up for the next series to begin at `base` again. Default 30 s; 0 to 1 h.
    #[must_use]
    pub const fn stable_after(mut self, stable_after: Duration) -> Self {
        self.stable_after = stable_after;
        self
    }

    /// Gives up after so many attempts in a row. Default: no limit; at least 1.
    ///
    /// Attempts of a session to come back count on, also those that succeeded, until a link was up for
    /// [`stable_after`](Self::stable_after). For a [`Client`](crate::Client), logins count too: those that failed in a row.
    #[must_use]
    pub const fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = Some(attempts);
        self
    }

    /// Gives up so long after the loss. Default: no limit (the resume window ends it); 1 ms to 365 d.
    #[must_use]
    pub const fn budget(mut self, budget: Duration) -> Self {
        self.budget = Some(budget);
        self
    }

    /// Whether a [`Client`](crate::Client) goes where its server sends it: to the redirect of a server that goes down
    /// ([`Draining`](crate::Draining)), or of a refused login. Default: no, for a server that was taken over could send its
    /// clients anywhere, with their credentials.
    ///
    /// It follows at most four one after the other, until a link was up for [`stable_after`](Self::stable_after), and goes back
    /// to its own address where a login at the redirect fails, but for one that is refused for good. A redirect over TLS stays
    /// within TLS. A [`Session`](crate::Session) never follows one by itself.
    ///
    /// ```
    /// use sessile::{Config, Reconnect};
    ///
    /// let config = Config::new().reconnect(Reconnect::new().redirects(true));
    /// # config.check().unwrap();
    /// ```
    #[must_use]
    pub const fn redirects(mut self, follow: bool) -> Self {
        self.redirects = follow;
        self
    }
}

impl Default for Reconnect {
    fn default() -> Self {
        Self::new()
    }
}

impl From<ReconnectMode> for Reconnect {
    fn from(mode: ReconnectMode) -> Self {
        Self::new().mode(mode)
    }
}
