use std::{
    collections::{HashMap, VecDeque},
    io,
    sync::Arc,
    task::Waker,
};

use super::{
    beside::{Beside, Metadata},
    dial,
    observe::Observers,
    past::Past,
    places::Places,
    report::{Batch, Reports},
    returning::Recheck,
    seat::Seat,
    shared::Shared,
};
use crate::{
    Closed, Event, EventKind, Reason,
    proto::{Cx, Effect, Effects, Key, LinkId, Machine, Side, Time, Wake},
    registry::Registry,
};

/// What a runtime's lock guards.
pub(super) struct Hub {
    pub(super) registry: Registry,
    pub(super) fx: Effects,
    /// What is to be done once the lock is free.
    pub(super) todo: Todo,
    pub(super) observers: Observers,
    pub(super) beside: Beside,
    pub(super) past: Past,
    /// Whom the program is asked about.
    pub(super) places: Places,
    /// Who is asked about sessions that come back.
    pub(super) recheck: Option<Recheck>,
    /// Whose sessions they are asked about now, each with the stranger who brings it.
    pub(super) returning: HashMap<Key, Key>,
    pub(super) reports: Reports,
    pub(super) gates: Vec<GateState>,
    pub(super) timer: Timer,
    /// When the clock was read last.
    pub(super) now: Time,
    /// The last owner is gone: what lives is winding down.
    pub(super) stopping: bool,
    /// Links of refused strangers that wait for their peer to close.
    pub(super) lingering: usize,
    /// Who waits for the end of a drain.
    pub(super) drainers: Vec<Waker>,
    /// Beside each slot of the registry.
    seats: Vec<Seat>,
}

/// What a listener's tasks and its door share.
#[derive(Debug, Default)]
pub(super) struct GateState {
    /// Sessions whose offer is complete, oldest first. Bounded by the cap on pending logins, twice: who left while it waited may
    /// still be among them.
    pub(super) offered: VecDeque<Key>,
    pub(super) open: bool,
    /// Why it is not, where the system ended it.
    pub(super) failure: Option<(io::ErrorKind, String)>,
    pub(super) door: Option<Waker>,
    pub(super) listener: Option<Waker>,
    /// Sessions without a handle of which there is something to tell, each once.
    pub(super) line: VecDeque<Key>,
    /// Whoever tells it.
    pub(super) worker: Option<Waker>,
    /// How many sessions without a handle came in by this gate.
    pub(super) hosts: usize,
    /// How many are being admitted, of whom nobody knows yet what becomes of them.
    pub(super) coming: usize,
    /// How many hosts are to hear of an end, or just hear of it: who is called, not who asks.
    pub(super) untold: usize,
}

/// What the task that waits for time shares with whoever arms deadlines.
#[derive(Debug, Default)]
pub(super) struct Timer {
    pub(super) waker: Option<Waker>,
    /// What it waits for.
    pub(super) at: Option<Time>,
}

/// What is to be done once the lock is free: it runs code of others. It is handed out at every entry, so it is small: rarely is
/// more than one task woken at a time, and next to never is there anything else.
#[derive(Default)]
pub(super) struct Todo {
    waker: Option<Waker>,
    rest: Option<Box<Rest>>,
}

#[derive(Default)]
struct Rest {
    wakers: Vec<Waker>,
    dials: Vec<(Key, LinkId)>,
    /// What was attached to sessions that ended.
    rubbish: Vec<Metadata>,
    /// What is to be logged and counted.
    reports: Option<Batch>,
}

impl Hub {
    pub(super) fn new(registry: Registry) -> Self {
        let past = Past::new(registry.settings().recently_ended);
        let places = Places::new(registry.settings().admits_at_once);
        Self {
            registry,
            fx: Effects::default(),
            todo: Todo::default(),
            observers: Observers::default(),
            beside: Beside::default(),
            past,
            places,
            recheck: None,
            returning: HashMap::new(),
            reports: Reports::default(),
            gates: Vec::new(),
            timer: Timer::default(),
            now: Time::START,
            stopping: false,
            lingering: 0,
            drainers: Vec::new(),
            seats: Vec::new(),
        }
    }

