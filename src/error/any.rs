use super::{
    AdmitError, Blame, Closed, ConfigError, ConnectError, Ended, JoinError, LoginError, Lost,
    RejectCode, Rejection, ResumeError, Retry, SendError, TooLong,
    connect::{blame_of, retry_of},
};
use crate::Mode;
use std::{fmt, io};

/// Any failure of this library, for functions that hand all of them on by `?`. One word.
///
/// It says what happened, not what to go on with: a failure that held a session, a runtime or undelivered messages lets go
/// of them when it becomes an `Error` (so the session is closed). To go on with them, match on the failure itself.
///
/// ```
/// use sessile::{Blame, Error, ErrorKind, Retry};
///
/// fn report(error: &Error) {
///     match (error.kind(), error.blame()) {
///         (ErrorKind::Config, _) => eprintln!("{error}"),
///         (_, Blame::Us) => eprintln!("please report: {error}"),
///         _ => eprintln!("{error} (again? {})", error.retry() != Retry::Never),
///     }
/// }
/// ```
#[derive(Debug)]
pub struct Error(Box<Inner>);

/// What an [`Error`] is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A limit is out of range, or does not fit another one.
    Config,
    /// A client could not connect.
    Connect,
    /// A login failed.
    Login,
    /// A session did not come back.
    Resume,
    /// An identity is held by a client that is alive.
    Occupied,
    /// A link was lost; the session lived when that was said.
    Lost,
    /// The session is over.
    Closed,
    /// The unacked window is full.
    Full,
    /// A message, an identity or a group's name is too long.
    TooLong,
    /// A session could not join a group.
    Join,
    /// Something else that the system said, such as an address that is in use.
    Io,
}

#[derive(Debug)]
enum Inner {
    Config(ConfigError),
    Connect(io::Error),
    Login(String, Closed),
    Resume(String, Closed),
    Occupied(String),
    Lost(Lost),
    Closed(Closed),
    Full,
    TooLong(TooLong),
    Join(JoinError),
    Io(io::Error),
}

impl Error {
    /// What it is about.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match &*self.0 {
            Inner::Config(_) => ErrorKind::Config,
            Inner::Connect(_) => ErrorKind::Connect,
            Inner::Login(..) => ErrorKind::Login,
            Inner::Resume(..) => ErrorKind::Resume,
            Inner::Occupied(_) => ErrorKind::Occupied,
            Inner::Lost(_) => ErrorKind::Lost,
            Inner::Closed(_) => ErrorKind::Closed,
            Inner::Full => ErrorKind::Full,
            Inner::TooLong(_) => ErrorKind::TooLong,
            Inner::Join(_) => ErrorKind::Join,
            Inner::Io(_) => ErrorKind::Io,
        }
    }

    /// Who has to change something for it not to happen again.
    #[must_use]
    pub fn blame(&self) -> Blame {
        match &*self.0 {
            Inner::Config(_) | Inner::TooLong(_) | Inner::Join(_) => Blame::Caller,
            Inner::Connect(error) | Inner::Io(error) => blame_of(error),
            Inner::Login(_, closed) | Inner::Resume(_, closed) | Inner::Closed(closed) => {
                closed.blame()
            }
            Inner::Occupied(_) => RejectCode::Occupied.blame(),
            Inner::Lost(lost) => lost.cause().blame(),
            Inner::Full => Blame::Peer,
        }
    }

    /// Whether trying again makes sense, and when.
    #[must_use]
    pub fn retry(&self) -> Retry {
        match &*self.0 {
            Inner::Config(_) | Inner::TooLong(_) | Inner::Join(_) => Retry::Never,
            Inner::Connect(error) | Inner::Io(error) => retry_of(error),
            Inner::Login(_, closed) | Inner::Resume(_, closed) | Inner::Closed(closed) => {
                closed.retry()
            }
            Inner::Occupied(_) => Rejection::new(RejectCode::Occupied).retry(),
            Inner::Lost(_) | Inner::Full => Retry::Now,
        }
    }

    /// How the session ended, where it did: reason, text, rejection, redirect.
    #[must_use]
    pub fn closed(&self) -> Option<&Closed> {
        match &*self.0 {
            Inner::Login(_, closed) | Inner::Resume(_, closed) | Inner::Closed(closed) => {
                Some(closed)
            }
            _ => None,
        }
    }

    /// What the system said, where it was the system.
    #[must_use]
    pub fn io_error(&self) -> Option<&io::Error> {
        match &*self.0 {
            Inner::Connect(error) | Inner::Io(error) => Some(error),
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Inner::Config(error) => error.fmt(f),
            Inner::Connect(error) => write!(f, "could not connect: {error}"),
            Inner::Login(text, _) | Inner::Resume(text, _) | Inner::Occupied(text) => {
                f.write_str(text)
            }
            Inner::Lost(lost) => lost.fmt(f),
            Inner::Closed(closed) => closed.fmt(f),
            Inner::Full => SendError::Full.fmt(f),
            Inner::TooLong(error) => error.fmt(f),
            Inner::Join(error) => error.fmt(f),
            Inner::Io(error) => error.fmt(f),
        }
    }
}

