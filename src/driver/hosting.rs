//! Sessions without a handle: a host is called for them, or an inbox is drained. Door, serve and intake are one gate;
//! they differ in who takes what is to be told.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use super::{
    Handle, Owner, Watcher,
    hub::Hub,
    race::{Race, is_on},
    seat::{Seat, Told},
    shared::Shared,
};
use crate::{
    Closed, Event, Message, Reason, Undelivered,
    message::Lent,
    proto::{Key, Machine, Received},
};

/// What a host keeps for one peer, without its types: called by one task at a time, never under a lock.
pub(crate) trait Hosted: Send {
    fn message(&mut self, peer: &Watcher, message: Message<'_>);
    fn event(&mut self, event: &Event);
    fn end(self: Box<Self>, why: Closed, undelivered: Vec<Undelivered>);
}

/// One thing to tell of a session.
#[derive(Debug)]
pub(crate) enum Item {
    Message(Message<'static>),
    Event(Event),
    Ended(Closed, Vec<Undelivered>),
}

impl Handle {
    /// Gives the session up to a host.
    pub(crate) fn host(self, hosted: Box<dyn Hosted>) {
        self.give_up_to(Told::Calls, Some(hosted));
    }

    /// Gives the session up to its gate's inbox.
    pub(crate) fn queue(self) {
        self.give_up_to(Told::Inbox, None);
    }

    /// Whoever lets a session go that has a host does not close it.
    fn give_up_to(self, told: Told, hosted: Option<Box<dyn Hosted>>) {
        self.shared().with(|hub, now| {
            let seat = hub.seat(self.key());
            seat.give_to(told, hosted);
            let gate = seat.gate();
            let mut open = false;
            if let Some(gate) = hub.gates.get_mut(gate) {
                gate.hosts += 1;
                gate.untold += usize::from(told == Told::Calls);
                open = gate.open;
            }
            // What came before it had a host is to be told too.
            hub.put_in_line(self.key());
            // The gate was closed while it was judged: it goes the way of all who came in there.
            if !open && !is_on(Race::LetInAfterClosing) {
                hub.let_go(self.key(), now);
            }
        });
    }
}

/// Tells a session's host everything that waits: events, messages while their answers have room, the end. `held` is the
/// host where the caller has taken it already. Does nothing where another task is at it; that one goes on.
pub(super) fn run_turn(shared: &Arc<Shared>, key: Key, mut held: Option<Box<dyn Hosted>>) {
    let watcher = Watcher::new(Arc::clone(shared), key);
    loop {
        let next = shared.with_recent(|hub, now| {
            let seat = hub.seat(key);
            let gate = seat.gate();
            if seat.has_handle() {
                return None;
            }
            let hosted = held.take().or_else(|| seat.take_host())?;
            match next_item(hub, key, now) {
                Some(item) => Some((hosted, item, gate)),
                None => {
                    hub.seat(key).give_back(hosted);
                    None
                }
            }
        });
        let Some((mut hosted, item, gate)) = next else {
            return;
        };
        match item {
            Item::Event(event) => guard(&watcher, || hosted.event(&event)),
            Item::Message(message) => guard(&watcher, || hosted.message(&watcher, message)),
            Item::Ended(why, undelivered) => {
                guard(&watcher, || hosted.end(why, undelivered));
                return shared.with_recent(|hub, _| hub.told(gate));
            }
        }
        held = Some(hosted);
    }
}

/// What is to be told next, and in this order: events, messages, and when all is said the end.
pub(super) fn next_item(hub: &mut Hub, key: Key, now: crate::proto::Time) -> Option<Item> {
    let seat = hub.seat(key);
    if seat.has_handle() {
        return None;
    }
    if let Some(event) = seat.next_event() {
        return Some(Item::Event(event));
    }
    let answers = seat.told() == Told::Calls;
    let received = hub.input(key, now, |machine, cx| machine.next_for_host(cx, answers));
    if let Some(received) = received.flatten() {
        let Received { payload, volatile } = received;
        return Some(Item::Message(Message::shared(payload, volatile)));
    }
    let over = |machine: &Machine| machine.is_settled() && !machine.has_mail();
    if !hub.registry.get(key).is_none_or(over) {
        return None;
    }
    let seat = hub.seat(key);
    seat.leave();
    let gate = seat.gate();
    if let Some(gate) = hub.gates.get_mut(gate) {
        gate.hosts -= 1;
        // A gate that was closed works on for its last session, and whoever tells the end of that one may be somebody else.
        if !is_on(Race::LastHostUnheard) {
            gate.wake_if_done(&mut hub.todo);
        }
    }
    let ended = hub.input(key, now, |machine, cx| {
        let why = machine.ended().cloned();
        let undelivered = machine.take_undelivered();
        machine.abandon(cx);
        (why, undelivered)
    });
    let (why, undelivered) = ended.unwrap_or_default();
    Some(Item::Ended(
        why.unwrap_or_else(|| Closed::new(Reason::Stopped)),
        undelivered,
    ))
}

/// Runs the user's code. Where it panics, its session ends, and no other notices.
pub(super) fn guard(peer: &Watcher, call: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(call)).is_err() {
        peer.fail();
    }
}

impl Hub {
    /// One host more of this gate has heard of an end.
    fn told(&mut self, gate: usize) {
        if let Some(gate) = self.gates.get_mut(gate) {
            gate.untold -= 1;
        }
    }

    /// Who stands first in a gate's line does so no longer.
    pub(super) fn step_out_of_line(&mut self, gate: usize) -> Option<Key> {
        let key = self.gates.get_mut(gate)?.line.pop_front()?;
        self.seat(key).step_out_of_line();
        Some(key)
    }

    /// Joining, events, messages, the end: how many things there are to tell of a session, at most.
    pub(super) fn waiting(&self, key: Key) -> usize {
        let events = self.seat_of(key).map_or(0, Seat::events);
        let messages = self.registry.get(key).map_or(0, Machine::unread);
        1 + events + messages + 1
    }

    /// There is something to tell of this session, if it is one without a handle.
    pub(super) fn put_in_line(&mut self, key: Key) {
        let seat = self.seat(key);
        let gate = seat.gate();
        if seat.join_line()
            && let Some(gate) = self.gates.get_mut(gate)
        {
            gate.line.push_back(key);
            self.todo.wake(gate.worker.take());
        }
    }
}

impl Owner {
    /// Whoever holds no owner may still find one, while there is any.
    pub(super) fn revive(shared: &Arc<Shared>) -> Option<Self> {
        shared.revive().then(|| Self::of(Arc::clone(shared)))
    }
}

impl Watcher {
    /// An answer, from within a host's call.
    pub(crate) fn answer_message(
        &self,
        first: bool,
        message: Lent<'_>,
    ) -> Result<(), crate::SendError> {
        self.hand(|machine| machine.answer_message(first, message))
            .unwrap_or_else(|| Err(Closed::new(Reason::Gone).into()))
    }

    /// Closes the session from within a host's call, or because the call panicked.
    pub(crate) fn close(&self, reason: Reason, text: &str) {
        self.input(|machine, cx| machine.close(cx, Closed::new(reason).with_text(text)));
    }

    fn fail(&self) {
        self.close(Reason::HostPanicked, "");
    }
}