    /// One input to one session.
    pub(super) fn input<R>(
        &mut self,
        key: Key,
        now: Time,
        give: impl FnOnce(&mut Machine, &mut Cx<'_>) -> R,
    ) -> Option<R> {
        self.registry.input(key, now, &mut self.fx, give)
    }

    /// A message to be sent is handed to one session.
    pub(super) fn hand<R>(&mut self, key: Key, give: impl FnOnce(&mut Machine) -> R) -> Option<R> {
        let (given, wake) = self.registry.hand(key, give)?;
        self.wake_all(key, wake);
        Some(given)
    }

    pub(super) fn seat(&mut self, key: Key) -> &mut Seat {
        let slot = key.slot() as usize;
        if slot >= self.seats.len() {
            self.seats.resize_with(slot + 1, Seat::default);
        }
        &mut self.seats[slot]
    }

    pub(super) fn seat_of(&self, key: Key) -> Option<&Seat> {
        self.seats.get(key.slot() as usize)
    }

    /// Performs what the last input brought about. The one place.
    #[inline]
    pub(super) fn perform(&mut self) -> Todo {
        // Messages one by one bring nothing about but what is read and written next.
        let is_registry_calm = !self.registry.is_draining() && !self.registry.is_rearmed();
        match self.fx.is_calm() && self.todo.is_empty() && is_registry_calm {
            true => Todo::default(),
            false => self.perform_all(),
        }
    }

    fn perform_all(&mut self) -> Todo {
        self.perform_effects();
        if self.registry.is_draining() {
            self.go_on_draining();
        }
        self.reports.measured(self.fx.take_round_trip());
        if let Some(reports) = self.reports.claim() {
            self.todo.rest().reports = Some(reports);
        }
        if self.registry.take_rearmed()
            && let Some(at) = self.registry.next_deadline()
            && self.timer.at.is_none_or(|planned| at < planned)
        {
            self.todo.wake(self.timer.waker.take());
        }
        std::mem::take(&mut self.todo)
    }

    /// All of them, and what they bring about in turn.
    #[inline]
    pub(super) fn perform_effects(&mut self) {
        while !self.fx.is_empty() {
            match self.fx.take_only_wake() {
                Some((key, who)) => self.wake_all(key, who),
                None => self.perform_list(),
            }
        }
    }

    fn perform_list(&mut self) {
        let mut fx = std::mem::take(&mut self.fx);
        for effect in fx.drain() {
            match effect {
                Effect::Event(event) => {
                    let key = Key::from_u64(event.session());
                    self.note(key, &event);
                    self.reports.event(key, &event, &self.registry);
                    self.seat(key).tell(&event);
                    self.put_in_line(key);
                    let todo = &mut self.todo;
                    self.observers.tell(event, |waker| todo.wake(waker));
                }
                Effect::Ended(snapshot) => {
                    let history = self.beside.take_history(Key::from_u64(snapshot.id));
                    self.past.keep(*snapshot, history);
                }
                Effect::Dial(key, link) => self.todo.rest().dials.push((key, link)),
                Effect::Wake(key, who) => self.wake_all(key, who),
                Effect::Offered(key) => {
                    let gate = self.seat(key).gate();
                    let open = |gate: &&mut GateState| gate.open && !self.registry.is_draining();
                    match self.gates.get_mut(gate).filter(open) {
                        Some(gate) => {
                            if gate.offered.len() >= 2 * self.registry.settings().pending_logins {
                                let here = |key: &Key| self.registry.get(*key).is_some();
                                gate.offered.retain(here);
                            }
                            gate.offered.push_back(key);
                            self.todo.wake(gate.door.take());
                        }
                        None => self.turn_away(key, self.now),
                    }
                }
            }
        }
        // What turning away brought about is performed next, from a list of its own.
        if self.fx.is_empty() {
            self.fx = fx;
        }
    }

    /// The runtime winds down: these sessions end, and nobody comes in any more.
    pub(super) fn stop(&mut self, sessions: Vec<Key>, now: Time) {
        self.stopping = true;
        for key in sessions {
            self.input(key, now, Machine::stop);
        }
        for gate in &mut self.gates {
            gate.close(&mut self.todo);
        }
        self.todo.wake(self.timer.waker.take());
    }

    /// Nothing more will happen: streams of events end behind what has.
    pub(super) fn stop_observers(&mut self) {
        let todo = &mut self.todo;
        self.observers.stop(|waker| todo.wake(waker));
    }

    /// What lies beside a session follows what happens to it.
    fn note(&mut self, key: Key, event: &Event) {
        if matches!(event.kind(), EventKind::Ended(_)) {
            if let Some(metadata) = self.beside.free(key) {
                self.todo.rest().rubbish.push(metadata);
            }
        } else if self.registry.settings().recently_ended > 0
            && self.registry.get(key).map(Machine::side) == Some(Side::Acceptor)
        {
            self.beside.record(key, event);
        }
    }

    /// Why a session is over: its own reason for as long as anybody remembers it. `None` where it lives.
    pub(super) fn ended(&self, key: Key) -> Option<Closed> {
        if let Some(machine) = self.registry.get(key) {
            return machine.ended().cloned();
        }
        let record = self.past.of_session(key.as_u64());
        Some(record.map_or_else(|| Closed::new(Reason::Gone), |record| record.closed.clone()))
    }

    /// Sessions without a handle that came in by this gate.
    pub(super) fn hosted_by(&self, gate: usize) -> Vec<Key> {
        let hosted = |seat: Option<&Seat>| {
            seat.is_some_and(|seat| seat.gate() == gate && !seat.has_handle())
        };
        let keys = self.registry.keys().into_iter();
        keys.filter(|key| hosted(self.seats.get(key.slot() as usize)))
            .collect()
    }

    /// Tasks that wait for a session, and where it has no handle whoever tells its program.
    #[inline]
    fn wake_all(&mut self, key: Key, who: Wake) {
        self.wake(key, who);
        if who.has(Wake::RECV | Wake::SEND | Wake::STATE) {
            self.put_in_line(key);
        }
    }

    #[inline]
    pub(super) fn wake(&mut self, key: Key, who: Wake) {
        let Some(seat) = self.seats.get_mut(key.slot() as usize) else {
            return;
        };
        if who.has(Wake::LINK) {
            self.todo.wake(seat.link.take());
        }
        let Some(waiters) = seat.waiters() else {
            return;
        };
        for (purpose, waker) in [
            (Wake::RECV, &mut waiters.recv),
            (Wake::SEND, &mut waiters.send),
            (Wake::STATE, &mut waiters.state),
            (Wake::PROBE, &mut waiters.probe),
        ] {
            if who.has(purpose) {
                self.todo.wake(waker.take());
            }
        }
    }
}

impl GateState {
    /// Nobody comes in here any more.
    pub(super) fn close(&mut self, todo: &mut Todo) {
        self.open = false;
        todo.wake(self.listener.take());
        todo.wake(self.door.take());
        todo.wake(self.worker.take());
    }

