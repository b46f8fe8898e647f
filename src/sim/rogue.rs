//! Who keeps to no protocol: clients and servers that write whatever they like.

use std::{io, time::Duration};

use fastrand::Rng;
use futures::{AsyncReadExt, AsyncWriteExt, future::Either};

use super::{
    node::Node,
    process::Role,
    simulation::Sim,
    world::{Outcome, World},
};
use crate::{
    driver::Clock,
    transport::{Accept, Dial, memory::MemoryLink},
    wire::{
        Beat, Close, Frame, GoAway, Login, Refused, Resume, Resumed, RetryClass, Secret, Terms,
        VERSION, Welcome,
    },
};

impl Sim {
    /// A client that keeps to no protocol: it logs in with these credentials or does not, and writes frames and bytes that
    /// nobody expects, for as long as the world lives. It is to be known by its `name`: to others an identity of that name is
    /// nobody to rely on.
    pub fn rogue_client(&mut self, name: &str, to: &str, credentials: &[u8]) -> &mut Self {
        self.world.state().rogues.insert(name.to_owned());
        let (to, credentials) = (to.to_owned(), credentials.to_vec());
        self.process(name, Role::Rogue, move |node| {
            let (to, credentials) = (to.clone(), credentials.clone());
            async move { client(&node, &to, &credentials).await }
        })
    }

    /// A server that keeps to no protocol. What its clients promise is not checked, but that they bear it.
    pub fn rogue_server(&mut self, name: &str) -> &mut Self {
        self.world.state().rogue_networks.insert(name.into());
        self.process(name, Role::Rogue, |node| async move { server(&node).await })
    }
}

/// A link, and what is said over it.
pub(super) struct Talk {
    pub(super) link: MemoryLink,
    rng: Rng,
    clock: Clock,
}

async fn client(node: &Node, to: &str, credentials: &[u8]) -> Outcome {
    let mut rng = Rng::with_seed(node.seed());
    let dialer = node.world.network(to).dialer();
    loop {
        node.sleep(Duration::from_millis(rng.u64(..8_000))).await;
        let Ok(link) = dialer.dial().await else {
            continue;
        };
        let mut talk = Talk::new(&node.world, link, rng.fork());
        let _ = talk.as_client(credentials).await; // whatever ends it
    }
}

async fn server(node: &Node) -> Outcome {
    let mut rng = Rng::with_seed(node.seed());
    let mut acceptor = node.listener();
    loop {
        let Ok(link) = acceptor.accept().await else {
            continue;
        };
        let mut talk = Talk::new(&node.world, link, rng.fork());
        node.spawn(async move { drop(talk.as_server().await) });
    }
}

impl Talk {
    pub(super) fn new(world: &World, link: MemoryLink, rng: Rng) -> Self {
        let clock = Clock::manual(world.clock.clone());
        Self { link, rng, clock }
    }

    async fn as_client(&mut self, credentials: &[u8]) -> io::Result<()> {
        match self.rng.u8(..8) {
            0 => return self.garbage().await,
            1 => {
                let resume = self.resume();
                self.say(&Frame::Resume(resume)).await?;
            }
            2 => self.anything(20).await?,
            _ => {
                let login = Login {
                    version: VERSION,
                    oldest: VERSION,
                    features: 0,
                    instance: self.rng.u128(..).to_be_bytes(),
                    attempt: 1,
                    terms: match self.rng.u8(..4) {
                        0 => self.terms(),
                        _ => USUAL,
                    },
                    credentials,
                };
                self.say(&Frame::Login(login)).await?;
            }
        }
        // Whoever was let in: proves that it read so, and floods, or is mute, or never acknowledges.
        self.listen(Duration::from_millis(200)).await;
        match self.rng.u8(..5) {
            0 => self.flood().await?,
            1 => {
                self.say(&Frame::Ack(0)).await?;
                self.listen(Duration::from_secs(20)).await;
            }
            2 => {
                self.say(&Frame::Ack(0)).await?;
                for _ in 0..self.rng.u32(..40) {
                    self.say(&Frame::Data(b"rogue")).await?;
                    self.listen(Duration::from_millis(300)).await;
                }
            }
            _ => self.anything(60).await?,
        }
        Ok(())
    }

    async fn as_server(&mut self) -> io::Result<()> {
        self.listen(Duration::from_millis(100)).await;
        match self.rng.u8(..6) {
            0 => self.garbage().await?,
            1 => self.refuse().await?,
            2 => {
                let resumed = Resumed {
                    epoch: self.number(),
                    secret: self.secret(),
                    received: self.number(),
                    taken: self.number(),
                };
                self.say(&Frame::Resumed(resumed)).await?;
            }
            _ => {
                let welcome = Welcome {
                    version: VERSION,
                    features: 0,
                    session: self.rng.u64(..),
                    epoch: 1 + self.rng.u64(..5),
                    secret: self.secret(),
                    terms: match self.rng.u8(..3) {
                        0 => self.terms(),
                        _ => USUAL,
                    },
                    identity: b"whoever",
                };
                self.say(&Frame::Welcome(welcome)).await?;
            }
        }
        self.anything(40).await
    }

    async fn refuse(&mut self) -> io::Result<()> {
        let refused = Refused {
            code: self.rng.u16(..),
            retry: self.retry(),
            taken: self.number(),
            attempt: self.number(),
            redirect: "elsewhere:1",
            text: "no\u{1b}[2J",
        };
        self.say(&Frame::Refused(refused)).await
    }

