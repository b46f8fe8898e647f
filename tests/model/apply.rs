//! What happens when something happens: inputs to the real registries, and what they ask for in return.

use std::time::Duration;

use bytes::Bytes;
use sessile::{
    Identity, Lent, Reason,
    proto::{Cx, Effect, Effects, Key, Machine, Phase, Verdict, closed},
    registry::Registry,
    wire::Secret,
};

use super::{
    action::Action::{self, *},
    world::{ACCEPTOR, Client, DIALER, DOWN, Lane, Story, UP, Wire, World},
};

/// Whose registry: a client's, or the server's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whose {
    Client(usize),
    Server,
}

impl Whose {
    /// Of this end of a client's link.
    pub(crate) fn at(side: usize, client: usize) -> Self {
        if side == ACCEPTOR {
            Self::Server
        } else {
            Self::Client(client)
        }
    }
}

impl World {
    /// One step, with everything that follows from it at once, and everything that must hold after it.
    pub(crate) fn step(&mut self, action: Action) {
        let before = self.before(action);
        self.apply(action);
        self.settle();
        self.look(action, &before);
    }

    /// The same step as once before: nothing has to be judged again.
    pub(crate) fn repeat(&mut self, action: Action) {
        self.apply(action);
        self.settle();
    }

    fn apply(&mut self, action: Action) {
        self.marks.deed(action);
        match action {
            Login(client) => self.log_in(client),
            Redial(client) => self.redial(client),
            DialFails(client) => self.dial_fails(client),
            Admit(link) => self.admit(link),
            Send(client) => self.send(client),
            SendDown => self.send_down(),
            Take(client) => self.take(client),
            TakeDown(story) => self.take_down(story),
            Write(link, side) => self.write(link, side),
            Deliver(link, side) => self.deliver(link, side, None),
            Tear(link, side) => {
                let frame = self.links[link].queue[side].front();
                let half = frame.map_or(0, |frame| frame.bytes.len() / 2);
                self.deliver(link, side, Some(half));
                self.break_end(link, side);
            }
            Break(link, side) => self.break_end(link, side),
            Close(client) => {
                self.left.closes -= 1;
                self.on_client(client, |machine, cx| {
                    machine.close(cx, closed(Reason::ClosedHere))
                });
            }
            CloseDown => {
                self.left.closes -= 1;
                self.on_live(|machine, cx| machine.close(cx, closed(Reason::ClosedHere)));
            }
            Remove => {
                self.left.removals -= 1;
                self.on_live(|machine, cx| machine.remove(cx, "out"));
            }
            Probe => {
                self.left.probes -= 1;
                self.on_live(|machine, _| machine.probe());
            }
            Crash(client) => self.crash(client),
            CrashServer => self.crash_server(),
            PassBeat => {
                self.left.beats -= 1;
                self.pass(self.bounds.settings().heartbeat_interval);
            }
            PassLease => {
                self.left.leases -= 1;
                self.pass(self.bounds.settings().lease);
            }
            PassWindow => {
                self.left.windows -= 1;
                let settings = self.bounds.settings();
                self.pass(settings.resume_window + settings.lease);
            }
        }
    }

