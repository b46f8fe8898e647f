use std::{fmt, time::Duration};

/// Why a session ended. The end is final: nothing comes after it.
///
/// Its text says what to do next; [`blame`](Self::blame) and [`retry`](Self::retry) say it to programs.
/// Where the peer asked for another retry class, [`Closed::retry`](crate::Closed::retry) knows it.
///
/// ```
/// use sessile::{Blame, Reason, Retry};
///
/// // or two clients throw each other out for ever
/// assert_eq!(Reason::TakenOver.retry(), Retry::Never);
/// assert_eq!(Reason::Protocol.blame(), Blame::Peer);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// This side called `close`.
    ClosedHere,
    /// The other side closed.
    ClosedByPeer,
    /// The handle was dropped here without `close`.
    Dropped,
    /// The same identity logged in on another client, and the server let that one in.
    TakenOver,
    /// The same client logged in anew, usually because the answer to its first login was lost.
    Superseded,
    /// The server's host removed it (a kick).
    Removed,
    /// The link was lost and did not come back within the resume window.
    Expired,
    /// The peer does not know the session any more, or never did.
    Gone,
    /// Reconnecting was given up: by `give_up`, or because attempts, budget or resume window are used up.
    GaveUp,
    /// The login was refused; [`Closed::rejection`](crate::Closed::rejection) has the code.
    Refused,
    /// An attempt number was used that the peer had seen already: possibly a copy of this client's state runs elsewhere.
    Stale,
    /// The login did not finish before its deadline.
    LoginTimedOut,
    /// The welcome was never acknowledged, so nobody can say whether it arrived.
    NeverProven,
    /// The link was lost where it could not be replaced: during login, or with [`ReconnectMode::Never`](crate::ReconnectMode::Never).
    LinkLost,
    /// One side broke the protocol, or sent values out of range.
    Protocol,
    /// All sequence numbers (2^63) are used.
    Exhausted,
    /// The runtime was shut down here.
    Stopped,
    /// The two sides have no protocol version in common.
    Incompatible,
    /// The server's host panicked while it was called for this session.
    HostPanicked,
    /// The server is going down, and has closed the session in order; [`Closed::redirect`](crate::Closed::redirect) may say where to go.
    Draining,
}

/// Who has to change something for a failure not to happen again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(
    clippy::exhaustive_enums,
    reason = "a program that sorts failures by blame must be able to be complete"
)]
pub enum Blame {
    /// The program at the other end.
    Peer,
    /// The program that uses this library: its credentials, its configuration, its calls.
    Caller,
    /// Nobody in particular: networks, machines, load, other clients.
    Environment,
    /// This library.
    Us,
}

/// Whether trying again makes sense, and when.
///
/// ```
/// use sessile::{Reason, Retry};
/// use std::time::Duration;
///
/// let wait = match Reason::Expired.retry() {
///     Retry::Now => Some(Duration::ZERO),
///     Retry::After(wait) => Some(wait),
///     Retry::Never => None,
/// };
/// assert_eq!(wait, Some(Duration::ZERO)); // a new login can succeed at once
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(
    clippy::exhaustive_enums,
    reason = "callers decide on all three; a fourth would need every caller's decision"
)]
pub enum Retry {
    /// Try again, with the usual backoff.
    Now,
    /// Try again, but not before this time has passed (at most 5 minutes).
    After(Duration),
    /// The same attempt would fail the same way.
    Never,
}

/// The codes of [`Reason`] on the wire: the one place where they are fixed. A number is never used again for something else.
const CODES: [(u16, Reason); 20] = [
    (1, Reason::ClosedHere),
    (2, Reason::ClosedByPeer),
    (3, Reason::Dropped),
    (4, Reason::TakenOver),
    (5, Reason::Superseded),
    (6, Reason::Removed),
    (7, Reason::Expired),
    (8, Reason::Gone),
    (9, Reason::GaveUp),
    (10, Reason::Refused),
    (11, Reason::Stale),
    (12, Reason::LoginTimedOut),
    (13, Reason::NeverProven),
    (14, Reason::LinkLost),
    (15, Reason::Protocol),
    (16, Reason::Exhausted),
    (17, Reason::Stopped),
    (18, Reason::Incompatible),
    (19, Reason::HostPanicked),
    (20, Reason::Draining),
];

/// How long to leave a peer alone that was too busy to finish a login: one backoff base.
const AFTER_A_TIMEOUT: Duration = Duration::from_secs(1);

/// How long to wait where a whole series of attempts failed already: the backoff's cap, where that series stopped.
const AFTER_A_SERIES: Duration = Duration::from_secs(30);

impl Reason {
    /// The number of this reason in CLOSE and REFUSED frames, below 100.
    #[must_use]
    pub fn code(self) -> u16 {
        CODES
            .iter()
            .find(|(_, reason)| *reason == self)
            .map_or(0, |(code, _)| *code)
    }

    /// The reason with this number; `None` for numbers that this version does not know.
    #[must_use]
    pub fn from_code(code: u16) -> Option<Self> {
        CODES
            .iter()
            .find(|(known, _)| *known == code)
            .map(|(_, reason)| *reason)
    }

