use std::{
    collections::VecDeque,
    hash::{Hash as _, Hasher},
};

use bytes::Bytes;

use crate::{
    Fate, Undelivered,
    canary::{Canary, sings},
    wire::{Terms, Violation},
};

/// Messages accepted for sending and not yet acknowledged: the unacked window, the replay buffer and, at the end, the
/// list of what did not arrive. They are the same thing.
///
/// ```text
///        acked          cursor          written         accepted
///  ────────┼───────────────┼───────────────┼───────────────┼────▶ sequence numbers
///   taken  │ on this link  │ to be written │ never written │
///   (gone) │ already       │ again         │ to any link   │
/// ```
///
/// Three words where everything is acknowledged: the four positions are one then.
#[derive(Clone, Debug, Default)]
pub(super) struct Outbox {
    acked: u64,
    /// Of all messages ever accepted: for people, nothing depends on it.
    accepted_bytes: u64,
    /// Kept while somebody is busy, and given back by [`release`](Self::release).
    busy: Option<Box<Busy>>,
}

/// What there is to know only while a message is not acknowledged.
#[derive(Clone, Debug)]
struct Busy {
    queue: VecDeque<Bytes>,
    bytes: usize,
    /// Bytes of what lies between `acked` and `cursor`: what the peer's window must hold.
    bytes_on_link: usize,
    cursor: u64,
    written: u64,
}

/// Why a message was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoRoom {
    Full,
    TooLong,
}

impl Outbox {
    /// Takes responsibility for a message, if the window has room for it.
    pub(super) fn accept(
        &mut self,
        len: usize,
        terms: &Terms,
        message: impl FnOnce() -> Bytes,
    ) -> Result<(), NoRoom> {
        let most = terms.window_messages as usize + usize::from(sings(Canary::WindowOffByOne));
        let (messages, bytes) = self.in_flight();
        let room = messages < most && bytes + len <= terms.window_bytes as usize;
        self.push_if(room, len, terms, message)
    }

    /// The same for the first answer of a host that was called because the window [was open](Self::is_open): what does not
    /// fit into the rest of it waits here, and the host is not called again before it went out.
    pub(super) fn accept_answer(
        &mut self,
        len: usize,
        terms: &Terms,
        message: impl FnOnce() -> Bytes,
    ) -> Result<(), NoRoom> {
        self.push_if(self.is_open(terms), len, terms, message)
    }

    fn push_if(
        &mut self,
        room: bool,
        len: usize,
        terms: &Terms,
        message: impl FnOnce() -> Bytes,
    ) -> Result<(), NoRoom> {
        if len > terms.max_message as usize {
            return Err(NoRoom::TooLong);
        }
        if !room {
            return Err(NoRoom::Full);
        }
        self.accepted_bytes += len as u64;
        let busy = self
            .busy
            .get_or_insert_with(|| Box::new(Busy::at(self.acked)));
        busy.bytes += len;
        busy.queue.push_back(message());
        Ok(())
    }

    /// Whether the window has room for a message, if a small one.
    pub(super) fn is_open(&self, terms: &Terms) -> bool {
        let (messages, bytes) = self.in_flight();
        messages < terms.window_messages as usize
            && (bytes < terms.window_bytes as usize || messages == 0)
    }

    /// Whether there is something that the current link has not been given and that the peer's window has room for.
    pub(super) fn has_unwritten(&self, terms: &Terms) -> bool {
        let busy = self.busy.as_ref();
        busy.is_some_and(|busy| busy.has_unwritten(self.acked, terms))
    }

    /// Whether the current link was given everything.
    pub(super) fn is_written(&self) -> bool {
        let busy = self.busy.as_ref();
        busy.is_none_or(|busy| busy.next(self.acked).is_none())
    }

    /// The next message for the current link; it counts as written from here on.
    pub(super) fn write_next(&mut self, terms: &Terms) -> Option<&Bytes> {
        let busy = self.busy.as_mut()?;
        if !busy.has_unwritten(self.acked, terms) {
            return None;
        }
        let next = busy.on_link(self.acked);
        busy.cursor += 1;
        busy.written = busy.written.max(busy.cursor);
        let message = busy.queue.get(next)?;
        busy.bytes_on_link += message.len();
        Some(message)
    }

    /// The peer's application took everything below `taken`: forget it. True where that made room.
    pub(super) fn ack(&mut self, taken: u64) -> Result<bool, Violation> {
        if taken < self.acked || taken > self.cursor() {
            return Err(Violation::AckOutOfRange);
        }
        Ok(self.trim(taken))
    }

    /// A new link: the peer has received everything below `received` and taken everything below `taken`. Only `taken`
    /// trims (R9); replay starts at `received` (R8). Changes nothing where the positions cannot be (R10).
    pub(super) fn rewind(&mut self, received: u64, taken: u64) -> Result<bool, Violation> {
        self.check_positions(received, taken)?;
        let acked = if sings(Canary::ReceivedTrims) {
            received
        } else {
            taken
        };
        let trimmed = !sings(Canary::AckNotRepeated) && self.trim(acked);
        let Some(busy) = &mut self.busy else {
            return Ok(trimmed);
        };
        busy.cursor = if sings(Canary::NoReplay) {
            busy.written
        } else {
            received
        };
        let on_link = busy.queue.iter().take(busy.on_link(self.acked));
        busy.bytes_on_link = on_link.map(Bytes::len).sum();
        Ok(trimmed)
    }

