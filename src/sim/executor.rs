use std::{
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use fastrand::Rng;

use crate::Spawn;

/// The tasks of one process. They run one at a time, and which one is next, of those that are ready, is chance: whatever
/// order a real machine could run them in is one of the orders here.
#[derive(Clone, Default)]
pub(super) struct Tasks(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    /// Ready tasks. Beside the state, because tasks are woken from everywhere, also while one of them is being dropped.
    ready: Mutex<Vec<u64>>,
}

#[derive(Default)]
struct State {
    tasks: BTreeMap<u64, Task>,
    made: u64,
    /// The process was killed: nothing runs any more.
    dead: bool,
    /// What was spawned by what was dropped when the process was killed. It must not be dropped where it was spawned,
    /// which may be under a lock that it takes.
    stillborn: Vec<BoxTask>,
}

type BoxTask = Pin<Box<dyn Future<Output = ()> + Send>>;

struct Task {
    /// `None` while it runs.
    future: Option<BoxTask>,
    waker: Arc<TaskWaker>,
}

struct TaskWaker {
    id: u64,
    queued: AtomicBool,
    shared: Arc<Shared>,
}

impl Tasks {
    /// How many are ready to run.
    pub(super) fn ready(&self) -> usize {
        self.0.ready().len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.state().tasks.is_empty()
    }

    /// Runs one of those that are ready until it waits. Says which it was, `None` where none is ready.
    pub(super) fn run_one(&self, rng: &mut Rng) -> Option<u64> {
        let (id, waker) = {
            let mut ready = self.0.ready();
            if ready.is_empty() {
                return None;
            }
            let id = match ready.len() {
                1 => ready.pop()?,
                len => ready.swap_remove(rng.usize(..len)),
            };
            drop(ready);
            let state = self.0.state();
            let Some(task) = state.tasks.get(&id) else {
                return Some(id); // woken after its end
            };
            (id, Arc::clone(&task.waker))
        };
        waker.queued.store(false, Ordering::Relaxed);
        let task = self.0.state().tasks.get_mut(&id)?.future.take();
        let Some(mut future) = task else {
            return Some(id);
        };
        let waker = Waker::from(waker);
        let polled = future.as_mut().poll(&mut Context::from_waker(&waker));
        let mut state = self.0.state();
        match (polled, state.tasks.get_mut(&id)) {
            (Poll::Pending, Some(task)) => task.future = Some(future),
            _ => {
                let task = state.tasks.remove(&id);
                drop(state);
                drop((task, future)); // runs code of others: not under the lock
            }
        }
        Some(id)
    }

    /// Wakes every task.
    pub(super) fn wake_all(&self) {
        let wakers: Vec<_> = self
            .0
            .state()
            .tasks
            .values()
            .map(|task| Arc::clone(&task.waker))
            .collect();
        wakers.iter().for_each(Wake::wake_by_ref);
    }

    /// Wakes some task that nobody woke: programs must bear it (fault F31).
    pub(super) fn wake_any(&self, rng: &mut Rng) {
        let state = self.0.state();
        if state.tasks.is_empty() {
            return;
        }
        let at = rng.usize(..state.tasks.len());
        let waker = state
            .tasks
            .values()
            .nth(at)
            .map(|task| Arc::clone(&task.waker));
        drop(state);
        waker.inspect(Wake::wake_by_ref);
    }

    /// The process is killed. Destructors run, since they run here and not in a kernel, but nothing that they start does.
    pub(super) fn kill(&self) {
        let mut tasks = {
            let mut state = self.0.state();
            state.dead = true;
            std::mem::take(&mut state.tasks)
        };
        while let Some((_, task)) = tasks.pop_first() {
            drop(task);
        }
        loop {
            let Some(task) = self.0.state().stillborn.pop() else {
                break;
            };
            drop(task);
        }
        self.0.ready().clear();
    }
}

impl Spawn for Tasks {
    fn spawn_boxed(&self, task: BoxTask) {
        let mut state = self.0.state();
        if state.dead {
            state.stillborn.push(task);
            return;
        }
        state.made += 1;
        let id = state.made;
        let waker = Arc::new(TaskWaker {
            id,
            queued: AtomicBool::new(true),
            shared: Arc::clone(&self.0),
        });
        state.tasks.insert(
            id,
            Task {
                future: Some(task),
                waker,
            },
        );
        drop(state);
        self.0.ready().push(id);
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ready(&self) -> MutexGuard<'_, Vec<u64>> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.queued.swap(true, Ordering::Relaxed) {
            self.shared.ready().push(self.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{collections::BTreeSet, future::poll_fn};

    fn order(seed: u64) -> Vec<u32> {
        let tasks = Tasks::default();
        let ran = Arc::new(Mutex::new(Vec::new()));
        for number in 0..4 {
            let ran = Arc::clone(&ran);
            tasks.spawn_boxed(Box::pin(async move { ran.lock().unwrap().push(number) }));
        }
        let mut rng = Rng::with_seed(seed);
        while tasks.run_one(&mut rng).is_some() {}
        assert!(tasks.is_empty());
        Arc::try_unwrap(ran).unwrap().into_inner().unwrap()
    }

    #[test]
    fn tasks_run_in_an_order_that_the_seed_decides() {
        let orders: BTreeSet<_> = (0..200).map(order).collect();
        assert_eq!(orders.len(), 24, "every order of four happens");
        assert_eq!(order(7), order(7));
    }

    #[test]
    fn what_a_killed_process_starts_while_it_dies_never_runs() {
        struct Spawns(Tasks, Arc<AtomicBool>);
        impl Drop for Spawns {
            fn drop(&mut self) {
                let ran = Arc::clone(&self.1);
                let more = Self(Tasks::default(), Arc::clone(&ran));
                self.0.spawn_boxed(Box::pin(async move {
                    let _more = more;
                    ran.store(true, Ordering::Relaxed);
                }));
            }
        }
        let (tasks, ran) = (Tasks::default(), Arc::new(AtomicBool::new(false)));
        let held = Spawns(tasks.clone(), Arc::clone(&ran));
        tasks.spawn_boxed(Box::pin(async move {
            poll_fn(|_| Poll::<()>::Pending).await;
            drop(held);
        }));
        let mut rng = Rng::with_seed(1);
        tasks.run_one(&mut rng);
        tasks.kill();
        assert!(tasks.is_empty() && tasks.run_one(&mut rng).is_none());
        assert!(!ran.load(Ordering::Relaxed));
    }

    #[test]
    fn a_task_that_is_woken_twice_runs_once_and_one_that_nobody_woke_can_be() {
        let (tasks, polls) = (Tasks::default(), Arc::new(Mutex::new(0)));
        let counted = Arc::clone(&polls);
        tasks.spawn_boxed(Box::pin(poll_fn(move |cx| {
            *counted.lock().unwrap() += 1;
            if *counted.lock().unwrap() == 1 {
                cx.waker().wake_by_ref();
                cx.waker().wake_by_ref();
            }
            Poll::Pending
        })));
        let mut rng = Rng::with_seed(1);
        while tasks.run_one(&mut rng).is_some() {}
        assert_eq!(*polls.lock().unwrap(), 2);
        tasks.wake_any(&mut rng);
        while tasks.run_one(&mut rng).is_some() {}
        assert_eq!(*polls.lock().unwrap(), 3);
    }
}
