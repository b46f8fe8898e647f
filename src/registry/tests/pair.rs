use std::{collections::VecDeque, time::Duration};

use bytes::Bytes;

use crate::{
    Closed, Config, EventKind, Identity, Lent, LossCause, Reason,
    proto::{Cx, Effect, Effects, Key, LinkId, Machine, Phase, Time},
    registry::{Port, Reading, Registry},
    wire::Secret,
};

/// A dialer's registry, an acceptor's, and the links between them.
pub(super) struct Pair {
    pub(super) now: Time,
    pub(super) client: Registry,
    pub(super) server: Registry,
    pub(super) session: Key,
    pub(super) links: Vec<Wire>,
    /// Dials of the client that no link was made for yet.
    pub(super) dials: VecDeque<(Key, LinkId)>,
    pub(super) offered: VecDeque<Key>,
    pub(super) events: [Vec<EventKind>; 2],
    pub(super) secrets: u64,
    /// Whether a dial makes a link at once.
    pub(super) network_up: bool,
}

/// One link: a port at either end, and what is on its way.
pub(super) struct Wire {
    pub(super) ends: [Option<Port>; 2],
    /// Towards the dialer, towards the acceptor.
    pub(super) bytes: [Vec<u8>; 2],
}

pub(super) const DIALER: usize = 0;
pub(super) const ACCEPTOR: usize = 1;

impl Pair {
    pub(super) fn new(config: Config) -> Self {
        let settings = config.validate().unwrap();
        let mut client = Registry::new(settings.clone(), 0);
        let session = client.dialer([7; 16], 0, 1);
        let mut pair = Self {
            now: Time::START + Duration::from_secs(1),
            client,
            server: Registry::new(settings, 1000),
            session,
            links: Vec::new(),
            dials: VecDeque::new(),
            offered: VecDeque::new(),
            events: [Vec::new(), Vec::new()],
            secrets: 0,
            network_up: true,
        };
        pair.on_client(|machine, cx| machine.login(cx, Bytes::from_static(b"me")));
        pair
    }

    /// Logged in as 42, nothing on its way.
    pub(super) fn logged_in(config: Config) -> (Self, Key) {
        let mut pair = Self::new(config);
        pair.settle();
        let peer = pair.admit_next();
        pair.settle();
        assert_eq!(
            pair.client.get(pair.session).unwrap().phase(),
            Phase::LoggedIn
        );
        assert_eq!(pair.server.get(peer).unwrap().phase(), Phase::LoggedIn);
        (pair, peer)
    }

    pub(super) fn admit_next(&mut self) -> Key {
        let key = self.offered.pop_front().expect("nobody came");
        self.on_server(key, |machine, _| machine.claim());
        let (secret, mut fx) = (next_secret(&mut self.secrets), Effects::default());
        let identity = Identity::new(42u64).unwrap();
        self.server.admit(key, self.now, identity, secret, &mut fx);
        self.perform(ACCEPTOR, fx);
        key
    }

