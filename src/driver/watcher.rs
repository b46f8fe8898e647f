use std::{
    fmt,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;

use super::{
    Feed, Record,
    hub::{Hub, remember},
    shared::Shared,
};
use crate::{
    Closed, Reason, SendError,
    message::Lent,
    proto::{Cx, Key, Machine, Phase, Snapshot, Time},
};

/// An observer of one session: it keeps nothing alive, and never sees a successor in its session's place.
#[derive(Clone)]
pub(crate) struct Watcher {
    pub(super) shared: Arc<Shared>,
    pub(super) key: Key,
}

/// The sessions of a runtime; it keeps nothing alive.
#[derive(Clone)]
pub(crate) struct Collection {
    shared: Arc<Shared>,
}

/// Slots looked through in one hold of the lock: an enumeration holds links up for microseconds.
pub(super) const PAGE: usize = 256;

impl Watcher {
    pub(super) const fn new(shared: Arc<Shared>, key: Key) -> Self {
        Self { shared, key }
    }

    pub(crate) const fn id(&self) -> u64 {
        self.key.as_u64()
    }

    /// Dense: slots are used again.
    pub(crate) const fn slot(&self) -> usize {
        self.key.slot() as usize
    }

    pub(super) const fn key(&self) -> Key {
        self.key
    }

    pub(super) const fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// `None` once nobody remembers the session.
    pub(crate) fn snapshot(&self) -> Option<Snapshot> {
        self.shared.look_now(|hub, now| {
            let last = || Some(hub.past.of_session(self.id())?.snapshot.clone());
            hub.registry.snapshot(self.key, now).or_else(last)
        })
    }

    /// Why it is over, if it is.
    pub(crate) fn ended(&self) -> Option<Closed> {
        self.shared.look(|hub| hub.ended(self.key))
    }

    /// How it will end, where the acceptor has said that it goes away.
    pub(crate) fn going(&self) -> Option<Closed> {
        self.shared.look(|hub| {
            let machine = hub.registry.get(self.key);
            machine.and_then(Machine::going).cloned()
        })
    }

    fn gone(&self) -> Closed {
        self.ended().unwrap_or_else(|| Closed::new(Reason::Gone))
    }

    /// Whether both observe the same session.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.key == other.key && Arc::ptr_eq(&self.shared, &other.shared)
    }

    pub(crate) fn feed(&self) -> Feed {
        let limit = self.shared.settings.event_buffer;
        self.shared.with(|hub, _| {
            let over = hub
                .registry
                .get(self.key)
                .is_none_or(|machine| machine.phase() == Phase::Ended);
            hub.observers.of(self.key, limit, over)
        })
    }

    /// Sends on whatever link the session has, or after its next resume: an observer has no epoch to be stale in.
    pub(crate) fn try_send(&self, message: Lent<'_>) -> Result<(), SendError> {
        self.hand(|machine| machine.post(message))
            .unwrap_or_else(|| Err(self.gone().into()))
    }

    pub(crate) fn send_volatile(&self, message: Lent<'_>) -> Result<(), SendError> {
        self.input(|machine, cx| machine.post_volatile(cx, message))
            .unwrap_or_else(|| Err(self.gone().into()))
    }

    /// Who would make room, were this session admitted under an identity.
    pub(crate) fn holder(&self, identity: &[u8]) -> Option<Self> {
        let room = |hub: &Hub| hub.registry.room(self.key, identity, None);
        let key = self.shared.look(room).holder()?;
        Some(Self::new(Arc::clone(&self.shared), key))
    }

    /// Who holds this identity now, in the same runtime, the newest first.
    pub(crate) fn holders(&self, identity: &[u8]) -> Vec<Self> {
        Collection::new(Arc::clone(&self.shared)).all_of(identity)
    }

    /// Ends the session from the host's side. False where it had ended.
    pub(crate) fn kick(&self, closed: Closed) -> bool {
        self.shared
            .with(|hub, now| kick(hub, self.key, now, closed))
    }

    /// Asks a peer back that wants to be admitted. False where it cannot be asked. An observer asks, because an offer is
    /// passed around without the session it came with.
    pub(crate) fn challenge(&self, ask: &[u8]) -> bool {
        let ask = Bytes::copy_from_slice(ask);
        self.shared.with(|hub, now| {
            let asked = hub.input(self.key, now, |machine, _| machine.challenge(ask));
            if asked == Some(true) {
                hub.step_out(self.key);
            }
            asked.unwrap_or_default()
        })
    }

    /// Waits for the peer's answer.
    pub(crate) fn poll_answer(&self, cx: &Context<'_>) -> Poll<Result<Bytes, Closed>> {
        self.shared.with(|hub, now| {
            let answered = hub.registry.get(self.key).is_some_and(Machine::is_answered);
            if answered && !hub.places.come_in(self.key) {
                remember(&mut hub.seat(self.key).waiting().state, cx.waker());
                return Poll::Pending;
            }
            let answer = hub.input(self.key, now, |machine, _| {
                match (machine.take_answer(), machine.ended()) {
                    (Some(answer), _) => Poll::Ready(Ok(answer)),
                    (None, Some(closed)) => Poll::Ready(Err(closed.clone())),
                    (None, None) => Poll::Pending,
                }
            });
            let answer = answer.unwrap_or_else(|| Poll::Ready(Err(Closed::new(Reason::Gone))));
            if answer.is_pending() {
                remember(&mut hub.seat(self.key).waiting().state, cx.waker());
            }
            answer
        })
    }

    /// The network is back: dial now.
    pub(crate) fn retry_now(&self) {
        self.input(Machine::retry_now);
    }

    /// A message to be sent, whatever time it is.
    pub(super) fn hand<R>(&self, give: impl FnOnce(&mut Machine) -> R) -> Option<R> {
        self.shared.with_recent(|hub, _| hub.hand(self.key, give))
    }

    pub(super) fn input<R>(&self, give: impl FnOnce(&mut Machine, &mut Cx<'_>) -> R) -> Option<R> {
        self.shared.with(|hub, now| hub.input(self.key, now, give))
    }
}

impl Collection {
    pub(super) const fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    pub(super) const fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    pub(crate) fn find(&self, identity: &[u8]) -> Option<Watcher> {
        let key = self.shared.look(|hub| hub.registry.find(identity))?;
        Some(Watcher::new(Arc::clone(&self.shared), key))
    }

    /// All sessions of this identity, the newest first.
    pub(crate) fn all_of(&self, identity: &[u8]) -> Vec<Watcher> {
        let keys = self.shared.look(|hub| hub.registry.holders(identity));
        let watcher = |key| Watcher::new(Arc::clone(&self.shared), key);
        keys.into_iter().map(watcher).collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.shared.look(|hub| hub.registry.len())
    }

    /// A piece of the collection from this slot on, and where the next begins.
    pub(crate) fn page(&self, from: usize) -> (Vec<Watcher>, Option<usize>) {
        let (keys, next) = self.shared.look(|hub| hub.registry.page(from, PAGE));
        (
            keys.into_iter()
                .map(|key| Watcher::new(Arc::clone(&self.shared), key))
                .collect(),
            next,
        )
    }

    /// The same of what the sessions there look like.
    pub(crate) fn snapshot_page(&self, from: usize) -> (Vec<Snapshot>, Option<usize>) {
        self.shared.look_now(|hub, now| {
            let (keys, next) = hub.registry.page(from, PAGE);
            let snapshots = keys.into_iter();
            let snapshots = snapshots.filter_map(|key| hub.registry.snapshot(key, now));
            (snapshots.collect(), next)
        })
    }

    /// Sessions that ended, newest first, below this number of theirs; and the number to go on below.
    pub(crate) fn past_page(&self, below: Option<u64>) -> (Vec<Arc<Record>>, Option<u64>) {
        self.shared.look(|hub| hub.past.page(below, PAGE))
    }

    /// The last end of this identity.
    pub(crate) fn why(&self, identity: &[u8]) -> Option<Arc<Record>> {
        self.shared
            .look(|hub| hub.past.of_identity(identity).cloned())
    }

    /// Ends all sessions of this identity. False where there is none.
    pub(crate) fn kick(&self, identity: &[u8], closed: &Closed) -> bool {
        self.shared
            .with(|hub, now| kick_all(hub, identity, now, closed, |_| true) > 0)
    }
}

/// Ends all sessions of this identity that are `meant`, in one hold of the lock: how many that were.
pub(super) fn kick_all(
    hub: &mut Hub,
    identity: &[u8],
    now: Time,
    closed: &Closed,
    meant: fn(&Machine) -> bool,
) -> usize {
    let holders = hub.registry.holders(identity).into_iter();
    let ended = holders.filter(|&key| {
        hub.registry.get(key).is_some_and(meant) && kick(hub, key, now, closed.clone())
    });
    ended.count()
}

pub(super) fn kick(hub: &mut Hub, key: Key, now: Time, closed: Closed) -> bool {
    let kicked = hub.input(key, now, |machine, cx| {
        let lives = machine.phase() != Phase::Ended;
        machine.kick(cx, closed);
        lives
    });
    kicked.unwrap_or_default()
}

impl fmt::Debug for Watcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fmt_as("Peer", f)
    }
}

impl Watcher {
    /// What a session looks like to whoever prints one, by whatever name it is held.
    pub(super) fn fmt_as(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct(name);
        shown.field("id", &self.key);
        if let Some(now) = self.snapshot() {
            shown
                .field("identity", &now.identity)
                .field("phase", &now.phase)
                .field("epoch", &now.epoch);
        }
        shown.finish_non_exhaustive()
    }
}

impl fmt::Debug for Collection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions")
            .field("len", &self.len())
            .field("beside", &self.shared.look(|hub| hub.beside.len()))
            .finish_non_exhaustive()
    }
}