    /// Bytes that are no frames.
    async fn garbage(&mut self) -> io::Result<()> {
        let mut bytes = vec![0; self.rng.usize(1..300)];
        self.rng.fill(&mut bytes);
        self.link.write_all(&bytes).await
    }

    /// Many frames that cost nothing to make.
    async fn flood(&mut self) -> io::Result<()> {
        for _ in 0..self.rng.u32(..2_000) {
            let beat = Beat {
                nonce: self.rng.u32(..),
                ..Beat::default()
            };
            match self.rng.bool() {
                true => self.say(&Frame::Ping(beat)).await?,
                false => self.say(&Frame::Volatile(b"")).await?,
            }
        }
        Ok(())
    }

    /// Frames of the grammar, in no order, whole and cut, with pauses.
    async fn anything(&mut self, most: u32) -> io::Result<()> {
        for _ in 0..self.rng.u32(..most) {
            let mut bytes = Vec::new();
            self.frame(&mut bytes);
            match self.rng.u8(..12) {
                0 => {
                    let at = self.rng.usize(..bytes.len());
                    bytes[at] ^= 1 << self.rng.u32(..8);
                }
                1 => bytes.truncate(self.rng.usize(..bytes.len())),
                _ => {}
            }
            self.link.write_all(&bytes).await?;
            if self.rng.u8(..3) == 0 {
                let time = Duration::from_millis(self.rng.u64(..1_500));
                self.listen(time).await;
            }
        }
        Ok(())
    }

    fn frame(&mut self, out: &mut Vec<u8>) {
        let beat = Beat {
            nonce: self.rng.u32(..4),
            clock: self.number(),
            tick: self.number(),
            echo: self.number(),
            held: self.rng.u32(..),
        };
        let payload = vec![7; self.rng.usize(..200)];
        match self.rng.u8(..15) {
            0 => Frame::Challenge(&payload).encode(out),
            1 => Frame::Answer(&payload).encode(out),
            2 => Frame::Resume(self.resume()).encode(out),
            3 => Frame::Resumed(Resumed {
                epoch: self.number(),
                secret: self.secret(),
                received: self.number(),
                taken: self.number(),
            })
            .encode(out),
            4..7 => Frame::Data(&payload).encode(out),
            7 => Frame::Volatile(&payload).encode(out),
            8 | 9 => Frame::Ack(self.number()).encode(out),
            10 => Frame::Ping(beat).encode(out),
            11 => Frame::Pong(beat).encode(out),
            12 => Frame::Close(Close {
                code: self.rng.u16(..),
                retry: self.retry(),
                taken: self.number(),
                text: "",
            })
            .encode(out),
            13 => Frame::GoAway(GoAway {
                within_ms: self.rng.u32(..5_000),
                retry: self.retry(),
                redirect: "elsewhere:7000",
                text: "",
            })
            .encode(out),
            _ => Frame::Closed(self.number()).encode(out),
        }
    }

    fn resume(&mut self) -> Resume {
        Resume {
            version: VERSION,
            session: self.rng.u64(..),
            secret: self.secret(),
            attempt: self.number(),
            received: self.number(),
            taken: self.number(),
        }
    }

    fn secret(&mut self) -> Secret {
        Secret::new(self.rng.u128(..).to_be_bytes())
    }

    /// Small, or at an edge.
    fn number(&mut self) -> u64 {
        match self.rng.u8(..8) {
            0 => u64::MAX,
            1 => 1 << 63,
            2 => self.rng.u64(..),
            _ => self.rng.u64(..6),
        }
    }

    fn retry(&mut self) -> RetryClass {
        match self.rng.u8(..3) {
            0 => RetryClass::Now,
            1 => RetryClass::After(self.rng.u32(..)),
            _ => RetryClass::Never,
        }
    }

    fn terms(&mut self) -> Terms {
        let mut value = || match self.rng.u8(..4) {
            0 => 0,
            1 => u32::MAX,
            _ => self.rng.u32(..100_000),
        };
        Terms {
            heartbeat_ms: value(),
            lease_ms: value(),
            resume_window_ms: value(),
            window_messages: value(),
            window_bytes: value(),
            max_message: value(),
        }
    }

    async fn say(&mut self, frame: &Frame<'_>) -> io::Result<()> {
        let mut bytes = Vec::new();
        frame.encode(&mut bytes);
        self.link.write_all(&bytes).await
    }

    /// Reads for some time, also where the link ends before. Gives the first of what came.
    pub(super) async fn listen(&mut self, time: Duration) -> Vec<u8> {
        let mut sleep = self.clock.sleep_until(self.clock.now() + time);
        let (mut bytes, mut first) = ([0; 1024], Vec::new());
        loop {
            let read = self.link.read(&mut bytes);
            match futures::future::select(&mut sleep, read).await {
                Either::Right((Ok(count @ 1..), _)) => {
                    if first.len() < bytes.len() {
                        first.extend_from_slice(&bytes[..count]);
                    }
                }
                Either::Right(_) => {
                    sleep.await;
                    return first;
                }
                Either::Left(_) => return first,
            }
        }
    }
}

/// Terms that nobody minds.
const USUAL: Terms = Terms {
    heartbeat_ms: 2_000,
    lease_ms: 6_000,
    resume_window_ms: 120_000,
    window_messages: 1_024,
    window_bytes: 1 << 20,
    max_message: 1 << 20,
};
