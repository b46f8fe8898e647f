//! Groups of sessions and what is attached to one, seen by observers.

use std::sync::Arc;

use super::{
    Collection, Watcher,
    beside::{Chain, Metadata},
    hub::Hub,
    watcher::PAGE,
};
use crate::{
    Closed, JoinError, Reason,
    proto::{Key, Machine},
};

impl Watcher {
    /// Attaches this in place of what was attached before.
    pub(crate) fn attach(&self, metadata: Metadata) -> Result<(), Closed> {
        let mut metadata = Some(metadata);
        // What is not attached, and what was, is dropped after the lock: its drop may run anything.
        let _former =
            self.shared()
                .with(|hub, _| match (hub.ended(self.key()), metadata.take()) {
                    (None, Some(metadata)) => Ok(hub.beside.attach(self.key(), metadata)),
                    (ended, refused) => {
                        metadata = refused;
                        Err(ended.unwrap_or_else(|| Closed::new(Reason::Gone)))
                    }
                })?;
        Ok(())
    }

    /// What the other end of its link has proven to be.
    pub(crate) fn certificates(&self) -> Option<Chain> {
        self.shared()
            .look(|hub| hub.beside.certificates(self.key()))
    }

    pub(crate) fn metadata(&self) -> Option<Metadata> {
        self.shared().look(|hub| hub.beside.metadata(self.key()))
    }

    pub(crate) fn groups(&self) -> Vec<Arc<str>> {
        self.shared().look(|hub| hub.beside.groups_of(self.key()))
    }
}

impl Collection {
    /// Puts a session into a group.
    pub(crate) fn join(&self, who: &Watcher, name: &str) -> Result<(), JoinError> {
        if !self.is_of(who) {
            return Err(JoinError::Ended(Closed::new(Reason::Gone)));
        }
        let most = self.shared().settings.groups_per_session;
        self.shared().with(|hub, _| {
            joinable(hub, who.key())?;
            match hub.beside.join(who.key(), name, most) {
                true => Ok(()),
                false => Err(JoinError::TooMany { max: most }),
            }
        })
    }

    /// Takes a session out of a group. False where it was not in it.
    pub(crate) fn leave(&self, who: &Watcher, name: &str) -> bool {
        self.is_of(who)
            && self
                .shared()
                .with(|hub, _| hub.beside.leave(who.key(), name))
    }

    pub(crate) fn is_member(&self, who: &Watcher, name: &str) -> bool {
        self.is_of(who) && self.shared().look(|hub| hub.beside.is_in(who.key(), name))
    }

    pub(crate) fn members(&self, name: &str) -> usize {
        self.shared().look(|hub| hub.beside.members(name))
    }

    /// A piece of a group, behind this member.
    pub(crate) fn member_page(&self, name: &str, after: Option<&Watcher>) -> Vec<Watcher> {
        let after = after.map(Watcher::key);
        let keys = self.shared().look(|hub| hub.beside.page(name, after, PAGE));
        keys.into_iter()
            .map(|key| Watcher::new(Arc::clone(self.shared()), key))
            .collect()
    }

    /// Names of groups that have members, behind this one.
    pub(crate) fn group_page(&self, after: Option<&str>) -> Vec<Arc<str>> {
        self.shared().look(|hub| hub.beside.names(after, PAGE))
    }

    fn is_of(&self, who: &Watcher) -> bool {
        Arc::ptr_eq(self.shared(), who.shared())
    }
}

fn joinable(hub: &Hub, key: Key) -> Result<(), JoinError> {
    match hub.ended(key) {
        Some(closed) => Err(JoinError::Ended(closed)),
        None if hub.registry.get(key).is_some_and(Machine::is_stranger) => {
            Err(JoinError::NotLoggedIn)
        }
        None => Ok(()),
    }
}