    /// Who has to change something.
    ///
    /// [`Removed`](Self::Removed) blames the peer, as a client sees it; in the server's own process it is its host's doing.
    #[must_use]
    pub const fn blame(self) -> Blame {
        match self {
            Self::ClosedHere
            | Self::Dropped
            | Self::Refused
            | Self::Stale
            | Self::Stopped
            | Self::HostPanicked => Blame::Caller,
            Self::ClosedByPeer | Self::Removed | Self::LoginTimedOut | Self::Protocol => {
                Blame::Peer
            }
            Self::TakenOver
            | Self::Superseded
            | Self::Expired
            | Self::Gone
            | Self::GaveUp
            | Self::NeverProven
            | Self::LinkLost
            | Self::Incompatible
            | Self::Draining => Blame::Environment,
            Self::Exhausted => Blame::Us,
        }
    }

    /// Whether a new login makes sense, as long as the peer did not ask for something else.
    #[must_use]
    pub const fn retry(self) -> Retry {
        match self {
            Self::Expired
            | Self::Gone
            | Self::Stale
            | Self::NeverProven
            | Self::LinkLost
            | Self::Exhausted => Retry::Now,
            // Nobody said that the peer should stay away: a program ended, or failed.
            Self::LoginTimedOut
            | Self::HostPanicked
            | Self::Stopped
            | Self::Dropped
            | Self::Draining => Retry::After(AFTER_A_TIMEOUT),
            Self::GaveUp => Retry::After(AFTER_A_SERIES),
            Self::ClosedHere
            | Self::ClosedByPeer
            | Self::TakenOver
            | Self::Superseded
            | Self::Removed
            | Self::Refused
            | Self::Protocol
            | Self::Incompatible => Retry::Never,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ClosedHere => "closed by this side; connect again for a new session",
            Self::ClosedByPeer => "closed by the peer; ask it before connecting again",
            Self::Dropped => "the handle was dropped; keep it, or call `close` to give a reason",
            Self::TakenOver => {
                "the same identity logged in elsewhere; logging in again would throw that one out"
            }
            Self::Superseded => "this client logged in anew; use the newer session",
            Self::Removed => "removed by the server; ask its operator before connecting again",
            Self::Expired => "the link was gone for longer than the resume window; log in again",
            Self::Gone => "the peer does not know this session any more; log in again",
            Self::GaveUp => "reconnecting was given up; check the network, then log in again",
            Self::Refused => "the login was refused; change what is offered before trying again",
            Self::Stale => {
                "this attempt was made before, possibly by a copy of this client; log in again"
            }
            Self::LoginTimedOut => "the login took longer than its deadline; try again later",
            Self::NeverProven => "the welcome was never acknowledged; log in again",
            Self::LinkLost => "the link was lost and may not be replaced; log in again",
            Self::Protocol => {
                "the two sides disagree about the protocol; update the one that breaks it"
            }
            Self::Exhausted => "all sequence numbers are used; log in again",
            Self::Stopped => "the runtime was shut down; start another one",
            Self::HostPanicked => {
                "the server's program failed at this session; mend it, log in again"
            }
            Self::Incompatible => "no protocol version in common; update the older side",
            Self::Draining => "the server is going down; log in again when and where it said",
        })
    }
}

impl fmt::Display for Blame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Peer => "the peer",
            Self::Caller => "the caller",
            Self::Environment => "the environment",
            Self::Us => "sessile itself",
        })
    }
}

impl Retry {
    /// This class with a wait that nobody can stretch beyond the bound.
    pub(super) fn bounded(self) -> Self {
        match self {
            Self::After(wait) => Self::After(wait.min(RETRY_AFTER_MAX)),
            Self::Now | Self::Never => self,
        }
    }
}

/// The longest wait a peer may ask for: a server that is drained or full knows its next minutes, and a hostile one
/// must not be able to lock clients out for a day.
pub(crate) const RETRY_AFTER_MAX: Duration = Duration::from_secs(5 * 60);

impl fmt::Display for Retry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Now => f.write_str("retry now"),
            Self::After(wait) => write!(f, "retry after {wait:?}"),
            Self::Never => f.write_str("do not retry"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // [CODE-4]
    #[test]
    fn codes_are_unique_stable_and_below_the_rejections() {
        for (index, (code, reason)) in CODES.into_iter().enumerate() {
            assert_eq!(
                usize::from(code),
                index + 1,
                "a code moved or is used twice: {reason:?}"
            );
            assert_eq!(reason.code(), code, "listed twice: {reason:?}");
            assert_eq!(Reason::from_code(code), Some(reason));
        }
        assert_eq!(
            Reason::Draining as usize + 1,
            CODES.len(),
            "a reason without a code"
        );
    }

    #[test]
    fn every_text_says_what_to_do_next() {
        for (_, reason) in CODES {
            assert!(reason.to_string().contains("; "), "{reason}");
        }
    }

    #[test]
    fn waits_are_bounded() {
        assert_eq!(
            Retry::After(Duration::MAX).bounded(),
            Retry::After(RETRY_AFTER_MAX)
        );
        assert_eq!(Retry::Never.bounded(), Retry::Never);
    }
}
