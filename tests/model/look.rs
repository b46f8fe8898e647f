//! What must hold after every step.

use std::{
    hash::{DefaultHasher, Hasher},
    time::Duration,
};

use sessile::{
    Reason,
    proto::{Cx, Effects, Key, Machine, Phase},
    registry::{Port, Registry, Wheel},
    wire::{Frame, Resume, VERSION},
};

use super::{
    action::Action::{self, Admit, Deliver, PassLease, PassWindow},
    apply::secret,
    world::{ACCEPTOR, DIALER, DOWN, UP, World},
};

/// How it was, where that is needed to judge what happened.
#[derive(Default)]
pub(crate) struct Before {
    /// Whom a frame of an older link reaches, and how he was.
    stale: Option<(Option<Key>, u64)>,
    /// The session that was logged in, and its current link.
    live: Option<usize>,
    current: Option<usize>,
    unproven: Option<usize>,
}

impl World {
    pub(crate) fn before(&self, action: Action) -> Before {
        let mut before = Before::default();
        match action {
            Deliver(link, side) => {
                if !self.is_current(link, side) {
                    let port = self.links[link].ends[side].as_ref();
                    let key = port.map(Port::key);
                    before.stale = self.at(link, side).map(|old| (key, self.print_of(old)));
                }
                if side == ACCEPTOR {
                    before.current = self.live().and_then(|live| self.current_of(live));
                }
            }
            Admit(_) => before.live = self.live(),
            PassLease | PassWindow => {
                let unproven = |live: &usize| {
                    self.stories[*live]
                        .as_ref()
                        .is_some_and(|live| !live.proven)
                };
                before.unproven = self.live().filter(unproven);
            }
            _ => {}
        }
        before
    }

    pub(crate) fn look(&mut self, action: Action, before: &Before) {
        match action {
            Deliver(link, side) => self.look_at_delivery(link, side, before),
            Admit(link) => self.look_at_admission(link, before),
            _ => {}
        }
        if let Some(story) = before.unproven {
            let over = self
                .peer(story)
                .is_none_or(|peer| peer.phase() == Phase::Ended);
            self.check(over, "a session that nobody proved lives on (R16)");
        }
        self.one_for_an_identity();
        self.nothing_is_acknowledged_before_it_is_taken();
        self.whoever_has_to_write_was_woken();
        self.deadlines_are_armed();
        self.what_came_before_a_close_can_be_read();
    }

    /// What the world knows better than its parts.
    pub(crate) fn note(&mut self) {
        let Some(live) = self.live() else { return };
        let epoch = self.peer(live).map_or(0, Machine::epoch);
        if self.highest_epoch != (epoch, Some(live)) {
            self.check(
                epoch > self.highest_epoch.0,
                "an epoch that does not grow (S3)",
            );
            self.highest_epoch = (epoch, Some(live));
        }
    }

    fn look_at_delivery(&mut self, link: usize, side: usize, before: &Before) {
        if let Some((key, print)) = before.stale {
            let registry = match side {
                ACCEPTOR => Some(&self.server),
                _ => self.clients[self.links[link].client].registry.as_ref(),
            };
            let machine = registry
                .zip(key)
                .and_then(|(registry, key)| registry.get(key));
            let same = machine.is_none_or(|machine| self.print_of(machine) == print);
            self.check(same, "a frame of an older link changed something (S8, R11)");
        }
        if side != ACCEPTOR {
            return;
        }
        let current = self.live().and_then(|live| self.current_of(live));
        if let (Some(old), Some(new)) = (before.current, current)
            && self.links[old].client == self.links[new].client
        {
            self.check(new >= old, "an abandoned link took the session back (R2)");
        }
        if current == Some(link) && self.links[link].answered {
            self.old_secrets_are_worthless(link);
        }
    }

    /// Who was replaced by another client was taken over, and by himself superseded (R12).
    fn look_at_admission(&mut self, link: usize, before: &Before) {
        let (Some(old), Some(new)) = (before.live, self.stories[link].as_ref()) else {
            return;
        };
        let Some(story) = &self.stories[old] else {
            return;
        };
        let expected = match self.instance_of(story) == self.instance_of(new) {
            true => Reason::Superseded,
            false => Reason::TakenOver,
        };
        let ended = self
            .peer(old)
            .and_then(Machine::ended)
            .map(sessile::Closed::reason);
        let fair = ended.or(story.reasons[ACCEPTOR]) == Some(expected);
        self.check(
            fair,
            "a login did not do to the session before it what it should (S3, R12)",
        );
    }

    /// Once the newest secret was proven, every other is worth nothing, whoever may have seen it (R4, R5).
    fn old_secrets_are_worthless(&mut self, current: usize) {
        let Some(key) = self.links[current].ends[ACCEPTOR].as_ref().map(Port::key) else {
            return;
        };
        let mut accepted = false;
        for old in (0..self.links.len()).filter(|&old| old != current) {
            let mut server: Registry = self.server.clone();
            let (mut fx, mut bytes) = (Effects::default(), Vec::new());
            let Some(mut port) = server.accept(self.now, None, &mut fx) else {
                continue;
            };
            Frame::Resume(Resume {
                version: VERSION,
                session: key.as_u64(),
                secret: secret(old),
                attempt: 1 << 32,
                received: 0,
                taken: 0,
            })
            .encode(&mut bytes);
            server.read(&mut port, self.now, &mut &bytes[..], &mut fx, &mut || {
                secret(14)
            });
            accepted |= port.key() == key;
        }
        self.check(
            !accepted,
            "an old secret counts although a newer one was proven (R5)",
        );
    }

