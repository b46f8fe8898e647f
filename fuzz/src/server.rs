//! Target `server`: a registry that accepts, and peers that write any frame at any time, on any number of links. The
//! host admits, asks back, turns away, sends, reads, closes, or sleeps.

use std::time::Duration;

use sessile::{
    Identity, Reason, Rejection,
    proto::{Effects, Key, Machine, Phase, Verdict},
    registry::Registry,
    wire::Frame,
};

use crate::{
    app,
    books::{Proof, check_deadlines},
    checker::Side,
    choices::Choices,
    grammar,
    world::World,
};

struct Server {
    world: World,
    /// Sessions that the host has in hand: to be judged, and admitted.
    judged: Vec<Key>,
    members: Vec<Key>,
}

/// Two bytes of limits, then deeds.
pub fn server(bytes: &[u8]) {
    let mut choices = Choices::new(bytes);
    let mut server = Server {
        world: World::new(&mut choices, Side::Acceptor),
        judged: Vec::new(),
        members: Vec::new(),
    };
    while !choices.is_empty() {
        server.act(&mut choices);
        server.check();
    }
    let held = [server.judged, server.members].concat();
    app::end(&mut server.world, &held);
}

impl Server {
    fn act(&mut self, choices: &mut Choices<'_>) {
        let deed = choices.below(16);
        let link = self.world.any_link(choices);
        match (deed, link) {
            (0, _) | (_, None) => self.world.accept(choices),
            (1, Some(link)) => self.log_in(link, choices),
            (2..6, Some(link)) => {
                let frame = grammar::frame(choices, &self.world.knows(link));
                self.world.links[link].on_way.extend(frame);
                if choices.byte() < 200 {
                    self.world.deliver(link, usize::MAX);
                }
            }
            (6, Some(link)) => {
                self.world.links[link].on_way.extend(choices.short());
                self.world.deliver(link, usize::from(choices.byte()));
            }
            (7, Some(link)) => self.world.deliver(link, usize::from(choices.byte())),
            (8, Some(link)) => self.world.deliver_to_host(link),
            (9 | 10, Some(link)) => self.world.hear(link),
            (11, Some(link)) => self.world.cut(link),
            (12, _) => self.judge(choices),
            (13, _) => {
                let time =
                    [1, 25_000, 700_000, 2_100_000, 6_500_000, 30_000_000, 0][choices.below(7)];
                let late = choices.byte() >= 192;
                self.world.pass(Duration::from_micros(time), late);
            }
            _ => {
                let at = choices.below(self.members.len());
                if let Some(&key) = self.members.get(at)
                    && !app::act(&mut self.world, key, choices)
                {
                    self.members.swap_remove(at);
                }
            }
        }
    }

    /// What most links begin with, and its way in.
    fn log_in(&mut self, link: usize, choices: &mut Choices<'_>) {
        let knows = self.world.knows(link);
        let mut frame = Vec::new();
        Frame::Login(grammar::login(choices, &knows)).encode(&mut frame);
        self.world.links[link].on_way.extend(frame);
        self.world.deliver(link, usize::MAX);
        if choices.byte() < 200 {
            self.judge(choices);
            self.world.hear(link);
        }
    }

    /// The host answers whoever waited longest, or somebody in hand.
    fn judge(&mut self, choices: &mut Choices<'_>) {
        let (now, world) = (self.world.now, &mut self.world);
        if let Some(key) = world.offered.pop_front() {
            // Whoever left while it waited was never here.
            if !world
                .registry
                .get(key)
                .is_some_and(|one| one.is_admissible(now))
            {
                return;
            }
            world.on(key, |machine, _| machine.claim());
            self.judged.push(key);
        }
        let at = choices.below(self.judged.len());
        let Some(&key) = self.judged.get(at) else {
            return;
        };
        let verdict = choices.byte();
        match verdict {
            0..160 => {
                self.admit(key, u64::from(verdict % 3));
                self.members.push(self.judged.swap_remove(at));
            }
            160..200 => drop(world.on(key, |machine, _| machine.challenge(b"who?"[..].into()))),
            200..224 => drop(world.on(key, |machine, _| machine.take_answer())),
            224..240 => {
                let why = [
                    Rejection::bad_credentials(),
                    Rejection::busy(Duration::from_secs(1)),
                    Rejection::full(),
                    Rejection::other(1_000),
                ];
                world.on(key, |machine, cx| {
                    machine.reject(cx, &why[choices.below(4)])
                });
                self.members.push(self.judged.swap_remove(at));
            }
            _ => {
                app::let_go(world, key);
                self.judged.swap_remove(at);
            }
        }
    }

