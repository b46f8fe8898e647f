//! Nobody is logged in: what a client and what a server may do about it.

use super::{Login, Offer, Session, TryAdmit};
use crate::{
    Connecting, Credentials, Identity, IntoIdentity, Limits, LoggedIn, Multi, Rejection,
    driver::{Handle, Watcher},
};
use std::sync::Arc;

/// A client's session before login.
impl Session<Connecting> {
    /// A client's session; its link may be up, or be dialed when it logs in.
    pub(crate) const fn dialed(handle: Handle) -> Self {
        Self::new(handle, Connecting { offer: None })
    }

    /// Logs in, and dials again first where the link is gone. It begins now; awaiting it waits for the answer, for
    /// [`Config::login_deadline`](crate::Config::login_deadline) at most.
    ///
    /// The credentials are only looked at: a session that expired later logs in with them again.
    ///
    /// # Errors
    ///
    /// [`LoginError`](crate::LoginError) where the server refuses, does not answer, or is not to be reached. It says why,
    /// whether trying again makes sense, and gives the session back.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes the session. To go on with it, take it back with
    /// [`Login::into_session`]: the login is called off.
    ///
    /// ```
    /// use sessile::{Connecting, Credentials, LoggedIn, LoginError, Retry, Session};
    ///
    /// async fn patient(
    ///     mut session: Session<Connecting>,
    ///     me: &Credentials,
    /// ) -> Result<Session<LoggedIn>, LoginError> {
    ///     loop {
    ///         let error = match session.login(me).await {
    ///             Ok(session) => return Ok(session),
    ///             Err(error) => error,
    ///         };
    ///         match error.retry() {
    ///             Retry::Never => return Err(error),
    ///             Retry::Now => smol::Timer::after(std::time::Duration::from_secs(1)).await,
    ///             Retry::After(wait) => smol::Timer::after(wait).await,
    ///         };
    ///         session = error.into_session();
    ///     }
    /// }
    /// ```
    pub fn login(self, credentials: &Credentials) -> Login {
        self.handle.login(credentials);
        Login::new(self, credentials.clone())
    }
}

/// A server's session before login: a peer has presented itself and waits to be judged, until the login deadline.
impl Session<Connecting, Multi> {
    /// From the door; `None` where the peer left before anybody looked.
    pub(crate) fn accepted(handle: Handle) -> Option<Self> {
        let offer = Offer::new(handle.offer()?, handle.watcher());
        let offer = Some(Arc::new(offer));
        Some(Self::new(handle, Connecting { offer }))
    }

    /// What the peer presented.
    ///
    /// ```
    /// use sessile::{Connecting, Multi, Session};
    ///
    /// fn from_here(session: &Session<Connecting, Multi>) -> bool {
    ///     session.offer().remote_addr().is_some_and(|addr| addr.ip().is_loopback())
    /// }
    /// ```
    #[must_use]
    pub fn offer(&self) -> &Offer {
        let offer = self.state.offer.as_deref();
        offer.expect("a server's session is made with its offer")
    }

    /// Lets the peer in as `identity`. A live session of the same identity is replaced, whatever
    /// [`Config::takeover`](crate::Config::takeover) says: its end hears [`TakenOver`](crate::Reason::TakenOver). With
    /// [`sessions_per_identity`](crate::Config::sessions_per_identity) that is where as many live as may; one that has no link goes
    /// first, and of equals the one that logged in first.
    ///
    /// It cannot fail. Where the peer has left meanwhile, or the server is full, the session returned is over, and its
    /// first use says so.
    ///
    /// ```
    /// use sessile::{Connecting, Identity, LoggedIn, Multi, Session, TooLong};
    ///
    /// fn by_name(
    ///     session: Session<Connecting, Multi>,
    ///     name: &str,
    /// ) -> Result<Session<LoggedIn, Multi>, TooLong> {
    ///     Ok(session.admit(Identity::new(name)?)) // text may be too long for an identity
    /// }
    ///
    /// fn by_number(session: Session<Connecting, Multi>, account: u64) -> Session<LoggedIn, Multi> {
    ///     session.admit(account)
    /// }
    /// ```
    pub fn admit(self, identity: impl IntoIdentity) -> Session<LoggedIn, Multi> {
        let epoch = self.handle.admit(identity.into_identity(), None);
        self.turn(LoggedIn { epoch })
    }

