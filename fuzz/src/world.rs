//! One side for real, a registry with its time, and the links whose other ends the fuzzer holds. Whatever happens here is
//! checked on the way.

use std::{
    collections::{BTreeMap, VecDeque},
    net::SocketAddr,
    time::Duration,
};

use sessile::{
    Config, LossCause, Reconnect, ReconnectMode,
    proto::{Cx, Effect, Effects, Heard, Key, LinkId, Machine, Phase, Time},
    registry::{Reading, Registry},
    wire::{Decoder, Frame, Secret, Violation},
};

use crate::{
    books::{Book, Stand, TICK},
    checker::{Fact, Grammar, Side},
    choices::Choices,
    grammar::{Knows, TERMS},
    link::{self, Link},
};

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
    epochs: BTreeMap<Vec<u8>, u64>,
    grammar: Grammar,
    secrets: u64,
}

impl World {
    pub(crate) fn new(choices: &mut Choices<'_>, side: Side) -> Self {
        let settings = config(choices)
            .validate()
            .expect("limits that fit each other");
        Self {
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
        }
    }

    /// A link, out of those that there ever were: the core may have left it long ago.
    pub(crate) fn any_link(&self, choices: &mut Choices<'_>) -> Option<usize> {
        let back = choices.below(self.links.len());
        self.links.len().checked_sub(1 + back)
    }

