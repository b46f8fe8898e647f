use std::{
    fmt,
    sync::{Arc, PoisonError},
};

use super::{
    Clock, Collection, Feed, Spawner,
    hub::Hub,
    race::{Race, is_on},
    random::Entropy,
    report::Traffic,
    timer,
};
use crate::{
    Config, ConfigError,
    config::Settings,
    proto::{Key, Time},
    registry::Registry,
    sync::{AtomicUsize, Mutex, MutexGuard, Ordering},
    transport::DynDial,
};

/// One runtime, below its types: what every handle, task and observer of it points to.
pub(crate) struct Shared {
    hub: Mutex<Hub>,
    pub(super) clock: Clock,
    pub(super) spawner: Spawner,
    pub(super) settings: Settings,
    pub(super) entropy: Entropy,
    pub(super) traffic: Traffic,
    pub(super) instance: [u8; 16],
    /// How a client dials again.
    pub(super) dialer: Mutex<Option<Arc<dyn DynDial>>>,
    owners: AtomicUsize,
}

/// Keeps a runtime going. When the last one is dropped, sessions close, tasks end, sockets close.
#[derive(Debug)]
pub(crate) struct Owner(Arc<Shared>);

impl Shared {
    /// The one way in: takes the lock, lets `act` give inputs, performs what follows, and lets go before anybody is woken.
    pub(super) fn with<R>(self: &Arc<Self>, act: impl FnOnce(&mut Hub, Time) -> R) -> R {
        self.enter(|hub| {
            // Read under the lock, so that no session ever sees time go backwards.
            hub.now = self.clock.now();
            act(hub, hub.now)
        })
    }

    /// The same for what follows at once on an earlier entry, or does not care what time it is: the clock is not read
    /// again (it costs as much as all the rest of an entry).
    pub(super) fn with_recent<R>(self: &Arc<Self>, act: impl FnOnce(&mut Hub, Time) -> R) -> R {
        self.enter(|hub| act(hub, hub.now))
    }

    fn enter<R>(self: &Arc<Self>, act: impl FnOnce(&mut Hub) -> R) -> R {
        let (result, todo) = {
            let mut hub = self.lock();
            let result = act(&mut hub);
            (result, hub.perform())
        };
        todo.run(self);
        result
    }

    /// A look that changes nothing.
    pub(super) fn look<R>(&self, look: impl FnOnce(&Hub) -> R) -> R {
        look(&self.lock())
    }

    /// The same, with the time of it.
    pub(super) fn look_now<R>(&self, look: impl FnOnce(&Hub, Time) -> R) -> R {
        let hub = self.lock();
        look(&hub, self.clock.now())
    }

    /// What is to be logged and counted. Brings nothing about.
    #[cfg(any(feature = "tracing", feature = "metrics"))]
    pub(super) fn with_reports(&self, act: impl FnOnce(&mut super::report::Reports)) {
        act(&mut self.lock().reports);
    }

    fn lock(&self) -> MutexGuard<'_, Hub> {
        // Nothing that runs under the lock is the user's, so a poisoned lock is a bug of ours that a panic has told already.
        self.hub.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What dials from now on.
    pub(super) fn dial_by(&self, dialer: Arc<dyn DynDial>) {
        *self.dialer.lock().unwrap_or_else(PoisonError::into_inner) = Some(dialer);
    }

    /// One owner more, if there is one.
    pub(super) fn revive(&self) -> bool {
        let more = |owners: usize| (owners > 0).then_some(owners + 1);
        if is_on(Race::OwnersInTwoSteps) {
            let seen = more(self.owners.load(Ordering::Acquire));
            return seen
                .map(|owners| self.owners.store(owners, Ordering::Release))
                .is_some();
        }
        self.owners
            .fetch_update(Ordering::AcqRel, Ordering::Relaxed, more)
            .is_ok()
    }

    /// The last owner is gone.
    fn stop(self: &Arc<Self>) {
        let recheck = self.with(|hub, now| {
            let all = hub.registry.keys();
            hub.stop(all, now);
            hub.recheck.take()
        });
        drop(recheck); // what it captured may point to us
        // Behind the ends that this brought about: every session's last event is told.
        self.with(|hub, _| hub.stop_observers());
    }
}

impl Owner {
    /// Starts a runtime: checks every limit, once.
    pub(crate) fn start(config: Config, spawner: Spawner) -> Result<Self, ConfigError> {
        let clock = config
            .manual_clock()
            .map_or_else(Clock::real, |clock| Clock::manual(clock.clone()));
        let entropy = Entropy::new(config.entropy());
        let settings = config.validate()?;
        let registry = Registry::new(settings.clone(), u32::from_le_bytes(entropy.bytes()));
        let instance = settings.instance.unwrap_or_else(|| entropy.bytes());
        let shared = Arc::new(Shared {
            hub: Mutex::new(Hub::new(registry)),
            clock,
            spawner,
            entropy,
            traffic: Traffic::new(),
            instance,
            settings,
            dialer: Mutex::new(None),
            owners: AtomicUsize::new(1),
        });
        timer::spawn(&shared);
        Ok(Self(shared))
    }

    /// Events of all sessions.
    pub(crate) fn feed(&self) -> Feed {
        self.0
            .with(|hub, _| hub.observers.all(self.0.settings.event_buffer))
    }

    /// Tells peers the application's tick in heartbeats, from now on.
    pub(crate) fn set_tick(&self, tick: u64) {
        self.0.with(|hub, _| hub.registry.set_tick(tick));
    }

    /// The collection of sessions.
    pub(crate) fn collection(&self) -> Collection {
        Collection::new(Arc::clone(&self.0))
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// Counted already.
    pub(super) const fn of(shared: Arc<Shared>) -> Self {
        Self(shared)
    }

    pub(super) const fn shared(&self) -> &Arc<Shared> {
        &self.0
    }

    /// A new session of this client, not connected.
    pub(super) fn new_dialer(&self, login_attempt: u64) -> Key {
        let seed = self.0.entropy.seed();
        self.0
            .with(|hub, _| hub.registry.dialer(self.0.instance, login_attempt, seed))
    }
}

impl Clone for Owner {
    fn clone(&self) -> Self {
        self.0.owners.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(&self.0))
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        if self.0.owners.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.stop();
        }
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime")
            .field("executor", &self.spawner)
            .finish_non_exhaustive()
    }
}
