//! A server, its many clients, and the network between them, in virtual time: both ends are the real registries, and nothing else
//! is there.

use std::{cmp::Reverse, collections::BinaryHeap, time::Duration};

use bytes::Bytes;
use fastrand::Rng;
use sessile::{
    EventKind, Identity, Lent, LossCause, Retry,
    proto::{Cx, Effect, Effects, Key, LinkId, Machine, Time, Wake},
    registry::Registry,
    wire::Secret,
};

use super::{Storm, network::Wire};

pub(crate) const DIALER: usize = 0;
pub(crate) const ACCEPTOR: usize = 1;

/// Everything there is.
pub(crate) struct World {
    pub(crate) now: Time,
    pub(crate) rng: Rng,
    /// All clients are in one registry: no session knows of another.
    pub(crate) sides: [Registry; 2],
    pub(crate) clients: Vec<Client>,
    pub(crate) links: Vec<Wire>,
    /// By slot: the link that the session there had last.
    pub(super) newest: [Vec<usize>; 2],
    events: BinaryHeap<Reverse<(Time, u64, What)>>,
    planned: u64,
    woken: Vec<(usize, Key, Wake)>,
    offered: Vec<Key>,
    pub(super) secrets: u128,
    /// Of a thousand dials, so many are refused, and the first packet of as many others is lost.
    pub(super) bad_dials: u32,
    pub(crate) tally: Tally,
}

/// One client, and what it said and heard.
#[derive(Default)]
pub(crate) struct Client {
    pub(super) key: Option<Key>,
    said: u64,
    /// Of what it said, so much the server has had, and so much came back.
    had: u64,
    pub(crate) heard: u64,
    /// Since the cut.
    pub(crate) dials: u32,
    pub(crate) back: Option<Time>,
    /// What the network's mistakes with its own dials may have cost it.
    pub(crate) held_up: Duration,
}

/// What is counted over all clients.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) logged_in: usize,
    pub(crate) back: usize,
    pub(crate) dials: usize,
    /// Of them, those that were refused, and those whose first packet was lost.
    pub(crate) refused: usize,
    pub(crate) repeated: usize,
    /// The server had no place for a stranger.
    pub(crate) turned_away: usize,
    pub(crate) most_strangers: usize,
    /// When the server took a session back.
    pub(crate) taken_back: Vec<Time>,
    /// What arrived out of its turn: before it something is missing, or it was there before.
    pub(crate) doubled: usize,
    pub(crate) skipped: usize,
    pub(crate) ended: Vec<String>,
}

/// What happens at its time.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum What {
    LogIn(usize),
    Say(usize),
    /// A dial reaches the server, and then the client hears of it.
    Knock(Key, LinkId, Duration),
    Up(usize, LinkId),
    Failed(Key, LinkId),
    Arrive(usize, usize, Vec<u8>),
    /// The other end is gone.
    End(usize, usize),
}

impl World {
    pub(crate) fn new(storm: &Storm) -> Self {
        let settings = storm.config().validate().expect("a config that starts");
        let mut world = Self {
            now: Time::START + Duration::from_secs(1),
            rng: Rng::with_seed(storm.seed),
            sides: [0, 1_000].map(|seed| Registry::new(settings.clone(), seed)),
            clients: (0..storm.clients).map(|_| Client::default()).collect(),
            links: Vec::new(),
            newest: [Vec::new(), Vec::new()],
            events: BinaryHeap::new(),
            planned: 0,
            woken: Vec::new(),
            offered: Vec::new(),
            secrets: 0,
            bad_dials: 0,
            tally: Tally::default(),
        };
        // One after the other, as fast as the server lets them in.
        let step = Duration::from_secs(1) / storm.rate;
        for number in 0..storm.clients {
            let turn = u32::try_from(number).expect("few clients");
            world.at(step * turn, What::LogIn(number));
        }
        world
    }

    pub(super) fn at(&mut self, after: Duration, what: What) {
        self.planned += 1;
        self.events
            .push(Reverse((self.now + after, self.planned, what)));
    }

    /// This client says something, so much later.
    pub(crate) fn will_say(&mut self, number: usize, after: Duration) {
        self.at(after, What::Say(number));
    }

    /// Lives until this holds, or until then.
    pub(crate) fn live(&mut self, until: Time, done: impl Fn(&Self) -> bool) {
        while !done(self) {
            let event = self.events.peek().map(|Reverse((at, ..))| *at);
            let deadlines = self.sides.each_ref().map(Registry::next_deadline);
            let next = deadlines.into_iter().flatten().chain(event).min();
            let Some(next) = next.filter(|&next| next <= until) else {
                self.now = until;
                return;
            };
            self.now = self.now.max(next);
            for side in [DIALER, ACCEPTOR] {
                let mut fx = Effects::default();
                while self.sides[side].handle_due(self.now, &mut fx) {}
                self.perform(side, fx);
            }
            if event.is_some_and(|at| at <= self.now)
                && let Some(Reverse((.., what))) = self.events.pop()
            {
                self.happen(what);
            }
            self.settle();
        }
    }