    /// The host says who this is, and whoever was that before makes room.
    fn admit(&mut self, key: Key, identity: u64) {
        let (now, world) = (self.world.now, &mut self.world);
        let identity = Identity::new(identity).expect("short enough");
        let of = |registry: &Registry, key| registry.get(key).map(Machine::instance);
        let holder = world
            .registry
            .holder(&identity)
            .filter(|&holder| holder != key);
        let before = holder.and_then(|holder| of(&world.registry, holder));
        let (instance, attempt) = of(&world.registry, key).unwrap_or_default();
        let (secret, mut fx) = (world.fresh_secret(), Effects::default());
        let verdict = world
            .registry
            .admit(key, now, identity.clone(), secret, &mut fx);
        world.perform(fx);
        let Verdict::Admitted = verdict else {
            return;
        };
        assert_eq!(world.registry.holder(&identity), Some(key));
        world.check_epoch(key);
        let prove_by = now + world.registry.settings().login_deadline;
        let book = world.books.entry(key).or_default();
        book.proof = Proof::new(world.secrets.into(), prove_by);
        // R12: a client that comes anew replaces its own ghost silently, and nobody by an older login.
        if let (Some(holder), Some((its_instance, its_attempt))) = (holder, before) {
            let same = its_instance == instance;
            assert!(
                !same || attempt > its_attempt,
                "{attempt} after {its_attempt}"
            );
            let reason = if same {
                Reason::Superseded
            } else {
                Reason::TakenOver
            };
            let ended = world.registry.get(holder).and_then(Machine::ended);
            assert!(
                ended.is_none_or(|end| end.reason() == reason),
                "{ended:?}, not {reason:?}"
            );
        }
    }

    /// What holds of all sessions together, whatever their peers write.
    fn check(&self) {
        let (registry, settings) = (&self.world.registry, self.world.registry.settings());
        let (mut strangers, mut live) = (0, 0);
        check_deadlines(registry, self.world.now);
        for machine in self.world.machines() {
            strangers += usize::from(machine.is_stranger());
            if machine.phase() == Phase::Ended {
                continue;
            }
            // S3: one live session for an identity, and the index knows it.
            if let Some(identity) = machine.identity() {
                live += 1;
                assert_eq!(registry.holder(identity), Some(machine.key()));
            }
        }
        for (key, book) in &self.world.books {
            // R13.
            let kept = book.until <= self.world.now || registry.get(*key).is_some();
            assert!(
                kept,
                "the end of {key:?} is forgotten before {:?}",
                book.until
            );
        }
        let (page, more) = registry.page(0, usize::MAX);
        assert_eq!((page.len(), more), (live, None));
        // R1.
        assert_eq!(registry.strangers(), strangers);
        assert_eq!(registry.len(), live);
        assert!(live <= settings.max_sessions && strangers <= settings.pending_logins);
        assert!(
            self.world
                .links
                .iter()
                .filter(|link| self.is_current(link))
                .count()
                <= registry.occupied()
        );
    }

    fn is_current(&self, link: &crate::link::Link) -> bool {
        let machine = self.world.registry.get(link.key());
        let port = link.port.as_ref().map(sessile::registry::Port::link);
        port.is_some() && machine.and_then(Machine::current_link) == port
    }
}
