//! A world for two ends: real runtimes on an executor that runs only when a test lets it, time that moves only when a test
//! moves it, and a network in memory that breaks when a test breaks it. No thread, no sleep, no chance.

#![allow(
    dead_code,
    unused_imports,
    reason = "every test file uses its own part of it"
)]

mod count;
pub(crate) mod frames;

use std::{
    future::Future,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use futures::future::join;
use sessile::{
    Client, Config, Connecting, Credentials, Door, EventKind, Events, Identity, LoggedIn, Multi,
    Notice, Runtime, Session, Single, testing::ManualClock, transport::memory::Network,
};
use smol::Executor;

pub(crate) use count::{Count, count};

pub(crate) struct World {
    pub(crate) clock: ManualClock,
    pub(crate) network: Network,
    pub(crate) executor: Arc<Executor<'static>>,
}

impl World {
    pub(crate) fn new() -> Self {
        let clock = ManualClock::new();
        // Nothing starts at zero by chance.
        clock.advance(Duration::from_secs(1000));
        let network = Network::with_clock(clock.clone());
        Self {
            clock,
            network,
            executor: Arc::new(Executor::new()),
        }
    }

    /// A server, and the door of its listener on the world's network.
    pub(crate) fn server(&self, config: Config) -> (Runtime<Multi>, Door) {
        let runtime = Runtime::<Multi>::start_on(
            config.clock(self.clock.clone()),
            Arc::clone(&self.executor),
        )
        .expect("a config that starts");
        let door = runtime.listen_over(self.network.listener());
        (runtime, door)
    }

    pub(crate) fn client(&self, config: Config) -> Runtime<Single> {
        Runtime::<Single>::start_on(config.clock(self.clock.clone()), Arc::clone(&self.executor))
            .expect("a config that starts")
    }

    /// A client whose transport is up and who is not logged in.
    pub(crate) fn connect(&self, config: Config) -> Session<Connecting> {
        self.run(self.client(config).connect_over(self.network.dialer()))
            .expect("a network that works")
    }

    /// A client that looks after itself.
    pub(crate) fn supervise(&self, config: Config, name: &str) -> Client {
        self.client(config)
            .supervise_over(self.network.dialer(), Credentials::token(name))
    }

    /// A client and its peer on the server, logged in as `name`.
    pub(crate) fn pair(
        &self,
        config: Config,
        door: &mut Door,
        name: &str,
    ) -> (Session<LoggedIn>, Session<LoggedIn, Multi>) {
        let session = self.connect(config);
        self.log_in(session, door, name)
    }

    pub(crate) fn log_in(
        &self,
        session: Session<Connecting>,
        door: &mut Door,
        name: &str,
    ) -> (Session<LoggedIn>, Session<LoggedIn, Multi>) {
        let me = Credentials::token(name);
        let admit = async {
            let peer = door.next().await.expect("a peer");
            let name = String::from_utf8(peer.offer().credentials().to_vec()).expect("text");
            peer.admit(Identity::new(&name).expect("a short name"))
        };
        let (mine, theirs) = self.run(join(session.login(&me), admit));
        (mine.expect("admitted"), theirs)
    }

    pub(crate) fn spawn<T: Send + 'static>(
        &self,
        future: impl Future<Output = T> + Send + 'static,
    ) -> smol::Task<T> {
        self.executor.spawn(future)
    }

    /// Lets every task run until all of them wait.
    pub(crate) fn settle(&self) {
        while self.executor.try_tick() {}
    }

    /// Runs a future to its end without moving time.
    ///
    /// # Panics
    ///
    /// Where it waits for something that will not happen: nothing can run any more and it is not done.
    pub(crate) fn run<T>(&self, future: impl Future<Output = T>) -> T {
        let mut future = pin!(future);
        self.try_run(future.as_mut())
            .unwrap_or_else(|| panic!("stuck: everybody waits and no time passes"))
    }

    /// The same, but `None` where it is stuck.
    pub(crate) fn try_run<T>(&self, mut future: Pin<&mut impl Future<Output = T>>) -> Option<T> {
        let flag = Arc::new(Flag(AtomicBool::new(true)));
        let waker = Waker::from(Arc::clone(&flag));
        let mut cx = Context::from_waker(&waker);
        loop {
            while flag.0.swap(false, Ordering::SeqCst) {
                if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
                    return Some(output);
                }
            }
            self.settle();
            if !flag.0.load(Ordering::SeqCst) {
                return None;
            }
        }
    }

    /// Runs a future to its end, letting time pass where everybody waits, but no more than `limit` of it.
    ///
    /// # Panics
    ///
    /// Where it is not done by then.
    pub(crate) fn run_within<T>(&self, limit: Duration, future: impl Future<Output = T>) -> T {
        let mut future = pin!(future);
        let end = self.clock.now() + limit;
        loop {
            if let Some(output) = self.try_run(future.as_mut()) {
                return output;
            }
            match self.clock.next_deadline().filter(|&next| next <= end) {
                Some(_) => drop(self.clock.advance_to_next()),
                None => panic!("not done within {limit:?}"),
            }
        }
    }

    /// Lets time pass, stopping wherever something is to happen.
    pub(crate) fn pass(&self, time: Duration) {
        let end = self.clock.now() + time;
        self.settle();
        while self.clock.next_deadline().is_some_and(|next| next <= end) {
            self.clock.advance_to_next();
            self.settle();
        }
        self.clock.advance(end.saturating_sub(self.clock.now()));
        self.settle();
    }

    /// The process is stopped (SIGSTOP) for this long: time passes and nothing of ours runs.
    pub(crate) fn stall(&self, time: Duration) {
        self.settle();
        self.clock.advance(time);
        self.settle();
    }
}

struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// What was observed and not looked at yet.
pub(crate) fn drain(events: &mut Events) -> Vec<EventKind> {
    std::iter::from_fn(|| events.try_next())
        .map(|notice| match notice {
            Notice::Event(event) => event.kind().clone(),
            Notice::Lagged(missed) => panic!("{missed} events missed"),
        })
        .collect()
}

/// Their names alone.
pub(crate) fn names(events: &mut Events) -> Vec<&'static str> {
    drain(events).iter().map(EventKind::name).collect()
}
