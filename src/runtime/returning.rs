use std::{fmt, future::Future, net::SocketAddr, sync::Arc};

use bytes::Bytes;

use super::{Peer, Runtime};
use crate::{Identity, Multi, Rejection, driver::ReturnParts};

/// A session that is about to come back: its peer has proven its secret on a new link, and waits for the program to let it.
/// See [`Runtime::readmit_with`].
#[derive(Clone)]
pub struct Returning {
    peer: Peer,
    /// Whose link it is until then.
    stranger: Peer,
}

impl Returning {
    /// The session, as it stands: its link is lost, or about to be replaced.
    #[must_use]
    pub const fn peer(&self) -> &Peer {
        &self.peer
    }

    /// Whose session it is. `None` where it has ended and was forgotten while this was asked.
    #[must_use]
    pub fn identity(&self) -> Option<Identity> {
        self.peer.identity()
    }

    /// Where the new link comes from, if the transport knows.
    #[must_use]
    pub fn remote_addr(&self) -> Option<SocketAddr> {
        self.stranger.snapshot()?.remote_addr
    }

    /// The certificates (DER) that the client has proven to hold on the new link, its own first; `None` where the transport asks for
    /// none, and where it has none. Those of the link before are [`peer().certificates()`](Peer::certificates) until the session is back.
    #[must_use]
    pub fn certificates(&self) -> Option<Arc<[Bytes]>> {
        self.stranger.certificates()
    }
}

/// A server that looks at who comes back.
impl Runtime<Multi> {
    /// Asks `check` from now on about each session that comes back, by whatever listener it came in, after its peer has proven its
    /// secret and before anything else happens: who was banned since its login does not come back by resume. Without it nobody is
    /// asked, and it costs nothing. A later one replaces an earlier one.
    ///
    /// Until the answer the session is as it was (a link that is not known to be lost yet goes on), and the peer is a
    /// stranger like one that logs in: it holds one of [`Config::pending_logins`](crate::Config::pending_logins) places, and must be let back within the
    /// [`Config::login_deadline`](crate::Config::login_deadline), at which the future is dropped. At most [`Config::admits_at_once`](crate::Config::admits_at_once) run at the same
    /// time, logins included; who comes back passes before who is new. Nothing that the peer sends is handed to anybody, and it is told nothing.
    ///
    /// | answer | then |
    /// |---|---|
    /// | `Ok` | it is back, if its secret is still good and the session has not ended meanwhile |
    /// | [`Rejection::busy`], [`Rejection::full`]; a panic | the session stays, and the client comes again after the time that is said |
    /// | any other [`Rejection`] | the session ends with [`Reason::Removed`](crate::Reason::Removed); its peer hears the code, the text, whether to log in anew ([`Closed::rejection`](crate::Closed::rejection)) |
    ///
    /// A session that has a link is not looked at: whoever is banned while it is there is [removed](crate::Sessions::remove).
    ///
    /// What `check` captures lives as long as the runtime: a [`Sessions`](crate::Sessions) is well there, while the `Runtime` itself would never stop.
    ///
    /// ```
    /// use sessile::{Config, Multi, Rejection, Returning, Runtime};
    /// use std::{
    ///     collections::HashSet,
    ///     sync::{Arc, Mutex},
    /// };
    ///
    /// let banned: Arc<Mutex<HashSet<u64>>> = Arc::default();
    /// let server = Runtime::<Multi>::start(Config::new())?;
    /// let list = banned.clone();
    /// server.readmit_with(move |returning: Returning| {
    ///     let list = list.clone();
    ///     async move {
    ///         // or a question to a database
    ///         let account = returning.identity().and_then(|who| who.as_u64());
    ///         match account.is_some_and(|account| list.lock().unwrap().contains(&account)) {
    ///             true => Err(Rejection::banned().text("until Monday")),
    ///             false => Ok(()),
    ///         }
    ///     }
    /// });
    /// # Ok::<(), sessile::ConfigError>(())
    /// ```
    pub fn readmit_with<F, Fut>(&self, check: F)
    where
        F: Fn(Returning) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), Rejection>> + Send + 'static,
    {
        let check = Arc::new(check);
        self.owner.recheck(Arc::new(move |parts: ReturnParts| {
            let returning = Returning {
                peer: Peer::new(parts.session),
                stranger: Peer::new(parts.stranger),
            };
            let check = Arc::clone(&check);
            // Called where it is polled, so that a panic of its own is one of the future.
            Box::pin(async move { check(returning).await })
        }));
    }
}

impl fmt::Debug for Returning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Returning")
            .field("peer", &self.peer)
            .field("remote_addr", &self.remote_addr())
            .finish_non_exhaustive()
    }
}
