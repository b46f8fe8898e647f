use super::{Blame, Retry, TlsError};
use crate::{Runtime, Single};
use std::{fmt, io};

/// Why a client could not connect. It gives the runtime back, to try again with.
///
/// ```
/// use sessile::{ConnectError, Connecting, Retry, Runtime, Session, Single};
///
/// async fn reach(mut runtime: Runtime<Single>, servers: &[&str]) -> Option<Session<Connecting>> {
///     for server in servers {
///         match runtime.connect(*server).await {
///             Ok(session) => return Some(session),
///             Err(error) => {
///                 eprintln!("{server}: {error}");
///                 runtime = error.into_runtime();
///             }
///         }
///     }
///     None
/// }
/// ```
#[derive(Debug)]
pub struct ConnectError {
    runtime: Runtime<Single>,
    error: io::Error,
}

impl ConnectError {
    pub(crate) const fn new(runtime: Runtime<Single>, error: io::Error) -> Self {
        Self { runtime, error }
    }

    /// What the transport said; [`TimedOut`](io::ErrorKind::TimedOut) after [`Config::dial_timeout`](crate::Config::dial_timeout).
    #[must_use]
    pub const fn io_error(&self) -> &io::Error {
        &self.error
    }

    /// What was wrong with the encrypted link, where it was that.
    #[must_use]
    pub fn tls(&self) -> Option<&TlsError> {
        TlsError::of(&self.error)
    }

    /// Who has to change something.
    #[must_use]
    pub fn blame(&self) -> Blame {
        blame_of(&self.error)
    }

    /// Whether the same attempt may succeed later: never with text that is no address.
    #[must_use]
    pub fn retry(&self) -> Retry {
        retry_of(&self.error)
    }

    /// The runtime that wanted to connect.
    pub fn into_runtime(self) -> Runtime<Single> {
        self.runtime
    }

    pub(super) fn into_io(self) -> io::Error {
        self.error
    }
}

/// What an I/O error says about whose doing it is: what no network can be blamed for is the caller's.
pub(super) fn blame_of(error: &io::Error) -> Blame {
    if let Some(tls) = TlsError::of(error) {
        return tls.kind().blame();
    }
    match error.kind() {
        io::ErrorKind::InvalidInput
        | io::ErrorKind::PermissionDenied
        | io::ErrorKind::AddrInUse
        | io::ErrorKind::AddrNotAvailable
        | io::ErrorKind::Unsupported => Blame::Caller,
        _ => Blame::Environment,
    }
}

pub(crate) fn retry_of(error: &io::Error) -> Retry {
    if let Some(tls) = TlsError::of(error) {
        return tls.kind().retry();
    }
    match error.kind() {
        io::ErrorKind::InvalidInput
        | io::ErrorKind::PermissionDenied
        | io::ErrorKind::Unsupported => Retry::Never,
        _ => Retry::Now,
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "could not connect: {}", self.error)
    }
}

impl std::error::Error for ConnectError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        // The text has the error itself: what is below it comes next.
        self.error.source()
    }
}
