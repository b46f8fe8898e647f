use super::{Session, login::GIVEN_AWAY};
use crate::{
    AdmitError, Connecting, Identity, LoggedIn, Multi, Takeover,
    driver::{Place, Probing},
};
use futures::future::FusedFuture;
use pin_project::pin_project;
use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

/// An admission that asks first whether the identity's holders live: becomes the session, logged in.
///
/// It owns the session meanwhile. Dropping it turns the peer away; [`into_session`](Self::into_session) gives it back.
///
/// # Panics
///
/// When polled after it completed: the session was given away.
///
/// ```
/// use sessile::{Connecting, LoggedIn, Multi, Session};
///
/// /// Whoever comes second throws the first one out, who hears of it before.
/// async fn polite(
///     session: Session<Connecting, Multi>,
///     account: u64,
/// ) -> Session<LoggedIn, Multi> {
///     match session.try_admit(account).await {
///         Ok(session) => session,
///         Err(occupied) => {
///             if let Some(holder) = occupied.holder() {
///                 holder.try_send("logged in elsewhere").ok();
///             }
///             occupied.take_over()
///         }
///     }
/// }
/// ```
#[pin_project]
#[must_use = "the session comes by awaiting it; dropping it turns the peer away"]
pub struct TryAdmit {
    /// `None` once it completed.
    session: Option<Session<Connecting, Multi>>,
    identity: Identity,
    probing: Option<Probing>,
}

impl TryAdmit {
    pub(super) const fn new(session: Session<Connecting, Multi>, identity: Identity) -> Self {
        Self {
            session: Some(session),
            identity,
            probing: None,
        }
    }

    /// The session that is to be admitted.
    ///
    /// # Panics
    ///
    /// After the future completed.
    pub fn session(&self) -> &Session<Connecting, Multi> {
        self.session.as_ref().expect(GIVEN_AWAY)
    }

    /// Stops asking. The peer waits on, until the login deadline.
    ///
    /// # Panics
    ///
    /// After the future completed.
    pub fn into_session(self) -> Session<Connecting, Multi> {
        self.session.expect(GIVEN_AWAY)
    }
}

impl Future for TryAdmit {
    type Output = Result<Session<LoggedIn, Multi>, AdmitError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let handle = &this.session.as_ref().expect(GIVEN_AWAY).handle;
        let asks = handle.owner().settings().takeover != Takeover::Replace;
        let place = if asks {
            ready!(handle.poll_place(this.identity, this.probing, cx))
        } else {
            Place::Free
        };
        let session = this.session.take().expect(GIVEN_AWAY);
        let identity = this.identity.clone();
        Poll::Ready(match place {
            Place::Free => Ok(session.admit(identity)),
            Place::Silent(holder) => Ok(session.admit_over(identity, &holder)),
            Place::Held => Err(AdmitError::new(session, identity)),
        })
    }
}

impl FusedFuture for TryAdmit {
    fn is_terminated(&self) -> bool {
        self.session.is_none()
    }
}

impl fmt::Debug for TryAdmit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TryAdmit")
            .field("session", &self.session)
            .field("identity", &self.identity)
            .field("probing", &self.probing.is_some())
            .finish()
    }
}
