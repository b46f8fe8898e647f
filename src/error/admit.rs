use super::{Blame, RejectCode, Rejection, Retry};
use crate::{Connecting, Identity, LoggedIn, Multi, Peer, Session};
use std::fmt;

/// Another client holds the identity that a peer was to be admitted as, and it is alive: it answered a moment ago.
///
/// Dropping this turns the newcomer away without a good reason; [`reject`](Self::reject) gives it one.
///
/// ```
/// use sessile::{AdmitError, LoggedIn, Multi, Session};
/// use std::time::Duration;
///
/// /// Who is logged in keeps the place, unless the connection is bad.
/// fn decide(occupied: AdmitError) -> Option<Session<LoggedIn, Multi>> {
///     let round_trip = occupied.holder().and_then(|holder| holder.round_trip());
///     if round_trip.is_some_and(|trip| trip > Duration::from_secs(1)) {
///         Some(occupied.take_over())
///     } else {
///         occupied.reject();
///         None
///     }
/// }
/// ```
#[derive(Debug)]
#[must_use = "the peer waits: `take_over`, `reject`, or `into_session`"]
pub struct AdmitError {
    session: Session<Connecting, Multi>,
    identity: Identity,
}

impl AdmitError {
    pub(crate) const fn new(session: Session<Connecting, Multi>, identity: Identity) -> Self {
        Self { session, identity }
    }

    /// The identity in question.
    #[must_use]
    pub const fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Who holds it. `None` where the holder left meanwhile: then `take_over` takes nothing from anybody.
    #[must_use]
    pub fn holder(&self) -> Option<Peer> {
        let sessions = self.session.handle.owner().collection();
        sessions.find(self.identity.as_bytes()).map(Peer::new)
    }

    /// Who has to change something: other clients.
    #[must_use]
    pub fn blame(&self) -> Blame {
        RejectCode::Occupied.blame()
    }

    /// What the newcomer is told by `reject`: later, when the holder may have left.
    #[must_use]
    pub fn retry(&self) -> Retry {
        Rejection::new(RejectCode::Occupied).retry()
    }

    /// Lets the newcomer in all the same; the holder hears [`TakenOver`](crate::Reason::TakenOver).
    pub fn take_over(self) -> Session<LoggedIn, Multi> {
        self.session.admit(self.identity)
    }

    /// Turns the newcomer away with [`Occupied`](RejectCode::Occupied).
    pub fn reject(self) {
        self.session.reject(Rejection::new(RejectCode::Occupied));
    }

    /// The newcomer as before, to decide otherwise: to admit it as somebody else, or to reject it with another code.
    pub fn into_session(self) -> Session<Connecting, Multi> {
        self.session
    }
}

impl fmt::Display for AdmitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is logged in already, and alive", self.identity)
    }
}

impl std::error::Error for AdmitError {}