    pub(crate) fn on_client<R>(
        &mut self,
        client: usize,
        give: impl FnOnce(&mut Machine, &mut Cx<'_>) -> R,
    ) -> Option<R> {
        let mut fx = Effects::default();
        let kept = &mut self.clients[client];
        let (registry, key) = (kept.registry.as_mut()?, kept.session?);
        let given = registry.input(key, self.now, &mut fx, give);
        self.perform(Whose::Client(client), fx);
        given
    }

    pub(crate) fn on_server<R>(
        &mut self,
        key: Key,
        give: impl FnOnce(&mut Machine, &mut Cx<'_>) -> R,
    ) -> Option<R> {
        let mut fx = Effects::default();
        let given = self.server.input(key, self.now, &mut fx, give);
        self.perform(Whose::Server, fx);
        given
    }

    fn on_live<R>(&mut self, give: impl FnOnce(&mut Machine, &mut Cx<'_>) -> R) {
        let live = self
            .live()
            .and_then(|live| self.peer(live))
            .map(Machine::key);
        if let Some(key) = live {
            self.on_server(key, give);
        }
    }

    pub(crate) fn perform(&mut self, whose: Whose, mut fx: Effects) {
        for effect in fx.drain() {
            match effect {
                Effect::Event(event) => self.hear(whose, event.kind()),
                Effect::Dial(_, link) => {
                    if let Whose::Client(client) = whose {
                        self.clients[client].dial = Some(link);
                    }
                }
                Effect::Wake(key, wake) if wake.has(sessile::proto::Wake::LINK) => {
                    for wire in &mut self.links {
                        let side = match whose {
                            Whose::Client(client) if wire.client == client => DIALER,
                            Whose::Client(_) => continue,
                            Whose::Server => ACCEPTOR,
                        };
                        wire.woken[side] |= wire.ends[side]
                            .as_ref()
                            .is_some_and(|port| port.key() == key);
                    }
                }
                Effect::Wake(..) | Effect::Offered(_) | Effect::Ended(_) => {}
            }
        }
    }

    fn log_in(&mut self, client: usize) {
        let instance = self.clients[client].instance(client, self.bounds.stable_instance);
        let kept = &mut self.clients[client];
        if kept.session.is_none() {
            let registry = kept.registry.get_or_insert_with(|| (*self.empty).clone());
            kept.session = Some(registry.dialer(instance, kept.login_attempt, 1));
        }
        self.on_client(client, |machine, cx| {
            machine.login(cx, Bytes::from_static(b"me"));
        });
        self.connect(client);
    }

    fn redial(&mut self, client: usize) {
        if self.clients[client].dial.is_none() {
            self.on_client(client, Machine::retry_now);
        }
        let dials = self.clients[client].dial.is_some();
        self.check(
            dials,
            "a client that lost its link has no dial planned (L1)",
        );
        self.connect(client);
    }

    fn dial_fails(&mut self, client: usize) {
        if let Some(link) = self.clients[client].dial.take() {
            let again = sessile::Retry::Now;
            self.on_client(client, |machine, cx| {
                machine.dial_failed(cx, link, "no way", again)
            });
        }
    }

    fn admit(&mut self, link: usize) {
        let Some(key) = self.at(link, ACCEPTOR).map(Machine::key) else {
            return;
        };
        self.on_server(key, |machine, _| machine.claim());
        let (mut fx, identity) = (Effects::default(), Identity::from(42u64));
        let verdict = self
            .server
            .admit(key, self.now, identity, secret(link), &mut fx);
        if matches!(verdict, Verdict::Admitted) {
            let Wire { client, life, .. } = self.links[link];
            let order = self.stories.iter().flatten().count() as u8;
            self.stories[link] = Some(Story {
                key: key.as_u64(),
                client,
                life,
                order,
                proven: false,
                lanes: [Lane::default(), Lane::default()],
                over: [false; 2],
                reasons: [None; 2],
            });
        }
        self.perform(Whose::Server, fx);
        if matches!(verdict, Verdict::Gone) {
            self.on_server(key, |machine, cx| machine.abandon(cx));
        }
    }

    fn send(&mut self, client: usize) {
        let Some(story) = self.clients[client].story else {
            return;
        };
        let number = self.stories[story]
            .as_ref()
            .map_or(0, |story| story.lanes[UP].accepted);
        let payload = [story as u8, UP as u8, number];
        let sent = self.on_client(client, |machine, _| machine.post(Lent::Slice(&payload)));
        self.accepted(story, UP, sent.is_some_and(|sent| sent.is_ok()));
    }

    fn send_down(&mut self) {
        let Some(story) = self.live() else { return };
        let number = self.stories[story]
            .as_ref()
            .map_or(0, |story| story.lanes[DOWN].accepted);
        let payload = [story as u8, DOWN as u8, number];
        if let Some(key) = self.peer(story).map(Machine::key) {
            let sent = self.on_server(key, |machine, _| machine.post(Lent::Slice(&payload)));
            self.accepted(story, DOWN, sent.is_some_and(|sent| sent.is_ok()));
        }
    }

    fn accepted(&mut self, story: usize, lane: usize, accepted: bool) {
        if let Some(story) = &mut self.stories[story] {
            story.lanes[lane].accepted += u8::from(accepted);
        }
    }

    fn take(&mut self, client: usize) {
        let Some(story) = self.clients[client].story else {
            return;
        };
        let taken = self.on_client(client, |machine, cx| machine.recv(cx, machine.epoch()));
        self.taken(story, DOWN, taken);
    }

    fn take_down(&mut self, story: usize) {
        if let Some(key) = self.peer(story).map(Machine::key) {
            let taken = self.on_server(key, |machine, cx| machine.recv(cx, machine.epoch()));
            self.taken(story, UP, taken);
        }
    }

    fn crash(&mut self, client: usize) {
        self.left.crashes -= 1;
        for link in 0..self.links.len() {
            if self.links[link].client == client {
                self.close_end(link, DIALER);
            }
        }
        let attempt = self.login_attempt(client);
        let stable = self.bounds.stable_instance;
        let kept = &mut self.clients[client];
        *kept = Client {
            life: kept.life + 1,
            login_attempt: if stable { attempt } else { 0 },
            registry: None,
            session: None,
            story: None,
            dial: None,
        };
    }

    fn crash_server(&mut self) {
        self.left.server_crashes -= 1;
        for link in 0..self.links.len() {
            self.close_end(link, ACCEPTOR);
        }
        // No id of its earlier life means anything to it: they begin elsewhere.
        let generation = 1 + u32::from(self.left.server_crashes);
        self.server = Registry::new(self.bounds.settings(), generation * 1000);
        self.highest_epoch = (0, None);
        for story in self.stories.iter_mut().flatten() {
            story.over[ACCEPTOR] = true;
        }
    }

    /// Time passes, deadline by deadline, while no byte moves: nobody is late, links are slow.
    fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        loop {
            let clients = self.clients.iter().flat_map(|client| &client.registry);
            let nexts = clients.map(Registry::next_deadline);
            let next = nexts.chain([self.server.next_deadline()]).flatten().min();
            let Some(next) = next.filter(|&next| next <= until) else {
                break;
            };
            self.now = self.now.max(next);
            self.time();
            if self.violation.is_some() {
                return;
            }
        }
        self.now = until;
        self.time();
    }

    /// Everybody does what is due. What stays due keeps a timer busy for ever.
    pub(crate) fn time(&mut self) {
        for whose in [Whose::Client(0), Whose::Client(1), Whose::Server] {
            let mut fx = Effects::default();
            let registry = match whose {
                Whose::Server => &mut self.server,
                Whose::Client(client) => match &mut self.clients[client].registry {
                    Some(registry) => registry,
                    None => continue,
                },
            };
            let busy = registry
                .next_deadline()
                .is_some_and(|next| next <= self.now)
                && registry.handle_due(self.now, &mut fx);
            self.perform(whose, fx);
            self.check(!busy, "a deadline stays due (S10)");
        }
    }

    pub(crate) fn login_attempt(&self, client: usize) -> u64 {
        let kept = self.clients[client].login_attempt;
        self.client(client)
            .map_or(kept, |machine| machine.instance().1)
    }

    pub(crate) fn phase(&self, client: usize) -> Option<Phase> {
        self.client(client).map(Machine::phase)
    }
}

/// A link brings one session at most, so its number makes a secret that no other has.
pub(crate) const fn secret(link: usize) -> Secret {
    Secret::new([link as u8 + 1; 16])
}
