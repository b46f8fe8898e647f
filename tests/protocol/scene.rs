//! One side of the protocol, for real: a registry, its time, and the links that a test holds the other ends of.

#[path = "link.rs"] // these files are another test's, too
mod link;

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use sessile::{
    Config, EventKind, Identity, Lent, LossCause,
    proto::{Cx, Effect, Effects, Key, LinkId, Machine, Phase, Time, Wake},
    registry::{Reading, Registry},
    wire::{Frame, Login, Secret, decode},
};

use crate::say::{INSTANCE, TERMS, bytes, line, login, welcome};
pub(crate) use link::Link;

/// The core under test and everything around it.
#[derive(Clone)]
pub(crate) struct Scene {
    pub(crate) now: Time,
    pub(crate) registry: Registry,
    /// The dialer's one session; nothing at an acceptor.
    pub(crate) session: Key,
    pub(crate) offered: VecDeque<Key>,
    pub(crate) dials: VecDeque<(Key, LinkId)>,
    pub(crate) events: Vec<EventKind>,
    /// How often the link's task of a session was woken.
    woken: HashMap<Key, u64>,
    secrets: u8,
}

pub(crate) fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Limits that fit the terms which hand-written frames ask for and grant.
pub(crate) fn config() -> Config {
    Config::new()
        .unacked_messages(TERMS.window_messages as usize)
        .unacked_bytes(TERMS.window_bytes as usize)
        .max_message(TERMS.max_message as usize)
}

impl Scene {
    fn new(config: Config) -> Self {
        let mut registry = Registry::new(config.validate().unwrap(), 1000);
        let session = registry.dialer(INSTANCE, 0, 1);
        Self {
            now: Time::START + Duration::from_secs(1),
            registry,
            session,
            offered: VecDeque::new(),
            dials: VecDeque::new(),
            events: Vec::new(),
            woken: HashMap::new(),
            secrets: 100,
        }
    }

    /// A server.
    pub(crate) fn server() -> Self {
        Self::server_with(config())
    }

    pub(crate) fn server_with(config: Config) -> Self {
        Self::new(config)
    }

    /// A server, and a dialer that is logged in as 42 and has proven it.
    pub(crate) fn served() -> (Self, Key, Link) {
        Self::served_with(config())
    }

    pub(crate) fn served_with(config: Config) -> (Self, Key, Link) {
        let mut scene = Self::server_with(config);
        let (key, mut link) = scene.welcomed(login(1));
        scene.says(&mut link, &[Frame::Ack(0)]);
        assert_eq!(scene.hears(&mut link), [""; 0]);
        (scene, key, link)
    }

    /// A new link that logs in as 42: WELCOME was read, nothing was written since.
    pub(crate) fn welcomed(&mut self, login: Login<'_>) -> (Key, Link) {
        let mut link = self.link();
        self.says(&mut link, &[Frame::Login(login)]);
        let key = self.admit();
        assert!(self.hears(&mut link)[0].starts_with("WELCOME"));
        (key, link)
    }

    /// A client that wants to log in with `me`, and its first link.
    pub(crate) fn client() -> (Self, Link) {
        Self::client_with(config())
    }

    pub(crate) fn client_with(config: Config) -> (Self, Link) {
        let mut scene = Self::new(config);
        scene.log_in();
        let link = scene.dialed();
        (scene, link)
    }

    /// A client that is logged in; its ACK of the welcome was read.
    pub(crate) fn client_open() -> (Self, Link) {
        Self::client_open_with(config())
    }

    pub(crate) fn client_open_with(config: Config) -> (Self, Link) {
        let (mut scene, mut link) = Self::client_with(config);
        assert_eq!(scene.hears(&mut link), ["LOGIN 1 me"]);
        scene.says(&mut link, &[Frame::Welcome(welcome())]);
        assert_eq!(scene.hears(&mut link), ["ACK 0"]);
        (scene, link)
    }

