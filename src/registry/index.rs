use std::{
    fmt,
    hash::{BuildHasher, RandomState},
};

use hashbrown::HashTable;

/// Which slot holds an identity. The identities themselves lie in the slots' sessions and nowhere twice: an entry is 8 bytes and
/// not 32, of a session that costs a kilobyte.
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
    /// How many identities are held.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The slot that holds this identity; `holds` says whether one does.
    pub(super) fn find(&self, identity: &[u8], holds: impl Fn(u32) -> bool) -> Option<u32> {
        let hash = self.hash(identity);
        let found = |entry: &Entry| entry.hash == hash && holds(entry.slot);
        let entry = self.entries.find(spread(hash), found)?;
        Some(entry.slot)
    }

    /// From now on this slot holds the identity, and none of those that `holds` says held it.
    pub(super) fn insert(&mut self, identity: &[u8], slot: u32, holds: impl Fn(u32) -> bool) {
        let hash = self.hash(identity);
        let found = |entry: &Entry| entry.hash == hash && holds(entry.slot);
        let rehash = |entry: &Entry| spread(entry.hash);
        match self.entries.entry(spread(hash), found, rehash) {
            hashbrown::hash_table::Entry::Occupied(mut entry) => entry.get_mut().slot = slot,
            hashbrown::hash_table::Entry::Vacant(place) => {
                place.insert(Entry { hash, slot });
            }
        }
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
    use std::collections::HashMap;

    #[test]
    fn it_is_what_a_map_from_identities_to_slots_is() {
        let mut rng = fastrand::Rng::with_seed(7);
        let mut index = Index::default();
        let mut map: HashMap<Vec<u8>, u32> = HashMap::new();
        // What lies in each slot; some were overtaken and hold nothing that the index knows.
        let mut slots: Vec<Vec<u8>> = Vec::new();
        for _ in 0..20_000 {
            let identity = rng.u16(0..2_000).to_be_bytes().to_vec();
            let held = map.get(&identity).copied();
            assert_eq!(
                index.find(&identity, |at| slots[at as usize] == identity),
                held
            );
            match (held, rng.u8(0..3)) {
                (Some(slot), 0) => {
                    assert!(index.remove(&identity, slot));
                    map.remove(&identity);
                }
                (held, _) => {
                    let slot = u32::try_from(slots.len()).unwrap();
                    slots.push(identity.clone());
                    // Where nobody holds it now, a slot that did once is not asked for.
                    index.insert(&identity, slot, |at| held == Some(at));
                    map.insert(identity, slot);
                }
            }
            assert_eq!((index.len(), index.is_empty()), (map.len(), map.is_empty()));
        }
        for (identity, slot) in &map {
            let found = index.find(identity, |at| slots[at as usize] == *identity);
            assert_eq!(found, Some(*slot));
            assert!(!index.remove(identity, slot + 1), "not who holds it");
        }
        assert_eq!(index.len(), map.len());
    }

    #[test]
    fn an_entry_is_eight_bytes() {
        assert_eq!(size_of::<Entry>(), 8);
    }
}
