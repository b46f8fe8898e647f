//! What happens when something happens: inputs to the real registries, and what they ask for in return.

use std::{collections::VecDeque, time::Duration};

use bytes::Bytes;
use sessile::{
    Identity, Lent, LossCause, Reason,
    proto::{Cx, Effect, Effects, Key, Machine, Phase, Verdict, closed},
    registry::{Port, Reading, Registry},
    wire::{Frame, LOGIN_FRAME_BYTES, Secret, decode},
};

use super::{
    action::Action::{self, *},
    print,
    world::{ACCEPTOR, Client, DIALER, DOWN, InFlight, Lane, Story, UP, Wire, World},
};

/// Whose registry: a client's, or the server's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whose {
    Client(usize),
    Server,
}

const BROKEN: LossCause = LossCause::Io(std::io::ErrorKind::ConnectionReset);

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

    /// The dial that was asked for is there, at both ends, and the dialer's first frame goes out.
    fn connect(&mut self, client: usize) {
        let Some(dial) = self.clients[client].dial.take() else {
            return;
        };
        let Some(key) = self.clients[client].session else {
            return;
        };
        let Some(port) = self.server.accept(self.now, None) else {
            return self.fail("the server has no room for a stranger");
        };
        let link = self.links.len();
        self.links.push(Wire {
            client,
            life: self.clients[client].life,
            ends: [Some(Port::new(key, dial)), Some(port)],
            queue: [VecDeque::new(), VecDeque::new()],
            woken: [true; 2],
            answered: false,
        });
        self.stories.resize(self.links.len(), None);
        let up = self.on_client(client, |machine, cx| machine.link_up(cx, dial, None));
        self.check(up == Some(true), "a link that was dialed is not wanted");
        self.write(link, DIALER);
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

    /// An end writes what it has to write, frame by frame onto the link.
    pub(crate) fn write(&mut self, link: usize, side: usize) {
        let (now, mut out, mut fx) = (self.now, Vec::new(), Effects::default());
        let Some(port) = self.links[link].ends[side].take() else {
            return;
        };
        self.links[link].woken[side] = false;
        let client = self.links[link].client;
        let transmit = match (side, &mut self.clients[client].registry) {
            (ACCEPTOR, _) => self.server.transmit(&port, now, &mut out, &mut fx),
            (_, Some(registry)) => registry.transmit(&port, now, &mut out, &mut fx),
            (_, None) => return,
        };
        let story = match side {
            ACCEPTOR => self.story_of(port.key()),
            _ => self.clients[client].story,
        };
        self.links[link].ends[side] = Some(port);
        self.links[link].woken[side] |= transmit.more;
        self.perform(
            if side == ACCEPTOR {
                Whose::Server
            } else {
                Whose::Client(client)
            },
            fx,
        );
        self.post(link, side, story, &out);
        if transmit.close {
            self.close_end(link, side);
        }
    }

    fn post(&mut self, link: usize, side: usize, story: Option<usize>, mut out: &[u8]) {
        while let Ok(Some((frame, used))) = decode(out, LOGIN_FRAME_BYTES) {
            let (bytes, rest) = out.split_at(used);
            out = rest;
            match &frame {
                Frame::Welcome(_) | Frame::Resumed(_) => self.links[link].answered = true,
                Frame::Data(payload) => self.seen_written(payload),
                _ => {}
            }
            // Nobody reads what arrives at an end that is closed.
            if self.links[link].ends[1 - side].is_some() {
                self.links[link].queue[1 - side].push_back(InFlight {
                    bytes: Bytes::copy_from_slice(bytes),
                    name: frame.name(),
                    print: print::frame(&frame, story),
                });
            }
        }
        self.check(out.is_empty(), "what was written is no frame");
    }

    /// A frame arrives, or the first bytes of it alone; or the end of the stream, behind all of them.
    fn deliver(&mut self, link: usize, side: usize, most: Option<usize>) {
        let Some(mut port) = self.links[link].ends[side].take() else {
            return;
        };
        let (now, mut fx, client) = (self.now, Effects::default(), self.links[link].client);
        let mut fresh = || secret(link);
        let registry = match (side, &mut self.clients[client].registry) {
            (ACCEPTOR, _) => &mut self.server,
            (_, Some(registry)) => registry,
            (_, None) => return,
        };
        let reading = match self.links[link].queue[side].pop_front() {
            Some(frame) => {
                self.marks.frame(side, frame.name);
                let mut bytes = &frame.bytes[..most.unwrap_or(frame.bytes.len())];
                registry.read(&mut port, now, &mut bytes, &mut fx, &mut fresh)
            }
            None => {
                registry.input(port.key(), now, &mut fx, |machine, cx| {
                    machine.link_down(cx, port.link(), LossCause::ClosedByPeer);
                });
                Reading::Close
            }
        };
        self.links[link].ends[side] = Some(port);
        self.links[link].woken[side] = true; // who has read writes
        self.perform(
            if side == ACCEPTOR {
                Whose::Server
            } else {
                Whose::Client(client)
            },
            fx,
        );
        if reading == Reading::Close {
            self.close_end(link, side);
        }
        if side == DIALER {
            self.welcome(client, link);
        } else {
            self.prove(link);
        }
    }

    /// A frame after WELCOME, or a RESUME that was accepted.
    fn prove(&mut self, link: usize) {
        let port = self.links[link].ends[ACCEPTOR].as_ref();
        let story = port.and_then(|port| self.story_of(port.key()));
        let back = story.filter(|&story| story != link || self.links[link].answered);
        if let Some(story) = back.and_then(|story| self.stories[story].as_mut()) {
            story.proven = true;
        }
    }

    /// From WELCOME on, the client knows of the session.
    fn welcome(&mut self, client: usize, link: usize) {
        let logged_in = self
            .client(client)
            .is_some_and(|machine| machine.identity().is_some());
        if logged_in && self.clients[client].story.is_none() {
            self.clients[client].story = Some(link);
        }
    }

    fn break_end(&mut self, link: usize, side: usize) {
        let (client, port) = (self.links[link].client, &self.links[link].ends[side]);
        let Some((key, number)) = port.as_ref().map(|port| (port.key(), port.link())) else {
            return;
        };
        self.close_end(link, side);
        let down = |machine: &mut Machine, cx: &mut Cx<'_>| machine.link_down(cx, number, BROKEN);
        if side == ACCEPTOR {
            self.on_server(key, down);
        } else if self.clients[client].session == Some(key) {
            self.on_client(client, down);
        }
    }

    /// One end is gone; what is on its way to it is, too.
    fn close_end(&mut self, link: usize, side: usize) {
        let wire = &mut self.links[link];
        wire.ends[side] = None;
        wire.queue[side].clear();
        wire.woken[side] = false;
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
