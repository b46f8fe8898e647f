//! What must be true of one session whatever its peer writes: counted here once more, from what went in and what came out.

use std::time::Duration;

use sessile::{
    Fate, Undelivered,
    proto::{Key, LinkId, Machine, Phase, Snapshot, Time},
    registry::{Registry, Wheel},
    wire::Resume,
};

/// What was seen of one session.
#[derive(Debug, Default)]
pub(crate) struct Book {
    /// Messages that the core accepted for sending.
    pub(crate) accepted: u64,
    /// Messages that the core has written to any link: one above the highest number.
    pub(crate) written: u64,
    /// Reliable messages that the application was given.
    pub(crate) taken: u64,
    /// Of its newest link.
    pub(crate) epoch: u64,
    pub(crate) proof: Proof,
    /// As long as its end must be remembered (R13).
    pub(crate) until: Time,
}

/// What brings a session back. Secrets are numbers here, and grow.
#[derive(Debug, Default)]
pub(crate) struct Proof {
    current: u128,
    /// The one that was used last, as long as nobody proved the one above (R5).
    previous: Option<u128>,
    attempt: u64,
    /// When somebody must have proved that WELCOME arrived (R16).
    by: Option<Time>,
}

impl Proof {
    pub(crate) const fn new(first: u128, by: Time) -> Self {
        Self {
            current: first,
            previous: None,
            attempt: 0,
            by: Some(by),
        }
    }

    /// A RESUME was accepted, and `fresh` goes out with the answer: it had to be with one of the two secrets that count, and
    /// above every attempt before (R2, R4, R5, T14).
    pub(crate) fn accept(&mut self, resume: &Resume, fresh: u128) {
        let used = u128::from_be_bytes(*resume.secret.as_bytes());
        assert!(
            used == self.current || Some(used) == self.previous,
            "{used}, not {self:?}"
        );
        assert!(resume.attempt > self.attempt, "{resume:?} after {self:?}");
        *self = Self {
            current: fresh,
            previous: Some(used),
            attempt: resume.attempt,
            by: None,
        };
    }

    /// Something arrived on the link that the newest secret was written to; `whole`: a frame that counted.
    pub(crate) const fn hear(&mut self, whole: bool) {
        self.by = None;
        if whole {
            self.previous = None;
        }
    }

    /// Nobody proved it in time.
    pub(crate) fn is_overdue(&self, now: Time) -> bool {
        self.by.is_some_and(|by| by + TICK <= now)
    }
}

/// How a session stands, in so far as a peer that is nobody to it must not be able to change it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Stand {
    phase: Phase,
    link: Option<LinkId>,
    epoch: u64,
    counts: [u64; 7],
    deadline: Option<Time>,
}

impl Stand {
    pub(crate) fn of(registry: &Registry, machine: &Machine, now: Time) -> Self {
        let Snapshot {
            sent,
            acked,
            received,
            taken,
            resumed,
            volatile_dropped,
            ..
        } = machine.snapshot(now);
        let unread = machine.unread() as u64;
        Self {
            phase: machine.phase(),
            link: machine.current_link(),
            epoch: machine.epoch(),
            counts: [
                sent,
                acked,
                received,
                taken,
                resumed,
                volatile_dropped,
                unread,
            ],
            deadline: machine.deadline(registry.settings()),
        }
    }

    /// Whether time may change it.
    pub(crate) fn is_due(&self, now: Time) -> bool {
        self.deadline.is_some_and(|deadline| deadline <= now)
    }
}

/// A message that says which it is, as far as its length allows.
pub(crate) fn numbered(number: u64, len: usize) -> Vec<u8> {
    let mut payload = number.to_be_bytes().to_vec();
    payload.reverse();
    payload.resize(len, 0);
    payload
}

/// The registry fires deadlines at ticks, so up to one tick late.
pub(crate) const TICK: Duration = Duration::from_micros(Wheel::TICK_MICROS);

/// A deadline that is armed is never later than any that is meant, whichever session means it.
pub(crate) fn check_deadlines(registry: &Registry, now: Time) {
    let armed = registry.next_deadline();
    for machine in registry
        .keys()
        .into_iter()
        .filter_map(|key| registry.get(key))
    {
        let meant = machine.deadline(registry.settings());
        let on_time = |at: Time| armed.is_some_and(|armed| armed <= at.max(now) + TICK);
        assert!(
            meant.is_none_or(on_time),
            "armed for {armed:?}: {machine:?}"
        );
    }
}

/// What one session keeps is within its limits (R2), whoever its peer is.
pub(crate) fn check_limits(registry: &Registry, machine: &Machine, now: Time) {
    let settings = registry.settings();
    let snapshot = machine.snapshot(now);
    let Snapshot {
        window_messages,
        window_bytes,
        ..
    } = snapshot;
    assert!(window_messages <= settings.unacked_messages && window_bytes <= settings.unacked_bytes);
    assert!(machine.max_message() <= settings.max_message);
    // The first answer of a host may exceed the window, by itself alone.
    assert!(snapshot.unacked_messages <= window_messages);
    assert!(snapshot.unacked_bytes <= window_bytes + machine.max_message());
    assert!(machine.unread() <= window_messages + settings.volatile_messages);
    assert!(snapshot.acked <= snapshot.sent && snapshot.taken <= snapshot.received);
    assert!(snapshot.received - snapshot.taken <= window_messages as u64);
    // S10: nothing is left that could wake a session that is over, but what makes it forgotten.
    if machine.is_settled() {
        assert_eq!(machine.phase(), Phase::Ended);
        assert_eq!(machine.current_link(), None);
        let window = Duration::from_secs(10);
        let forgotten = machine.deadline(settings);
        assert!(
            forgotten.is_none_or(|at| at <= now + window),
            "{forgotten:?} at {now:?}"
        );
    }
}

/// What is handed back at the end is exactly what was accepted and not acknowledged (S6), and what says that it was never
/// sent was never written (R14).
pub(crate) fn check_undelivered(
    key: Key,
    book: &Book,
    before: &Snapshot,
    undelivered: &[Undelivered],
) {
    assert_eq!(before.sent, book.accepted, "{key:?}");
    let numbers = undelivered.iter().map(Undelivered::sequence);
    assert!(numbers.eq(before.acked..before.sent), "{key:?}: {before:?}");
    for one in undelivered {
        let (number, written) = (one.sequence(), one.sequence() < book.written);
        assert_eq!(
            one.fate() == Fate::Unknown,
            written,
            "{key:?}: {number} of {}",
            book.written
        );
        let message = one.clone().into_message();
        assert_eq!(message[..], numbered(number, message.len()));
    }
}