    /// The same, where this one is to make room if it is among those that may have to.
    pub(crate) fn admit_over(self, identity: Identity, over: &Watcher) -> Session<LoggedIn, Multi> {
        let epoch = self.handle.admit(identity, Some(over));
        self.turn(LoggedIn { epoch })
    }

    /// Lets the peer in as `identity`, unless another client holds that identity and is alive: then the answer is
    /// [`AdmitError`](crate::AdmitError), and what to do about it is the caller's decision.
    ///
    /// With [`sessions_per_identity`](crate::Config::sessions_per_identity) that is: as many other clients as may, and all of them are
    /// alive. "Alive" is found out, not assumed: a holder is probed and has a quarter of its lease (at most 1 s) to answer,
    /// so a client that comes back never waits for its own ghost. With [`Takeover::Replace`](crate::Takeover::Replace)
    /// nobody is probed, and this is [`admit`](Self::admit).
    ///
    /// # Errors
    ///
    /// [`AdmitError`](crate::AdmitError) where the identity is held; it gives the session back.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future turns the peer away. To go on with it, take it back with [`TryAdmit::into_session`].
    ///
    /// ```
    /// use sessile::{Connecting, LoggedIn, Multi, Session};
    ///
    /// async fn first_come(
    ///     session: Session<Connecting, Multi>,
    ///     account: u64,
    /// ) -> Option<Session<LoggedIn, Multi>> {
    ///     match session.try_admit(account).await {
    ///         Ok(session) => Some(session),
    ///         Err(occupied) => {
    ///             occupied.reject(); // the newcomer hears `Occupied`
    ///             None
    ///         }
    ///     }
    /// }
    /// ```
    pub fn try_admit(self, identity: impl IntoIdentity) -> TryAdmit {
        TryAdmit::new(self, identity.into_identity())
    }

    /// Gives the peer limits of its own, should it be admitted. To attach something to its session before anybody hears that it is
    /// there, [`peer().set_metadata`](crate::Peer::set_metadata) works before admission, too.
    ///
    /// ```
    /// use sessile::{Connecting, Limits, LoggedIn, Multi, Session};
    ///
    /// fn guest(session: Session<Connecting, Multi>, limits: Limits) -> Session<LoggedIn, Multi> {
    ///     session.set_limits(limits);
    ///     session.admit(fastrand::u64(..))
    /// }
    /// ```
    pub fn set_limits(&self, limits: Limits) {
        self.handle.set_limits(limits);
    }

    /// Lets the peer have one of the places that are [kept](crate::Config::reserved_sessions), should it be admitted.
    ///
    /// ```
    /// use sessile::{Connecting, LoggedIn, Multi, Session};
    ///
    /// fn operator(session: Session<Connecting, Multi>, account: u64) -> Session<LoggedIn, Multi> {
    ///     session.set_reserved();
    ///     session.admit(account)
    /// }
    /// ```
    pub fn set_reserved(&self) {
        self.handle.set_reserved();
    }

    /// Turns the peer away: it hears the code, whether and when to come back, and the text. Then the session is over.
    ///
    /// ```
    /// use sessile::{Connecting, Multi, Rejection, Session};
    ///
    /// fn closed_for_today(session: Session<Connecting, Multi>) {
    ///     session.reject(Rejection::full().text("the season is over").never());
    /// }
    /// ```
    pub fn reject(self, why: Rejection) {
        self.handle.reject(&why);
    }
}
