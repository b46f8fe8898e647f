//! What some sessions have and most do not: groups, metadata, certificates, and trouble since their login. It lies beside the registry,
//! in maps, so that a session without any of it costs nothing here.

use std::{
    any::Any,
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt,
    ops::Bound,
    sync::Arc,
};

use bytes::Bytes;

use super::history::Mark;
use crate::{Event, proto::Key};

/// What a host attached to a session.
pub(crate) type Metadata = Arc<dyn Any + Send + Sync>;

/// What a peer has proven to be (DER), its own first.
pub(crate) type Chain = Arc<[Bytes]>;

#[derive(Default)]
pub(super) struct Beside {
    notes: HashMap<Key, Notes>,
    /// Groups with members, by name. Members are in order, so that a group is walked through in pages.
    groups: BTreeMap<Arc<str>, BTreeSet<Key>>,
}

/// Of one session: 89 bytes in the map with its key, 102 to 203 with the map's free places.
#[derive(Default)]
struct Notes {
    groups: Vec<Arc<str>>,
    metadata: Option<Metadata>,
    certificates: Option<Chain>,
    history: Vec<Mark>,
}

/// The events kept of a session are its last 16: these and the end.
pub(crate) const KEPT: usize = 15;

/// A map that is so much emptier than it was gives its memory back.
const SPARSE: usize = 8;

impl Beside {
    /// Something happened to a session. One that has no trouble between its login and its end has nothing here.
    pub(super) fn record(&mut self, key: Key, event: &Event) {
        let Some(mark) = Mark::of(event) else { return };
        let history = &mut self.notes.entry(key).or_default().history;
        if history.len() >= KEPT {
            history.remove(0);
        }
        history.push(mark);
    }

    pub(super) fn take_history(&mut self, key: Key) -> Vec<Mark> {
        let notes = self.notes.get_mut(&key);
        notes.map_or_else(Vec::new, |notes| std::mem::take(&mut notes.history))
    }

    /// The session has ended: it is in no group any more, and what was attached to it is the caller's to drop, because that
    /// may run anything.
    pub(super) fn free(&mut self, key: Key) -> Option<Metadata> {
        let notes = self.notes.remove(&key)?;
        for name in &notes.groups {
            self.part(name, key);
        }
        self.shrink();
        notes.metadata
    }

    /// What is attached now; returns what was before, which is the caller's to drop.
    pub(super) fn attach(&mut self, key: Key, metadata: Metadata) -> Option<Metadata> {
        let notes = self.notes.entry(key).or_default();
        notes.metadata.replace(metadata)
    }

    pub(super) fn metadata(&self, key: Key) -> Option<Metadata> {
        self.notes.get(&key)?.metadata.clone()
    }

    /// What the other end of its link has proven to be.
    pub(super) fn certify(&mut self, key: Key, chain: Chain) {
        self.notes.entry(key).or_default().certificates = Some(chain);
    }

    pub(super) fn certificates(&self, key: Key) -> Option<Chain> {
        self.notes.get(&key)?.certificates.clone()
    }

    /// A stranger's link brought a session back: from here on the session's peer is who that link has proven to be, or nobody.
    pub(super) fn pass_on(&mut self, stranger: Key, session: Key) {
        let notes = self.notes.remove(&stranger).unwrap_or_default();
        if let Some(chain) = notes.certificates {
            self.certify(session, chain);
        } else if let Some(notes) = self.notes.get_mut(&session) {
            notes.certificates = None;
            if notes.is_empty() {
                self.notes.remove(&session);
            }
        }
        self.shrink();
    }

    /// False where it would be in more groups than it may.
    pub(super) fn join(&mut self, key: Key, name: &str, most: usize) -> bool {
        if self.is_in(key, name) {
            return true;
        }
        let joined = self.notes.get(&key).map_or(0, |notes| notes.groups.len());
        if joined >= most {
            return false;
        }
        let known = self.groups.get_key_value(name);
        let name = known.map_or_else(|| name.into(), |(name, _)| Arc::clone(name));
        let notes = self.notes.entry(key).or_default();
        notes.groups.reserve_exact(1); // most are in one group or two
        notes.groups.push(Arc::clone(&name));
        self.groups.entry(name).or_default().insert(key);
        true
    }

    /// False where it was not in it.
    pub(super) fn leave(&mut self, key: Key, name: &str) -> bool {
        let Some(notes) = self.notes.get_mut(&key) else {
            return false;
        };
        let Some(at) = notes.groups.iter().position(|group| **group == *name) else {
            return false;
        };
        notes.groups.swap_remove(at);
        if notes.groups.is_empty() {
            notes.groups = Vec::new();
        }
        if notes.is_empty() {
            self.notes.remove(&key);
            self.shrink();
        }
        self.part(name, key);
        true
    }

    pub(super) fn is_in(&self, key: Key, name: &str) -> bool {
        self.groups
            .get(name)
            .is_some_and(|members| members.contains(&key))
    }

