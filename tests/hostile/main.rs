//! Bytes from a peer never panic, and hurt nobody but the link that they came on.
//!
//! Attackers write raw bytes to a server beside which a witness talks to the same runtime, and to clients that dialed the
//! wrong server. Whatever they write, the witness notices nothing, and nothing is left of them.

#[path = "../common/mod.rs"]
mod common;
#[path = "../vectors/file.rs"]
#[allow(dead_code, reason = "the other tests of these files use the rest")]
mod file;

mod backoff;
mod floods;
mod members;
mod servers;
mod strangers;
mod stuck;
mod turns;

use std::{io, sync::Arc, time::Duration};

use common::{On, World, names};
use futures::{AsyncReadExt, AsyncWriteExt, future::poll_immediate};
use sessile::{
    Config, Connecting, Ended, Events, Identity, LoggedIn, Multi, Rejection, Runtime, Session,
    transport::{
        Accept, Dial, Link,
        memory::{Direction, LinkControl, MemoryLink},
    },
    wire::{Decoder, Frame, Login, Secret, Terms, VERSION, Welcome},
};
use smol::Executor;

pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// As many strangers as the server of an arena lets wait.
pub(crate) const STRANGERS: usize = 300;

/// A server with a host that lets everybody in, a witness who is logged in there, and a network for attackers.
pub(crate) struct Arena {
    pub(crate) world: World,
    pub(crate) server: Runtime<Multi>,
    mine: Session<LoggedIn>,
    theirs: Session<LoggedIn, Multi>,
    events: [Events; 2],
    said: u64,
}

impl Arena {
    pub(crate) fn new() -> Self {
        let world = World::new();
        let config = Config::new()
            .pending_logins(STRANGERS)
            .pending_per_prefix(STRANGERS)
            .early_drop(100)
            .resume_window(Duration::from_secs(5))
            // Who comes too often is asked to wait: tests/duels.rs. Here nobody is.
            .comings_a_minute(65_536)
            .unacked_messages(8);
        let (server, mut door) = world.server(config);
        let (mine, theirs) = world.pair(Config::new(), &mut door, "witness");
        let executor = Arc::clone(world.executor(On::Server));
        let host = async move {
            while let Some(peer) = door.next().await {
                executor.spawn(serve(peer)).detach();
            }
        };
        world.spawn(host).detach();
        world.settle();
        let events = [mine.events(), theirs.events()];
        Self {
            world,
            server,
            mine,
            theirs,
            events,
            said: 0,
        }
    }

    pub(crate) fn raw(&self) -> Raw {
        Raw::dial(&self.world)
    }

    /// A member who logged in by hand, as `name`, and has proven that it read WELCOME.
    pub(crate) fn member(&self, name: &str) -> Member {
        let mut raw = self.raw();
        let mut login = Vec::new();
        login_frame(name.as_bytes()).encode(&mut login);
        raw.send(&login);
        let frames = raw.frames();
        let Some(Owned::Welcome { session, secret }) = frames.first() else {
            panic!("not let in: {frames:?}")
        };
        let (session, secret) = (*session, secret.clone());
        raw.say(&Frame::Ack(0));
        Member {
            raw,
            session,
            secret,
        }
    }

    /// The witness talks, both ways, on the link that it always had.
    pub(crate) fn witness_talks(&mut self) {
        self.said += 1;
        let word = self.said.to_be_bytes();
        let (mine, theirs) = (&mut self.mine, &mut self.theirs);
        let heard = self.world.run_within(LIMIT, async {
            mine.send(&word).await.expect("the witness' link is up");
            let up = theirs.recv().await.expect("the witness' link is up");
            theirs.send(&up).await.expect("the witness' link is up");
            mine.recv().await.expect("the witness' link is up")
        });
        assert_eq!(&*heard, word);
    }

    /// Long after the attack: nothing is left of the attackers, and the witness never noticed them.
    pub(crate) fn assert_unharmed(mut self) {
        self.witness_talks();
        // Login deadline, lease and resume window, one after the other.
        self.world.pass(Duration::from_secs(20));
        self.witness_talks();
        assert_eq!(self.server.sessions().len(), 1, "somebody is left");
        assert_eq!(self.world.network.links().len(), 1, "a link is left");
        for events in &mut self.events {
            assert_eq!(names(events), [] as [&str; 0], "the witness noticed");
        }
        assert_eq!((self.mine.epoch(), self.theirs.epoch()), (1, 1));
        self.assert_room_for_every_stranger();
    }

    /// Strangers are counted: none of the attackers counts any more.
    fn assert_room_for_every_stranger(&self) {
        let mut strangers: Vec<Raw> = (0..STRANGERS).map(|_| self.raw()).collect();
        self.world.settle();
        for (i, stranger) in strangers.iter_mut().enumerate() {
            assert!(stranger.is_up(), "room for {i} of {STRANGERS} strangers");
        }
        let mut one_too_many = self.raw();
        self.world.settle();
        assert!(!one_too_many.is_up(), "more strangers than allowed");
    }
}

/// What a plain host does.
async fn serve(peer: Session<Connecting, Multi>) {
    let mut session = match Identity::new(peer.offer().credentials()) {
        Ok(name) if !name.as_bytes().is_empty() => peer.admit(name),
        _ => return peer.reject(Rejection::bad_credentials()),
    };
    loop {
        match session.recv().await {
            Ok(_) => {}
            Err(Ended::Lost(lost)) => match session.reconnect(lost).resume().await {
                Ok(back) => session = back,
                Err(_) => return,
            },
            Err(Ended::Closed(_)) => return,
        }
    }
}

