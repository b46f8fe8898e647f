use super::{
    Blame, Retry,
    text::{REDIRECT_MAX, TEXT_MAX, readable},
};
use std::{fmt, time::Duration};

/// A server's refusal of a login: what its host answers, and what the client reads.
///
/// ```
/// use sessile::{RejectCode, Rejection, Retry};
/// use std::time::Duration;
///
/// let why = Rejection::full()
///     .retry_after(Duration::from_secs(20))
///     .redirect("eu2.example:7000")
///     .text("eu1 is full");
/// assert_eq!(why.code(), RejectCode::Full);
/// assert_eq!(why.retry(), Retry::After(Duration::from_secs(20)));
/// assert_eq!(
///     why.to_string(),
///     r#"refused: no room for another session ("eu1 is full"); retry after 20s"#
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    code: RejectCode,
    retry: Retry,
    redirect: Option<Box<str>>,
    text: Option<Box<str>>,
}

/// Why a login was refused, as a number that programs can act on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RejectCode {
    /// The credentials are not good. Says on purpose not which part of them.
    BadCredentials,
    /// There is no room for another session.
    Full,
    /// Too many logins at this moment; there is room.
    Busy,
    /// This identity or address may not log in.
    Banned,
    /// The identity is logged in already, its holder answers, and the server does not replace it.
    Occupied,
    /// No protocol version or required feature in common.
    Incompatible,
    /// The login's attempt number is not above an earlier one of the same client instance.
    Stale,
    /// The server is going down and lets nobody in any more; a redirect may say where to go instead.
    Draining,
    /// A code of the host's own (1000 and above), or one of a newer version of this library (below).
    Other(u16),
}

/// The codes of [`RejectCode`] on the wire: above those of `Reason`, so that one field carries either.
const CODES: [(u16, RejectCode); 8] = [
    (100, RejectCode::BadCredentials),
    (101, RejectCode::Full),
    (102, RejectCode::Busy),
    (103, RejectCode::Banned),
    (104, RejectCode::Occupied),
    (105, RejectCode::Incompatible),
    (106, RejectCode::Stale),
    (107, RejectCode::Draining),
];

/// The first number of a rejection; below are those of [`Reason`](super::Reason).
pub(crate) const FIRST_OF_REJECTIONS: u16 = 100;

/// The first code that belongs to hosts.
const FIRST_OF_HOSTS: u16 = 1_000;

/// A full server frees places as sessions end, which takes minutes: asking more often than the backoff's cap helps nobody.
const AFTER_FULL: Duration = Duration::from_secs(30);

/// A holder that answered just now can be gone a lease later, at the default of 6 s.
const AFTER_OCCUPIED: Duration = Duration::from_secs(6);

/// A server that is busy without saying for how long: one backoff base.
const AFTER_BUSY: Duration = Duration::from_secs(1);

impl Rejection {
    /// With the code's own retry class and no text.
    pub(crate) fn new(code: RejectCode) -> Self {
        Self {
            code,
            retry: code.retry(),
            redirect: None,
            text: None,
        }
    }

    /// As a client reads it. Empty texts are none; both are escaped and capped, the wait is bounded.
    pub(crate) fn from_peer(code: RejectCode, retry: Retry, redirect: &str, text: &str) -> Self {
        let mut rejection = Self::new(code).text(text).redirect(redirect);
        rejection.retry = retry.bounded();
        rejection
    }

    /// The credentials are not good; do not retry. Use it for unknown users too: a peer must not learn which names exist.
    #[must_use]
    pub fn bad_credentials() -> Self {
        Self::new(RejectCode::BadCredentials)
    }

    /// No room for another session; retry after 30 seconds.
    #[must_use]
    pub fn full() -> Self {
        Self::new(RejectCode::Full)
    }

    /// Too many logins at this moment; retry after `after` (at most 5 minutes). Different peers should get different times.
    #[must_use]
    pub fn busy(after: Duration) -> Self {
        Self::new(RejectCode::Busy).retry_after(after)
    }

    /// This identity or address may not log in; do not retry.
    #[must_use]
    pub fn banned() -> Self {
        Self::new(RejectCode::Banned)
    }

    /// A code that host and client agree on, 1000 to 65535; do not retry. Codes below 1000 are this library's and become 1000.
    ///
    /// ```
    /// use sessile::{RejectCode, Rejection};
    ///
    /// const SEASON_OVER: u16 = 1001;
    /// assert_eq!(Rejection::other(SEASON_OVER).code(), RejectCode::Other(SEASON_OVER));
    /// ```
    #[must_use]
    pub fn other(code: u16) -> Self {
        Self::new(RejectCode::Other(code.max(FIRST_OF_HOSTS)))
    }

    /// With a text for people. The first 128 bytes are kept, control characters are escaped; empty text is none.
    #[must_use]
    pub fn text(mut self, text: &str) -> Self {
        self.text = (!text.is_empty()).then(|| readable(text, TEXT_MAX));
        self
    }

    /// Asks the client not to come back before `after` has passed; at most 5 minutes.
    #[must_use]
    pub fn retry_after(mut self, after: Duration) -> Self {
        self.retry = Retry::After(after).bounded();
        self
    }

    /// Asks the client not to come back at all with this login.
    #[must_use]
    pub fn never(mut self) -> Self {
        self.retry = Retry::Never;
        self
    }