    /// One less to tell of: where that was the last, whoever tells is to hear that there will be nobody any more.
    pub(super) fn wake_if_done(&mut self, todo: &mut Todo) {
        if self.is_done() {
            todo.wake(self.worker.take());
        }
    }

    /// There is nothing to tell of anybody any more, and there will not be.
    pub(super) const fn is_done(&self) -> bool {
        !self.open && self.hosts == 0 && self.coming == 0
    }
}

impl Todo {
    #[inline]
    pub(super) fn wake(&mut self, waker: Option<Waker>) {
        match (&self.waker, waker) {
            (None, waker) => self.waker = waker,
            (Some(_), Some(waker)) => self.rest().wakers.push(waker),
            (Some(_), None) => {}
        }
    }

    const fn is_empty(&self) -> bool {
        self.waker.is_none() && self.rest.is_none()
    }

    fn rest(&mut self) -> &mut Rest {
        self.rest.get_or_insert_default()
    }

    /// The lock is free.
    #[inline]
    pub(super) fn run(self, shared: &Arc<Shared>) {
        if let Some(waker) = self.waker {
            waker.wake();
        }
        if let Some(rest) = self.rest {
            rest.run(shared);
        }
    }
}

impl Rest {
    fn run(self, shared: &Arc<Shared>) {
        self.wakers.into_iter().for_each(Waker::wake);
        drop(self.rubbish);
        for (key, link) in self.dials {
            dial::spawn(shared, key, link);
        }
        if let Some(reports) = self.reports {
            reports.tell(shared);
        }
    }
}

/// Remembers who to wake, without a clone where it is the same task as before.
pub(super) fn remember(place: &mut Option<Waker>, waker: &Waker) {
    match place {
        Some(known) => known.clone_from(waker),
        None => *place = Some(waker.clone()),
    }
}
