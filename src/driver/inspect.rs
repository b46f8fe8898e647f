//! What a simulator sees of a runtime: everything, and it changes nothing.

use std::sync::{Arc, Weak};

use super::{Feed, Owner, shared::Shared};
use crate::{proto::Time, registry::Registry};

/// A look into a runtime that keeps nothing alive.
#[derive(Clone, Debug)]
pub(crate) struct Inspector(Weak<Shared>);

impl Owner {
    pub(crate) fn inspector(&self) -> Inspector {
        Inspector(Arc::downgrade(self.shared()))
    }

    /// Events of all sessions, however many wait.
    pub(crate) fn whole_feed(&self) -> Feed {
        self.shared().with(|hub, _| hub.observers.all(usize::MAX))
    }
}

impl Inspector {
    /// Whether the runtime was stopped and has nothing left to do: no time passes for it any more.
    pub(crate) fn is_over(&self) -> bool {
        let over = |shared: Arc<Shared>| shared.look(|hub| hub.stopping && hub.registry.is_quiet());
        self.0.upgrade().is_none_or(over)
    }

    /// `None` where the runtime is gone.
    pub(crate) fn look<R>(&self, look: impl FnOnce(&Registry, Time) -> R) -> Option<R> {
        let shared = self.0.upgrade()?;
        Some(shared.look_now(|hub, now| look(&hub.registry, now)))
    }
}