    fn happen(&mut self, what: What) {
        match what {
            What::LogIn(number) => {
                let mut instance = [7; 16];
                instance[8..].copy_from_slice(&(number as u64).to_be_bytes());
                let seed = self.rng.u64(..);
                let key = self.sides[DIALER].dialer(instance, 0, seed);
                assert_eq!(key.slot() as usize, number, "slots are given in order");
                self.clients[number].key = Some(key);
                let me = Bytes::copy_from_slice(&(number as u64).to_be_bytes());
                self.give(DIALER, key, |machine, cx| machine.login(cx, me));
            }
            What::Say(number) => self.say(number),
            What::Knock(key, link, delay) => self.knock(key, link, delay),
            What::Up(wire, link) => self.up(wire, link),
            What::Failed(key, link) => self.give(DIALER, key, |machine, cx| {
                machine.dial_failed(cx, link, "nobody is there", Retry::Now);
            }),
            What::Arrive(wire, side, bytes) => self.arrive(wire, side, &bytes),
            What::End(wire, side) => self.end(wire, side, LossCause::ClosedByPeer),
        }
    }

    /// Gives one input, and notes what is to follow.
    pub(super) fn give(
        &mut self,
        side: usize,
        key: Key,
        what: impl FnOnce(&mut Machine, &mut Cx<'_>),
    ) {
        let mut fx = Effects::default();
        self.sides[side].input(key, self.now, &mut fx, what);
        self.perform(side, fx);
    }

    pub(super) fn perform(&mut self, side: usize, mut fx: Effects) {
        for effect in fx.drain() {
            match effect {
                Effect::Event(event) => self.note(side, event.session(), event.kind()),
                Effect::Dial(key, link) => self.dial(key, link),
                Effect::Offered(key) => self.offered.push(key),
                Effect::Wake(key, wake) => self.woken.push((side, key, wake)),
                Effect::Ended(_) => {}
            }
        }
    }

    /// Who was woken does what it was woken for, until nobody is.
    fn settle(&mut self) {
        while let Some(key) = self.offered.pop() {
            self.admit(key);
        }
        while let Some((side, key, wake)) = self.woken.pop() {
            if wake.has(Wake::RECV) {
                self.read_mail(side, key);
            }
            if wake.has(Wake::LINK)
                && let Some(&wire) = self.newest[side].get(key.slot() as usize)
                && wire < self.links.len()
            {
                self.write(wire, side);
            }
        }
    }

    fn note(&mut self, side: usize, session: u64, kind: &EventKind) {
        let number = Key::from_u64(session).slot() as usize;
        match (side, kind) {
            (DIALER, EventKind::LoggedIn) => self.tally.logged_in += 1,
            (DIALER, EventKind::Resumed { .. }) => {
                self.tally.back += usize::from(self.clients[number].back.is_none());
                self.clients[number].back = Some(self.now);
                self.will_say(number, Duration::ZERO);
            }
            (ACCEPTOR, EventKind::Resumed { .. }) => self.tally.taken_back.push(self.now),
            (_, EventKind::Ended(_) | EventKind::LoginFailed(_)) => {
                self.tally.ended.push(format!("{side} {number}: {kind:?}"));
            }
            _ => {}
        }
    }

    /// The host knows everybody.
    fn admit(&mut self, key: Key) {
        let Some(offer) = self.sides[ACCEPTOR].get(key).and_then(Machine::offer) else {
            return;
        };
        let who = Identity::new(&offer.credentials[..]).expect("8 bytes");
        let (now, secret, mut fx) = (self.now, self.secret(), Effects::default());
        self.sides[ACCEPTOR].input(key, now, &mut fx, |machine, _| machine.claim());
        self.sides[ACCEPTOR].admit(key, now, who, secret, &mut fx);
        self.perform(ACCEPTOR, fx);
    }

    fn secret(&mut self) -> Secret {
        self.secrets += 1;
        Secret::new(self.secrets.to_be_bytes())
    }
}

/// Messages: each says who sent it and the how manieth it is, and the server sends it back.
impl World {
    fn say(&mut self, number: usize) {
        let Some(key) = self.clients[number].key else {
            return;
        };
        let said = self.clients[number].said;
        let message = ((number as u128) << 64 | u128::from(said)).to_be_bytes();
        self.clients[number].said += 1;
        self.give(DIALER, key, |machine, _| {
            let posted = machine.post(Lent::Slice(&message));
            posted.expect("the window has room");
        });
    }

    fn read_mail(&mut self, side: usize, key: Key) {
        let mut mail = Vec::new();
        self.give(side, key, |machine, cx| {
            // Each loss is told once, before what came after it.
            while machine.has_mail() {
                if let Ok(Some(one)) = machine.recv(cx, machine.epoch()) {
                    mail.push(one.payload);
                }
            }
        });
        for payload in mail {
            let number = u128::from_be_bytes(payload[..].try_into().expect("16 bytes"));
            let (client, number) = ((number >> 64) as usize, number as u64);
            let client = &mut self.clients[client];
            let expected = if side == ACCEPTOR {
                &mut client.had
            } else {
                assert_eq!(client.key, Some(key), "another client's message");
                &mut client.heard
            };
            self.tally.doubled += usize::from(number < *expected);
            self.tally.skipped += usize::from(number > *expected);
            *expected = number + 1;
            if side == ACCEPTOR {
                self.give(ACCEPTOR, key, |machine, _| {
                    let posted = machine.post(Lent::Slice(&payload));
                    posted.expect("the window has room");
                });
            }
        }
    }

    /// What was said and has not come back.
    pub(crate) fn missing(&self) -> u64 {
        self.clients.iter().map(|one| one.said - one.heard).sum()
    }
}
