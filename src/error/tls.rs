use super::{
    Blame, Retry,
    text::{TEXT_MAX, readable},
};
use std::{fmt, io, time::Duration};

/// Why two ends did not come to an encrypted link, or lost it: who has to change something, and what.
///
/// It is inside of the [`io::Error`] of a dial: [`ConnectError::tls`](crate::ConnectError::tls) finds it there. A transport of
/// your own over another TLS library can use it too: make an `io::Error` of it.
///
/// ```
/// use sessile::{Blame, TlsError, TlsErrorKind};
/// use std::io;
///
/// let error = TlsError::new(TlsErrorKind::Expired, "not after 2026-10-01");
/// assert_eq!(error.kind().blame(), Blame::Peer); // who runs the server renews it
/// assert_eq!(TlsError::of(&io::Error::from(error.clone())), Some(&error));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsError {
    kind: TlsErrorKind,
    detail: Box<str>,
}

/// What kind of trouble an encrypted link had. "Ours" is this end, "theirs" the other one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TlsErrorKind {
    /// Their certificate has expired, by this machine's clock.
    Expired,
    /// Their certificate is not valid yet, by this machine's clock.
    NotYetValid,
    /// Their certificate is for another name than the one that was dialed.
    WrongName,
    /// Nobody whom this end trusts has signed their certificate.
    UnknownIssuer,
    /// Their certificate is another one than the pinned one.
    NotPinned,
    /// Their certificate is bad in another way: revoked, for another purpose, malformed.
    BadCertificate,
    /// They refused our certificate, or wanted one and got none.
    Refused,
    /// They do not speak `sessile/1` (ALPN): something else listens there.
    NoCommonProtocol,
    /// They hung up on the greeting without a word, as what speaks no TLS does; or the network failed in that moment.
    HungUp,
    /// They do not speak TLS: plain text to a TLS port, or the other way round.
    NotTls,
    /// No version or cipher of TLS in common. This library speaks TLS 1.3.
    Incompatible,
    /// They sent more than a handshake may need.
    TooMuch,
    /// The stream ended in the middle of the handshake, or without TLS's goodbye. What came before it is whole.
    Cut,
    /// What they sent breaks TLS, or was changed on the way.
    Broken,
}

/// How long to leave a server alone whose certificate is not to be trusted. It may be the network of this moment, such as a
/// hotel's, that answers in its place: so not for ever.
const AFTER_A_CERTIFICATE: Duration = Duration::from_secs(30);

impl TlsError {
    /// What went wrong, and what the TLS library says of it. That text can have come from the peer: it is made safe to print, and
    /// cut.
    #[must_use]
    pub fn new(kind: TlsErrorKind, detail: &str) -> Self {
        Self {
            kind,
            detail: readable(detail, TEXT_MAX),
        }
    }

    /// What went wrong.
    #[must_use]
    pub const fn kind(&self) -> TlsErrorKind {
        self.kind
    }

    /// What the TLS library said of it.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The one in this error, if it was TLS that failed.
    #[must_use]
    pub fn of(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }
}

impl TlsErrorKind {
    /// Who has to change something.
    #[must_use]
    pub const fn blame(self) -> Blame {
        match self {
            Self::Expired
            | Self::BadCertificate
            | Self::Incompatible
            | Self::TooMuch
            | Self::Broken => Blame::Peer,
            Self::WrongName
            | Self::UnknownIssuer
            | Self::NotPinned
            | Self::Refused
            | Self::NoCommonProtocol
            | Self::NotTls => Blame::Caller,
            Self::NotYetValid | Self::HungUp | Self::Cut => Blame::Environment,
        }
    }

    /// Whether the same attempt can succeed later.
    #[must_use]
    pub const fn retry(self) -> Retry {
        match self {
            Self::Expired
            | Self::NotYetValid
            | Self::WrongName
            | Self::UnknownIssuer
            | Self::NotPinned
            | Self::BadCertificate => Retry::After(AFTER_A_CERTIFICATE),
            Self::Refused
            | Self::NoCommonProtocol
            | Self::NotTls
            | Self::Incompatible
            | Self::TooMuch => Retry::Never,
            Self::HungUp | Self::Cut | Self::Broken => Retry::Now,
        }
    }

    const fn io_kind(self) -> io::ErrorKind {
        match self {
            Self::HungUp | Self::Cut => io::ErrorKind::UnexpectedEof,
            _ => io::ErrorKind::InvalidData,
        }
    }
}

impl From<TlsError> for io::Error {
    fn from(error: TlsError) -> Self {
        Self::new(error.kind.io_kind(), error)
    }
}

impl std::error::Error for TlsError {}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.detail {
            "" => self.kind.fmt(f),
            detail => write!(f, "{} ({detail})", self.kind),
        }
    }
}

impl fmt::Display for TlsErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Expired => {
                "the other end's certificate has expired; renew it there, if this machine's clock is right"
            }
            Self::NotYetValid => {
                "the other end's certificate is not valid yet; set the clock that is wrong"
            }
            Self::WrongName => {
                "the certificate is for another name; dial a name that is in it, or set the server's name"
            }
            Self::UnknownIssuer => {
                "nobody trusted has signed the certificate; give its root, or pin the certificate"
            }
            Self::NotPinned => {
                "another certificate than the pinned one; if it was renewed, pin the new one, else somebody is in between"
            }
            Self::BadCertificate => {
                "the other end's certificate is not acceptable; replace it there"
            }
            Self::Refused => {
                "the other end did not accept this end's certificate; give one that it trusts"
            }
            Self::NoCommonProtocol => {
                "the other end does not offer `sessile/1`; something else listens there, check the port"
            }
            Self::HungUp => {
                "the other end hung up on the TLS greeting; check that this port speaks TLS, or try again"
            }
            Self::NotTls => {
                "one end speaks TLS and the other does not; use TLS at both, or at none"
            }
            Self::Incompatible => {
                "no version or cipher of TLS in common; TLS 1.3 is needed at both ends"
            }
            Self::TooMuch => {
                "the other end sent more than a handshake may need; use shorter certificates"
            }
            Self::Cut => "the encrypted stream was cut; try again",
            Self::Broken => {
                "what came breaks TLS; try again, and look for what changes it on the way"
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [TlsErrorKind; 14] = [
        TlsErrorKind::Expired,
        TlsErrorKind::NotYetValid,
        TlsErrorKind::WrongName,
        TlsErrorKind::UnknownIssuer,
        TlsErrorKind::NotPinned,
        TlsErrorKind::BadCertificate,
        TlsErrorKind::Refused,
        TlsErrorKind::NoCommonProtocol,
        TlsErrorKind::HungUp,
        TlsErrorKind::NotTls,
        TlsErrorKind::Incompatible,
        TlsErrorKind::TooMuch,
        TlsErrorKind::Cut,
        TlsErrorKind::Broken,
    ];

    #[test]
    fn every_text_says_what_to_do_next() {
        assert_eq!(TlsErrorKind::Broken as usize + 1, ALL.len());
        for kind in ALL {
            assert!(kind.to_string().contains("; "), "{kind}");
        }
    }

    #[test]
    fn what_a_certificate_says_cannot_write_into_a_log() {
        let error = TlsError::new(TlsErrorKind::WrongName, &"\n\u{1b}[2J".repeat(100));
        assert!(!error.to_string().contains(['\n', '\u{1b}']));
        assert!(error.detail().len() <= TEXT_MAX);
    }
}
