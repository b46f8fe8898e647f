use std::time::Duration;

use futures::{
    future::join,
    io::{AsyncReadExt, AsyncWriteExt},
};
use sessile::{
    Admission, Admit, Config, Host, Message, Multi, Offer, Rejection, Runtime, Serving, Turn,
    testing::ManualClock,
    transport::{
        Accept, Dial,
        memory::{MemoryLink, Network},
    },
    wire::{Beat, Decoder, Frame},
};

use crate::{encode_login, executor::Executor};

/// A whole server over the network in memory, and of its clients the ends of their links: what they say is written here.
pub struct Town {
    clock: ManualClock,
    network: Network,
    executor: Executor,
    clients: Vec<MemoryLink>,
    /// The other ends, where nobody serves.
    others: Vec<MemoryLink>,
    server: Runtime<Multi>,
    serving: Option<Serving>,
}

struct Quiet;

impl Admit for Quiet {
    type Peer = u64;

    async fn admit(&self, offer: &Offer) -> Result<Admission<u64>, Rejection> {
        let number = offer.credentials().try_into().map(u64::from_be_bytes);
        let number = number.map_err(|_| Rejection::bad_credentials())?;
        Ok(Admission::new(number, number))
    }
}

impl Host for Quiet {
    fn on_message(&self, _: &mut Turn<'_, u64>, _: Message<'_>) {}
}

/// The default heartbeat interval.
const INTERVAL: Duration = Duration::from_secs(2);

impl Town {
    #[must_use]
    pub fn built() -> Self {
        let clock = ManualClock::new();
        let executor = Executor::default();
        let config = Config::new().clock(clock.clone()).max_sessions(16_000_000);
        let server = Runtime::<Multi>::start_on(config, executor.clone());
        Self {
            network: Network::with_clock(clock.clone()),
            clock,
            executor,
            clients: Vec::new(),
            others: Vec::new(),
            server: server.expect("limits within range"),
            serving: None,
        }
    }

    /// Links alone, each used as one of a session is.
    pub fn link(&mut self, links: usize) {
        let mut acceptor = self.network.listener();
        let dialer = self.network.dialer();
        for _ in 0..links {
            let (mut one, mut other) = self.executor.run(async {
                let (one, other) = join(dialer.dial(), acceptor.accept()).await;
                (one.expect("a link"), other.expect("a link"))
            });
            self.executor.run(async {
                for _ in 0..2 {
                    let (mut there, mut back) = ([0; 81], [0; 79]);
                    one.write_all(&there).await.expect("room");
                    other
                        .read_exact(&mut there)
                        .await
                        .expect("what was written");
                    other.write_all(&back).await.expect("room");
                    one.read_exact(&mut back).await.expect("what was written");
                }
            });
            self.clients.push(one);
            self.others.push(other);
        }
    }

    /// So many clients log in; then one interval passes, with a heartbeat of each.
    pub fn log_in(&mut self, sessions: usize) {
        self.serving = Some(self.server.serve_over(self.network.listener(), Quiet));
        let dialer = self.network.dialer();
        let mut bytes = Vec::new();
        for number in 0..sessions {
            bytes.clear();
            let number = number as u64;
            encode_login(number, &number.to_be_bytes(), &mut bytes);
            let mut link = self.executor.run(dialer.dial()).expect("a link");
            self.executor.run(link.write_all(&bytes)).expect("room");
            self.executor.settle();
            let welcomed = self.hear(&mut link, |frame| matches!(frame, Frame::Welcome(_)));
            assert!(welcomed, "no WELCOME");
            bytes.clear();
            Frame::Ack(0).encode(&mut bytes);
            self.executor.run(link.write_all(&bytes)).expect("room");
            self.executor.settle();
            self.clients.push(link);
        }
        self.beat();
        assert_eq!(self.sessions(), sessions);
    }

    /// The end of an interval: each session's PING is answered.
    fn beat(&mut self) {
        self.clock.advance(INTERVAL + Duration::from_millis(10));
        self.executor.settle();
        let mut pong = Vec::new();
        for mut link in std::mem::take(&mut self.clients) {
            let mut answered = false;
            self.hear(&mut link, |frame| {
                if let Frame::Ping(ping) = frame {
                    pong.clear();
                    let beat = Beat {
                        nonce: ping.nonce,
                        clock: 1,
                        tick: 0,
                        echo: ping.clock,
                        held: 0,
                    };
                    Frame::Pong(beat).encode(&mut pong);
                    answered = true;
                }
                answered
            });
            assert!(answered, "no beat");
            self.executor.run(link.write_all(&pong)).expect("room");
            self.clients.push(link);
            self.executor.settle();
        }
    }

    fn hear(&self, link: &mut MemoryLink, mut is_it: impl FnMut(&Frame<'_>) -> bool) -> bool {
        let mut read = [0; 1024];
        let count = self.executor.run(link.read(&mut read)).expect("bytes");
        let (mut bytes, mut decoder) = (&read[..count], Decoder::new());
        let mut found = false;
        while let Ok(Some(frame)) = decoder.next(&mut bytes) {
            found |= is_it(&frame);
        }
        found
    }

    /// How many are logged in.
    #[must_use]
    pub fn sessions(&self) -> usize {
        self.server.sessions().len()
    }
}
