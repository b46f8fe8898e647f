use std::{
    collections::HashMap,
    fmt,
    future::poll_fn,
    io,
    iter::FusedIterator,
    net::SocketAddr,
    sync::{Arc, PoisonError},
};

use super::serve::admitting;
use crate::{
    Admit, Closed, Event, LoggedIn, Message, Multi, Peer, Session, Undelivered,
    driver::{Gate, Item, Owner},
    sync::{Mutex, MutexGuard},
    transport::DynAccept,
};

/// A listener whose peers' messages wait until they are asked for: [`Runtime::intake`](crate::Runtime::intake). For
/// programs with a beat of their own, such as a game server that asks once a tick.
///
/// What waits is bounded by the peers' windows: a program that asks too seldom slows its peers down, loses nothing and
/// grows no further. Heartbeats go on meanwhile.
///
/// It keeps its runtime alive. Dropping it stops listening and closes the sessions that came in by it.
///
/// ```
/// use sessile::{Inbox, Incoming, What};
///
/// /// Once a tick; never blocks.
/// fn tick(inbox: &mut Inbox<String>, players: &mut Vec<Option<String>>) {
///     for Incoming { peer, what, .. } in inbox.drain() {
///         if players.len() <= peer.index() {
///             players.resize(peer.index() + 1, None);
///         }
///         match what {
///             What::Joined(name) => players[peer.index()] = Some(name),
///             What::Message(message) => {
///                 println!("{:?}: {} bytes", players[peer.index()], message.len())
///             }
///             What::Ended { why, .. } => {
///                 println!("{:?} left: {why}", players[peer.index()].take())
///             }
///             _ => {}
///         }
///     }
/// }
/// ```
#[must_use = "dropping it stops listening"]
pub struct Inbox<P> {
    gate: Gate,
    joined: Joined<P>,
}

/// What is kept for peers that have been let in and of which the inbox has not told yet.
type Joined<P> = Arc<Mutex<HashMap<u64, P>>>;

/// What came in since the last time, one thing after the other: [`Inbox::drain`].
pub struct Drain<'a, P> {
    inbox: &'a mut Inbox<P>,
    /// Things to tell, at most, so that peers who send faster than this tells do not hold it for ever.
    left: usize,
}

/// One thing that came in.
#[derive(Debug)]
#[non_exhaustive]
pub struct Incoming<P> {
    /// From whom.
    pub peer: Peer,
    /// What.
    pub what: What<P>,
}

/// What came in.
///
/// ```
/// use sessile::What;
///
/// fn describe(what: &What<String>) -> String {
///     match what {
///         What::Joined(name) => format!("{name} came in"),
///         What::Message(message) => format!("{} bytes", message.len()),
///         What::Event(event) => event.to_string(),
///         What::Ended { why, undelivered, .. } => format!("{why}; {} unread", undelivered.len()),
///         _ => String::new(),
///     }
/// }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum What<P> {
    /// The peer was let in. First for every peer; here is what is kept for it.
    Joined(P),
    /// A message.
    Message(Message<'static>),
    /// Something happened to its session: suspicion, a loss, a resume, …
    Event(Event),
    /// Its session is over. The last for every peer.
    #[non_exhaustive]
    Ended {
        /// Why.
        why: Closed,
        /// What it did not take.
        undelivered: Vec<Undelivered>,
    },
}

impl<P: Send + 'static> Inbox<P> {
    pub(super) fn new<A: Admit<Peer = P>>(
        owner: &Owner,
        acceptor: Box<dyn DynAccept>,
        admit: A,
    ) -> Self {
        let gate = owner.gate(acceptor);
        let joined = Joined::default();
        let enter = {
            let joined = Arc::clone(&joined);
            move |session: Session<LoggedIn, Multi>, peer| {
                lock(&joined).insert(session.id(), peer);
                session.handle.queue();
            }
        };
        gate.employ(admitting(Arc::new(admit), enter), false);
        Self { gate, joined }
    }
}

impl<P> Inbox<P> {
    /// What came in by now, peers in turn, each peer's in order. Never waits.
    ///
    /// It is a view: what is not iterated stays, and what comes in meanwhile is for the next time.
    pub fn drain(&mut self) -> Drain<'_, P> {
        let left = self.gate.waiting();
        Drain { inbox: self, left }
    }

    /// Waits until there is something to drain, or the runtime was stopped.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    ///
    /// ```
    /// use sessile::{Inbox, Incoming, What};
    ///
    /// /// Without ticks: as soon as there is something.
    /// async fn echo(mut inbox: Inbox<()>) {
    ///     loop {
    ///         inbox.ready().await;
    ///         for Incoming { peer, what, .. } in inbox.drain() {
    ///             if let What::Message(message) = what {
    ///                 peer.try_send(&message).ok();
    ///             }
    ///         }
    ///     }
    /// }
    /// ```
    pub async fn ready(&mut self) {
        poll_fn(|cx| self.gate.poll_ready(cx)).await;
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

impl<P> Iterator for Drain<'_, P> {
    type Item = Incoming<P>;

    fn next(&mut self) -> Option<Incoming<P>> {
        self.left = self.left.checked_sub(1)?;
        let gate = &self.inbox.gate;
        let (watcher, item) = loop {
            // Whoever stands first in line and was not told of yet joins first.
            let first = gate.first_in_line()?;
            if let Some(joined) = lock(&self.inbox.joined).remove(&first.id()) {
                let (peer, what) = (Peer::new(first), What::Joined(joined));
                return Some(Incoming { peer, what });
            }
            if let (watcher, Some(item)) = gate.tell_first()? {
                break (watcher, item);
            }
        };
        let peer = Peer::new(watcher);
        let what = match item {
            Item::Message(message) => What::Message(message),
            Item::Event(event) => What::Event(event),
            Item::Ended(why, undelivered) => What::Ended { why, undelivered },
        };
        Some(Incoming { peer, what })
    }
}

impl<P> FusedIterator for Drain<'_, P> {}

fn lock<P>(joined: &Joined<P>) -> MutexGuard<'_, HashMap<u64, P>> {
    joined.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<P> fmt::Debug for Inbox<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbox")
            .field("local_addr", &self.local_addr())
            .finish_non_exhaustive()
    }
}

impl<P> fmt::Debug for Drain<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Drain")
            .field("left", &self.left)
            .finish_non_exhaustive()
    }
}
