use bytes::Bytes;

use super::{inbox::Received, line::Line};
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
#[derive(Clone, Debug, Default, Hash)]
pub(super) struct Outbox {
    queue: Line,
    bytes: usize,
    /// Bytes of what lies between `acked` and `cursor`: what the peer's window must hold.
    bytes_on_link: usize,
    acked: u64,
    cursor: u64,
    written: u64,
    /// Of all messages ever accepted: for people, nothing depends on it.
    accepted_bytes: u64,
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
        let room = self.queue.len() < most && self.bytes + len <= terms.window_bytes as usize;
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
        self.bytes += len;
        self.accepted_bytes += len as u64;
        self.queue.push_back(Received {
            payload: message(),
            volatile: false,
        });
        Ok(())
    }

    /// Whether the window has room for a message, if a small one.
    pub(super) fn is_open(&self, terms: &Terms) -> bool {
        self.queue.len() < terms.window_messages as usize
            && (self.bytes < terms.window_bytes as usize || self.queue.is_empty())
    }

    /// Whether there is something that the current link has not been given and that the peer's window has room for.
    pub(super) fn has_unwritten(&self, terms: &Terms) -> bool {
        self.next()
            .is_some_and(|next| self.bytes_on_link + next.len() <= terms.window_bytes as usize)
    }

    /// Whether the current link was given everything.
    pub(super) fn is_written(&self) -> bool {
        self.next().is_none()
    }

    /// The next message for the current link; it counts as written from here on.
    pub(super) fn write_next(&mut self, terms: &Terms) -> Option<&Bytes> {
        if !self.has_unwritten(terms) {
            return None;
        }
        let next = self.on_link();
        self.cursor += 1;
        self.written = self.written.max(self.cursor);
        let message = &self.queue.get(next)?.payload;
        self.bytes_on_link += message.len();
        Some(message)
    }

    fn next(&self) -> Option<&Bytes> {
        self.queue.get(self.on_link()).map(|one| &one.payload)
    }

    /// How many messages of the queue the current link was given.
    fn on_link(&self) -> usize {
        usize::try_from(self.cursor.saturating_sub(self.acked)).unwrap_or(usize::MAX)
    }

    /// The peer's application took everything below `taken`: forget it. True where that made room.
    pub(super) fn ack(&mut self, taken: u64) -> Result<bool, Violation> {
        if taken < self.acked || taken > self.cursor {
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
        self.cursor = if sings(Canary::NoReplay) {
            self.written
        } else {
            received
        };
        let on_link = self.queue.iter().take(self.on_link());
        self.bytes_on_link = on_link.map(|one| one.payload.len()).sum();
        Ok(trimmed)
    }

    /// Whether a peer can be in this position.
    pub(super) const fn check_positions(&self, received: u64, taken: u64) -> Result<(), Violation> {
        if self.acked <= taken && taken <= received && received <= self.written {
            Ok(())
        } else {
            Err(Violation::PositionOutOfRange)
        }
    }

    /// What the peer states with its last words; nonsense is ignored, for there is no link left to end.
    pub(super) fn ack_finally(&mut self, taken: u64) {
        if taken <= self.written {
            self.trim(taken);
        }
    }

    fn trim(&mut self, taken: u64) -> bool {
        let mut trimmed = false;
        while self.acked < taken {
            let Some(Received {
                payload: message, ..
            }) = self.queue.pop_front()
            else {
                break;
            };
            self.bytes -= message.len();
            if self.acked < self.cursor {
                self.bytes_on_link -= message.len();
            }
            self.acked += 1;
            trimmed = true;
        }
        self.cursor = self.cursor.max(self.acked);
        trimmed
    }

    /// Hands out what is not acknowledged. `NeverSent` is at or above the highest number ever written to any link (R14).
    pub(super) fn take_undelivered(&mut self) -> Vec<Undelivered> {
        self.bytes = 0;
        self.bytes_on_link = 0;
        let (first, mut written) = (self.acked, self.written);
        if sings(Canary::NeverSentIfUnacked) {
            written = self.acked;
        }
        self.acked = self.accepted();
        self.cursor = self.acked;
        (first..)
            .zip(self.queue.take())
            .map(|(sequence, one)| {
                let fate = if sequence >= written {
                    Fate::NeverSent
                } else {
                    Fate::Unknown
                };
                Undelivered::new(one.payload, fate, sequence)
            })
            .collect()
    }

    /// Gives memory back while nothing is in flight: an idle session owns no buffer.
    pub(super) fn release(&mut self) {
        self.queue.release();
    }

    /// How many messages were ever accepted: the sequence number of the next.
    pub(super) fn accepted(&self) -> u64 {
        self.acked + self.queue.len() as u64
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
    pub(super) const fn to_replay(&self) -> u64 {
        self.written.saturating_sub(self.cursor)
    }

    /// Messages and bytes in flight.
    pub(super) fn in_flight(&self) -> (usize, usize) {
        (self.queue.len(), self.bytes)
    }

    /// Nobody will ask for what was not delivered: gives it up, and its memory. How much was accepted stays known.
    pub(super) fn forget(&mut self) {
        drop(self.take_undelivered());
    }

    /// Starts over for a new login: numbers are a session's, not a runtime's.
    pub(super) fn reset(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests;