    /// The link that a session is on.
    fn current_of(&self, story: usize) -> Option<usize> {
        let on = |link: &usize| {
            let port = self.links[*link].ends[ACCEPTOR].as_ref();
            port.is_some_and(|port| self.story_of(port.key()) == Some(story))
        };
        (0..self.links.len()).find(|link| on(link) && self.is_current(*link, ACCEPTOR))
    }

    fn one_for_an_identity(&mut self) {
        let lives = |story: &usize| {
            self.peer(*story)
                .is_some_and(|peer| peer.phase() != Phase::Ended)
        };
        let live: Vec<usize> = (0..self.stories.len()).filter(lives).collect();
        let indexed = self.server.find(&42u64.to_be_bytes());
        let found = indexed.and_then(|key| self.story_of(key));
        let strangers = self.links.iter().filter(|link| {
            let port = link.ends[ACCEPTOR].as_ref();
            port.and_then(|port| self.server.get(port.key()))
                .is_some_and(Machine::is_stranger)
        });
        let counted = strangers.count() == self.server.strangers();
        self.check(live.len() <= 1, "two live sessions of one identity (S3)");
        self.check(found == live.first().copied(), "the index is not true (S3)");
        self.check(counted, "strangers are not counted right (T1)");
    }

    fn nothing_is_acknowledged_before_it_is_taken(&mut self) {
        let mut wrong = false;
        for (number, story) in self.stories.iter().enumerate() {
            let Some(story) = story else { continue };
            let holder = self.clients[story.client].story == Some(number);
            let dialer = self.client(story.client).filter(|_| holder);
            let acceptor = self.peer(number).filter(|_| !story.over[ACCEPTOR]);
            for (lane, from, to) in [(UP, dialer, acceptor), (DOWN, acceptor, dialer)] {
                let lane = &story.lanes[lane];
                if let Some(sender) = from.map(|sender| sender.snapshot(self.now)) {
                    wrong |= sender.sent != u64::from(lane.accepted);
                    wrong |= sender.acked > u64::from(lane.delivered);
                }
                if let Some(receiver) = to.map(|receiver| receiver.snapshot(self.now)) {
                    wrong |= receiver.taken != u64::from(lane.delivered);
                }
            }
        }
        self.check(
            !wrong,
            "acknowledged before it was taken (S2), or counted wrong",
        );
    }

    /// Who has something to write and is not woken writes it when the next heartbeat comes, or never.
    fn whoever_has_to_write_was_woken(&mut self) {
        let mut asleep = false;
        for link in 0..self.links.len() {
            for side in [DIALER, ACCEPTOR] {
                asleep |= !self.links[link].woken[side]
                    && self.is_current(link, side)
                    && self.wants_transmit(link, side);
            }
        }
        self.check(
            !asleep,
            "a link has something to write, and nobody was woken",
        );
    }

    /// Who hears that his peer closed reads what it sent before.
    fn what_came_before_a_close_can_be_read(&mut self) {
        let clients = (0..self.clients.len()).filter_map(|client| self.client(client));
        let peers = (0..self.stories.len()).filter_map(|story| {
            let open = self.stories[story]
                .as_ref()
                .is_some_and(|story| !story.over[ACCEPTOR]);
            self.peer(story).filter(|_| open)
        });
        let mut lost = false;
        for machine in clients.chain(peers) {
            let closed = machine.ended().map(sessile::Closed::reason) == Some(Reason::ClosedByPeer);
            let snapshot = machine.snapshot(self.now);
            lost |= closed && snapshot.taken + machine.unread() as u64 != snapshot.received;
        }
        self.check(!lost, "what came before a CLOSE is gone");
    }

    /// Every deadline is in the wheel, and none has passed (S10).
    fn deadlines_are_armed(&mut self) {
        let settings = self.server.settings();
        let tick = Duration::from_micros(Wheel::TICK_MICROS);
        let armed = |registry: &Registry, machine: &Machine| {
            machine.deadline(settings).is_none_or(|deadline| {
                registry
                    .next_deadline()
                    .is_some_and(|next| next <= deadline + tick)
            })
        };
        let ports = self
            .links
            .iter()
            .filter_map(|link| link.ends[ACCEPTOR].as_ref());
        let keys = ports.map(Port::key);
        let keys = keys.chain(
            self.stories
                .iter()
                .flatten()
                .map(|story| Key::from_u64(story.key)),
        );
        let mut at_server = keys.filter_map(|key| self.server.get(key));
        let server = at_server.all(|machine| armed(&self.server, machine));
        let clients = (0..self.clients.len()).all(|client| {
            let registry = self.clients[client].registry.as_ref();
            let both = registry.zip(self.client(client));
            both.is_none_or(|(registry, machine)| armed(registry, machine))
        });
        self.check(server && clients, "a deadline that nobody waits for (S10)");
    }

    /// Whether a machine has something to write on this link, if it is its current one.
    pub(crate) fn wants_transmit(&self, link: usize, side: usize) -> bool {
        let mut fx = Effects::default();
        let cx = Cx {
            now: self.now,
            late: Duration::ZERO,
            settings: self.server.settings(),
            tick: 0,
            direct: false,
            whole: None,
            fx: &mut fx,
        };
        self.at(link, side)
            .is_some_and(|machine| machine.wants_transmit(&cx))
    }

    fn print_of(&self, machine: &Machine) -> u64 {
        let mut state = DefaultHasher::new();
        machine.fingerprint(self.now, false, &mut state);
        state.finish()
    }
}
