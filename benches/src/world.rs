use std::time::Duration;

use sessile::{
    Admission, Admit, Config, Credentials, Host, LoggedIn, Message, Multi, Offer, Rejection,
    Runtime, Serving, Session, Single, Turn, testing::ManualClock, transport::memory::Network,
};

use crate::executor::Executor;

/// Two whole programs over the network in memory, on one thread and a clock that is moved by hand: a server whose host
/// echoes, and a client.
pub struct World {
    clock: ManualClock,
    executor: Executor,
    session: Session<LoggedIn>,
    _server: (Runtime<Multi>, Serving),
}

/// The default heartbeat interval.
const INTERVAL: Duration = Duration::from_secs(2);

struct Echo;

impl Admit for Echo {
    type Peer = ();

    async fn admit(&self, _: &Offer) -> Result<Admission<()>, Rejection> {
        Ok(7u64.into())
    }
}

impl Host for Echo {
    fn on_message(&self, peer: &mut Turn<'_, ()>, message: Message<'_>) {
        peer.send(&message).expect("the first answer goes");
    }
}

impl World {
    pub fn logged_in() -> Self {
        let clock = ManualClock::new();
        let executor = Executor::default();
        let network = Network::with_clock(clock.clone());
        let config = Config::new().clock(clock.clone());
        let server = Runtime::<Multi>::start_on(config.clone(), executor.clone());
        let server = server.expect("limits within range");
        let serving = server.serve_over(network.listener(), Echo);
        let client = Runtime::<Single>::start_on(config, executor.clone());
        let client = client.expect("limits within range");
        let session = executor.run(async {
            let session = client.connect_over(network.dialer()).await.expect("a link");
            session
                .login(&Credentials::token("me"))
                .await
                .expect("admitted")
        });
        let mut world = Self {
            clock,
            executor,
            session,
            _server: (server, serving),
        };
        for _ in 0..10 {
            world.beat();
        }
        world
    }

    /// An interval in which nobody says anything: one PING, one PONG.
    pub fn beat(&mut self) -> usize {
        let end = self.clock.now() + INTERVAL;
        self.executor.settle();
        while self.clock.next_deadline().is_some_and(|next| next <= end) {
            self.clock.advance_to_next();
            self.executor.settle();
        }
        self.clock.advance(end.saturating_sub(self.clock.now()));
        self.executor.settle();
        self.session.check().expect("a session that is well");
        1
    }

    /// A message to the host, and its answer.
    pub fn echo(&mut self, message: &[u8]) {
        let Self {
            executor, session, ..
        } = self;
        executor.run(async {
            session.send(message).await.expect("a link");
            let answer = session.recv().await.expect("an answer");
            assert_eq!(&*answer, message);
        });
    }
}
