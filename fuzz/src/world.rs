//! One side for real, a registry with its time, and the links whose other ends the fuzzer holds. Whatever happens here is
//! checked on the way.

use std::{
    collections::{BTreeMap, VecDeque},
    net::SocketAddr,
    time::Duration,
};

use sessile::{
    Event, EventKind, LossCause,
    proto::{Cx, Effect, Effects, Key, LinkId, Machine, Phase, Time, Wake},
    registry::Registry,
    wire::{Decoder, Frame, Secret, Violation},
};

use crate::{
    books::{Book, TICK},
    checker::{Fact, Grammar, Side},
    choices::Choices,
    grammar::Knows,
    limits::config,
    link::Link,
};

/// How long a stranger may say nothing and keep its place where places run short (docs/SECURITY.md).
const GRACE: Duration = Duration::from_millis(200);

pub(crate) struct World {
    pub(crate) now: Time,
    pub(crate) registry: Registry,
    pub(crate) links: Vec<Link>,
    pub(crate) offered: VecDeque<Key>,
    pub(crate) dials: VecDeque<(Key, LinkId)>,
    pub(crate) books: BTreeMap<Key, Book>,
    /// Sessions and secrets that the core wrote, the newest last.
    pub(crate) known: Vec<(u64, Secret)>,
    /// The highest epoch of each identity so far.
    pub(crate) epochs: BTreeMap<Vec<u8>, u64>,
    grammar: Grammar,
    pub(crate) secrets: u64,
    /// Of dialers: the last attempt to come back, and since when their link is well.
    series: BTreeMap<u64, (u32, Option<Duration>)>,
    stable_after: Duration,
    /// Who was woken last.
    pub(crate) woken: Wake,
}

impl World {
    pub(crate) fn new(choices: &mut Choices<'_>, side: Side) -> Self {
        let (config, stable_after) = config(choices);
        let settings = config.validate().expect("limits that fit each other");
        let crowd = settings.pending_logins > 4;
        let mut world = Self {
            now: Time::START + Duration::from_secs(1),
            registry: Registry::new(settings, 1_000),
            links: Vec::new(),
            offered: VecDeque::new(),
            dials: VecDeque::new(),
            books: BTreeMap::new(),
            known: Vec::new(),
            epochs: BTreeMap::new(),
            grammar: Grammar::new(side),
            secrets: 0,
            series: BTreeMap::new(),
            stable_after,
            woken: Wake::NONE,
        };
        if crowd {
            world.crowd();
        }
        world
    }

    /// So many strangers came and went that the timers have another form from here on.
    fn crowd(&mut self) {
        let mut fx = Effects::default();
        while self.registry.accept(self.now, None, &mut fx).is_some() {}
        self.pass(self.registry.settings().login_deadline, false);
        assert_eq!(self.registry.occupied(), 0);
    }

    /// A link, out of those that there ever were: the core may have left it long ago.
    pub(crate) fn any_link(&self, choices: &mut Choices<'_>) -> Option<usize> {
        let back = choices.below(self.links.len());
        self.links.len().checked_sub(1 + back)
    }

    /// A link from one of a few networks is accepted, or turned away where there are too many strangers (R1).
    pub(crate) fn accept(&mut self, choices: &mut Choices<'_>) {
        let network = choices.byte() % 6;
        let remote: Option<SocketAddr> = match network {
            0 => None,
            1..4 => Some(([10, 0, 0, network], 7_000).into()),
            _ => Some(([0x2001, 0xdb8, 0, network.into(), 0, 0, 0, 1], 7_000).into()),
        };
        let settings = self.registry.settings();
        let near = |one: &&Machine| one.is_stranger() && one.remote() == remote;
        let near = self.machines().filter(near).count();
        let near_room = remote.is_none() || near < settings.pending_per_prefix;
        let (most, before) = (settings.pending_logins, self.registry.strangers());
        // Where all places are taken, who has said nothing for a while gives way.
        let keys = self.registry.keys().into_iter();
        let seen = keys.filter_map(|key| self.registry.snapshot(key, self.now));
        let may_give_way = seen
            .filter(|seen| seen.phase == Phase::Connecting)
            .any(|seen| self.now.since_start() - seen.phase_since >= GRACE);
        let mut fx = Effects::default();
        let port = self.registry.accept(self.now, remote, &mut fx);
        self.perform(fx);
        let after = self.registry.strangers();
        if before < most || !near_room {
            assert_eq!(port.is_some(), near_room, "from {remote:?}");
            assert_eq!(after, before + usize::from(near_room));
        } else {
            assert!(port.is_none() || may_give_way, "from {remote:?}");
            assert_eq!(after, before);
        }
        self.links.extend(port.map(Link::new));
    }

    pub(crate) fn machines(&self) -> impl Iterator<Item = &Machine> {
        let keys = self.registry.keys().into_iter();
        keys.filter_map(|key| self.registry.get(key))
    }

    pub(crate) fn fresh_secret(&mut self) -> Secret {
        next_secret(&mut self.secrets)
    }

    /// What the fuzzer knows that is of use on this link.
    pub(crate) fn knows(&self, link: usize) -> Knows {
        let link = &self.links[link];
        let key = link.key();
        let book = self.books.get(&key);
        Knows {
            secrets: self.known.clone(),
            session: key.as_u64(),
            epoch: self.registry.get(key).map_or(0, Machine::epoch),
            written: book.map_or(0, |book| book.written),
            attempt: self.links.len() as u64,
            beat: link.beat,
        }
    }

