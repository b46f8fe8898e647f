use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
};

use futures::future::join;
use shuttle::future::{JoinHandle, block_on};

use crate::{
    Config, Connecting, Credentials, Door, Identity, LoggedIn, Multi, Runtime, Session, Single,
    Spawn,
    driver::{Owner, Spawner},
    testing::ManualClock,
    transport::memory::Network,
};

/// Runtimes whose tasks are shuttle's, a clock that stands still, a network in memory.
pub(super) struct World {
    pub(super) clock: ManualClock,
    pub(super) network: Network,
    tasks: Tasks,
}

/// Every task that was ever started. The lock is the standard one: it is held for a moment and is not what is tested.
#[derive(Clone, Default)]
struct Tasks(Arc<Mutex<Vec<JoinHandle<()>>>>);

/// How often everybody else may run, and time move on, until all tasks are over: far more often than last words take.
const ROUNDS: usize = 5_000;

impl World {
    pub(super) fn new() -> Self {
        let clock = ManualClock::new();
        Self {
            network: Network::with_clock(clock.clone()),
            clock,
            tasks: Tasks::default(),
        }
    }

    pub(super) fn owner(&self, config: Config) -> Owner {
        let config = config.clock(self.clock.clone());
        Owner::start(config, Spawner::new(self.tasks.clone())).expect("a config that starts")
    }

    pub(super) fn server(&self, config: Config) -> Runtime<Multi> {
        let config = config.clock(self.clock.clone());
        Runtime::<Multi>::start_on(config, self.tasks.clone()).expect("a config that starts")
    }

    /// A client whose link is up.
    pub(super) fn connect(&self, config: Config) -> Session<Connecting> {
        let config = config.clock(self.clock.clone());
        let runtime = Runtime::<Single>::start_on(config, self.tasks.clone());
        let runtime = runtime.expect("a config that starts");
        block_on(runtime.connect_over(self.network.dialer())).expect("somebody listens")
    }

    /// A client, and its session at the server.
    pub(super) fn pair(
        &self,
        door: &mut Door,
        config: Config,
    ) -> (Session<LoggedIn>, Session<LoggedIn, Multi>) {
        let session = self.connect(config);
        let admit = async {
            let peer = door.next().await.expect("a peer");
            peer.admit(Identity::new("ada").expect("short"))
        };
        let (mine, theirs) = block_on(join(session.login(&Credentials::token("ada")), admit));
        (mine.expect("admitted"), theirs)
    }

    /// Everything that was started comes to its end, once all runtimes are dropped. Time moves meanwhile: last words wait for
    /// answers, and links linger.
    pub(super) fn ends(self) {
        for _ in 0..ROUNDS {
            if self.tasks.are_over() {
                return;
            }
            shuttle::thread::yield_now();
            self.clock.advance_to_next();
        }
        panic!("tasks that go on, or sleep for ever, without a runtime");
    }
}

impl Tasks {
    fn are_over(&self) -> bool {
        let tasks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.iter().all(JoinHandle::is_finished)
    }
}

impl Spawn for Tasks {
    fn spawn_boxed(&self, task: Pin<Box<dyn Future<Output = ()> + Send>>) {
        // Kept, so that a task that sleeps for ever is a deadlock and not forgotten.
        let task = shuttle::future::spawn(task);
        let mut tasks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.push(task);
    }
}
