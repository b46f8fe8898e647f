use std::collections::VecDeque;

use super::Registry;
use crate::proto::{Key, Machine};

/// Sessions that ended and are remembered so that who comes back hears why, in the order in which they became that. Each lies in
/// its slot until its time is over; what is here says only who has to go first where there are too many.
///
/// Ends of sessions with unlike resume windows may be forgotten from the middle: such an entry counts until those before it
/// are gone, so that there may be fewer than allowed, and never more.
#[derive(Clone, Debug, Default)]
pub(super) struct Tombstones {
    order: VecDeque<Key>,
}

impl Tombstones {
    /// How many there are, and some that were forgotten since.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.order.len()
    }
}

impl Registry {
    /// From now on this session is only remembered. Where that is one too many, the oldest is not any more.
    pub(super) fn remember(&mut self, key: Key) {
        let Some(slot) = self.slots.get_mut(key.slot() as usize) else {
            return;
        };
        if std::mem::replace(&mut slot.remembered, true) {
            return;
        }
        self.tombstones.order.push_back(key);
        while let Some(&first) = self.tombstones.order.front()
            && (!self.is_remembered(first)
                || self.tombstones.order.len() > self.settings.tombstones)
        {
            self.tombstones.order.pop_front();
            self.stop_remembering(first);
        }
    }

    fn is_remembered(&self, key: Key) -> bool {
        self.get(key).is_some_and(Machine::is_past)
    }

    /// Whoever is just hearing why (or is told the end once more) is not interrupted: afterwards it is the youngest.
    fn stop_remembering(&mut self, key: Key) {
        if self.is_remembered(key) {
            self.forget(key);
        } else if self.get(key).is_some()
            && let Some(slot) = self.slots.get_mut(key.slot() as usize)
        {
            slot.remembered = false;
        }
    }
}
