use super::{Blame, Closed, Rejection, Retry};
use crate::{Connecting, Session, proto::LoginFailure};
use std::fmt;

/// Why a login failed. It gives the session back, to log in with again.
///
/// ```
/// use sessile::{Connecting, LoginError, Session};
///
/// fn explain(error: LoginError) -> Session<Connecting> {
///     match error.rejection() {
///         Some(rejection) => eprintln!("the server says no ({:?})", rejection.code()),
///         None => eprintln!("no answer: {error}"),
///     }
///     error.into_session()
/// }
/// ```
#[derive(Debug)]
pub struct LoginError {
    session: Session<Connecting>,
    closed: Closed,
}

impl LoginError {
    pub(crate) fn new(session: Session<Connecting>, failure: LoginFailure) -> Self {
        let LoginFailure { closed, rejection } = failure;
        let closed = match rejection {
            Some(rejection) if closed.rejection().is_none() => closed.with_rejection(rejection),
            _ => closed,
        };
        Self { session, closed }
    }

    /// What the server said, where it was the server that refused.
    #[must_use]
    pub fn rejection(&self) -> Option<&Rejection> {
        self.closed.rejection()
    }

    /// The failure as a value to keep: reason, text, redirect.
    #[must_use]
    pub const fn closed(&self) -> &Closed {
        &self.closed
    }

    /// Who has to change something.
    #[must_use]
    pub fn blame(&self) -> Blame {
        self.closed.blame()
    }

    /// Whether to try again, and when: what the server asked for, or what the reason implies.
    #[must_use]
    pub fn retry(&self) -> Retry {
        self.closed.retry()
    }

    /// The session as it was before. The next login dials where the link is gone, which it is after a refusal.
    pub fn into_session(self) -> Session<Connecting> {
        self.session
    }

    pub(super) fn into_closed(self) -> Closed {
        self.closed
    }
}

impl fmt::Display for LoginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the login failed: ")?;
        self.closed.fmt_why(f)
    }
}

impl std::error::Error for LoginError {}