    /// Whether a peer can be in this position.
    pub(super) fn check_positions(&self, received: u64, taken: u64) -> Result<(), Violation> {
        if self.acked <= taken && taken <= received && received <= self.written() {
            Ok(())
        } else {
            Err(Violation::PositionOutOfRange)
        }
    }

    /// What the peer states with its last words; nonsense is ignored, for there is no link left to end.
    pub(super) fn ack_finally(&mut self, taken: u64) {
        if taken <= self.written() {
            self.trim(taken);
        }
    }

    fn trim(&mut self, taken: u64) -> bool {
        let Some(busy) = &mut self.busy else {
            return false;
        };
        let mut trimmed = false;
        while self.acked < taken {
            let Some(message) = busy.queue.pop_front() else {
                break;
            };
            busy.bytes -= message.len();
            if self.acked < busy.cursor {
                busy.bytes_on_link -= message.len();
            }
            self.acked += 1;
            trimmed = true;
        }
        busy.cursor = busy.cursor.max(self.acked);
        trimmed
    }

    /// Hands out what is not acknowledged. `NeverSent` is at or above the highest number ever written to any link (R14).
    pub(super) fn take_undelivered(&mut self) -> Vec<Undelivered> {
        let first = self.acked;
        let Some(busy) = &mut self.busy else {
            return Vec::new();
        };
        let written = if sings(Canary::NeverSentIfUnacked) {
            first
        } else {
            busy.written
        };
        self.acked += busy.queue.len() as u64;
        busy.bytes = 0;
        busy.bytes_on_link = 0;
        busy.cursor = self.acked;
        (first..)
            .zip(std::mem::take(&mut busy.queue))
            .map(|(sequence, message)| {
                let fate = if sequence >= written {
                    Fate::NeverSent
                } else {
                    Fate::Unknown
                };
                Undelivered::new(message, fate, sequence)
            })
            .collect()
    }

    /// Gives memory back while nothing is in flight: an idle session owns no buffer. What was given back unwritten is remembered.
    pub(super) fn release(&mut self) {
        let acked = self.acked;
        self.busy
            .take_if(|busy| busy.queue.is_empty() && busy.written == acked && busy.cursor == acked);
    }

    /// How many messages were ever accepted: the sequence number of the next.
    pub(super) fn accepted(&self) -> u64 {
        self.acked + self.in_flight().0 as u64
    }

    /// Bytes of all of them.
    pub(super) const fn accepted_bytes(&self) -> u64 {
        self.accepted_bytes
    }

    /// Everything below this number is acknowledged.
    pub(super) const fn acked(&self) -> u64 {
        self.acked
    }

    /// How many messages will be written a second time.
    pub(super) fn to_replay(&self) -> u64 {
        self.written().saturating_sub(self.cursor())
    }

    /// Messages and bytes in flight.
    pub(super) fn in_flight(&self) -> (usize, usize) {
        let busy = self.busy.as_ref();
        busy.map_or((0, 0), |busy| (busy.queue.len(), busy.bytes))
    }

    /// Nobody will ask for what was not delivered: gives it up, and its memory. How much was accepted stays known.
    pub(super) fn forget(&mut self) {
        drop(self.take_undelivered());
        self.release();
    }

    /// Starts over for a new login: numbers are a session's, not a runtime's.
    pub(super) fn reset(&mut self) {
        *self = Self::default();
    }

    fn cursor(&self) -> u64 {
        self.busy.as_ref().map_or(self.acked, |busy| busy.cursor)
    }

    fn written(&self) -> u64 {
        self.busy.as_ref().map_or(self.acked, |busy| busy.written)
    }

    /// Everything that decides what happens next: messages, positions and bytes. Memory that is kept decides nothing.
    pub(super) fn hash_course(&self, mut state: &mut dyn Hasher) {
        let idle = Busy::at(self.acked);
        let Busy {
            queue,
            bytes,
            bytes_on_link,
            cursor,
            written,
        } = self.busy.as_deref().unwrap_or(&idle);
        queue.hash(&mut state);
        ([bytes, bytes_on_link], [self.acked, self.accepted_bytes]).hash(&mut state);
        [cursor, written].hash(&mut state);
    }
}

impl Busy {
    /// Of an outbox in which everything up to here was written and acknowledged.
    const fn at(acked: u64) -> Self {
        Self {
            queue: VecDeque::new(),
            bytes: 0,
            bytes_on_link: 0,
            cursor: acked,
            written: acked,
        }
    }

    fn has_unwritten(&self, acked: u64, terms: &Terms) -> bool {
        self.next(acked)
            .is_some_and(|next| self.bytes_on_link + next.len() <= terms.window_bytes as usize)
    }

    fn next(&self, acked: u64) -> Option<&Bytes> {
        self.queue.get(self.on_link(acked))
    }

    /// How many messages of the queue the current link was given.
    fn on_link(&self, acked: u64) -> usize {
        usize::try_from(self.cursor.saturating_sub(acked)).unwrap_or(usize::MAX)
    }
}

#[cfg(test)]
mod tests;
