use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Waker,
    time::Duration,
};

use fastrand::Rng;

use super::{
    link::{Known, Tapes},
    trace::Trace,
    watch::Watched,
};
use crate::{testing::ManualClock, transport::memory::Network};

/// What a program in a simulation comes to. An error fails the simulation, with the error's text.
pub type Outcome = Result<(), Box<dyn std::error::Error + Send + Sync>>;

/// What all processes of a world share, and the simulation with them.
pub(super) struct World {
    pub(super) clock: ManualClock,
    state: Mutex<State>,
}

/// What the clock shows when a world begins: nothing starts at zero by chance.
pub(super) const ORIGIN: Duration = Duration::from_secs(1_000);

pub(super) struct State {
    pub(super) rng: Rng,
    pub(super) trace: Trace,
    networks: BTreeMap<Arc<str>, Network>,
    pub(super) links: Vec<Known>,
    pub(super) tapes: Tapes,
    /// Runtimes that started since the simulation looked last.
    pub(super) started: Vec<Watched>,
    pub(super) healed: bool,
    /// Who waits for that.
    pub(super) waiting: Vec<Waker>,
    /// Identities and processes that keep to no protocol, or talk to one that does not.
    pub(super) rogues: BTreeSet<String>,
    /// Servers that keep to no protocol.
    pub(super) rogue_networks: BTreeSet<Arc<str>>,
    /// Sessions whose RESUME was said by a stranger, too.
    pub(super) replayed: BTreeSet<u64>,
    /// What a stranger found that must not be.
    pub(super) wrong: Option<String>,
    /// The next dial makes two links.
    pub(super) dial_twice: bool,
    /// How many of the next links to a server are cut within their first bytes.
    pub(super) doomed: BTreeMap<Arc<str>, u32>,
    /// New links have delays of their own.
    pub(super) jitter: bool,
}

impl World {
    pub(super) fn new(seed: u64) -> Arc<Self> {
        let clock = ManualClock::new();
        clock.advance(ORIGIN);
        Arc::new(Self {
            clock,
            state: Mutex::new(State {
                rng: Rng::with_seed(seed),
                trace: Trace::default(),
                networks: BTreeMap::new(),
                links: Vec::new(),
                tapes: Tapes::default(),
                started: Vec::new(),
                healed: false,
                waiting: Vec::new(),
                rogues: BTreeSet::new(),
                rogue_networks: BTreeSet::new(),
                replayed: BTreeSet::new(),
                wrong: None,
                dial_twice: false,
                doomed: BTreeMap::new(),
                jitter: false,
            }),
        })
    }

    /// How much time has passed.
    pub(super) fn now(&self) -> Duration {
        self.clock.now() - ORIGIN
    }

    /// What the process of that name is dialed over.
    pub(super) fn network(&self, name: &str) -> Network {
        let mut state = self.state();
        if let Some(network) = state.networks.get(name) {
            return network.clone();
        }
        let network = Network::with_clock(self.clock.clone());
        state.networks.insert(name.into(), network.clone());
        network
    }

    pub(super) fn networks(&self) -> Vec<(Arc<str>, Network)> {
        let state = self.state();
        let networks = state.networks.iter();
        networks
            .map(|(name, network)| (Arc::clone(name), network.clone()))
            .collect()
    }

    /// Nothing of a program runs under the lock, so a poisoned state is still a whole one.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
