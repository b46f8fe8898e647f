use std::{collections::VecDeque, fmt, task::Waker};

use super::hosting::Hosted;
use crate::Event;

/// Beside each slot of the registry: who waits for its session, and how its program hears of it.
///
/// There is one a session, so it is small; what only a busy one has lies in a box that goes when it is empty.
#[derive(Default)]
pub(super) struct Seat {
    /// The task that drives the session's link.
    pub(super) link: Option<Waker>,
    /// Whom to call. `None` while a task is calling it, and where nobody is to be called.
    hosted: Option<Box<dyn Hosted>>,
    waiting: Option<Box<Waiting>>,
    gate: u32,
    told: Told,
    /// It stands in its gate's line already.
    in_line: bool,
}

/// How a session's program hears of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Told {
    /// It asks, by a handle.
    #[default]
    Handle,
    /// A host is called.
    Calls,
    /// It drains its gate's inbox.
    Inbox,
}

/// One waker a purpose is enough: a session has one owner.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    pub(super) recv: Option<Waker>,
    pub(super) send: Option<Waker>,
    pub(super) state: Option<Waker>,
    pub(super) probe: Option<Waker>,
    /// What a program without a handle was not told yet.
    events: VecDeque<Event>,
}

/// Events that wait for a busy host, at most: a session has a handful in a life, and a host that needs longer than that
/// many has stopped.
const WAITING_EVENTS: usize = 64;

impl Seat {
    /// A link came in by this gate, and nobody knows yet whose it is.
    pub(super) fn enter(&mut self, gate: usize) {
        self.gate = u32::try_from(gate).unwrap_or(u32::MAX);
        self.leave();
    }

    /// The listener whose link it was.
    pub(super) const fn gate(&self) -> usize {
        self.gate as usize
    }

    /// The program has no handle from here on: who waited was its handle, or somebody who asks whether its peer is there.
    pub(super) fn give_to(&mut self, told: Told, hosted: Option<Box<dyn Hosted>>) {
        self.waiting.take_if(|waiting| waiting.probe.is_none());
        (self.told, self.hosted, self.in_line) = (told, hosted, false);
    }

    /// All was told.
    pub(super) fn leave(&mut self) {
        (self.told, self.hosted, self.in_line) = (Told::Handle, None, false);
    }

    pub(super) const fn told(&self) -> Told {
        self.told
    }

    pub(super) fn has_handle(&self) -> bool {
        self.told == Told::Handle
    }

    /// Takes the host, to call it. Whoever does [gives it back](Self::give_back).
    pub(super) const fn take_host(&mut self) -> Option<Box<dyn Hosted>> {
        self.hosted.take()
    }

    pub(super) fn give_back(&mut self, hosted: Box<dyn Hosted>) {
        self.hosted = Some(hosted);
    }

    /// Keeps it for a program without a handle.
    pub(super) fn tell(&mut self, event: &Event) {
        if self.has_handle() {
            return;
        }
        let events = &mut self.waiting().events;
        if events.len() >= WAITING_EVENTS {
            events.pop_front();
        }
        events.push_back(event.clone());
    }

    pub(super) fn next_event(&mut self) -> Option<Event> {
        let event = self.waiting.as_mut()?.events.pop_front();
        self.waiting.take_if(|waiting| waiting.is_empty());
        event
    }

    pub(super) fn events(&self) -> usize {
        self.waiting
            .as_ref()
            .map_or(0, |waiting| waiting.events.len())
    }

    /// Whether its session is to be put in line: somebody must be told, nobody is about to, and it does not stand there.
    pub(super) fn join_line(&mut self) -> bool {
        let is_told_so = match self.told {
            Told::Handle => false,
            Told::Calls => self.hosted.is_some(),
            Told::Inbox => true,
        };
        is_told_so && !std::mem::replace(&mut self.in_line, true)
    }

    pub(super) const fn step_out_of_line(&mut self) {
        self.in_line = false;
    }

    /// For whoever sits down to wait.
    pub(super) fn waiting(&mut self) -> &mut Waiting {
        self.waiting.get_or_insert_default()
    }

    /// Who waits, if anybody ever did.
    pub(super) fn waiters(&mut self) -> Option<&mut Waiting> {
        self.waiting.as_deref_mut()
    }
}

impl Waiting {
    fn is_empty(&self) -> bool {
        let wakers = [&self.recv, &self.send, &self.state, &self.probe];
        self.events.is_empty() && wakers.into_iter().all(Option::is_none)
    }
}

impl fmt::Debug for Seat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seat")
            .field("gate", &self.gate)
            .field("told", &self.told)
            .field("events", &self.events())
            .finish_non_exhaustive()
    }
}
