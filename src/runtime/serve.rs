use std::{fmt, io, net::SocketAddr, panic::AssertUnwindSafe, sync::Arc};

use futures::FutureExt;

use crate::{
    Admission, Admit, Closed, Connecting, Event, Host, LoggedIn, Message, Multi, Session, Takeover,
    Turn, Undelivered,
    driver::{Admitting, Gate, Hosted, Owner, Watcher},
    host::Attached,
    transport::DynAccept,
};

/// A listener whose peers a [`Host`] serves: [`Runtime::serve`](crate::Runtime::serve).
///
/// It keeps its runtime alive. Dropping it stops listening and closes the sessions that came in by it; the host hears of
/// each end.
///
/// ```
/// use sessile::{Config, ConfigError, Host, Multi, Runtime, Serving, transport::memory::Network};
///
/// /// Two hosts, one collection of sessions.
/// fn start(game: impl Host, chat: impl Host) -> Result<[Serving; 2], ConfigError> {
///     let server = Runtime::<Multi>::start(Config::new())?; // the two `Serving`s keep it alive
///     let (game_net, chat_net) = (Network::new(), Network::new());
///     Ok([
///         server.serve_over(game_net.listener(), game),
///         server.serve_over(chat_net.listener(), chat),
///     ])
/// }
/// ```
#[must_use = "dropping it stops serving"]
pub struct Serving {
    gate: Gate,
}

impl Serving {
    pub(super) fn new<H: Host>(owner: &Owner, acceptor: Box<dyn DynAccept>, host: H) -> Self {
        let gate = owner.gate(acceptor);
        let host = Arc::new(host);
        let admit = admitting(
            Arc::clone(&host),
            move |session: Session<LoggedIn, Multi>, peer| {
                session.handle.host(Box::new(Served {
                    host: Arc::clone(&host),
                    peer,
                }));
            },
        );
        gate.employ(admit, true);
        Self { gate }
    }

    /// Where it listens, with the port that the system chose; `None` where the transport has no addresses.
    #[must_use]
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.gate.local_addr()
    }

    /// Why nobody comes any more, where the system says that this is no listener any more (its socket was closed behind our back).
    /// A lack of open files does not end it: it rests and goes on. Sessions that came in before go on in any case.
    #[must_use]
    pub fn failure(&self) -> Option<io::Error> {
        self.gate.failure()
    }
}

/// How a peer is let in without a door: judged by `admit`, and handed on once it is logged in.
pub(super) fn admitting<A: Admit>(
    admit: Arc<A>,
    enter: impl Fn(Session<LoggedIn, Multi>, A::Peer) + Send + Sync + 'static,
) -> Admitting {
    let enter = Arc::new(enter);
    Arc::new(move |handle| {
        let (admit, enter) = (Arc::clone(&admit), Arc::clone(&enter));
        Box::pin(async move {
            // It left while it waited, or it is judged: one box a login.
            let Some(session) = Session::accepted(handle) else {
                return;
            };
            let verdict = AssertUnwindSafe(admit.admit(session.offer()))
                .catch_unwind()
                .await;
            match verdict {
                Ok(Ok(admission)) => let_in(session, admission, &*enter).await,
                Ok(Err(why)) => session.reject(why),
                Err(_panic) => drop(session), // the peer hears that the server is busy
            }
        })
    })
}

async fn let_in<P>(
    session: Session<Connecting, Multi>,
    admission: Admission<P>,
    enter: &(dyn Fn(Session<LoggedIn, Multi>, P) + Send + Sync),
) {
    let Admission {
        identity,
        peer,
        replaces,
        over,
        limits,
        reserved,
        metadata,
    } = admission;
    if let Some(limits) = limits {
        session.set_limits(limits);
    }
    if reserved {
        session.set_reserved();
    }
    if let Some(Attached(metadata)) = metadata {
        // A peer that has left meanwhile needs none.
        session.handle.watcher().attach(metadata).ok();
    }
    let replaces = replaces && session.handle.owner().settings().takeover == Takeover::Ask;
    if replaces {
        let session = match over {
            Some(over) => session.admit_over(identity, &over),
            None => session.admit(identity),
        };
        return enter(session, peer);
    }
    match session.try_admit(identity).await {
        Ok(session) => enter(session, peer),
        Err(occupied) => occupied.reject(),
    }
}

/// One peer of one host, as the driver calls it.
struct Served<H: Host> {
    host: Arc<H>,
    peer: H::Peer,
}

impl<H: Host> Hosted for Served<H> {
    fn message(&mut self, peer: &Watcher, message: Message<'_>) {
        self.host
            .on_message(&mut Turn::new(&mut self.peer, peer), message);
    }

    fn event(&mut self, event: &Event) {
        self.host.on_event(event);
    }

    fn end(self: Box<Self>, why: Closed, undelivered: Vec<Undelivered>) {
        let Self { host, peer } = *self;
        host.on_end(peer, why, undelivered);
    }
}

impl fmt::Debug for Serving {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Serving")
            .field("local_addr", &self.local_addr())
            .finish_non_exhaustive()
    }
}
