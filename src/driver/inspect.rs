//! What a simulator sees of a runtime: everything, and it changes nothing.

use std::sync::{Arc, Weak};

use super::{Feed, Owner, shared::Shared};
use crate::{proto::Time, registry::Registry};

/// A look into a runtime that keeps nothing alive.
#[derive(Debug)]
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
    /// `None` where the runtime is gone.
    pub(crate) fn look<R>(&self, look: impl FnOnce(&Registry, Time) -> R) -> Option<R> {
        let shared = self.0.upgrade()?;
        Some(shared.look_now(|hub, now| look(&hub.registry, now)))
    }
}
