use std::{
    collections::VecDeque,
    hash::{Hash, Hasher},
};

use bytes::Bytes;

use super::Time;
use crate::{
    canary::{Canary, sings},
    message::Lent,
    wire::{Terms, Violation},
};

/// Messages that arrived and that the application has not taken yet, and what we owe the peer about them.
///
/// `received` counts what was put here: replay on a new link starts from it (R8). `taken` counts what the application
/// took: acknowledgements say it and nothing else (R9), so that acknowledgement is flow control too.
///
/// Four words where everything was taken and stated, because most sessions are idle most of the time.
#[derive(Clone, Debug, Default)]
pub(super) struct Inbox {
    received: u64,
    /// Of all messages ever received: for people, nothing depends on it.
    received_bytes: u64,
    due: Due,
    /// Kept while somebody is busy, and given back by [`release`](Self::release).
    busy: Option<Box<Busy>>,
}

/// What there is to know only while a message waits, or was taken and the peer was not told.
#[derive(Clone, Debug)]
struct Busy {
    queue: VecDeque<Received>,
    taken: u64,
    /// The `taken` that we wrote last.
    stated: u64,
    /// Bytes of messages below `received` and not below `stated`: what the peer's window has in flight at least.
    unstated_bytes: usize,
    queued_bytes: usize,
    volatile: u32,
    volatile_bytes: usize,
}

/// One message that waits: from the peer for the application, or for a link.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "made by the machine alone")]
pub struct Received {
    /// The bytes.
    pub payload: Bytes,
    /// Outside the window: not acknowledged, never replayed.
    pub volatile: bool,
}

/// When an acknowledgement must go out by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Due(Option<Time>);

impl Due {
    const NOTHING: Self = Self(None);
    /// It waits for the link, not for time.
    const NOW: Self = Self(Some(Time::START));
}

impl Inbox {
    /// The next message of the ordered stream arrived.
    pub(super) fn put(&mut self, payload: Lent<'_>, terms: &Terms) -> Result<(), Violation> {
        let busy = self.count(payload.len(), terms)?;
        busy.queued_bytes += payload.len();
        busy.queue.push_back(Received {
            payload: payload.to_bytes(),
            volatile: false,
        });
        Ok(())
    }

    /// The next message arrived while the application was at hand: it is taken where it was read, and never stored.
    pub(super) fn pass(
        &mut self,
        len: usize,
        now: Time,
        delay: std::time::Duration,
        terms: &Terms,
    ) -> Result<(), Violation> {
        self.count(len, terms)?.taken += 1;
        self.schedule_ack(now, delay, terms);
        Ok(())
    }

    /// A message more is received.
    fn count(&mut self, len: usize, terms: &Terms) -> Result<&mut Busy, Violation> {
        self.check_window(len, terms)?;
        let received = self.received.checked_add(1).ok_or(Violation::Exhausted)?;
        let busy = self
            .busy
            .get_or_insert_with(|| Box::new(Busy::at(self.received)));
        self.received = received;
        self.received_bytes += len as u64;
        busy.unstated_bytes += len;
        Ok(busy)
    }

    /// A volatile message arrived. Returns how many were dropped for it: the oldest go until `limit` messages wait and the
    /// window's bytes hold them, which one message always does.
    pub(super) fn put_volatile(&mut self, payload: Lent<'_>, limit: usize, terms: &Terms) -> u32 {
        let limit_bytes = terms.window_bytes as usize;
        let busy = self
            .busy
            .get_or_insert_with(|| Box::new(Busy::at(self.received)));
        let mut dropped = 0;
        while busy.volatile as usize >= limit || busy.volatile_bytes + payload.len() > limit_bytes {
            let oldest = busy.queue.iter().position(|one| one.volatile);
            let Some(oldest) = oldest.and_then(|oldest| busy.queue.remove(oldest)) else {
                return dropped + 1; // no room even so: this one goes
            };
            busy.volatile_taken(&oldest);
            dropped += 1;
        }
        busy.volatile += 1;
        busy.volatile_bytes += payload.len();
        busy.queue.push_back(Received {
            payload: payload.to_bytes(),
            volatile: true,
        });
        dropped
    }

    /// The application takes the oldest message. An acknowledgement is due at once where a quarter of the window waits for
    /// it, else at `now + delay` unless something else is written before.
    pub(super) fn take(
        &mut self,
        now: Time,
        delay: std::time::Duration,
        terms: &Terms,
    ) -> Option<Received> {
        let busy = self.busy.as_mut()?;
        let one = busy.queue.pop_front()?;
        if one.volatile {
            busy.volatile_taken(&one);
            return Some(one);
        }
        busy.taken += 1;
        busy.queued_bytes -= one.payload.len();
        self.schedule_ack(now, delay, terms);
        Some(one)
    }