    /// Names another server to try, at most 255 bytes. The client decides whether it trusts that.
    #[must_use]
    pub fn redirect(mut self, to: &str) -> Self {
        self.redirect = (!to.is_empty()).then(|| readable(to, REDIRECT_MAX));
        self
    }
}

/// What a client reads. (`get_` where the builder has the plain name, as in `std::process::Command`.)
impl Rejection {
    /// Why.
    #[must_use]
    pub const fn code(&self) -> RejectCode {
        self.code
    }

    /// Whether to try again, and when.
    #[must_use]
    pub const fn retry(&self) -> Retry {
        self.retry
    }

    /// What the host says to people: escaped, at most 128 bytes.
    #[must_use]
    pub fn explanation(&self) -> Option<&str> {
        self.text.as_deref()
    }

    /// Another server to try. To be trusted no more than the server that said it.
    #[must_use]
    pub fn redirect_to(&self) -> Option<&str> {
        self.redirect.as_deref()
    }
}

impl RejectCode {
    /// The number of this code in a REFUSED frame, 100 and above.
    #[must_use]
    pub fn code(self) -> u16 {
        match self {
            Self::Other(code) => code,
            known => CODES
                .iter()
                .find(|(_, code)| *code == known)
                .map_or(FIRST_OF_HOSTS, |(number, _)| *number),
        }
    }

    /// The code with this number. Total: a number that this version does not know is [`Other`](Self::Other).
    #[must_use]
    pub fn from_code(number: u16) -> Self {
        CODES
            .iter()
            .find(|(known, _)| *known == number)
            .map_or(Self::Other(number), |(_, code)| *code)
    }

    /// Who has to change something.
    #[must_use]
    pub const fn blame(self) -> Blame {
        match self {
            Self::BadCredentials | Self::Banned | Self::Stale | Self::Other(_) => Blame::Caller,
            Self::Full | Self::Busy | Self::Occupied | Self::Incompatible | Self::Draining => {
                Blame::Environment
            }
        }
    }

    /// Whether this is said of the peer itself, and not of the server's load or state: only that can also end a session, for
    /// 101 and 102 in answer to a RESUME say that the session stays.
    pub(crate) const fn is_verdict(self) -> bool {
        matches!(
            self,
            Self::BadCredentials | Self::Banned | Self::Other(FIRST_OF_REJECTIONS..)
        )
    }

    const fn retry(self) -> Retry {
        match self {
            Self::Full => Retry::After(AFTER_FULL),
            Self::Busy | Self::Draining => Retry::After(AFTER_BUSY),
            Self::Occupied => Retry::After(AFTER_OCCUPIED),
            Self::Stale => Retry::Now, // the next attempt has a higher number
            Self::BadCredentials | Self::Banned | Self::Incompatible | Self::Other(_) => {
                Retry::Never
            }
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "refused: {}", self.code)?;
        if let Some(text) = &self.text {
            write!(f, " (\"{text}\")")?;
        }
        write!(f, "; {}", self.retry)
    }
}

impl std::error::Error for Rejection {}

impl fmt::Display for RejectCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BadCredentials => "the credentials are not good",
            Self::Full => "no room for another session",
            Self::Busy => "the server is too busy now",
            Self::Banned => "not allowed to log in",
            Self::Occupied => "this identity is logged in already",
            Self::Incompatible => "no protocol version or feature in common",
            Self::Stale => "this attempt was made before",
            Self::Draining => "the server is going down",
            Self::Other(code) => return write!(f, "code {code}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Reason;

    // [CODE-2] [CODE-4]
    #[test]
    fn codes_go_there_and_back() {
        for number in 0..=u16::MAX {
            assert_eq!(RejectCode::from_code(number).code(), number);
        }
        for (number, code) in CODES {
            assert_eq!(code.code(), number);
            assert!(
                Reason::from_code(number).is_none(),
                "{number} is a reason too"
            );
        }
        assert_eq!(RejectCode::from_code(500), RejectCode::Other(500));
        assert_eq!(Rejection::other(7).code(), RejectCode::Other(1_000));
    }

    // [CODE-3] [SEC-3]
    #[test]
    fn what_a_peer_says_is_bounded() {
        let long = "y".repeat(1_000);
        let read =
            Rejection::from_peer(RejectCode::Busy, Retry::After(Duration::MAX), &long, &long);
        assert_eq!(read.retry(), Retry::After(Duration::from_secs(300)));
        assert_eq!(read.explanation().map(str::len), Some(128));
        assert_eq!(read.redirect_to().map(str::len), Some(255));
        let read = Rejection::from_peer(RejectCode::Busy, Retry::Now, "", "\x07");
        assert_eq!(
            (read.redirect_to(), read.explanation()),
            (None, Some("\\u{7}"))
        );
    }

    #[test]
    fn builders_override_the_code() {
        assert_eq!(Rejection::bad_credentials().retry(), Retry::Never);
        assert_eq!(Rejection::full().never().retry(), Retry::Never);
        assert_eq!(
            Rejection::banned().retry_after(Duration::ZERO).retry(),
            Retry::After(Duration::ZERO)
        );
        assert_eq!(
            Rejection::busy(Duration::from_secs(3_600)).retry(),
            Retry::After(Duration::from_secs(300))
        );
    }
}
