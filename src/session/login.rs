use super::Session;
use crate::{Connecting, Credentials, LoggedIn, LoginError};
use futures::future::FusedFuture;
use pin_project::pin_project;
use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

/// A login under way: becomes the session, logged in.
///
/// It owns the session meanwhile. Dropping it closes the session; [`into_session`](Self::into_session) calls the login off
/// and gives it back.
///
/// # Panics
///
/// When polled after it completed: the session was given away.
///
/// ```
/// use futures::future::{Either, select};
/// use sessile::{Connecting, Credentials, LoggedIn, Session};
/// use std::time::Duration;
///
/// async fn hasty(
///     session: Session<Connecting>,
///     me: &Credentials,
/// ) -> Result<Session<LoggedIn>, Session<Connecting>> {
///     match select(session.login(me), smol::Timer::after(Duration::from_millis(500))).await {
///         Either::Left((Ok(session), _)) => Ok(session),
///         Either::Left((Err(error), _)) => Err(error.into_session()),
///         Either::Right((_, login)) => Err(login.into_session()), // too slow for us
///     }
/// }
/// ```
#[pin_project]
#[derive(Debug)]
#[must_use = "the session comes by awaiting it; dropping it closes the session"]
pub struct Login {
    /// `None` once it completed.
    session: Option<Session<Connecting>>,
    /// What a challenge is answered with.
    credentials: Credentials,
}

/// What is said where a future that gave its session away is asked for it.
pub(super) const GIVEN_AWAY: &str = "the future completed and gave its session away";

impl Login {
    pub(super) const fn new(session: Session<Connecting>, credentials: Credentials) -> Self {
        Self {
            session: Some(session),
            credentials,
        }
    }

    /// The session that logs in.
    ///
    /// # Panics
    ///
    /// After the future completed.
    pub fn session(&self) -> &Session<Connecting> {
        self.session.as_ref().expect(GIVEN_AWAY)
    }

    /// Calls the login off. The session is as before and can log in again; the link is dialed anew for it.
    ///
    /// Where the server has let it in meanwhile, that session is closed and another one, with a number of its own, is
    /// given back: what logs in next may be somebody else.
    ///
    /// # Panics
    ///
    /// After the future completed.
    pub fn into_session(self) -> Session<Connecting> {
        let session = self.session.expect(GIVEN_AWAY);
        Session::dialed(session.handle.cancel_login())
    }
}

impl Future for Login {
    type Output = Result<Session<LoggedIn>, LoginError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let handle = &this.session.as_ref().expect(GIVEN_AWAY).handle;
        let outcome = ready!(handle.poll_login(this.credentials, cx));
        let session = this.session.take().expect(GIVEN_AWAY);
        Poll::Ready(match outcome {
            Ok(()) => {
                let epoch = session.handle.epoch();
                Ok(session.turn(LoggedIn { epoch }))
            }
            Err(failure) => Err(LoginError::new(session, failure)),
        })
    }
}

impl FusedFuture for Login {
    fn is_terminated(&self) -> bool {
        self.session.is_none()
    }
}