/// An attacker's link: raw bytes, and no session behind it.
pub(crate) struct Raw {
    pub(crate) link: MemoryLink,
    pub(crate) decoder: Decoder,
    machines: [Arc<Executor<'static>>; 2],
}

/// Somebody who logged in by hand.
pub(crate) struct Member {
    pub(crate) raw: Raw,
    pub(crate) session: u64,
    pub(crate) secret: Secret,
}

/// The frames that a test looks into, and the names of the others.
#[derive(Debug, Clone)]
pub(crate) enum Owned {
    Welcome {
        session: u64,
        secret: Secret,
    },
    Refused {
        code: u16,
        attempt: u64,
        text: String,
    },
    Resume {
        received: u64,
        taken: u64,
    },
    Resumed {
        received: u64,
        secret: Secret,
    },
    Data(Vec<u8>),
    Other(#[allow(dead_code, reason = "for messages of a test")] &'static str),
}

impl Raw {
    fn dial(world: &World) -> Self {
        let link = world.run(world.network.dialer().dial());
        Self::new(world, link.expect("the network works"))
    }

    pub(crate) fn new(world: &World, link: MemoryLink) -> Self {
        Self {
            link,
            decoder: Decoder::new(),
            machines: [On::Server, On::Client].map(|on| Arc::clone(world.executor(on))),
        }
    }

    pub(crate) fn control(&self) -> LinkControl {
        self.link.control()
    }

    /// Writes as much as the other end takes, and lets it react.
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        for _ in 0..1_000 {
            if rest.is_empty() {
                break;
            }
            match smol::block_on(poll_immediate(self.link.write(rest))) {
                Some(Ok(written)) => rest = &rest[written..],
                Some(Err(_)) => return,
                None => {}
            }
            self.settle();
        }
        self.settle();
    }

    pub(crate) fn say(&mut self, frame: &Frame<'_>) {
        let mut bytes = Vec::new();
        frame.encode(&mut bytes);
        self.send(&bytes);
    }

    /// What came by now, and whether the link is still up.
    pub(crate) fn read(&mut self) -> (Vec<u8>, bool) {
        let (mut all, mut buffer) = (Vec::new(), [0; 4096]);
        loop {
            match smol::block_on(poll_immediate(self.link.read(&mut buffer))) {
                Some(Ok(0) | Err(_)) => return (all, false),
                Some(Ok(read)) => all.extend_from_slice(&buffer[..read]),
                None => return (all, true),
            }
            self.settle();
        }
    }

    pub(crate) fn is_up(&mut self) -> bool {
        self.read().1
    }

    /// The frames that came by now.
    pub(crate) fn frames(&mut self) -> Vec<Owned> {
        self.decoder.set_max(1 << 20);
        let (bytes, _) = self.read();
        let (mut rest, mut frames) = (bytes.as_slice(), Vec::new());
        while let Some(frame) = self.decoder.next(&mut rest).expect("ours are valid") {
            frames.push(match frame {
                Frame::Welcome(Welcome {
                    session, secret, ..
                }) => Owned::Welcome { session, secret },
                Frame::Refused(why) => Owned::Refused {
                    code: why.code,
                    attempt: why.attempt,
                    text: why.text.to_owned(),
                },
                Frame::Resume(resume) => Owned::Resume {
                    received: resume.received,
                    taken: resume.taken,
                },
                Frame::Resumed(resumed) => Owned::Resumed {
                    received: resumed.received,
                    secret: resumed.secret,
                },
                Frame::Data(payload) => Owned::Data(payload.to_vec()),
                other => Owned::Other(other.name()),
            });
        }
        frames
    }

    fn settle(&self) {
        for _ in 0..1_000_000 {
            if self.machines.iter().filter(|one| one.try_tick()).count() == 0 {
                return;
            }
        }
        panic!("somebody is kept busy for ever");
    }
}

/// What a well-behaved client asks for.
pub(crate) const TERMS: Terms = Terms {
    heartbeat_ms: 2_000,
    lease_ms: 6_000,
    resume_window_ms: 120_000,
    window_messages: 1_024,
    window_bytes: 1 << 20,
    max_message: 1_048_320,
};

/// A listener to whom this link comes, and no other.
pub(crate) struct One<L>(pub(crate) Option<L>);

impl<L: Link> Accept for One<L> {
    type Link = L;

    async fn accept(&mut self) -> io::Result<L> {
        match self.0.take() {
            Some(link) => Ok(link),
            None => std::future::pending().await,
        }
    }
}

pub(crate) fn login_frame(credentials: &[u8]) -> Frame<'_> {
    let mut instance = [0; 16];
    fastrand::fill(&mut instance);
    Frame::Login(Login {
        version: VERSION,
        oldest: VERSION,
        features: 0,
        instance,
        attempt: 1,
        terms: TERMS,
        credentials,
    })
}

/// Every frame that the protocol has, as bytes.
pub(crate) fn vectors() -> Vec<Vec<u8>> {
    let vectors = file::read(include_str!("../vectors/frames.txt"));
    vectors.into_iter().map(|vector| vector.bytes).collect()
}

/// Every way to be no frame.
pub(crate) fn invalid_vectors() -> Vec<Vec<u8>> {
    let vectors = file::read(include_str!("../vectors/invalid.txt"));
    vectors.into_iter().map(|vector| vector.bytes).collect()
}

/// Both directions of a raw link vanish.
pub(crate) fn silence(raw: &Raw) {
    for direction in [Direction::ToAcceptor, Direction::ToDialer] {
        raw.control().black_hole(direction, true);
    }
}
