//! What rustls says of a failure, sorted by who has to change what.

use super::pin::NotPinned;
use crate::{TlsError, TlsErrorKind as Kind};
use futures_rustls::rustls::{AlertDescription as Alert, CertificateError as Bad, Error};
use std::io;

/// A handshake failed. `heard`: the other end had said something.
pub(super) fn of_handshake(error: &io::Error, heard: bool) -> TlsError {
    match of_link(error) {
        Some(error) => error,
        None if is_cut(error) && !heard => TlsError::new(Kind::HungUp, ""),
        None if is_cut(error) => TlsError::new(Kind::Cut, "in the handshake"),
        None => TlsError::new(Kind::Broken, &error.to_string()),
    }
}

/// A link failed, in its handshake or later. `None` where it was not TLS that failed.
pub(super) fn of_link(error: &io::Error) -> Option<TlsError> {
    if let Some(error) = TlsError::of(error) {
        return Some(error.clone());
    }
    let error: &Error = error.get_ref()?.downcast_ref()?;
    Some(TlsError::new(kind(error), &error.to_string()))
}

pub(super) fn no_common_protocol() -> TlsError {
    TlsError::new(Kind::NoCommonProtocol, "the other end named no protocol")
}

fn kind(error: &Error) -> Kind {
    match error {
        Error::InvalidCertificate(why) => of_certificate(why),
        Error::NoApplicationProtocol => Kind::NoCommonProtocol,
        Error::AlertReceived(alert) => of_alert(*alert),
        Error::NoCertificatesPresented => Kind::Refused,
        Error::InvalidMessage(_) => Kind::NotTls,
        Error::PeerIncompatible(_) => Kind::Incompatible,
        _ => Kind::Broken,
    }
}

fn of_certificate(why: &Bad) -> Kind {
    match why {
        Bad::Expired | Bad::ExpiredContext { .. } => Kind::Expired,
        Bad::NotValidYet | Bad::NotValidYetContext { .. } => Kind::NotYetValid,
        Bad::NotValidForName | Bad::NotValidForNameContext { .. } => Kind::WrongName,
        // A bad signature: somebody uses the name of an authority that is trusted, and not its key.
        Bad::UnknownIssuer | Bad::BadSignature => Kind::UnknownIssuer,
        Bad::Other(other) if other.0.is::<NotPinned>() => Kind::NotPinned,
        _ => Kind::BadCertificate,
    }
}

/// What the other end found wrong with us.
const fn of_alert(alert: Alert) -> Kind {
    match alert {
        Alert::NoApplicationProtocol => Kind::NoCommonProtocol,
        Alert::BadCertificate
        | Alert::UnsupportedCertificate
        | Alert::CertificateRevoked
        | Alert::CertificateExpired
        | Alert::CertificateUnknown
        | Alert::UnknownCA
        | Alert::DecryptError
        | Alert::AccessDenied
        | Alert::CertificateRequired => Kind::Refused,
        Alert::ProtocolVersion | Alert::HandshakeFailure | Alert::InsufficientSecurity => {
            Kind::Incompatible
        }
        _ => Kind::Broken,
    }
}

/// Whether the stream ended, in whatever way.
pub(super) fn is_cut(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
    )
}
