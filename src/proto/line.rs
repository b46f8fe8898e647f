use std::collections::{VecDeque, vec_deque};

use super::inbox::Received;

/// Messages on their way to a link or to the application: one word while there are none, because most sessions are idle most of the time.
///
/// What it takes to hold any is kept while somebody is busy, and given back by [`release`](Self::release).
#[derive(Clone, Debug, Default)]
#[expect(clippy::box_collection, reason = "one word where there is none")]
pub(super) struct Line(Option<Box<VecDeque<Received>>>);

impl Line {
    pub(super) fn push_back(&mut self, one: Received) {
        self.0.get_or_insert_default().push_back(one);
    }

    pub(super) fn pop_front(&mut self) -> Option<Received> {
        self.0.as_mut()?.pop_front()
    }

    pub(super) fn iter(&self) -> vec_deque::Iter<'_, Received> {
        self.0
            .as_ref()
            .map(|queue| queue.iter())
            .unwrap_or_default()
    }

    pub(super) fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |queue| queue.len())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Empties it, and gives its memory back.
    pub(super) fn clear(&mut self) {
        self.0 = None;
    }

    /// Gives memory back while nothing is in it.
    pub(super) fn release(&mut self) {
        if self.is_empty() {
            self.0 = None;
        }
    }
}
