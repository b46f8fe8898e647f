use std::{
    fmt,
    future::{Future, poll_fn},
    sync::Arc,
    task::Poll,
    time::Duration,
};

use super::{
    executor::Tasks,
    link::SimDialer,
    watch::Watched,
    world::{Outcome, World},
};
use crate::{
    Config, ConfigError, Mode, Runtime, Spawn, driver::Clock, proto::Side,
    transport::memory::MemoryAcceptor,
};

/// A process in a simulation: what its program may use of the world.
///
/// A program gets one at each start. When the process is killed, whatever the program had is gone, and it starts again
/// with another: what it shares with its earlier life by other ways, an `Arc` for one, is what would be on its disk.
#[derive(Clone)]
pub struct Node {
    pub(super) world: Arc<World>,
    pub(super) name: Arc<str>,
    pub(super) index: usize,
    pub(super) life: u32,
    pub(super) tasks: Tasks,
}

impl Node {
    /// The process's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The how manieth life of the process this is, from 1 on.
    #[must_use]
    pub const fn life(&self) -> u32 {
        self.life
    }

    /// Starts a runtime of this process: in the world's time, on its executor, with its chance. The simulation watches it
    /// from here on.
    ///
    /// # Errors
    ///
    /// The first field of the config that is out of range or does not fit another one.
    pub fn start<M: Mode>(&self, config: Config) -> Result<Runtime<M>, ConfigError> {
        let seed = self.world.state().rng.u64(..);
        let config = config.clock(self.world.clock.clone()).seeded(seed);
        let runtime = Runtime::<M>::start_on(config, self.tasks.clone())?;
        let side = match M::NAME {
            "single" => Side::Dialer,
            _ => Side::Acceptor,
        };
        let watched = Watched::new(self, side, runtime.owner());
        self.world.state().started.push(watched);
        Ok(runtime)
    }

    /// Where this process is dialed, by its name. For `listen_over`, `serve_over` and `intake_over`.
    #[must_use]
    pub fn listener(&self) -> MemoryAcceptor {
        self.world.network(&self.name).listener()
    }

    /// Dials the process of that name, whether it runs or not. For `connect_over` and `supervise_over`.
    #[must_use]
    pub fn dialer(&self, to: &str) -> SimDialer {
        SimDialer::new(Arc::clone(&self.world), Arc::clone(&self.name), to)
    }

    /// How much time has passed in this world.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.world.now()
    }

    /// Waits in the world's time.
    pub fn sleep(&self, time: Duration) -> impl Future<Output = ()> + Send + Unpin + use<> {
        let clock = Clock::manual(self.world.clock.clone());
        clock.sleep_until(clock.now() + time)
    }

    /// Runs a task of this process.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn_boxed(Box::pin(task));
    }

    /// A number for this program's own chance: the same in every life of the same seed.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.world.state().rng.u64(..)
    }

    /// A line in the timeline.
    pub fn log(&self, text: impl Into<String>) {
        let now = self.now();
        let who = Some(&self.name);
        self.world.state().trace.text(now, who, text.into());
    }

    /// Counts that something happened, for [`Summary::missing`](super::Summary::missing): what never happens is not tested.
    pub fn mark(&self, mark: &str) {
        self.world.state().trace.mark(mark);
    }

    /// Whether the world is well again: faults have stopped, and what was promised for that case must come true.
    #[must_use]
    pub fn is_healed(&self) -> bool {
        self.world.state().healed
    }

    /// Waits until the world is well again.
    pub fn healed(&self) -> impl Future<Output = ()> + Send + Unpin + use<> {
        let world = Arc::clone(&self.world);
        poll_fn(move |cx| {
            let mut state = world.state();
            if state.healed {
                return Poll::Ready(());
            }
            state.waiting.push(cx.waker().clone());
            Poll::Pending
        })
    }

    /// Waits for ever: what a server does at the end of its program, whose runtime does the rest.
    pub async fn forever(&self) -> Outcome {
        std::future::pending().await
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node")
            .field("name", &self.name)
            .field("life", &self.life)
            .finish_non_exhaustive()
    }
}
