//! A world for two ends: real runtimes on an executor that runs only when a test lets it, time that moves only when a test
//! moves it, and a network in memory that breaks when a test breaks it. No thread, no sleep, no chance.

#![allow(dead_code, reason = "every test file uses its own part of it")]

use std::{
    cell::Cell,
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
    Config, Connecting, Credentials, Door, Ended, Event, EventKind, Events, Identity, LoggedIn,
    Lost, Mode, Multi, Notice, Reconnect, ReconnectMode, Runtime, Session, Single,
    testing::ManualClock,
    transport::memory::{Direction, LinkControl, Network},
};
use smol::Executor;

pub(crate) const MS: Duration = Duration::from_millis(1);
pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const MINUTE: Duration = Duration::from_secs(60);

/// How late a timer may be: deadlines are kept in steps of this.
pub(crate) const TICK: Duration = Duration::from_millis(4);

/// Two machines, one with all servers and one with all clients, and what is between them.
pub(crate) struct World {
    pub(crate) clock: ManualClock,
    pub(crate) network: Network,
    machines: [Machine; 2],
}

#[derive(Default)]
struct Machine {
    executor: Arc<Executor<'static>>,
    stopped: Cell<bool>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum On {
    Server,
    Client,
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
            machines: Default::default(),
        }
    }

    fn executor(&self, on: On) -> &Arc<Executor<'static>> {
        &self.machines[on as usize].executor
    }

    /// Whether no task is left anywhere.
    pub(crate) fn is_empty(&self) -> bool {
        self.machines
            .iter()
            .all(|machine| machine.executor.is_empty())
    }

    /// A server, and the door of its listener on the world's network.
    pub(crate) fn server(&self, config: Config) -> (Runtime<Multi>, Door) {
        let runtime = Runtime::<Multi>::start_on(
            config.clock(self.clock.clone()),
            Arc::clone(self.executor(On::Server)),
        )
        .expect("a config that starts");
        let door = runtime.listen_over(self.network.listener());
        (runtime, door)
    }

    pub(crate) fn client(&self, config: Config) -> Runtime<Single> {
        let executor = Arc::clone(self.executor(On::Client));
        Runtime::<Single>::start_on(config.clock(self.clock.clone()), executor)
            .expect("a config that starts")
    }

    /// A client whose transport is up and who is not logged in.
    pub(crate) fn connect(&self, config: Config) -> Session<Connecting> {
        self.run(self.client(config).connect_over(self.network.dialer()))
            .expect("a network that works")
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
        self.executor(On::Client).spawn(future)
    }

    pub(crate) fn spawn_on<T: Send + 'static>(
        &self,
        on: On,
        future: impl Future<Output = T> + Send + 'static,
    ) -> smol::Task<T> {
        self.executor(on).spawn(future)
    }

    /// Lets every task run until all of them wait.
    pub(crate) fn settle(&self) {
        let tick = |machine: &Machine| !machine.stopped.get() && machine.executor.try_tick();
        while self.machines.iter().filter(|one| tick(one)).count() > 0 {}
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

    /// Lets time pass as [`pass`](Self::pass), and shows each link that comes up before it carried a byte. The network must
    /// have a delay, or there is no such moment.
    pub(crate) fn pass_watching(&self, time: Duration, mut on_link: impl FnMut(&LinkControl)) {
        let end = self.clock.now() + time;
        let mut newest = self.newest();
        loop {
            self.settle();
            for link in self.network.links() {
                if link.id() > newest {
                    newest = link.id();
                    on_link(&link);
                }
            }
            match self.clock.next_deadline().filter(|&next| next <= end) {
                Some(_) => drop(self.clock.advance_to_next()),
                None => break,
            }
        }
        self.clock.advance(end.saturating_sub(self.clock.now()));
        self.settle();
    }

    /// The number of the newest link.
    fn newest(&self) -> u64 {
        let links = self.network.links();
        links.iter().map(LinkControl::id).max().unwrap_or_default()
    }

    /// Both machines are stopped (SIGSTOP) for this long: time passes and nothing of ours runs.
    pub(crate) fn stall(&self, time: Duration) {
        self.settle();
        self.clock.advance(time);
        self.settle();
    }

    /// One machine is stopped for this long; the other goes on.
    pub(crate) fn stall_one(&self, on: On, time: Duration) {
        self.settle();
        self.machines[on as usize].stopped.set(true);
        self.pass(time);
        self.machines[on as usize].stopped.set(false);
        self.settle();
    }

    /// The newest link.
    pub(crate) fn link(&self) -> LinkControl {
        let newest = self.newest();
        let mut links = self.network.links().into_iter();
        links.find(|link| link.id() == newest).expect("a link")
    }

    /// The link swallows everything in both directions, or no longer.
    pub(crate) fn black_hole(&self, link: &LinkControl, on: bool) {
        link.black_hole(Direction::ToAcceptor, on);
        link.black_hole(Direction::ToDialer, on);
        self.settle();
    }

    /// Every link breaks, and everybody has heard of it.
    pub(crate) fn cut(&self) {
        self.settle();
        self.network.cut();
        self.settle();
    }

    /// Reads the loss and waits until the session is back.
    pub(crate) fn back<M: Mode>(&self, mut session: Session<LoggedIn, M>) -> Session<LoggedIn, M> {
        let lost = lost(&mut session);
        self.run_within(MINUTE, session.reconnect(lost).resume())
            .expect("it comes back")
    }
}

/// Comes back by itself, and soon.
pub(crate) fn soon() -> Config {
    Config::new().reconnect(Reconnect::new().base(MS * 10).cap(MS * 100))
}

/// Comes back when `resume` is awaited, and soon.
pub(crate) fn on_resume() -> Config {
    let reconnect = Reconnect::new().base(MS * 10).cap(MS * 100);
    Config::new().reconnect(reconnect.mode(ReconnectMode::OnResume))
}

/// The loss that a session reports now.
pub(crate) fn lost<M: Mode>(session: &mut Session<LoggedIn, M>) -> Lost {
    match session.try_recv() {
        Err(Ended::Lost(lost)) => lost,
        other => panic!("no loss: {other:?}"),
    }
}

/// Everything that can be read now, as text.
pub(crate) fn read<M: Mode>(session: &mut Session<LoggedIn, M>) -> Vec<String> {
    let next = || session.try_recv().ok().flatten();
    std::iter::from_fn(next)
        .map(|message| String::from_utf8(message.to_vec()).expect("text"))
        .collect()
}

struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// What was observed and not looked at yet.
pub(crate) fn observed(events: &mut Events) -> Vec<Event> {
    std::iter::from_fn(|| events.try_next())
        .map(|notice| match notice {
            Notice::Event(event) => event,
            Notice::Lagged(missed) => panic!("{missed} events missed"),
        })
        .collect()
}

/// What happened, without who and when.
pub(crate) fn drain(events: &mut Events) -> Vec<EventKind> {
    let kind = |event: &Event| event.kind().clone();
    observed(events).iter().map(kind).collect()
}

/// Their names alone.
pub(crate) fn names(events: &mut Events) -> Vec<&'static str> {
    drain(events).iter().map(EventKind::name).collect()
}
