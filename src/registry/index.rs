use std::{
    fmt,
    hash::{BuildHasher, RandomState},
};

use hashbrown::HashTable;

/// Which slots hold an identity: one, or as many as an identity may have sessions. The identities themselves lie in the slots'
/// sessions and nowhere twice: an entry is 8 bytes and not 32, of a session that costs a kilobyte.
///
/// The caller says what lies in a slot, by the closures.
#[derive(Clone, Default)]
pub(super) struct Index {
    entries: HashTable<Entry>,
    /// Keyed by chance: whoever chooses identities cannot choose which of them collide.
    hasher: RandomState,
}

/// Half of the hash is kept, so that growing looks at no session, and a look-up only at those that may be meant.
#[derive(Clone, Copy)]
struct Entry {
    hash: u32,
    slot: u32,
}

impl Index {
    /// How many slots hold an identity.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// A slot that holds this identity; `holds` says whether one does.
    pub(super) fn find(&self, identity: &[u8], holds: impl Fn(u32) -> bool) -> Option<u32> {
        let hash = self.hash(identity);
        let found = |entry: &Entry| entry.hash == hash && holds(entry.slot);
        let entry = self.entries.find(spread(hash), found)?;
        Some(entry.slot)
    }

    /// All slots that may hold this identity, and by chance a few that do not: the caller looks.
    pub(super) fn all(&self, identity: &[u8]) -> impl Iterator<Item = u32> + use<'_> {
        let hash = self.hash(identity);
        let entries = self.entries.iter_hash(spread(hash));
        entries
            .filter(move |entry| entry.hash == hash)
            .map(|entry| entry.slot)
    }

    /// From now on this slot holds the identity, beside those that do already.
    pub(super) fn insert(&mut self, identity: &[u8], slot: u32) {
        let hash = self.hash(identity);
        let rehash = |entry: &Entry| spread(entry.hash);
        self.entries
            .insert_unique(spread(hash), Entry { hash, slot }, rehash);
    }

    /// This slot does not hold the identity any more. False where it did not.
    pub(super) fn remove(&mut self, identity: &[u8], slot: u32) -> bool {
        let hash = self.hash(identity);
        let found = |entry: &Entry| entry.hash == hash && entry.slot == slot;
        let entry = self.entries.find_entry(spread(hash), found);
        entry.map(|entry| entry.remove()).is_ok()
    }

    /// A table needs 32 bits only where it has 2^25 places: twice as many as there may be sessions.
    fn hash(&self, identity: &[u8]) -> u32 {
        let hash = self.hasher.hash_one(identity);
        u32::try_from(hash >> 32).unwrap_or_default()
    }
}

/// The table takes places from the low bits and tells entries apart by the highest ones.
const fn spread(hash: u32) -> u64 {
    (hash as u64) << 32 | hash as u64
}

impl fmt::Debug for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Index")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeSet, HashMap};

    /// What lies in each slot; some hold nothing any more that the index knows.
    #[derive(Default)]
    struct Slots(Vec<Vec<u8>>);

    impl Slots {
        fn put(&mut self, identity: &[u8]) -> u32 {
            self.0.push(identity.to_vec());
            u32::try_from(self.0.len() - 1).unwrap()
        }

        fn of(&self, index: &Index, identity: &[u8]) -> BTreeSet<u32> {
            let all = index.all(identity);
            all.filter(|&at| self.0[at as usize] == identity).collect()
        }
    }

    #[test]
    fn it_is_what_a_map_from_identities_to_sets_of_slots_is() {
        for most in [1, 3, 64] {
            let mut rng = fastrand::Rng::with_seed(most);
            let (mut index, mut slots) = (Index::default(), Slots::default());
            let mut map: HashMap<Vec<u8>, BTreeSet<u32>> = HashMap::new();
            let mut len = 0;
            for _ in 0..40_000 {
                let identity = rng.u16(0..2_000 / most as u16).to_be_bytes().to_vec();
                let held = map.entry(identity.clone()).or_default();
                assert_eq!(&slots.of(&index, &identity), held);
                let found = index.find(&identity, |at| held.contains(&at));
                assert_eq!(found.is_some(), !held.is_empty());
                let leaves = rng.choice(held.iter().copied().collect::<Vec<_>>());
                if let Some(slot) = leaves
                    && (held.len() as u64 >= most || rng.u8(0..3) == 0)
                {
                    assert!(index.remove(&identity, slot));
                    assert!(!index.remove(&identity, slot), "once");
                    held.remove(&slot);
                    len -= 1;
                } else {
                    let slot = slots.put(&identity);
                    index.insert(&identity, slot);
                    held.insert(slot);
                    len += 1;
                }
                assert_eq!((index.len(), index.is_empty()), (len, len == 0));
            }
            for (identity, held) in &map {
                assert_eq!(&slots.of(&index, identity), held);
            }
        }
    }

    #[test]
    fn an_entry_is_eight_bytes() {
        assert_eq!(size_of::<Entry>(), 8);
    }
}
