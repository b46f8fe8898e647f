//! Clients, a server, and the links between them: the real registries, and a network that only moves when told to.

use std::{collections::VecDeque, sync::Arc};

use bytes::Bytes;
use sessile::{
    Reason,
    proto::{Key, LinkId, Machine, Phase, Time},
    registry::{Port, Registry},
};

use super::{
    bounds::{Bounds, Often},
    marks::Marks,
};

/// Everything there is. Cloning it is how the search looks at two things that may happen next.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) bounds: Bounds,
    pub(crate) left: Often,
    pub(crate) now: Time,
    pub(crate) server: Registry,
    pub(crate) clients: [Client; 2],
    pub(crate) links: Vec<Wire>,
    /// By the link that logged in.
    pub(crate) stories: Vec<Option<Story>>,
    /// Of this life of the server, and the session that had it.
    pub(crate) highest_epoch: (u64, Option<usize>),
    /// What must never be and is.
    pub(crate) violation: Option<String>,
    pub(crate) marks: Marks,
    /// What every registry is made from.
    pub(crate) empty: Arc<Registry>,
}

/// A client program, which may crash and begin anew.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) life: u8,
    pub(crate) login_attempt: u64,
    /// Of this life of it, once it did something.
    pub(crate) registry: Option<Registry>,
    pub(crate) session: Option<Key>,
    /// Of the session that it is logged in to.
    pub(crate) story: Option<usize>,
    /// A dial that no link was made for yet.
    pub(crate) dial: Option<LinkId>,
}

/// One link: a port at either end, and what is on its way.
#[derive(Clone)]
pub(crate) struct Wire {
    /// Whose it is, and in which life it was dialed.
    pub(crate) client: usize,
    pub(crate) life: u8,
    pub(crate) ends: [Option<Port>; 2],
    /// Towards the dialer, towards the acceptor.
    pub(crate) queue: [VecDeque<InFlight>; 2],
    /// Whose task was woken since it wrote last.
    pub(crate) woken: [bool; 2],
    /// WELCOME or RESUMED went out on it.
    pub(crate) answered: bool,
}

/// A frame on its way, and all that it says to whom it reaches.
#[derive(Clone)]
pub(crate) struct InFlight {
    pub(crate) bytes: Bytes,
    pub(crate) name: &'static str,
    pub(crate) print: u64,
}

/// A session from outside: what both ends were given, and what came out.
#[derive(Clone, Hash)]
pub(crate) struct Story {
    pub(crate) key: u64,
    pub(crate) client: usize,
    pub(crate) life: u8,
    /// How many logins were admitted before it.
    pub(crate) order: u8,
    /// From the client, to the client.
    pub(crate) lanes: [Lane; 2],
    /// A frame came after WELCOME, or a RESUME: the client is there.
    pub(crate) proven: bool,
    /// The client's end was reported and cleared away, and the server's.
    pub(crate) over: [bool; 2],
    /// How it ended, on either side.
    pub(crate) reasons: [Option<Reason>; 2],
}

/// One direction of a session.
#[derive(Clone, Default, Hash)]
pub(crate) struct Lane {
    pub(crate) accepted: u8,
    pub(crate) delivered: u8,
    /// Seen on any link: the highest number, plus one.
    pub(crate) written: u8,
    /// What the sender was told was never sent begins here.
    pub(crate) never_sent_from: Option<u8>,
}

pub(crate) const DIALER: usize = 0;
pub(crate) const ACCEPTOR: usize = 1;
pub(crate) const UP: usize = 0;
pub(crate) const DOWN: usize = 1;

impl World {
    pub(crate) fn new(bounds: Bounds) -> Self {
        let empty = Arc::new(Registry::new(bounds.settings(), 0));
        let client = Client {
            life: 0,
            login_attempt: 0,
            registry: None,
            session: None,
            story: None,
            dial: None,
        };
        Self {
            bounds,
            left: bounds.often,
            now: Time::from_micros(1_000_000),
            server: (*empty).clone(),
            clients: [client.clone(), client],
            links: Vec::with_capacity(usize::from(bounds.links) + 1),
            stories: Vec::new(),
            highest_epoch: (0, None),
            violation: None,
            marks: Marks::default(),
            empty,
        }
    }

    pub(crate) fn client(&self, client: usize) -> Option<&Machine> {
        let client = &self.clients[client];
        client.registry.as_ref()?.get(client.session?)
    }

    /// The server's end of a session.
    pub(crate) fn peer(&self, story: usize) -> Option<&Machine> {
        let story = self.stories.get(story)?.as_ref()?;
        self.server.get(Key::from_u64(story.key))
    }

    /// Whom an end of a link belongs to, whether it is current or not.
    pub(crate) fn at(&self, link: usize, side: usize) -> Option<&Machine> {
        let port = self.links[link].ends[side].as_ref()?;
        let registry = match side {
            ACCEPTOR => &self.server,
            _ => self.clients[self.links[link].client].registry.as_ref()?,
        };
        registry.get(port.key())
    }

    pub(crate) fn is_current(&self, link: usize, side: usize) -> bool {
        let port = self.links[link].ends[side].as_ref();
        let current = self.at(link, side).and_then(Machine::current_link);
        current.is_some() && port.map(Port::link) == current
    }

    /// The session that is logged in and has not ended, at the server.
    pub(crate) fn live(&self) -> Option<usize> {
        (0..self.stories.len()).find(|&story| {
            self.peer(story)
                .is_some_and(|peer| peer.phase() != Phase::Ended)
        })
    }

    pub(crate) fn story_of(&self, key: Key) -> Option<usize> {
        let is = |story: &Option<Story>| story.as_ref().is_some_and(|one| one.key == key.as_u64());
        self.stories.iter().position(is)
    }

    /// The first thing that went wrong is the one to tell.
    pub(crate) fn fail(&mut self, what: impl Into<String>) {
        self.violation.get_or_insert_with(|| what.into());
    }

    pub(crate) fn check(&mut self, holds: bool, what: &str) {
        if !holds {
            self.fail(what);
        }
    }
}

impl Client {
    /// Who this client is, in all its logins: another one after a crash, unless its host names it.
    pub(crate) fn instance(&self, number: usize, stable: bool) -> [u8; 16] {
        let life = if stable { 0 } else { self.life };
        [number as u8 * 16 + life + 1; 16]
    }
}
