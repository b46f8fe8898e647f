use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use super::{
    executor::Tasks,
    node::Node,
    world::{Outcome, World},
};
use crate::Spawn;

/// One process.
pub(super) struct Process {
    pub(super) name: Arc<str>,
    pub(super) role: Role,
    program: Program,
    pub(super) tasks: Tasks,
    pub(super) life: u32,
    /// What its program came to.
    outcome: Arc<Mutex<Option<Outcome>>>,
    pub(super) running: bool,
    pub(super) paused: bool,
    /// When it was stopped last.
    stopped_at: Duration,
    /// When it went on last, and after how long a stop.
    pub(super) woke: Duration,
    pub(super) slept: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Server,
    Client,
    /// Keeps to no protocol; its program's end is nobody's concern.
    Rogue,
}

/// What makes a program, at each start of its process.
pub(super) type Program = Arc<dyn Fn(Node) -> Running + Send + Sync>;

pub(super) type Running = Pin<Box<dyn Future<Output = Outcome> + Send>>;

impl Process {
    pub(super) fn new(name: &str, role: Role, program: Program) -> Self {
        Self {
            name: name.into(),
            role,
            program,
            tasks: Tasks::default(),
            life: 0,
            outcome: Arc::default(),
            running: false,
            paused: false,
            stopped_at: Duration::ZERO,
            woke: Duration::ZERO,
            slept: Duration::ZERO,
        }
    }

    /// Starts it, again or for the first time. It is the process of this number in its world.
    pub(super) fn start(&mut self, index: usize, world: &Arc<World>) {
        *self = Self {
            life: self.life + 1,
            running: true,
            ..Self::new(&self.name, self.role, Arc::clone(&self.program))
        };
        let program = (self.program)(Node {
            world: Arc::clone(world),
            name: Arc::clone(&self.name),
            index,
            life: self.life,
            tasks: self.tasks.clone(),
        });
        self.tasks.spawn_boxed(Box::pin(Main {
            program: Some(program),
            outcome: Arc::clone(&self.outcome),
        }));
    }

    /// Its tasks that could run now.
    pub(super) fn ready(&self) -> usize {
        match self.is_up() {
            true => self.tasks.ready(),
            false => 0,
        }
    }

    /// Whether it runs, and is not stopped.
    pub(super) const fn is_up(&self) -> bool {
        self.running && !self.paused
    }

    /// As by SIGSTOP.
    pub(super) const fn stop(&mut self, now: Duration) {
        self.paused = true;
        self.stopped_at = now;
    }

    /// As by SIGCONT. True where it was stopped.
    pub(super) fn go_on(&mut self, now: Duration) -> bool {
        let stopped = std::mem::take(&mut self.paused);
        if stopped {
            self.woke_after(now, now - self.stopped_at);
        }
        stopped
    }

    /// It wakes up now, and did nothing for so long.
    pub(super) const fn woke_after(&mut self, now: Duration, time: Duration) {
        (self.woke, self.slept) = (now, time);
    }

    /// As by SIGKILL.
    pub(super) fn kill(&mut self) {
        (self.running, self.paused) = (false, false);
        self.tasks.kill();
    }

    /// What its program came to, if it did: `None` where it still runs.
    pub(super) fn outcome(&self) -> MutexGuard<'_, Option<Outcome>> {
        lock(&self.outcome)
    }

    /// Its program is over when it next runs, whatever it was about to do.
    pub(super) fn end(&self) {
        *self.outcome() = Some(Ok(()));
        self.tasks.wake_all();
    }
}

/// A program, and where it says what it came to. It is over where that was said for it.
struct Main {
    program: Option<Running>,
    outcome: Arc<Mutex<Option<Outcome>>>,
}

impl Future for Main {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let over = lock(&self.outcome).is_some();
        let Some(program) = self.program.as_mut().filter(|_| !over) else {
            return Poll::Ready(());
        };
        let Poll::Ready(outcome) = program.as_mut().poll(cx) else {
            return Poll::Pending;
        };
        self.program = None; // what it holds is gone before it counts as done
        *lock(&self.outcome) = Some(outcome);
        Poll::Ready(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