    pub(super) fn members(&self, name: &str) -> usize {
        self.groups.get(name).map_or(0, BTreeSet::len)
    }

    /// Members behind this one, at most `most`: who is a member all the time comes once.
    pub(super) fn page(&self, name: &str, after: Option<Key>, most: usize) -> Vec<Key> {
        let Some(members) = self.groups.get(name) else {
            return Vec::new();
        };
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let members = members.range((from, Bound::Unbounded));
        members.take(most).copied().collect()
    }

    /// Groups behind this one by name, at most `most`.
    pub(super) fn names(&self, after: Option<&str>, most: usize) -> Vec<Arc<str>> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let groups = self.groups.range::<str, _>((from, Bound::Unbounded));
        groups
            .take(most)
            .map(|(name, _)| Arc::clone(name))
            .collect()
    }

    pub(super) fn groups_of(&self, key: Key) -> Vec<Arc<str>> {
        let notes = self.notes.get(&key);
        notes.map_or_else(Vec::new, |notes| notes.groups.clone())
    }

    /// How many groups have members, and how many sessions have anything here.
    pub(super) fn len(&self) -> (usize, usize) {
        (self.groups.len(), self.notes.len())
    }

    fn part(&mut self, name: &str, key: Key) {
        let Some(members) = self.groups.get_mut(name) else {
            return;
        };
        members.remove(&key);
        if members.is_empty() {
            self.groups.remove(name);
        }
    }

    fn shrink(&mut self) {
        if self.notes.len().saturating_mul(SPARSE) < self.notes.capacity() {
            self.notes.shrink_to(self.notes.len() * 2);
        }
    }
}

impl Notes {
    fn is_empty(&self) -> bool {
        self.groups.is_empty()
            && self.metadata.is_none()
            && self.certificates.is_none()
            && self.history.is_empty()
    }
}

impl fmt::Debug for Beside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (groups, sessions) = self.len();
        f.debug_struct("Beside")
            .field("groups", &groups)
            .field("sessions", &sessions)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u32) -> Key {
        Key::new(number, 7)
    }

    #[test]
    fn ten_thousand_that_join_and_end_leave_nothing_behind() {
        let mut beside = Beside::default();
        for number in 0..10_000 {
            for room in ["lobby", &format!("room {}", number % 100)] {
                assert!(beside.join(key(number), room, 2));
            }
            assert!(!beside.join(key(number), "one too many", 2));
            assert!(beside.join(key(number), "lobby", 2), "it is there already");
            assert!(beside.attach(key(number), Arc::new(number)).is_none());
        }
        assert_eq!(beside.len(), (101, 10_000));
        assert_eq!(beside.members("lobby"), 10_000);
        for number in 0..10_000 {
            let metadata = beside.free(key(number)).unwrap();
            assert_eq!(metadata.downcast_ref::<u32>(), Some(&number));
            assert!(beside.free(key(number)).is_none());
        }
        assert_eq!(beside.len(), (0, 0));
        assert!(beside.notes.capacity() < 64, "{}", beside.notes.capacity());
    }

    #[test]
    fn who_leaves_by_hand_leaves_nothing_either() {
        let mut beside = Beside::default();
        assert!(beside.join(key(1), "a", 64) && beside.join(key(1), "b", 64));
        assert!(beside.leave(key(1), "a") && !beside.leave(key(1), "a"));
        assert_eq!(beside.groups_of(key(1)), ["b".into()]);
        assert!(beside.leave(key(1), "b") && !beside.leave(key(2), "b"));
        assert_eq!(beside.len(), (0, 0));
    }

    #[test]
    fn who_brings_a_session_back_is_who_its_link_says_and_the_stranger_leaves_nothing() {
        let mut beside = Beside::default();
        let chain = |name: &'static str| Chain::from([Bytes::from_static(name.as_bytes())]);
        beside.certify(key(1), chain("old"));
        beside.certify(key(2), chain("new"));
        beside.pass_on(key(2), key(1));
        assert_eq!(beside.certificates(key(1)), Some(chain("new")));
        assert_eq!(beside.len(), (0, 1));
        beside.pass_on(key(3), key(1));
        assert_eq!(beside.certificates(key(1)), None);
        assert_eq!(beside.len(), (0, 0));
    }

    #[test]
    fn a_page_goes_on_where_the_last_one_ended_whoever_left_meanwhile() {
        let mut beside = Beside::default();
        for number in 0..10 {
            beside.join(key(number), "a", 1);
        }
        let first = beside.page("a", None, 4);
        assert_eq!(first, [0, 1, 2, 3].map(key));
        for number in [0, 3, 4] {
            beside.free(key(number));
        }
        assert_eq!(beside.page("a", Some(key(3)), 4), [5, 6, 7, 8].map(key));
        assert_eq!(beside.page("a", Some(key(9)), 4), []);
        beside.join(key(1), "b", 2);
        assert_eq!(beside.names(None, 1), ["a".into()]);
        assert_eq!(beside.names(Some("a"), 9), ["b".into()]);
    }
}
