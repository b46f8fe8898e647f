use super::{Session, login::GIVEN_AWAY};
use crate::{LoggedIn, Mode, Reconnecting, ResumeError, Single};
use futures::future::FusedFuture;
use pin_project::pin_project;
use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

/// A session on its way back: becomes the session, logged in.
///
/// It owns the session meanwhile. Dropping it closes the session; [`into_session`](Self::into_session) gives it back.
///
/// # Panics
///
/// When polled after it completed: the session was given away.
///
/// ```
/// use smol::future::{block_on, poll_once};
/// use sessile::{LoggedIn, Resume, Session};
///
/// enum Net {
///     Live(Session<LoggedIn>),
///     Healing(Resume),
///     Over,
/// }
///
/// /// Once a frame, without async.
/// fn frame(net: Net) -> Net {
///     match net {
///         Net::Healing(mut resume) => match block_on(poll_once(&mut resume)) {
///             None => Net::Healing(resume),
///             Some(Ok(session)) => Net::Live(session),
///             Some(Err(_gone)) => Net::Over,
///         },
///         other => other,
///     }
/// }
/// ```
#[pin_project]
#[derive(Debug)]
#[must_use = "the session comes by awaiting it; dropping it closes the session"]
pub struct Resume<M: Mode = Single> {
    /// `None` once it completed.
    session: Option<Session<Reconnecting, M>>,
}

impl<M: Mode> Resume<M> {
    pub(super) const fn new(session: Session<Reconnecting, M>) -> Self {
        Self {
            session: Some(session),
        }
    }

    /// The session that comes back.
    ///
    /// # Panics
    ///
    /// After the future completed.
    pub fn session(&self) -> &Session<Reconnecting, M> {
        self.session.as_ref().expect(GIVEN_AWAY)
    }

    /// Stops waiting. With [`ReconnectMode::OnResume`](crate::ReconnectMode::OnResume) a client stops dialing, too; the
    /// resume window goes on.
    ///
    /// # Panics
    ///
    /// After the future completed.
    pub fn into_session(self) -> Session<Reconnecting, M> {
        let session = self.session.expect(GIVEN_AWAY);
        session.handle.want(false);
        session
    }
}

impl<M: Mode> Future for Resume<M> {
    type Output = Result<Session<LoggedIn, M>, ResumeError<M>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let handle = &this.session.as_ref().expect(GIVEN_AWAY).handle;
        let outcome = ready!(handle.poll_resume(cx));
        let session = this.session.take().expect(GIVEN_AWAY);
        session.handle.want(false); // the next loss is for the next `resume`
        Poll::Ready(match outcome {
            Ok(epoch) => Ok(session.turn(LoggedIn { epoch })),
            Err(closed) => Err(ResumeError::new(session, closed)),
        })
    }
}

impl<M: Mode> FusedFuture for Resume<M> {
    fn is_terminated(&self) -> bool {
        self.session.is_none()
    }
}
