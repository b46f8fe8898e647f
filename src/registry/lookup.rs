//! Who is there: by identity, by key, page by page.

use super::Registry;
use crate::proto::{Key, Machine, Phase, Snapshot, Time};

impl Registry {
    /// A session.
    #[must_use]
    pub fn get(&self, key: Key) -> Option<&Machine> {
        let slot = self.slots.get(key.slot() as usize)?;
        slot.machine
            .as_ref()
            .filter(|_| slot.generation == key.generation())
    }

    /// How a session stands.
    #[must_use]
    pub fn snapshot(&self, key: Key, now: Time) -> Option<Snapshot> {
        self.get(key).map(|machine| machine.snapshot(now))
    }

    /// How many sessions are in the collection.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_identity.len()
    }

    /// Whether nobody is logged in.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_identity.is_empty()
    }

    /// Strangers: links whose peer nobody has admitted.
    #[must_use]
    pub const fn strangers(&self) -> usize {
        self.strangers.len()
    }

    /// Slots that hold anything, the dead that are remembered included.
    #[must_use]
    pub fn occupied(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Logged-in sessions from this slot on, at most `most`, and the slot to go on from: an enumeration in pieces, so that
    /// it holds nobody up for long.
    #[must_use]
    pub fn page(&self, from: usize, most: usize) -> (Vec<Key>, Option<usize>) {
        let end = from.saturating_add(most).min(self.slots.len());
        let in_collection =
            |machine: &&Machine| machine.identity().is_some() && machine.phase() != Phase::Ended;
        let keys = self.slots.get(from..end).unwrap_or_default().iter();
        let keys = keys
            .filter_map(|slot| {
                slot.machine
                    .as_ref()
                    .filter(in_collection)
                    .map(Machine::key)
            })
            .collect();
        (keys, (end < self.slots.len()).then_some(end))
    }

    /// Whether every session is over and everything about it was said.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.slots
            .iter()
            .filter_map(|slot| slot.machine.as_ref())
            .all(Machine::is_settled)
    }

    /// Every session, strangers and the dead that are remembered included.
    #[must_use]
    pub fn keys(&self) -> Vec<Key> {
        self.slots
            .iter()
            .filter_map(|slot| slot.machine.as_ref().map(Machine::key))
            .collect()
    }

    pub(super) fn key_of(&self, slot: u32) -> Option<Key> {
        self.slots
            .get(slot as usize)?
            .machine
            .as_ref()
            .map(Machine::key)
    }
}