    pub(super) fn on_client<R>(&mut self, give: impl FnOnce(&mut Machine, &mut Cx<'_>) -> R) -> R {
        let mut fx = Effects::default();
        let given = self
            .client
            .input(self.session, self.now, &mut fx, give)
            .unwrap();
        self.perform(DIALER, fx);
        given
    }

    pub(super) fn on_server<R>(
        &mut self,
        key: Key,
        give: impl FnOnce(&mut Machine, &mut Cx<'_>) -> R,
    ) -> R {
        let mut fx = Effects::default();
        let given = self.server.input(key, self.now, &mut fx, give).unwrap();
        self.perform(ACCEPTOR, fx);
        given
    }

    pub(super) fn perform(&mut self, side: usize, mut fx: Effects) {
        for effect in fx.drain() {
            match effect {
                Effect::Event(event) => self.events[side].push(event.kind().clone()),
                Effect::Dial(key, link) => self.dials.push_back((key, link)),
                Effect::Offered(key) => self.offered.push_back(key),
                Effect::Wake(..) | Effect::Ended(_) => {}
            }
        }
    }

    /// Moves bytes and makes links until nothing moves any more.
    pub(super) fn settle(&mut self) {
        loop {
            let mut moved = self.connect();
            for link in 0..self.links.len() {
                for side in [DIALER, ACCEPTOR] {
                    moved |= self.write(link, side);
                    moved |= self.read(link, side);
                }
            }
            if !moved {
                return;
            }
        }
    }

    pub(super) fn connect(&mut self) -> bool {
        if !self.network_up {
            return false;
        }
        let Some((key, link)) = self.dials.pop_front() else {
            return false;
        };
        let (now, mut fx) = (self.now, Effects::default());
        let port = self.server.accept(now, None, &mut fx);
        self.perform(ACCEPTOR, std::mem::take(&mut fx));
        let wanted = self.client.input(key, now, &mut fx, |machine, cx| {
            machine.link_up(cx, link, None)
        });
        self.perform(DIALER, fx);
        if wanted == Some(true) {
            let ends = [Some(Port::new(key, link)), port];
            self.links.push(Wire {
                ends,
                bytes: [Vec::new(), Vec::new()],
            });
        }
        true
    }

    pub(super) fn registry(&mut self, side: usize) -> &mut Registry {
        if side == DIALER {
            &mut self.client
        } else {
            &mut self.server
        }
    }

    /// What one end has to say goes on its way.
    pub(super) fn write(&mut self, link: usize, side: usize) -> bool {
        let Some(port) = self.links[link].ends[side].take() else {
            return false;
        };
        let (now, mut out, mut fx) = (self.now, Vec::new(), Effects::default());
        let transmit = self.registry(side).transmit(&port, now, &mut out, &mut fx);
        self.perform(side, fx);
        let wrote = !out.is_empty();
        self.links[link].bytes[1 - side].extend(out);
        if !transmit.close {
            self.links[link].ends[side] = Some(port);
        }
        wrote
    }

    /// What is on its way arrives, and so does the end of the stream once the other end has closed.
    pub(super) fn read(&mut self, link: usize, side: usize) -> bool {
        self.read_some(link, side, usize::MAX)
    }

    /// The same for the first bytes of it alone.
    pub(super) fn read_some(&mut self, link: usize, side: usize, most: usize) -> bool {
        let Some(mut port) = self.links[link].ends[side].take() else {
            return false;
        };
        let mut bytes = std::mem::take(&mut self.links[link].bytes[side]);
        self.links[link].bytes[side] = bytes.split_off(most.min(bytes.len()));
        let (now, mut fx) = (self.now, Effects::default());
        let mut secrets = self.secrets;
        let mut fresh = || next_secret(&mut secrets);
        if bytes.is_empty() {
            if self.links[link].ends[1 - side].is_some() {
                self.links[link].ends[side] = Some(port);
                return false;
            }
            self.registry(side)
                .input(port.key(), now, &mut fx, |machine, cx| {
                    machine.link_down(cx, port.link(), LossCause::ClosedByPeer);
                });
        } else {
            let mut rest = &bytes[..];
            let reading = loop {
                let registry = self.registry(side);
                match registry.read(&mut port, now, &mut rest, &mut fx, &mut fresh) {
                    Reading::More => {}
                    reading => break reading,
                }
            };
            if reading == Reading::Continue {
                self.links[link].ends[side] = Some(port);
            }
        }
        self.secrets = secrets;
        self.perform(side, fx);
        true
    }

    /// Cuts the newest link: what is on its way is gone, and both ends hear of it.
    pub(super) fn cut(&mut self) {
        let link = self.links.len() - 1;
        self.links[link].bytes = [Vec::new(), Vec::new()];
        self.break_end(link, DIALER);
        self.break_end(link, ACCEPTOR);
    }

    /// One end of a link notices that it is broken; the other does not yet, and may read what was on its way.
    pub(super) fn break_end(&mut self, link: usize, side: usize) {
        let Some(port) = self.links[link].ends[side].take() else {
            return;
        };
        let (now, mut fx) = (self.now, Effects::default());
        self.registry(side)
            .input(port.key(), now, &mut fx, |machine, cx| {
                machine.link_down(
                    cx,
                    port.link(),
                    LossCause::Io(std::io::ErrorKind::ConnectionReset),
                );
            });
        self.perform(side, fx);
    }

    /// Lets time pass, deadline by deadline.
    pub(super) fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        loop {
            let next = [self.client.next_deadline(), self.server.next_deadline()]
                .into_iter()
                .flatten()
                .min();
            let Some(next) = next.filter(|&next| next <= until) else {
                break;
            };
            self.now = self.now.max(next);
            self.time();
            self.settle();
        }
        self.now = until;
        self.time();
        self.settle();
    }

    pub(super) fn time(&mut self) {
        for side in [DIALER, ACCEPTOR] {
            let (now, mut fx) = (self.now, Effects::default());
            while self.registry(side).handle_due(now, &mut fx) {}
            self.perform(side, fx);
        }
    }

    pub(super) fn send(&mut self, text: &'static str) {
        self.on_client(|machine, _| machine.send(machine.epoch(), Lent::Slice(text.as_bytes())))
            .unwrap();
    }

    pub(super) fn send_back(&mut self, peer: Key, text: &'static str) {
        self.on_server(peer, |machine, _| {
            machine.post(Lent::Slice(text.as_bytes()))
        })
        .unwrap();
    }

    pub(super) fn heard_by_client(&mut self) -> Vec<String> {
        self.on_client(drain)
    }

    pub(super) fn heard_by(&mut self, peer: Key) -> Vec<String> {
        self.on_server(peer, drain)
    }

    pub(super) fn client_phase(&self) -> Phase {
        self.client.get(self.session).unwrap().phase()
    }

    pub(super) fn reason(&self, side: usize, key: Key) -> Option<Reason> {
        let registry = if side == DIALER {
            &self.client
        } else {
            &self.server
        };
        registry
            .get(key)
            .and_then(|machine| machine.ended().map(Closed::reason))
    }
}

/// No two are alike.
fn next_secret(count: &mut u64) -> Secret {
    *count += 1;
    Secret::new(u128::from(*count).to_be_bytes())
}

pub(super) fn drain(machine: &mut Machine, cx: &mut Cx<'_>) -> Vec<String> {
    let epoch = machine.epoch();
    std::iter::from_fn(|| machine.recv(cx, epoch).ok().flatten())
        .map(|received| String::from_utf8(received.payload.to_vec()).unwrap())
        .collect()
}
