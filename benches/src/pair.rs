use bytes::Bytes;
use sessile::{
    AsMessage, Config, Identity, LossCause,
    proto::{Cx, Effect, Effects, Key, LinkId, Machine, Time},
    registry::{Port, Reading, Registry},
    wire::Secret,
};

/// A client's core, a server's, and the link between them.
pub struct Pair {
    pub now: Time,
    client: End,
    server: End,
    dial: Option<LinkId>,
    offered: Option<Key>,
    secrets: u64,
    fx: Effects,
}

struct End {
    registry: Registry,
    key: Key,
    port: Option<Port>,
    /// On its way to the other end.
    bytes: Vec<u8>,
}

/// One of the two ends.
#[derive(Clone, Copy, Debug)]
pub enum Side {
    Client,
    Server,
}

impl Pair {
    pub fn logged_in() -> Self {
        let settings = Config::new().validate().expect("limits within range");
        let mut registry = Registry::new(settings.clone(), 0);
        let key = registry.dialer([7; 16], 0, 1);
        let client = End::new(registry, key);
        let server = End::new(Registry::new(settings, 1000), Key::from_u64(0));
        let mut pair = Self {
            now: Time::from_micros(1_000_000),
            client,
            server,
            dial: None,
            offered: None,
            secrets: 0,
            fx: Effects::default(),
        };
        pair.input(Side::Client, |machine, cx| {
            machine.login(cx, Bytes::from_static(b"me"));
        });
        pair.connect();
        pair.settle();
        let key = pair.offered.take().expect("somebody came");
        pair.server.key = key;
        pair.input(Side::Server, |machine, _| machine.claim());
        let secret = next_secret(&mut pair.secrets);
        let identity = Identity::from(42u64);
        pair.server
            .registry
            .admit(key, pair.now, identity, secret, &mut pair.fx);
        pair.settle();
        pair
    }

    /// The program at one end sends a message. False where the window has no room for it.
    pub fn send(&mut self, from: Side, message: &[u8]) -> bool {
        let sent = self.input(from, |machine, _| {
            machine.send(machine.epoch(), message.lend())
        });
        sent.is_ok()
    }

    /// The program at one end reads all there is; how many messages that was.
    pub fn take_all(&mut self, at: Side) -> usize {
        self.input(at, |machine, cx| {
            let epoch = machine.epoch();
            std::iter::from_fn(|| machine.recv(cx, epoch).expect("a link")).count()
        })
    }

    /// What one end has to say arrives at the other, a turn of it. False where it had nothing to say.
    pub fn carry(&mut self, from: Side) -> bool {
        let (now, mut fx) = (self.now, std::mem::take(&mut self.fx));
        let end = self.end(from);
        let Some(port) = &end.port else {
            return false;
        };
        let transmit = end.registry.transmit(port, now, &mut end.bytes, &mut fx);
        assert!(!transmit.close);
        let mut bytes = std::mem::take(&mut end.bytes);
        let wrote = !bytes.is_empty();
        self.perform(fx);
        self.deliver(from.other(), &bytes);
        bytes.clear();
        self.end(from).bytes = bytes;
        wrote
    }

    fn deliver(&mut self, to: Side, mut bytes: &[u8]) {
        let (now, mut secrets) = (self.now, self.secrets);
        let mut fx = std::mem::take(&mut self.fx);
        let fresh = &mut || next_secret(&mut secrets);
        let End { registry, port, .. } = self.end(to);
        let port = port.as_mut().expect("a link");
        while !bytes.is_empty() {
            let reading = registry.read(port, now, &mut bytes, &mut fx, fresh);
            assert_ne!(reading, Reading::Close);
        }
        self.secrets = secrets;
        self.perform(fx);
    }

    /// Everything that is on its way or is to be said.
    pub fn settle(&mut self) {
        while self.carry(Side::Client) | self.carry(Side::Server) {}
    }

    /// The link breaks with what is on it.
    pub fn cut(&mut self) {
        for side in [Side::Client, Side::Server] {
            let port = self.end(side).port.take().expect("a link");
            self.input(side, |machine, cx| {
                machine.link_down(cx, port.link(), LossCause::ClosedByPeer);
            });
        }
    }

    /// The client's wait is over: a new link, RESUME, RESUMED, and what is replayed.
    pub fn resume(&mut self) {
        while self.dial.is_none() {
            let next = self.client.registry.next_deadline().expect("a wait");
            self.now = self.now.max(next);
            let mut fx = std::mem::take(&mut self.fx);
            self.client.registry.handle_due(self.now, &mut fx);
            self.perform(fx);
        }
        self.connect();
        self.settle();
    }

    fn connect(&mut self) {
        let link = self.dial.take().expect("the client dials");
        self.server.port = self.server.registry.accept(self.now, None, &mut self.fx);
        self.client.port = Some(Port::new(self.client.key, link));
        let up = self.input(Side::Client, |machine, cx| machine.link_up(cx, link, None));
        assert!(up);
    }

    fn input<R>(&mut self, side: Side, give: impl FnOnce(&mut Machine, &mut Cx<'_>) -> R) -> R {
        let (now, mut fx) = (self.now, std::mem::take(&mut self.fx));
        let End { registry, key, .. } = self.end(side);
        let given = registry.input(*key, now, &mut fx, give).expect("a session");
        self.perform(fx);
        given
    }

    fn perform(&mut self, mut fx: Effects) {
        for effect in fx.drain() {
            match effect {
                Effect::Dial(_, link) => self.dial = Some(link),
                Effect::Offered(key) => self.offered = Some(key),
                Effect::Event(_) | Effect::Wake(..) | Effect::Ended(_) => {}
            }
        }
        self.fx = fx;
    }

    const fn end(&mut self, side: Side) -> &mut End {
        match side {
            Side::Client => &mut self.client,
            Side::Server => &mut self.server,
        }
    }
}

impl End {
    const fn new(registry: Registry, key: Key) -> Self {
        Self {
            registry,
            key,
            port: None,
            bytes: Vec::new(),
        }
    }
}

impl Side {
    const fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

/// No two are alike.
fn next_secret(count: &mut u64) -> Secret {
    *count += 1;
    Secret::new(u128::from(*count).to_be_bytes())
}