    fn check_window(&self, len: usize, terms: &Terms) -> Result<(), Violation> {
        let (stated, unstated_bytes) = self.busy.as_ref().map_or((self.received, 0), |busy| {
            (busy.stated, busy.unstated_bytes)
        });
        if self.received - stated >= u64::from(terms.window_messages)
            || unstated_bytes + len > terms.window_bytes as usize
        {
            return Err(Violation::WindowExceeded);
        }
        Ok(())
    }

    fn schedule_ack(&mut self, now: Time, delay: std::time::Duration, terms: &Terms) {
        let Some(busy) = &self.busy else { return };
        let unstated = busy.taken - busy.stated;
        let unstated_bytes = busy.unstated_bytes - busy.queued_bytes;
        if unstated * 4 >= u64::from(terms.window_messages)
            || unstated_bytes * 4 >= terms.window_bytes as usize
        {
            self.due = Due::NOW;
        } else if self.due == Due::NOTHING {
            self.due = Due(Some(now + delay));
        }
    }

    /// States `taken` to the peer, in whatever frame.
    pub(super) fn state(&mut self) -> u64 {
        if let Some(busy) = &mut self.busy {
            busy.stated = busy.taken;
            busy.unstated_bytes = busy.queued_bytes;
        }
        self.due = Due::NOTHING;
        if sings(Canary::AckBeforeDelivery) {
            return self.received;
        }
        self.taken()
    }

    /// States `received` and `taken`: what a link begins with. Replay starts at what was received, so that nothing that
    /// waits here comes twice (R8).
    pub(super) fn state_positions(&mut self) -> (u64, u64) {
        let taken = self.state();
        if sings(Canary::TakenInsteadOfReceived) {
            return (taken, taken);
        }
        (self.received, taken)
    }

    /// The peer is to be told at once, whether there is news or not (R6).
    pub(super) const fn must_state(&mut self) {
        self.due = Due::NOW;
    }

    /// There is news that has not been told; it may ride along.
    pub(super) fn has_news(&self) -> bool {
        self.due != Due::NOTHING
    }

    /// An acknowledgement must go out by itself.
    pub(super) fn is_due(&self, now: Time) -> bool {
        self.due.0.is_some_and(|at| at <= now)
    }

    /// When an acknowledgement must go out by itself, unless it is due already.
    pub(super) fn due_at(&self) -> Option<Time> {
        self.due.0.filter(|_| self.due != Due::NOW)
    }

    /// Time passed: true where an acknowledgement became due. From here on it waits for the link, not for time.
    pub(super) fn ripen(&mut self, now: Time) -> bool {
        let due = self.is_due(now);
        if due {
            self.due = Due::NOW;
        }
        due
    }

    /// A link ended: nothing is due until the next one states positions.
    pub(super) const fn link_lost(&mut self) {
        self.due = Due::NOTHING;
    }

    /// Drops what the application will not read. It was never taken, and nobody will say so.
    pub(super) fn clear(&mut self) {
        if let Some(busy) = &mut self.busy {
            busy.queue = VecDeque::new();
            busy.volatile = 0;
            busy.volatile_bytes = 0;
        }
    }

    /// Gives memory back while nothing waits and there is nothing to state.
    pub(super) fn release(&mut self) {
        let received = self.received;
        self.busy
            .take_if(|busy| busy.queue.is_empty() && busy.stated == received);
    }

    pub(super) fn len(&self) -> usize {
        self.busy.as_ref().map_or(0, |busy| busy.queue.len())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) const fn received(&self) -> u64 {
        self.received
    }

    pub(super) const fn received_bytes(&self) -> u64 {
        self.received_bytes
    }

    pub(super) fn taken(&self) -> u64 {
        self.busy.as_ref().map_or(self.received, |busy| busy.taken)
    }

    /// Everything that decides what happens next, but for when an acknowledgement is [due](Self::due_at): messages, positions
    /// and bytes, and whether there is news. Memory that is kept decides nothing.
    pub(super) fn hash_course(&self, mut state: &mut dyn Hasher) {
        let idle = Busy::at(self.received);
        let Busy {
            queue,
            taken,
            stated,
            unstated_bytes,
            queued_bytes,
            volatile: _, // these two are counted from the queue
            volatile_bytes: _,
        } = self.busy.as_deref().unwrap_or(&idle);
        queue.hash(&mut state);
        [self.received, *taken, *stated].hash(&mut state);
        ([unstated_bytes, queued_bytes], self.has_news()).hash(&mut state);
    }

    /// Starts over for a new login.
    pub(super) fn reset(&mut self) {
        *self = Self::default();
    }
}

impl Busy {
    /// Of an inbox from which everything up to here was taken and stated.
    const fn at(received: u64) -> Self {
        Self {
            queue: VecDeque::new(),
            taken: received,
            stated: received,
            unstated_bytes: 0,
            queued_bytes: 0,
            volatile: 0,
            volatile_bytes: 0,
        }
    }

    fn volatile_taken(&mut self, one: &Received) {
        self.volatile -= 1;
        self.volatile_bytes -= one.payload.len();
    }
}

#[cfg(test)]
mod tests;
