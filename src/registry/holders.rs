//! The sessions of one identity: which is the newest, which makes room, above which epochs a link begins.

use super::Registry;
use crate::{
    Identity,
    canary::{Canary, sings},
    proto::{Key, Machine},
};

/// What somebody meets who is to be admitted under an identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    /// The identity may have one more session, beside those that it has. One of these is given, if there are any.
    Free(Option<Key>),
    /// This one goes, and nobody else: an older session of the same client.
    Own(Key),
    /// The identity has as many as it may, and this one goes if any.
    Taken(Key),
}

impl Room {
    /// Who goes.
    #[must_use]
    pub(crate) const fn holder(self) -> Option<Key> {
        match self {
            Self::Free(_) => None,
            Self::Own(holder) | Self::Taken(holder) => Some(holder),
        }
    }
}

impl Registry {
    /// The session that holds an identity: of several the one that logged in last.
    #[must_use]
    pub fn holder(&self, identity: &Identity) -> Option<Key> {
        self.find(identity.as_bytes())
    }

    /// The same, for a key that is not an [`Identity`] yet.
    #[must_use]
    pub fn find(&self, identity: &[u8]) -> Option<Key> {
        if self.may_have_several() {
            let newest = self.named(identity).max_by_key(|one| one.first_epoch());
            return newest.map(Machine::key);
        }
        let is_named = |slot| self.has_name(slot, identity).is_some();
        let slot = self.by_identity.find(identity, is_named)?;
        self.key_of(slot)
    }

    /// All sessions that hold an identity, the one that logged in last first.
    #[must_use]
    pub fn holders(&self, identity: &[u8]) -> Vec<Key> {
        let mut all: Vec<&Machine> = self.named(identity).collect();
        all.sort_unstable_by_key(|one| std::cmp::Reverse(one.first_epoch()));
        all.into_iter().map(Machine::key).collect()
    }

    /// Who makes room for a newcomer: an older session of its own client, or, where the identity has as many sessions as it may, the
    /// one that is wished for (`over`). Where that is none of them: one that has no link, and of equals the one that logged in first.
    #[must_use]
    pub(crate) fn room(&self, newcomer: Key, identity: &[u8], over: Option<Key>) -> Room {
        let instance = self.get(newcomer).map(|one| one.instance().0);
        let is_own = |one: &Machine| Some(one.instance().0) == instance;
        let (mut count, mut first) = (0, None);
        for one in self.named(identity) {
            if is_own(one) && !sings(Canary::NoInstance) {
                return Room::Own(one.key());
            }
            count += 1;
            let wished = over == Some(one.key());
            let rank = (!wished, one.phase().is_up(), one.first_epoch(), one.key());
            first = Some(first.map_or(rank, |first| rank.min(first)));
        }
        match first {
            Some((.., key)) if count >= self.settings.sessions_per_identity => Room::Taken(key),
            first => Room::Free(first.map(|(.., key)| key)),
        }
    }

    /// The highest epoch that any other session of an identity has, or that any session had that ended: where there may be several,
    /// each new link is above all of them, so that a number is no two links'. Where there is one at most, its own number is enough.
    pub(super) fn others_epoch(&self, key: Key) -> u64 {
        let identity = self.get(key).and_then(Machine::identity);
        match identity {
            Some(identity) if self.may_have_several() => {
                self.highest_epoch(identity.as_bytes(), key)
            }
            _ => 0,
        }
    }

    /// The highest epoch of whoever ended, and of whoever holds this identity but `key`. Where there is one session at most, nobody
    /// else does.
    pub(super) fn highest_epoch(&self, identity: &[u8], key: Key) -> u64 {
        if !self.may_have_several() {
            return self.last_epoch;
        }
        let others = self.named(identity).filter(|one| one.key() != key);
        let live = others.map(Machine::epoch).max();
        self.last_epoch.max(live.unwrap_or_default())
    }

    const fn may_have_several(&self) -> bool {
        self.settings.sessions_per_identity > 1
    }

    /// The sessions that hold an identity, in no order.
    fn named<'a>(&'a self, identity: &'a [u8]) -> impl Iterator<Item = &'a Machine> {
        let slots = self.by_identity.all(identity);
        slots.filter_map(|slot| self.has_name(slot, identity))
    }

    /// The session in this slot, where it has this identity.
    fn has_name(&self, slot: u32, identity: &[u8]) -> Option<&Machine> {
        let machine = self.slots.get(slot as usize)?.machine.as_ref()?;
        let named = machine.identity()?;
        (named.as_bytes() == identity).then_some(machine)
    }
}