/// The text says all that this library knows; what is below an I/O error comes next.
impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.io_error().and_then(std::error::Error::source)
    }
}

macro_rules! from {
    ($($failure:ty, $error:ident => $inner:expr;)*) => {
        $(impl From<$failure> for Error {
            fn from($error: $failure) -> Self {
                Self(Box::new($inner))
            }
        })*
    };
}
from! {
    ConfigError, error => Inner::Config(error);
    ConnectError, error => Inner::Connect(error.into_io());
    LoginError, error => Inner::Login(error.to_string(), error.into_closed());
    AdmitError, error => Inner::Occupied(error.to_string());
    Lost, lost => Inner::Lost(lost);
    Closed, closed => Inner::Closed(closed);
    TooLong, error => Inner::TooLong(error);
    io::Error, error => Inner::Io(error);
}

impl<M: Mode> From<ResumeError<M>> for Error {
    fn from(error: ResumeError<M>) -> Self {
        let text = error.to_string();
        Self(Box::new(Inner::Resume(text, error.into_closed())))
    }
}

impl From<Ended> for Error {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Lost(lost) => lost.into(),
            Ended::Closed(closed) => closed.into(),
        }
    }
}

impl From<SendError> for Error {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Full => Self(Box::new(Inner::Full)),
            SendError::TooLong(error) => error.into(),
            SendError::Ended(ended) => ended.into(),
        }
    }
}

impl From<JoinError> for Error {
    fn from(error: JoinError) -> Self {
        match error {
            JoinError::NameTooLong(error) => error.into(),
            JoinError::Ended(closed) => closed.into(),
            error => Self(Box::new(Inner::Join(error))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Config, LossCause, Reason, wire::Violation};
    use std::{error::Error as _, time::Duration};

    #[test]
    fn each_failure_keeps_its_kind_its_blame_and_its_retry() {
        let config = Config::new().lease(Duration::ZERO).check().unwrap_err();
        let protocol = LossCause::Protocol(Violation::BadMagic).of_link(1);
        for (error, kind, blame, retry) in [
            (
                config.into(),
                ErrorKind::Config,
                Blame::Caller,
                Retry::Never,
            ),
            (protocol.into(), ErrorKind::Lost, Blame::Peer, Retry::Now),
            (
                Closed::new(Reason::TakenOver).into(),
                ErrorKind::Closed,
                Blame::Environment,
                Retry::Never,
            ),
            (
                SendError::Full.into(),
                ErrorKind::Full,
                Blame::Peer,
                Retry::Now,
            ),
            (
                SendError::from(TooLong::new(9, 8)).into(),
                ErrorKind::TooLong,
                Blame::Caller,
                Retry::Never,
            ),
            (
                JoinError::TooMany { max: 64 }.into(),
                ErrorKind::Join,
                Blame::Caller,
                Retry::Never,
            ),
            (
                io::Error::from(io::ErrorKind::ConnectionRefused).into(),
                ErrorKind::Io,
                Blame::Environment,
                Retry::Now,
            ),
            (
                io::Error::from(io::ErrorKind::InvalidInput).into(),
                ErrorKind::Io,
                Blame::Caller,
                Retry::Never,
            ),
        ] {
            let error: Error = error;
            assert_eq!((error.kind(), error.blame()), (kind, blame), "{error}");
            assert_eq!(error.retry(), retry, "{error}");
        }
    }

    #[test]
    fn nothing_is_said_twice_down_the_chain() {
        let closed = Closed::new(Reason::Expired);
        let error = Error::from(Ended::from(closed.clone()));
        assert_eq!(error.to_string(), closed.to_string());
        assert_eq!(error.closed(), Some(&closed));
        assert!(error.source().is_none());
        let ours = io::Error::other(TooLong::new(9, 8));
        let error = Error::from(ours);
        assert_eq!(error.to_string(), "9 bytes, and at most 8 are allowed");
        assert!(error.source().is_none() && error.io_error().is_some());
    }
}