    /// The client wants to log in.
    pub(crate) fn log_in(&mut self) {
        self.on(self.session, |machine, cx| {
            machine.login(cx, bytes::Bytes::from_static(b"me"));
        });
    }

    /// The server accepts a link.
    pub(crate) fn link(&mut self) -> Link {
        self.try_link().expect("no room for a link")
    }

    pub(crate) fn try_link(&mut self) -> Option<Link> {
        let mut fx = Effects::default();
        let port = self.registry.accept(self.now, None, &mut fx);
        self.perform(fx);
        let port = port?;
        Some(Link {
            port: Some(port),
            ..Link::default()
        })
    }

    /// The client's dial succeeds.
    pub(crate) fn dialed(&mut self) -> Link {
        let (key, id) = self.dials.pop_front().expect("no dial");
        assert!(self.on(key, |machine, cx| machine.link_up(cx, id, None)));
        Link::new(key, id)
    }

    /// The host lets the longest waiting peer in, as 42.
    pub(crate) fn admit(&mut self) -> Key {
        let key = self.offered.pop_front().expect("nobody was offered");
        self.admit_key(key);
        key
    }

    pub(crate) fn admit_key(&mut self, key: Key) {
        let (secret, mut fx) = (self.fresh_secret(), Effects::default());
        let identity = Identity::new(42u64).unwrap();
        self.on(key, |machine, _| machine.claim());
        self.registry
            .admit(key, self.now, identity, secret, &mut fx);
        self.perform(fx);
    }

    fn fresh_secret(&mut self) -> Secret {
        self.secrets += 1;
        Secret::new([self.secrets; 16])
    }

    /// The test writes frames, in one piece.
    pub(crate) fn says(&mut self, link: &mut Link, frames: &[Frame<'_>]) {
        self.writes(link, &bytes(frames));
    }

    /// The test writes bytes.
    pub(crate) fn writes(&mut self, link: &mut Link, bytes: &[u8]) {
        let Some(mut port) = link.port.take() else {
            return;
        };
        let (mut fx, mut secrets) = (Effects::default(), self.secrets);
        let mut fresh = || {
            secrets += 1;
            Secret::new([secrets; 16])
        };
        let mut rest = bytes;
        let reading = loop {
            let registry = &mut self.registry;
            match registry.read(&mut port, self.now, &mut rest, &mut fx, &mut fresh) {
                Reading::More => {} // a turn is over; nobody else waits here
                reading => break reading,
            }
        };
        self.secrets = secrets;
        self.perform(fx);
        if reading == Reading::Continue {
            link.port = Some(port);
            link.wrote_at = None;
        }
    }

    /// What the test reads: every frame that the core has for this link by now, in order.
    pub(crate) fn hears(&mut self, link: &mut Link) -> Vec<String> {
        let out = self.takes(link);
        let (mut rest, mut lines) = (&out[..], Vec::new());
        while let Some((frame, used)) = decode(rest, usize::MAX).expect("the core writes frames") {
            link.note(&frame);
            lines.push(line(&frame));
            rest = &rest[used..];
        }
        assert!(rest.is_empty(), "half a frame");
        lines
    }

    /// The bytes that the core has for this link by now. It wants to write where it does, and the link's task was woken.
    pub(crate) fn takes(&mut self, link: &mut Link) -> Vec<u8> {
        let (mut out, mut fx) = (Vec::new(), Effects::default());
        let Some((key, id)) = link.port.as_ref().map(|port| (port.key(), port.link())) else {
            return out;
        };
        let wants = self.wants_transmit(key, id);
        while let Some(port) = &link.port {
            let transmit = self.registry.transmit(port, self.now, &mut out, &mut fx);
            if transmit.close {
                link.port = None;
            }
            if !transmit.more {
                break;
            }
        }
        self.perform(fx);
        let (acted, woken) = (!out.is_empty() || link.port.is_none(), self.wakes(key));
        assert!(acted || !wants, "it wants to write, and has nothing to");
        assert!(
            !acted || link.wrote_at.is_none_or(|then| then < woken),
            "nobody woke the link's task for {out:?}"
        );
        link.wrote_at = Some(woken);
        out
    }

    /// Whether the core says that it has something for this link, where that is its current one.
    fn wants_transmit(&mut self, key: Key, link: LinkId) -> bool {
        let current = |machine: &Machine| machine.current_link() == Some(link);
        self.registry.get(key).is_some_and(current)
            && self.on(key, |machine, cx| machine.wants_transmit(cx))
    }

    fn wakes(&self, key: Key) -> u64 {
        self.woken.get(&key).copied().unwrap_or_default()
    }

    /// The link breaks.
    pub(crate) fn cut(&mut self, link: &mut Link) {
        self.cut_for(link, LossCause::ClosedByPeer);
    }

    /// The link is lost, for this reason.
    pub(crate) fn cut_for(&mut self, link: &mut Link, cause: LossCause) {
        if let Some(port) = link.port.take()
            && self.registry.get(port.key()).is_some()
        {
            self.on(port.key(), |machine, cx| {
                machine.link_down(cx, port.link(), cause);
            });
        }
    }

    /// Time passes, deadline by deadline.
    pub(crate) fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        while let Some(next) = self.registry.next_deadline().filter(|&next| next <= until) {
            self.now = self.now.max(next);
            self.wakes_up();
        }
        self.now = until;
        self.wakes_up();
    }

