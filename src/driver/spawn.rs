use smol::Executor;
use std::{any::Any, fmt, future::Future, pin::Pin, sync::Arc};

/// Where a runtime's tasks run, when they are not to run on smol's global executor.
///
/// Implemented for the executors of `smol` (`async-executor`); for any other, implement it in one line. The
/// executor must go on running tasks for as long as the runtime lives: heartbeats are sent by them.
///
/// ```
/// use std::{future::Future, pin::Pin, sync::Arc};
///
/// struct MyPool(Arc<smol::Executor<'static>>);
///
/// impl sessile::Spawn for MyPool {
///     fn spawn_boxed(&self, task: Pin<Box<dyn Future<Output = ()> + Send>>) {
///         self.0.spawn(task).detach();
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot run a runtime's tasks",
    note = "an `Arc<smol::Executor<'static>>` or a `&'static smol::Executor<'static>` can, or implement `sessile::Spawn`"
)]
pub trait Spawn: Send + Sync + 'static {
    /// Runs `task` to its end. It must neither be dropped earlier nor be run by this call itself, which may
    /// be made while locks are held that the task takes.
    ///
    /// Not named `spawn`: where this trait is imported, that would hide the executor's own.
    fn spawn_boxed(&self, task: Pin<Box<dyn Future<Output = ()> + Send>>);
}

impl Spawn for Arc<Executor<'static>> {
    fn spawn_boxed(&self, task: Pin<Box<dyn Future<Output = ()> + Send>>) {
        Executor::spawn(self, task).detach();
    }
}

impl Spawn for &'static Executor<'static> {
    fn spawn_boxed(&self, task: Pin<Box<dyn Future<Output = ()> + Send>>) {
        Executor::spawn(self, task).detach();
    }
}

/// The executor of one runtime.
#[derive(Clone, Default)]
pub(crate) enum Spawner {
    /// smol's own, which starts its threads by itself.
    #[default]
    Global,
    /// One of smol's that the user hands over, and runs.
    Shared(Arc<Executor<'static>>),
    /// The same, where it lives for ever.
    Static(&'static Executor<'static>),
    /// Another one.
    Custom(Arc<dyn Spawn>),
}

impl Spawner {
    pub(crate) fn new(executor: impl Spawn) -> Self {
        let any: &dyn Any = &executor;
        if let Some(shared) = any.downcast_ref::<Arc<Executor<'static>>>() {
            return Self::Shared(Arc::clone(shared));
        }
        if let Some(leaked) = any.downcast_ref::<&'static Executor<'static>>() {
            return Self::Static(leaked);
        }
        Self::Custom(Arc::new(executor))
    }

    /// Starts a task that nobody waits for. All of them are boxed, and of one type for the executor, whose code for a type is
    /// 3,600 lines of LLVM's.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let task: Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(task);
        match self {
            Self::Custom(spawn) => spawn.spawn_boxed(task),
            _ => self.spawn_in_place(task),
        }
    }

    /// The same for what there is one of for each session: on an executor of smol's the task is one allocation.
    pub(crate) fn spawn_in_place(&self, task: impl Future<Output = ()> + Send + 'static) {
        match self {
            Self::Global => smol::spawn(task).detach(),
            Self::Shared(executor) => executor.spawn(task).detach(),
            Self::Static(executor) => executor.spawn(task).detach(),
            Self::Custom(spawn) => spawn.spawn_boxed(Box::pin(task)),
        }
    }
}

impl fmt::Debug for Spawner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Global => "Global",
            Self::Shared(_) | Self::Static(_) => "Executor",
            Self::Custom(_) => "Custom",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use smol::block_on;

    struct Other(Arc<Executor<'static>>);

    impl Spawn for Other {
        fn spawn_boxed(&self, task: Pin<Box<dyn Future<Output = ()> + Send>>) {
            self.0.spawn(task).detach();
        }
    }

    #[test]
    fn tasks_run_on_the_executor_chosen() {
        let [shared, other] = [(); 2].map(|()| Arc::new(Executor::new()));
        let leaked: &'static Executor<'static> = Box::leak(Box::default());
        let spawners = [
            Spawner::default(),
            Spawner::new(shared.clone()),
            Spawner::new(leaked),
            Spawner::new(Other(other.clone())),
        ];
        let (sender, receiver) = async_channel::unbounded();
        for (number, spawner) in spawners.iter().enumerate() {
            let task = || {
                let sender = sender.clone();
                async move {
                    sender.send(number).await.ok();
                }
            };
            spawner.spawn(task());
            spawner.spawn_in_place(task());
        }
        for _ in 0..2 {
            assert_eq!(block_on(receiver.recv()), Ok(0), "the others do not run");
        }
        for _ in 0..2 {
            assert!(shared.try_tick());
            assert_eq!(receiver.try_recv(), Ok(1));
            assert!(leaked.try_tick());
            assert_eq!(receiver.try_recv(), Ok(2));
            assert!(other.try_tick());
            assert_eq!(receiver.try_recv(), Ok(3));
        }
        assert_eq!(
            format!("{spawners:?}"),
            "[Global, Executor, Executor, Custom]",
            "no executor's inside"
        );
    }
}