    /// A link breaks, and the core hears of it.
    pub(crate) fn cut(&mut self, index: usize) {
        let Some(port) = self.links[index].port.take() else {
            return;
        };
        self.links[index].on_way.clear();
        let cause = LossCause::Io(std::io::ErrorKind::ConnectionReset);
        self.on(port.key(), |machine, cx| {
            machine.link_down(cx, port.link(), cause)
        });
    }

    /// Time passes, and timers fire when they should, or all at once and late.
    pub(crate) fn pass(&mut self, time: Duration, late: bool) {
        let until = self.now + time;
        if !late {
            let mut rounds = 0;
            while let Some(next) = self.registry.next_deadline().filter(|&next| next <= until) {
                self.now = self.now.max(next);
                self.wake_up();
                rounds += 1;
                assert!(
                    rounds < 20_000,
                    "timers that fire for ever: {:?}",
                    self.registry
                );
            }
        }
        self.now = until;
        self.wake_up();
    }

    fn wake_up(&mut self) {
        let mut fx = Effects::default();
        let more = self.registry.handle_due(self.now, &mut fx);
        assert!(!more, "a few sessions cannot have as many timeouts");
        let next = self.registry.next_deadline();
        assert!(
            next.is_none_or(|next| next > self.now),
            "what was due stays due"
        );
        self.perform(fx);
        let settings = self.registry.settings();
        for machine in self.machines() {
            let deadline = machine.deadline(settings);
            assert!(
                deadline.is_none_or(|at| at + TICK > self.now),
                "{machine:?} stays due"
            );
            // R16.
            let book = self.books.get(&machine.key());
            let overdue = book.is_some_and(|book| book.proof.is_overdue(self.now));
            assert!(
                !overdue || machine.phase() == Phase::Ended,
                "{machine:?} is unproven"
            );
        }
    }

    /// The application, or the host, does something with a session.
    pub(crate) fn on<R>(
        &mut self,
        key: Key,
        give: impl FnOnce(&mut Machine, &mut Cx<'_>) -> R,
    ) -> Option<R> {
        let mut fx = Effects::default();
        let given = self.registry.input(key, self.now, &mut fx, give);
        self.woken = Wake::NONE;
        self.perform(fx);
        given
    }

    pub(crate) fn perform(&mut self, mut fx: Effects) {
        for effect in fx.drain() {
            match effect {
                Effect::Event(event) => {
                    if let EventKind::LoginFailed(closed) | EventKind::Ended(closed) = event.kind()
                    {
                        // T23: what the peer said is part of it, and it is one line all the same.
                        let line = closed.to_string();
                        assert!(!line.contains(char::is_control), "{line:?}");
                    }
                    self.follow(&event);
                    // S4, S5 and the order of everything between.
                    self.grammar
                        .hear(&Fact::of(&event))
                        .unwrap_or_else(|why| panic!("{why}"));
                }
                Effect::Dial(key, link) => self.dials.push_back((key, link)),
                Effect::Offered(key) => self.offered.push_back(key),
                Effect::Wake(_, who) => self.woken = self.woken | who,
                Effect::Ended(_) => {}
            }
        }
    }

    /// What an event says of what is to come.
    fn follow(&mut self, event: &Event) {
        let settings = self.registry.settings();
        let (last, up) = self.series.entry(event.session()).or_default();
        match event.kind() {
            EventKind::LoggedIn => (*last, *up) = (0, Some(event.at())),
            EventKind::Resumed { .. } => *up = Some(event.at()),
            EventKind::LinkLost(_) | EventKind::TimedOut => {
                // T28: only a link that was well for a while makes a dialer hopeful again.
                let well = up
                    .take()
                    .is_some_and(|since| event.at() - since >= self.stable_after);
                *last = if well { 0 } else { *last };
            }
            EventKind::ReconnectScheduled { attempt, .. } => {
                assert_eq!(*attempt, *last + 1, "{event}");
                *last = *attempt;
            }
            EventKind::Ended(_) if event.epoch() > 0 => {
                let book = self
                    .books
                    .entry(Key::from_u64(event.session()))
                    .or_default();
                book.until = self.now + settings.resume_window;
            }
            _ => {}
        }
    }

    /// All is over: every session that was announced has ended, once.
    pub(crate) fn finish(&self) {
        self.grammar.finish().unwrap_or_else(|why| panic!("{why}"));
    }
}

/// No two are alike.
pub(crate) fn next_secret(count: &mut u64) -> Secret {
    *count += 1;
    Secret::new(u128::from(*count).to_be_bytes())
}

/// Frames of the core are always whole and valid; a test that reads them cannot be told anything else.
pub(crate) fn decode_all(bytes: &[u8], mut each: impl FnMut(&Frame<'_>)) -> Result<(), Violation> {
    let (mut decoder, mut rest) = (Decoder::new(), bytes);
    decoder.set_max(usize::MAX);
    while let Some(frame) = decoder.next(&mut rest)? {
        each(&frame);
    }
    assert_eq!(decoder.partial_len(), 0, "half a frame");
    Ok(())
}
