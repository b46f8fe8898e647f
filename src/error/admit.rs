use super::{Blame, RejectCode, Rejection, Retry};
use crate::{Connecting, Identity, LoggedIn, Multi, Peer, Session};
use std::fmt;

/// Another client holds the identity that a peer was to be admitted as, and it is alive: it answered a moment ago. With
/// [`sessions_per_identity`](crate::Config::sessions_per_identity): as many as may, and each of them answered.
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

    /// Who holds it; of several, whom [`take_over`](Self::take_over) would end. `None` where a holder left meanwhile: then it takes
    /// nothing from anybody.
    #[must_use]
    pub fn holder(&self) -> Option<Peer> {
        let newcomer = self.session.handle.watcher();
        newcomer.holder(self.identity.as_bytes()).map(Peer::new)
    }

    /// All who hold it, the one that logged in last first.
    #[must_use]
    pub fn holders(&self) -> Vec<Peer> {
        let sessions = self.session.handle.owner().collection();
        let holders = sessions.all_of(self.identity.as_bytes());
        holders.into_iter().map(Peer::new).collect()
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

    /// The same where the host says which of [several](Self::holders) goes. If that one has left meanwhile there is room for the
    /// newcomer; if another newcomer has that already, this is [`take_over`](Self::take_over).
    ///
    /// ```
    /// use sessile::{AdmitError, LoggedIn, Multi, Session};
    ///
    /// /// Whoever has the worst connection goes.
    /// fn decide(occupied: AdmitError) -> Session<LoggedIn, Multi> {
    ///     match occupied.holders().into_iter().max_by_key(|peer| peer.round_trip()) {
    ///         Some(slowest) => occupied.take_over_from(&slowest),
    ///         None => occupied.take_over(),
    ///     }
    /// }
    /// ```
    pub fn take_over_from(self, holder: &Peer) -> Session<LoggedIn, Multi> {
        self.session.admit_over(self.identity, holder.watcher())
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
