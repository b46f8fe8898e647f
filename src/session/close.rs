use crate::{Undelivered, driver::Handle};
use futures::future::FusedFuture;
use pin_project::pin_project;
use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

/// The end of a session that was [closed](crate::Session::close), on its way: what the peer did not take.
///
/// Closing began when `close` was called. Dropping this does not stop it.
///
/// # Panics
///
/// When polled after it completed.
///
/// ```
/// use sessile::{Close, LoggedIn, Session, Undelivered};
///
/// async fn all(sessions: Vec<Session<LoggedIn>>) -> Vec<Vec<Undelivered>> {
///     let closing: Vec<Close> =
///         sessions.into_iter().map(|session| session.close("closing time")).collect();
///     futures::future::join_all(closing).await // all at once
/// }
/// ```
#[pin_project]
pub struct Close {
    /// `None` once it completed.
    handle: Option<Handle>,
    /// What was taken from it before.
    undelivered: Vec<Undelivered>,
}

impl Close {
    pub(crate) const fn new(handle: Handle, undelivered: Vec<Undelivered>) -> Self {
        Self {
            handle: Some(handle),
            undelivered,
        }
    }
}

impl Future for Close {
    type Output = Vec<Undelivered>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let handle = this
            .handle
            .as_ref()
            .expect("`Close` polled after completion");
        ready!(handle.poll_settled(cx));
        this.undelivered.append(&mut handle.take_undelivered());
        *this.handle = None;
        Poll::Ready(std::mem::take(this.undelivered))
    }
}

impl FusedFuture for Close {
    fn is_terminated(&self) -> bool {
        self.handle.is_none()
    }
}

impl fmt::Debug for Close {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Close")
            .field("session", &self.handle.as_ref().map(Handle::id))
            .finish()
    }
}