    /// A link from one of a few networks is accepted, or turned away where there are too many strangers (R1).
    pub(crate) fn accept(&mut self, choices: &mut Choices<'_>) {
        let network = choices.byte() % 4;
        let remote = (network > 0).then(|| SocketAddr::from(([10, 0, 0, network], 7_000)));
        let settings = self.registry.settings();
        let near = |one: &&Machine| one.is_stranger() && one.remote() == remote;
        let near = self.machines().filter(near).count();
        let room = self.registry.strangers() < settings.pending_logins
            && (remote.is_none() || near < settings.pending_per_prefix);
        let port = self.registry.accept(self.now, remote);
        assert_eq!(port.is_some(), room, "from {remote:?}");
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

    /// The first bytes of what is on its way arrive.
    pub(crate) fn deliver(&mut self, index: usize, most: usize) {
        let Some((mut port, bytes)) = self.links[index].arrive(most) else {
            return;
        };
        let key = port.key();
        let machine = self.registry.get(key);
        let current = machine.is_some_and(|one| one.current_link() == Some(port.link()));
        let stranger = machine.is_some_and(Machine::is_stranger);
        // S7, S8: a stranger and a link of old change nobody.
        let before = (stranger || !current).then(|| self.stands());
        let (mut rest, mut fx, mut secrets) = (&bytes[..], Effects::default(), self.secrets);
        let reading = loop {
            let left = rest.len();
            let fresh = &mut || next_secret(&mut secrets);
            match self
                .registry
                .read(&mut port, self.now, &mut rest, &mut fx, fresh)
            {
                Reading::More => assert!(rest.len() < left, "a turn that gets nowhere"),
                reading => break reading,
            }
        };
        self.secrets = secrets;
        if !current {
            assert_eq!(reading, Reading::Close, "a link that is nobody's");
            assert!(fx.is_empty(), "{fx:?}");
        }
        if reading == Reading::Continue && !rest.is_empty() {
            // Only where a RESUME was refused: nothing that follows it counts, and the link ends.
            let phase = self.registry.get(key).map(Machine::phase);
            assert!(
                phase.is_none_or(|phase| phase == Phase::Ended),
                "bytes were left lying"
            );
        }
        if let Some(before) = before {
            self.check_unharmed(&before, [key, port.key(), self.expired_by(index)]);
        }
        if port.key() != key {
            self.check_proof(index, port.key());
            self.check_epoch(port.key());
        }
        self.perform(fx);
        self.links[index].put_back(port, reading == Reading::Continue);
    }

    /// The same where a host is at hand: frame by frame, as links do it that have one.
    pub(crate) fn deliver_to_host(&mut self, index: usize) {
        let hosted = self.links[index].port.as_ref().is_some_and(|port| {
            let machine = self.registry.get(port.key());
            machine.is_some_and(|one| {
                one.identity().is_some() && one.current_link() == Some(port.link())
            })
        });
        if !hosted {
            return self.deliver(index, usize::MAX);
        }
        let Some((mut port, bytes)) = self.links[index].arrive(usize::MAX) else {
            return;
        };
        let (key, link, now, mut rest, mut fx) = (
            port.key(),
            port.link(),
            self.now,
            &bytes[..],
            Effects::default(),
        );
        self.registry.prepare(&mut port);
        let open = loop {
            let frame = match port.next(&mut rest) {
                Ok(None) => break true,
                Ok(Some(frame)) => frame,
                Err(violation) => {
                    self.registry.input(key, now, &mut fx, |machine, cx| {
                        machine.handle_violation(cx, link, violation);
                    });
                    break false;
                }
            };
            match self.registry.apply_direct(key, link, now, &frame, &mut fx) {
                Heard::Applied => {}
                Heard::Direct if matches!(frame, Frame::Data(_)) => {
                    self.books.entry(key).or_default().taken += 1;
                }
                Heard::Direct => assert!(matches!(frame, Frame::Volatile(_))),
                Heard::Stale => break false,
                Heard::Resume(_) => panic!("a session brings back another one"),
            }
        };
        self.perform(fx);
        self.links[index].put_back(port, open);
    }

    /// What the core has for a link is read and checked.
    pub(crate) fn hear(&mut self, index: usize) {
        let (now, mut fx, mut out) = (self.now, Effects::default(), Vec::new());
        let Some(port) = self.links[index].port.take() else {
            return;
        };
        let key = port.key();
        let machine = self.registry.get(key);
        let current = machine.is_some_and(|one| one.current_link() == Some(port.link()));
        let close = loop {
            let before = out.len();
            let transmit = self.registry.transmit(&port, now, &mut out, &mut fx);
            if !transmit.more {
                break transmit.close;
            }
            assert!(
                out.len() > before,
                "a turn that writes nothing, and wants another"
            );
        };
        assert!(
            current || (close && out.is_empty()),
            "a link of old is written to"
        );
        self.links[index].put_back(port, !close);
        link::listen(self, index, key, &out);
        self.perform(fx);
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
        self.perform(fx);
        given
    }

    pub(crate) fn perform(&mut self, mut fx: Effects) {
        for effect in fx.drain() {
            match effect {
                Effect::Event(event) => {
                    // S4, S5 and the order of everything between.
                    self.grammar
                        .hear(&Fact::of(&event))
                        .unwrap_or_else(|why| panic!("{why}"));
                }
                Effect::Dial(key, link) => self.dials.push_back((key, link)),
                Effect::Offered(key) => self.offered.push_back(key),
                Effect::Wake(..) | Effect::Ended(_) => {}
            }
        }
    }

    /// All is over: every session that was announced has ended, once.
    pub(crate) fn finish(&self) {
        self.grammar.finish().unwrap_or_else(|why| panic!("{why}"));
    }

    fn stands(&self) -> Vec<(Key, Stand)> {
        let stand = |one: &Machine| (one.key(), Stand::of(&self.registry, one, self.now));
        self.machines().map(stand).collect()
    }

    fn check_unharmed(&self, before: &[(Key, Stand)], involved: [Key; 3]) {
        for (key, stand) in before {
            if involved.contains(key) || stand.is_due(self.now) {
                continue;
            }
            let machine = self.registry.get(*key).expect("a stranger made it vanish");
            assert_eq!(
                Stand::of(&self.registry, machine, self.now),
                *stand,
                "{key:?}"
            );
        }
    }

    /// S3: a session has a new link. Epochs grow for every identity, whichever session it is in.
    pub(crate) fn check_epoch(&mut self, key: Key) {
        let Some(machine) = self.registry.get(key) else {
            return;
        };
        let (epoch, identity) = (machine.epoch(), machine.identity().expect("logged in"));
        let last = self.epochs.entry(identity.as_bytes().to_vec()).or_default();
        assert!(epoch > *last, "{epoch} after {last}: {machine:?}");
        *last = epoch;
        self.books.entry(key).or_default().epoch = epoch;
    }

    /// Where no time is given to come back, who proves a session that is still up is too late already: that ends it.
    fn expired_by(&self, index: usize) -> Key {
        let link = &self.links[index];
        let session = link::frames(&link.said, |frame| match frame {
            Frame::Resume(resume) => Some(Key::from_u64(resume.session)),
            _ => None,
        });
        let at_once = self.registry.settings().resume_window.is_zero();
        session.filter(|_| at_once).unwrap_or(link.key())
    }

    /// A link moved to a session: its RESUME was above every earlier one (R2), and its secret no older than the one that was
    /// used last (T14).
    fn check_proof(&mut self, index: usize, session: Key) {
        let resume = link::frames(&self.links[index].said, |frame| match frame {
            Frame::Resume(resume) => Some(resume.clone()),
            _ => None,
        });
        let resume = resume.expect("a link moved without RESUME");
        assert_eq!(resume.session, session.as_u64());
        // Secrets are numbers here, and grow.
        let secret = u128::from_be_bytes(*resume.secret.as_bytes());
        assert!(
            (1..=u128::from(self.secrets)).contains(&secret),
            "never a secret"
        );
        let book = self.books.entry(session).or_default();
        let (last, attempt) = book.proof;
        assert!(
            secret >= last && resume.attempt > attempt,
            "{resume:?} after {:?}",
            book.proof
        );
        book.proof = (secret, resume.attempt);
    }
}

/// No two are alike.
fn next_secret(count: &mut u64) -> Secret {
    *count += 1;
    Secret::new(u128::from(*count).to_be_bytes())
}

/// Small limits, so that short inputs reach them, in a few combinations.
fn config(choices: &mut Choices<'_>) -> Config {
    let (sizes, times) = (choices.byte(), choices.byte());
    let reconnect = Reconnect::new().mode(match times % 3 {
        0 => ReconnectMode::AtOnce,
        1 => ReconnectMode::OnResume,
        _ => ReconnectMode::Never,
    });
    let reconnect = match times / 4 % 4 {
        0 => reconnect.attempts(3),
        1 => reconnect.budget(Duration::from_secs(8)),
        2 => reconnect.stable_after(Duration::ZERO),
        _ => reconnect,
    };
    let window = if times & 0x40 == 0 {
        TERMS.resume_window_ms
    } else {
        0
    };
    let config = Config::new()
        .unacked_messages(TERMS.window_messages as usize)
        .unacked_bytes(TERMS.window_bytes as usize)
        .max_message(if sizes & 1 == 0 {
            TERMS.max_message as usize
        } else {
            1_000
        })
        .volatile_messages(2)
        .pending_logins(4)
        .pending_per_prefix(2)
        .max_sessions(if sizes & 2 == 0 { 100 } else { 2 })
        .turn_frames(if sizes & 4 == 0 { 64 } else { 2 })
        .turn_bytes(1_024)
        .recently_ended(usize::from(sizes & 8))
        .resume_window(Duration::from_millis(window.into()))
        .close_linger(Duration::from_secs(if times & 0x80 == 0 { 2 } else { 0 }))
        .reconnect(reconnect);
    if sizes & 16 == 0 {
        config
    } else {
        config.ack_delay(Duration::ZERO)
    }
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
