use std::{
    collections::{HashMap, VecDeque},
    fmt,
    sync::{Arc, PoisonError, Weak},
    task::{Context, Poll, Waker},
};

use super::hub::remember;
use crate::{
    Event, EventKind, Notice,
    proto::Key,
    sync::{Mutex, MutexGuard},
};

/// A subscriber's events, in the order in which they happened.
pub(crate) struct Feed(Arc<Queue>);

/// Who is told of events.
#[derive(Debug, Default)]
pub(super) struct Observers {
    all: Vec<Weak<Queue>>,
    /// Of one session each; the entry goes with the session.
    of_one: HashMap<u64, Vec<Weak<Queue>>>,
    stopped: bool,
}

struct Queue {
    state: Mutex<State>,
    limit: usize,
}

#[derive(Default)]
struct State {
    events: VecDeque<Event>,
    /// How many were dropped that stood before the oldest one here.
    missed: u64,
    over: bool,
    waker: Option<Waker>,
}

impl Observers {
    /// Everything that happens from now on.
    pub(super) fn all(&mut self, limit: usize) -> Feed {
        let feed = Feed::new(limit, self.stopped);
        self.all.retain(|queue| queue.strong_count() > 0);
        self.all.push(Arc::downgrade(&feed.0));
        feed
    }

    /// What happens to one session from now on. `over` where nothing will.
    pub(super) fn of(&mut self, session: Key, limit: usize, over: bool) -> Feed {
        let feed = Feed::new(limit, over || self.stopped);
        if !over {
            let queues = self.of_one.entry(session.as_u64()).or_default();
            queues.retain(|queue| queue.strong_count() > 0);
            queues.push(Arc::downgrade(&feed.0));
        }
        feed
    }

    /// Something happened. The same event goes to the session's own subscribers and to everybody's, in one step, so that
    /// all see the same order.
    pub(super) fn tell(&mut self, event: Event, mut wake: impl FnMut(Option<Waker>)) {
        let over = matches!(event.kind(), EventKind::Ended(_));
        if let Some(queues) = self.of_one.get_mut(&event.session()) {
            for queue in queues.iter().filter_map(Weak::upgrade) {
                wake(queue.push(&event, over));
            }
            if over {
                self.of_one.remove(&event.session());
            }
        }
        for queue in self.all.iter().filter_map(Weak::upgrade) {
            wake(queue.push(&event, false));
        }
    }

    /// Nothing more will happen once what lives has ended: streams end there.
    pub(super) fn stop(&mut self, mut wake: impl FnMut(Option<Waker>)) {
        self.stopped = true;
        let mut one: Vec<_> = self.of_one.drain().collect();
        one.sort_unstable_by_key(|(session, _)| *session); // so that tasks wake in one order in every run
        let one = one.into_iter().flat_map(|(_, queues)| queues);
        for queue in self
            .all
            .drain(..)
            .chain(one)
            .filter_map(|queue| queue.upgrade())
        {
            let mut state = queue.lock();
            state.over = true;
            wake(state.waker.take());
        }
    }
}

impl Queue {
    fn push(&self, event: &Event, over: bool) -> Option<Waker> {
        let mut state = self.lock();
        if state.events.len() >= self.limit {
            state.events.pop_front();
            state.missed += 1;
        }
        state.events.push_back(event.clone());
        state.over |= over;
        state.waker.take()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Feed {
    fn new(limit: usize, over: bool) -> Self {
        Self(Arc::new(Queue {
            state: Mutex::new(State {
                over,
                ..State::default()
            }),
            limit,
        }))
    }

    /// The next event, or how many were missed before it. `None` after the last.
    pub(crate) fn poll_next(&self, cx: &Context<'_>) -> Poll<Option<Notice>> {
        let mut state = self.0.lock();
        match state.next() {
            Some(notice) => Poll::Ready(Some(notice)),
            None if state.over => Poll::Ready(None),
            None => {
                remember(&mut state.waker, cx.waker());
                Poll::Pending
            }
        }
    }

    /// How many are waiting.
    pub(crate) fn len(&self) -> usize {
        self.0.lock().events.len()
    }

    /// The same without waiting.
    pub(crate) fn try_next(&self) -> Option<Notice> {
        self.0.lock().next()
    }
}

impl State {
    fn next(&mut self) -> Option<Notice> {
        match std::mem::take(&mut self.missed) {
            0 => self.events.pop_front().map(Notice::Event),
            missed => Some(Notice::Lagged(missed)),
        }
    }
}

impl fmt::Debug for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.lock();
        f.debug_struct("Feed")
            .field("waiting", &state.events.len())
            .field("missed", &state.missed)
            .finish()
    }
}
