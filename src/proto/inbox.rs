use bytes::Bytes;

use super::{Time, line::Line};
use crate::{
    canary::{Canary, sings},
    message::Lent,
    wire::{Terms, Violation},
};

/// Messages that arrived and that the application has not taken yet, and what we owe the peer about them.
///
/// `received` counts what was put here: replay on a new link starts from it (R8). `taken` counts what the application
/// took: acknowledgements say it and nothing else (R9), so that acknowledgement is flow control too.
#[derive(Clone, Debug, Default)]
pub(super) struct Inbox {
    queue: Line,
    received: u64,
    /// Of all messages ever received: for people, nothing depends on it.
    received_bytes: u64,
    taken: u64,
    /// The `taken` that we wrote last.
    stated: u64,
    /// Bytes of messages below `received` and not below `stated`: what the peer's window has in flight at least.
    unstated_bytes: usize,
    queued_bytes: usize,
    volatile: u32,
    volatile_bytes: usize,
    due: Due,
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

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Due {
    #[default]
    Nothing,
    At(Time),
    Now,
}

impl Inbox {
    /// The next message of the ordered stream arrived.
    pub(super) fn put(&mut self, payload: Lent<'_>, terms: &Terms) -> Result<(), Violation> {
        self.check_window(payload.len(), terms)?;
        self.received = self.received.checked_add(1).ok_or(Violation::Exhausted)?;
        self.received_bytes += payload.len() as u64;
        self.unstated_bytes += payload.len();
        self.queued_bytes += payload.len();
        self.queue.push_back(Received {
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
        self.check_window(len, terms)?;
        self.received = self.received.checked_add(1).ok_or(Violation::Exhausted)?;
        self.received_bytes += len as u64;
        self.unstated_bytes += len;
        self.taken += 1;
        self.schedule_ack(now, delay, terms);
        Ok(())
    }

    /// A volatile message arrived. Returns how many were dropped for it: the oldest go until `limit` messages wait and the
    /// window's bytes hold them, which one message always does.
    pub(super) fn put_volatile(&mut self, payload: Lent<'_>, limit: usize, terms: &Terms) -> u32 {
        let limit_bytes = terms.window_bytes as usize;
        let mut dropped = 0;
        while self.volatile as usize >= limit || self.volatile_bytes + payload.len() > limit_bytes {
            let oldest = self.queue.iter().position(|one| one.volatile);
            let Some(oldest) = oldest.and_then(|oldest| self.queue.remove(oldest)) else {
                return dropped + 1; // no room even so: this one goes
            };
            self.volatile_taken(&oldest);
            dropped += 1;
        }
        self.volatile += 1;
        self.volatile_bytes += payload.len();
        self.queue.push_back(Received {
            payload: payload.to_bytes(),
            volatile: true,
        });
        dropped
    }

    fn volatile_taken(&mut self, one: &Received) {
        self.volatile -= 1;
        self.volatile_bytes -= one.payload.len();
    }

    /// The application takes the oldest message. An acknowledgement is due at once where a quarter of the window waits for
    /// it, else at `now + delay` unless something else is written before.
    pub(super) fn take(
        &mut self,
        now: Time,
        delay: std::time::Duration,
        terms: &Terms,
    ) -> Option<Received> {
        let one = self.queue.pop_front()?;
        if one.volatile {
            self.volatile_taken(&one);
            return Some(one);
        }
        self.taken += 1;
        self.queued_bytes -= one.payload.len();
        self.schedule_ack(now, delay, terms);
        Some(one)
    }

    fn check_window(&self, len: usize, terms: &Terms) -> Result<(), Violation> {
        let in_flight = self.received - self.stated;
        if in_flight >= u64::from(terms.window_messages)
            || self.unstated_bytes + len > terms.window_bytes as usize
        {
            return Err(Violation::WindowExceeded);
        }
        Ok(())
    }

    fn schedule_ack(&mut self, now: Time, delay: std::time::Duration, terms: &Terms) {
        let unstated = self.taken - self.stated;
        let unstated_bytes = self.unstated_bytes - self.queued_bytes;
        if unstated * 4 >= u64::from(terms.window_messages)
            || unstated_bytes * 4 >= terms.window_bytes as usize
        {
            self.due = Due::Now;
        } else if self.due == Due::Nothing {
            self.due = Due::At(now + delay);
        }
    }

    /// States `taken` to the peer, in whatever frame.
    pub(super) fn state(&mut self) -> u64 {
        self.stated = self.taken;
        self.unstated_bytes = self.queued_bytes;
        self.due = Due::Nothing;
        if sings(Canary::AckBeforeDelivery) {
            return self.received;
        }
        self.taken
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
        self.due = Due::Now;
    }

    /// There is news that has not been told; it may ride along.
    pub(super) fn has_news(&self) -> bool {
        self.due != Due::Nothing
    }

    /// An acknowledgement must go out by itself.
    pub(super) fn is_due(&self, now: Time) -> bool {
        match self.due {
            Due::Nothing => false,
            Due::At(at) => at <= now,
            Due::Now => true,
        }
    }

    /// When an acknowledgement must go out by itself, unless it is due already.
    pub(super) const fn due_at(&self) -> Option<Time> {
        match self.due {
            Due::At(at) => Some(at),
            Due::Nothing | Due::Now => None,
        }
    }

    /// Time passed: true where an acknowledgement became due. From here on it waits for the link, not for time.
    pub(super) fn ripen(&mut self, now: Time) -> bool {
        let due = self.is_due(now);
        if due {
            self.due = Due::Now;
        }
        due
    }

    /// A link ended: nothing is due until the next one states positions.
    pub(super) const fn link_lost(&mut self) {
        self.due = Due::Nothing;
    }

    /// Drops what the application will not read. It was never taken, and nobody will say so.
    pub(super) fn clear(&mut self) {
        self.queue.clear();
        self.volatile = 0;
        self.volatile_bytes = 0;
    }

    /// Gives memory back while nothing waits.
    pub(super) fn release(&mut self) {
        self.queue.release();
    }

    pub(super) fn len(&self) -> usize {
        self.queue.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    pub(super) const fn received(&self) -> u64 {
        self.received
    }

    pub(super) const fn received_bytes(&self) -> u64 {
        self.received_bytes
    }

    pub(super) const fn taken(&self) -> u64 {
        self.taken
    }

    /// Everything that decides what happens next, but for when an acknowledgement is [due](Self::due_at): messages, positions
    /// and bytes, and whether there is news.
    pub(super) fn course(&self) -> (&Line, [u64; 3], [usize; 2], bool) {
        let Self {
            queue,
            received,
            received_bytes: _,
            taken,
            stated,
            unstated_bytes,
            queued_bytes,
            volatile: _, // these two are counted from the queue
            volatile_bytes: _,
            due: _,
        } = self;
        let positions = [*received, *taken, *stated];
        let bytes = [*unstated_bytes, *queued_bytes];
        (queue, positions, bytes, self.has_news())
    }

    /// Starts over for a new login.
    pub(super) fn reset(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests;
