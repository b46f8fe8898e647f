//! Sessions that ended, the last so many of them: for whoever asks why.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use super::history::Mark;
use crate::{Closed, Identity, proto::Snapshot};

/// What is kept of a session that ended: at most 0.8 KiB with its places in the maps.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) identity: Identity,
    pub(crate) closed: Closed,
    pub(crate) snapshot: Snapshot,
    pub(crate) history: Box<[Mark]>,
}

/// A ring of records. Each has a number, growing, and is found by session and by identity.
#[derive(Debug)]
pub(super) struct Past {
    limit: usize,
    /// The oldest one's number.
    first: u64,
    records: VecDeque<Arc<Record>>,
    by_id: HashMap<u64, u64>,
    by_identity: HashMap<Identity, u64>,
}

impl Past {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            first: 0,
            records: VecDeque::new(),
            by_id: HashMap::new(),
            by_identity: HashMap::new(),
        }
    }

    /// Keeps the last snapshot of a session that was logged in and ended.
    pub(super) fn keep(&mut self, snapshot: Snapshot, history: Vec<Mark>) {
        let (Some(identity), Some(closed)) = (snapshot.identity.clone(), snapshot.ended.clone())
        else {
            return;
        };
        if self.limit == 0 {
            return;
        }
        if self.records.len() >= self.limit {
            self.drop_oldest();
        }
        let number = self.first + self.records.len() as u64;
        self.by_id.insert(snapshot.id, number);
        self.by_identity.insert(identity.clone(), number);
        self.records.push_back(Arc::new(Record {
            identity,
            closed,
            snapshot,
            history: history.into(),
        }));
    }

    fn drop_oldest(&mut self) {
        let Some(oldest) = self.records.pop_front() else {
            return;
        };
        self.by_id.remove(&oldest.snapshot.id);
        if self.by_identity.get(&oldest.identity) == Some(&self.first) {
            self.by_identity.remove(&oldest.identity);
        }
        self.first += 1;
    }

    pub(super) fn of_session(&self, id: u64) -> Option<&Arc<Record>> {
        self.get(*self.by_id.get(&id)?)
    }

    /// The last end of this identity.
    pub(super) fn of_identity(&self, identity: &[u8]) -> Option<&Arc<Record>> {
        self.get(*self.by_identity.get(identity)?)
    }

    fn get(&self, number: u64) -> Option<&Arc<Record>> {
        let place = usize::try_from(number.checked_sub(self.first)?).ok()?;
        self.records.get(place)
    }

    /// Records below this number, newest first, at most `most`, and the number to go on below.
    pub(super) fn page(&self, below: Option<u64>, most: usize) -> (Vec<Arc<Record>>, Option<u64>) {
        let end = below.map_or(self.records.len(), |below| {
            let end = usize::try_from(below.saturating_sub(self.first)).unwrap_or(usize::MAX);
            end.min(self.records.len())
        });
        let start = end.saturating_sub(most);
        let page = self.records.range(start..end).rev().cloned().collect();
        (page, (start > 0).then(|| self.first + start as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Reason,
        proto::{Key, Machine, Time},
    };

    fn past(limit: usize, ends: impl IntoIterator<Item = (u32, u64)>) -> Past {
        let mut past = Past::new(limit);
        for (slot, who) in ends {
            end(&mut past, slot, who);
        }
        past
    }

    fn end(past: &mut Past, slot: u32, who: u64) {
        let (machine, _) = Machine::acceptor(Key::new(slot, 0), Time::START, None, Time::START);
        let mut snapshot = machine.snapshot(Time::START);
        snapshot.identity = Some(Identity::from(who));
        snapshot.ended = Some(Closed::new(Reason::Expired));
        past.keep(snapshot, Vec::new());
    }

    fn ids(records: &[Arc<Record>]) -> Vec<u64> {
        records.iter().map(|record| record.snapshot.id).collect()
    }

    #[test]
    fn the_oldest_goes_and_its_places_with_it() {
        let past = past(3, (0..10).map(|slot| (slot, u64::from(slot % 2))));
        assert_eq!(ids(&past.page(None, 9).0), [9, 8, 7]);
        assert!(past.of_session(6).is_none());
        assert_eq!(past.of_session(7).unwrap().snapshot.id, 7);
        let last = |who: u64| past.of_identity(&who.to_be_bytes()).unwrap().snapshot.id;
        assert_eq!((last(0), last(1)), (8, 9));
        assert_eq!((past.by_id.len(), past.by_identity.len()), (3, 2));
    }

    #[test]
    fn an_older_end_of_an_identity_takes_no_newer_one_with_it() {
        let past = past(2, [(0, 5), (1, 5), (2, 6)]);
        assert_eq!(
            past.of_identity(&5u64.to_be_bytes()).unwrap().snapshot.id,
            1
        );
    }

    #[test]
    fn pages_go_on_whatever_ends_meanwhile() {
        let mut past = past(5, (0..5).map(|slot| (slot, 0)));
        let (page, below) = past.page(None, 2);
        assert_eq!(ids(&page), [4, 3]);
        end(&mut past, 5, 0);
        let (page, below) = past.page(below, 2);
        assert_eq!((ids(&page), below), (vec![2, 1], None));
        assert_eq!(past.page(Some(0), 2), (Vec::new(), None));
    }

    #[test]
    fn none_are_kept_where_none_are_to_be() {
        let past = past(0, [(0, 5)]);
        assert_eq!(past.page(None, 2), (Vec::new(), None));
        assert!(past.by_id.is_empty());
    }

    impl PartialEq for Record {
        fn eq(&self, other: &Self) -> bool {
            self.snapshot.id == other.snapshot.id
        }
    }
}
