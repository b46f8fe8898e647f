use super::{Blame, Closed, Retry, TlsError, TlsErrorKind};
use crate::wire::Violation;
use std::{fmt, io};

/// Why a logged-in session cannot go on for now, or at all.
///
/// ```
/// use sessile::{Ended, Retry};
///
/// fn worth_another_try(ended: &Ended) -> bool {
///     match ended {
///         // the session still lives: `session.reconnect(lost).resume().await`
///         Ended::Lost(_) => true,
///         Ended::Closed(closed) => closed.retry() != Retry::Never,
///     }
/// }
/// ```
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[expect(
    clippy::exhaustive_enums,
    reason = "the loop that reconnects must be complete with these two"
)]
pub enum Ended {
    /// The link is gone, the session is not: `reconnect` takes this evidence.
    #[error(transparent)]
    Lost(#[from] Lost),
    /// The session is over.
    #[error(transparent)]
    Closed(#[from] Closed),
}

/// Evidence that a session lost its link: what `Session::reconnect` asks for.
///
/// Only a session makes it, once for every loss, and it cannot be cloned, so a working session is not torn down by
/// mistake. Evidence that became stale is harmless: `resume` then finds the link up.
///
/// ```
/// fn report(lost: &sessile::Lost) {
///     eprintln!("link {} went down: {}", lost.epoch(), lost.cause());
/// }
/// ```
#[derive(Debug, PartialEq, Eq)]
#[must_use = "the session waits: `session.reconnect(lost).resume().await`"]
pub struct Lost {
    epoch: u64,
    cause: LossCause,
}

/// How a link was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LossCause {
    /// Nothing was heard from the peer for a whole lease.
    Silence,
    /// The peer, or something between, ended the stream.
    ClosedByPeer,
    /// The transport failed.
    Io(io::ErrorKind),
    /// The encryption of the link failed, or its stream was cut.
    Tls(TlsErrorKind),
    /// The peer sent what the protocol does not allow.
    Protocol(Violation),
    /// The peer took no bytes for longer than `stalled_write`.
    WriteStalled,
    /// The peer came back on a newer link, which replaces this one.
    Replaced,
}

impl Lost {
    /// The number of the link that was lost: 1 for the first one of a session, and growing.
    #[must_use]
    pub const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// How it was lost.
    #[must_use]
    pub const fn cause(&self) -> LossCause {
        self.cause
    }
}

impl LossCause {
    /// The evidence that link `epoch` was lost like this. No function of [`Lost`]'s own: to whoever tries to forge one, the
    /// compiler would propose it.
    pub(crate) const fn of_link(self, epoch: u64) -> Lost {
        Lost { epoch, cause: self }
    }

    /// What a transport's error says.
    pub(crate) fn of_io(error: &io::Error) -> Self {
        match TlsError::of(error) {
            Some(tls) => Self::Tls(tls.kind()),
            None => Self::Io(error.kind()),
        }
    }

    /// Whether a login that was lost like this can be tried again.
    pub(crate) const fn retry(self) -> Retry {
        match self {
            Self::Tls(tls) => tls.retry(),
            _ => Retry::Now,
        }
    }

    /// A short name without the details, for counters and filters: `silence`, `io`, …
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Silence => "silence",
            Self::ClosedByPeer => "closed-by-peer",
            Self::Io(_) => "io",
            Self::Tls(_) => "tls",
            Self::Protocol(_) => "protocol",
            Self::WriteStalled => "write-stalled",
            Self::Replaced => "replaced",
        }
    }

    /// Who has to change something, if anybody.
    #[must_use]
    pub const fn blame(self) -> Blame {
        match self {
            Self::Tls(tls) => tls.blame(),
            Self::Protocol(_) | Self::WriteStalled => Blame::Peer,
            Self::Silence | Self::ClosedByPeer | Self::Io(_) | Self::Replaced => Blame::Environment,
        }
    }
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.epoch == 0 {
            return f.write_str("there is no link yet; log in, or wait for it");
        }
        write!(
            f,
            "link {} was lost: {}; reconnect and resume",
            self.epoch, self.cause
        )
    }
}

impl std::error::Error for Lost {}

impl fmt::Display for LossCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Silence => f.write_str("nothing heard from the peer for a whole lease"),
            Self::ClosedByPeer => f.write_str("the other end closed the stream"),
            Self::Io(kind) => write!(f, "the transport failed: {kind}"),
            Self::Tls(kind) => kind.fmt(f),
            Self::Protocol(violation) => write!(f, "the peer broke the protocol: {violation}"),
            Self::WriteStalled => f.write_str("the peer took no bytes for too long"),
            Self::Replaced => f.write_str("the peer came back on a newer link"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Reason;

    #[test]
    fn a_loss_says_which_link_and_why() {
        let lost = LossCause::Io(io::ErrorKind::ConnectionReset).of_link(3);
        assert_eq!(
            (lost.epoch(), lost.cause().blame()),
            (3, Blame::Environment)
        );
        let text = Ended::from(lost).to_string();
        assert_eq!(
            text,
            "link 3 was lost: the transport failed: connection reset; reconnect and resume"
        );
        assert_eq!(
            LossCause::Protocol(Violation::BadMagic).blame(),
            Blame::Peer
        );
    }

    #[test]
    fn a_close_reads_as_itself() {
        let closed = Closed::new(Reason::Expired);
        assert_eq!(Ended::from(closed.clone()).to_string(), closed.to_string());
    }
}