    /// The core does not run for so long, and then its timers fire.
    pub(crate) fn stalls(&mut self, time: Duration) {
        self.now = self.now + time;
        self.wakes_up();
    }

    fn wakes_up(&mut self) {
        let mut fx = Effects::default();
        assert!(
            !self.registry.handle_due(self.now, &mut fx),
            "a timer that fires for ever"
        );
        self.perform(fx);
    }

    /// The application, or the host, does something with a session.
    pub(crate) fn on<R>(
        &mut self,
        key: Key,
        give: impl FnOnce(&mut Machine, &mut Cx<'_>) -> R,
    ) -> R {
        let mut fx = Effects::default();
        let given = self
            .registry
            .input(key, self.now, &mut fx, give)
            .expect("no such session");
        self.perform(fx);
        given
    }

    pub(crate) fn sends(&mut self, key: Key, text: &str) {
        self.on(key, |machine, _| machine.post(Lent::Slice(text.as_bytes())))
            .unwrap();
    }

    pub(crate) fn takes_message(&mut self, key: Key) -> Option<String> {
        let one = self.on(key, |machine, cx| {
            machine.recv(cx, machine.epoch()).ok().flatten()
        })?;
        Some(String::from_utf8_lossy(&one.payload).into_owned())
    }

    pub(crate) fn takes_all(&mut self, key: Key) -> Vec<String> {
        std::iter::from_fn(|| self.takes_message(key)).collect()
    }

    pub(crate) fn phase(&self, key: Key) -> Phase {
        self.registry.get(key).map_or(Phase::Ended, Machine::phase)
    }

    /// Why a session ended, in short.
    pub(crate) fn reason(&self, key: Key) -> Option<sessile::Reason> {
        Some(self.registry.get(key)?.ended()?.reason())
    }

    pub(crate) fn saw(&self, event: &str) -> bool {
        self.events.iter().any(|kind| kind.name() == event)
    }

    /// The same, of inputs that a test gives by itself.
    pub(crate) fn performs(&mut self, fx: Effects) {
        self.perform(fx);
    }

    fn perform(&mut self, mut fx: Effects) {
        for effect in fx.drain() {
            match effect {
                Effect::Event(event) => self.events.push(event.kind().clone()),
                Effect::Dial(key, link) => self.dials.push_back((key, link)),
                Effect::Offered(key) => self.offered.push_back(key),
                Effect::Wake(key, who) if who.has(Wake::LINK) => {
                    *self.woken.entry(key).or_default() += 1;
                }
                Effect::Wake(..) | Effect::Ended(_) => {}
            }
        }
    }
}
