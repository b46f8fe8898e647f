use super::Runtime;
use crate::{
    ConnectError, Connecting, Session, Single,
    driver::{Dialing, Owner},
    transport::DynDial,
};
use futures::future::FusedFuture;
use pin_project::pin_project;
use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

/// A client on its way to a server: becomes its session.
///
/// It owns the runtime meanwhile. Dropping it stops the runtime; [`into_runtime`](Self::into_runtime) gives it back.
///
/// # Panics
///
/// When polled after it completed: the runtime was given away.
///
/// ```
/// use futures::future::{Either, select};
/// use sessile::{Connecting, Runtime, Session, Single};
/// use std::time::Duration;
///
/// async fn hasty(
///     runtime: Runtime<Single>,
///     server: &str,
/// ) -> Result<Session<Connecting>, Runtime<Single>> {
///     match select(runtime.connect(server), smol::Timer::after(Duration::from_millis(300))).await
///     {
///         Either::Left((Ok(session), _)) => Ok(session),
///         Either::Left((Err(error), _)) => Err(error.into_runtime()),
///         Either::Right((_, connect)) => Err(connect.into_runtime()), // too far for us
///     }
/// }
/// ```
#[pin_project]
#[must_use = "nothing is dialed before it is awaited; dropping it stops the runtime"]
pub struct Connect {
    /// `None` once it completed.
    attempt: Option<Attempt>,
}

struct Attempt {
    owner: Owner,
    dialer: Arc<dyn DynDial>,
    dialing: Dialing,
}

impl Connect {
    pub(super) fn new(owner: Owner, dialer: Arc<dyn DynDial>) -> Self {
        let dialing = owner.dial(&dialer);
        Self {
            attempt: Some(Attempt {
                owner,
                dialer,
                dialing,
            }),
        }
    }

    /// Stops dialing.
    ///
    /// # Panics
    ///
    /// After the future completed.
    pub fn into_runtime(self) -> Runtime<Single> {
        Runtime::of(self.attempt.expect(GIVEN_AWAY).owner)
    }
}

const GIVEN_AWAY: &str = "the future completed and gave its runtime away";

impl Future for Connect {
    type Output = Result<Session<Connecting>, ConnectError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let attempt = this.attempt.as_mut().expect(GIVEN_AWAY);
        let outcome = ready!(Pin::new(&mut attempt.dialing).poll(cx));
        let Attempt { owner, dialer, .. } = this.attempt.take().expect(GIVEN_AWAY);
        Poll::Ready(match outcome {
            Ok(link) => Ok(Session::dialed(owner.connected(dialer, link))),
            Err(error) => Err(ConnectError::new(Runtime::of(owner), error)),
        })
    }
}

impl FusedFuture for Connect {
    fn is_terminated(&self) -> bool {
        self.attempt.is_none()
    }
}

impl fmt::Debug for Connect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connect")
            .field("completed", &self.is_terminated())
            .finish_non_exhaustive()
    }
}
