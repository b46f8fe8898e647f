//! What a process has: open files, tasks, memory.

use std::{
    alloc::System,
    fmt, fs,
    future::Future,
    pin::Pin,
    str::FromStr,
    sync::{Arc, Condvar, Mutex},
    thread,
    time::Duration,
};

use sessile::Spawn;
use smol::{Executor, Task};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

pub(crate) type Heap = &'static StatsAlloc<System>;
pub(crate) const HEAP: Heap = &INSTRUMENTED_SYSTEM;

/// Longer than anything takes that ends.
const LONG: Duration = Duration::from_secs(60);

/// What a process has at one instant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figures {
    /// Of its runtimes, and peers of its host.
    pub(crate) tasks: usize,
    pub(crate) files: usize,
    /// Allocated and not freed.
    pub(crate) bytes: usize,
    blocks: usize,
}

/// An executor with a thread of its own, which counts the tasks of the runtimes on it.
#[derive(Clone)]
pub(crate) struct Counted {
    executor: Arc<Executor<'static>>,
    tasks: Arc<Tasks>,
}

#[derive(Default)]
struct Tasks {
    number: Mutex<usize>,
    changed: Condvar,
}

/// One task, for as long as it is there; or a peer of which the host has not heard the end.
pub(crate) struct One(Arc<Tasks>);

impl Counted {
    pub(crate) fn start() -> Self {
        let executor = Arc::new(Executor::new());
        let own = Arc::clone(&executor);
        thread::spawn(move || smol::block_on(own.run(std::future::pending::<()>())));
        Self {
            executor,
            tasks: Arc::default(),
        }
    }

    /// Runs something that is not counted.
    pub(crate) fn run(&self, what: impl Future<Output = ()> + Send + 'static) -> Task<()> {
        self.executor.spawn(what)
    }

    pub(crate) fn one(&self) -> One {
        One::new(&self.tasks)
    }

    pub(crate) fn tasks(&self) -> usize {
        *self.tasks.number.lock().expect("no panic holds it")
    }

    /// What the process has once there are so many tasks, or where there will not be.
    pub(crate) fn figures(&self, tasks: usize) -> Figures {
        let number = self.tasks.number.lock().expect("no panic holds it");
        let other = |number: &mut usize| *number != tasks;
        let waited = self.tasks.changed.wait_timeout_while(number, LONG, other);
        let tasks = *waited.expect("no panic holds it").0;
        let heap = HEAP.stats();
        Figures {
            tasks,
            files: fs::read_dir("/proc/self/fd").map_or(0, Iterator::count),
            bytes: heap.bytes_allocated - heap.bytes_deallocated,
            blocks: heap.allocations - heap.deallocations,
        }
    }
}

impl Spawn for Counted {
    fn spawn_boxed(&self, task: Pin<Box<dyn Future<Output = ()> + Send>>) {
        let one = self.one();
        let counted = async move {
            task.await;
            drop(one);
        };
        self.executor.spawn(counted).detach();
    }
}

impl One {
    fn new(tasks: &Arc<Tasks>) -> Self {
        *tasks.number.lock().expect("no panic holds it") += 1;
        tasks.changed.notify_all();
        Self(Arc::clone(tasks))
    }
}

impl Drop for One {
    fn drop(&mut self) {
        *self.0.number.lock().expect("no panic holds it") -= 1;
        self.0.changed.notify_all();
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            tasks,
            files,
            bytes,
            blocks,
        } = self;
        write!(
            f,
            "{tasks} tasks, {files} files, {bytes} bytes in {blocks} blocks"
        )
    }
}

impl FromStr for Figures {
    type Err = std::num::ParseIntError;

    /// What [`Display`](fmt::Display) wrote.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let numbers = text.split(' ').filter_map(|word| word.parse().ok());
        let numbers: Vec<usize> = numbers.collect();
        match numbers[..] {
            [tasks, files, bytes, blocks] => Ok(Self {
                tasks,
                files,
                bytes,
                blocks,
            }),
            _ => "not four numbers".parse().map(|_: usize| unreachable!()),
        }
    }
}
