use std::{
    collections::VecDeque,
    pin::{Pin, pin},
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, Waker},
};

use async_task::Runnable;
use sessile::Spawn;

/// First come, first served, on whatever thread ticks it. Its line keeps its memory, which those of smol's executors do not:
/// what is counted is the library's own.
#[derive(Clone, Default)]
pub struct Executor(Arc<Mutex<VecDeque<Runnable>>>);

impl Executor {
    /// Lets every task run until all of them wait.
    pub fn settle(&self) {
        while self.try_tick() {}
    }

    /// Runs a future to its end without moving time.
    pub fn run<T>(&self, future: impl Future<Output = T>) -> T {
        let mut future = pin!(future);
        let mut cx = Context::from_waker(Waker::noop());
        loop {
            if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
                return output;
            }
            assert!(self.try_tick(), "everybody waits and no time passes");
        }
    }

    fn try_tick(&self) -> bool {
        let next = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop_front();
        next.map(Runnable::run).is_some()
    }
}

impl Spawn for Executor {
    fn spawn_boxed(&self, task: Pin<Box<dyn Future<Output = ()> + Send>>) {
        let line = Arc::clone(&self.0);
        let schedule = move |task| {
            line.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push_back(task)
        };
        let (runnable, task) = async_task::spawn(task, schedule);
        runnable.schedule();
        task.detach();
    }
}
