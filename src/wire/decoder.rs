use std::fmt;

use bytes::Bytes;

use super::{Frame, HEADER_BYTES, LOGIN_FRAME_BYTES, LONG_BYTES, Violation, parse};

/// Frames out of a stream of bytes that arrives in pieces of any size.
///
/// ```
/// # use sessile::wire::{Decoder, Frame, Violation};
/// # fn read(decoder: &mut Decoder, piece: &[u8]) -> Result<u32, Violation> {
/// # let mut pings = 0;
/// let mut bytes = piece; // just read from a link
/// while let Some(frame) = decoder.next(&mut bytes)? {
///     if let Frame::Ping(_) = frame {
///         pings += 1;
///     }
/// }
/// // `bytes` is empty now; a frame that has only begun waits in the decoder.
/// # Ok(pings) }
/// # assert_eq!(read(&mut Decoder::new(), &[0, 0]), Ok(0));
/// ```
///
/// **A frame that lies whole inside a piece is lent from that piece, without a copy**; only a frame that is torn
/// between pieces is put together here. So a decoder owns heap memory only while a frame is torn, and never more
/// than 64 KiB beyond what of this frame was received. Each byte is looked at once: the cost is linear in the
/// bytes, however they are cut.
#[derive(Clone)]
pub struct Decoder {
    /// Most links are between frames most of the time: then it is one word.
    torn: Option<Box<Torn>>,
    max_len: u32,
    failed: Option<Violation>,
    /// How long the last message was, where it was long and put together here, in steps and at least one; else 0. The next may be so,
    /// too.
    long: u16,
}

/// A frame that did not come in one piece.
#[derive(Clone, Default)]
struct Torn {
    /// The beginning of a frame that is not whole yet, or, when `lent`, the whole frame that was handed out last; behind it the
    /// place that was made for what comes next.
    partial: Vec<u8>,
    /// How much of it came.
    have: usize,
    /// A long one, when `lent`, to be shared.
    whole: Bytes,
    /// Bytes of the whole frame in `partial`; 0 until its length and type are there.
    total: usize,
    lent: bool,
    /// By what the memory of a long one is shared, where somebody lent it.
    share: Option<fn(Vec<u8>) -> Bytes>,
}

impl Decoder {
    /// A decoder for the beginning of a link: every frame is limited to [`LOGIN_FRAME_BYTES`].
    #[must_use]
    pub const fn new() -> Self {
        Self {
            torn: None,
            max_len: LOGIN_FRAME_BYTES as u32,
            failed: None,
            long: 0,
        }
    }

    /// Sets the largest length field of a frame that carries a message, for frames that begin from now on.
    pub fn set_max(&mut self, max_len: usize) {
        self.max_len = u32::try_from(max_len).unwrap_or(u32::MAX);
    }

    /// Bytes kept of a frame that is not whole yet.
    #[must_use]
    pub fn partial_len(&self) -> usize {
        let torn = self.torn.as_ref().filter(|torn| !torn.lent);
        torn.map_or(0, |torn| torn.have)
    }

    /// Bytes that a frame which is not whole yet will have, once its length and type are there; else 0.
    #[must_use]
    pub fn announced(&self) -> usize {
        let torn = self.torn.as_ref().filter(|torn| !torn.lent);
        torn.map_or(0, |torn| torn.total)
    }

    /// Bytes of heap memory that this decoder holds.
    #[must_use]
    pub fn reserved(&self) -> usize {
        self.torn
            .as_ref()
            .map_or(0, |torn| torn.partial.capacity() + torn.whole.len())
    }

    /// Whether the last frame was long and torn: who reads little at once now finds out where the next one ends before it has
    /// read it to somewhere else.
    #[must_use]
    pub const fn expects_long(&self) -> bool {
        self.long > 0
    }

    /// How much memory a long message that is torn could use, where it may have all of it at once (see [`place`](Self::place)) and
    /// nobody [lent](Self::lend) it any.
    #[must_use]
    pub fn wants(&self) -> Option<usize> {
        let torn = self.torn.as_ref().filter(|torn| torn.is_long())?;
        let most = self.paid().max(torn.have + SLACK);
        let may = torn.share.is_none() && torn.have < torn.total && torn.total <= most;
        may.then_some(torn.total)
    }

    /// Lends memory for the message that [wants](Self::wants) it: initialized, so that it need not be filled before it is read to. What is
    /// too short is not used. The message will be shared by `share`, which is given the memory that it lies in, lent or not, and
    /// keeps it as it is: so that it can be lent again when nobody has the message any more.
    pub fn lend(&mut self, memory: Vec<u8>, share: fn(Vec<u8>) -> Bytes) {
        if let Some(torn) = self.torn.as_mut().filter(|torn| torn.is_long()) {
            torn.lend(memory, share);
        }
    }

    /// Where to read what comes next of a long message that is torn, `most` bytes of it, and whether the message ends there.
    /// `None` where there is none: then what is read goes to [`next`](Self::next).
    ///
    /// There is memory for at most 64 KiB that did not come yet, or for as much as the long message had that came before: nobody pays
    /// for more than was received on this link. What was read is told by [`placed`](Self::placed), and the whole
    /// message is found by the next call of `next`.
    pub fn place(&mut self, most: usize) -> Option<(&mut [u8], bool)> {
        let paid = self.paid();
        let torn = self.torn.as_mut().filter(|torn| torn.is_long())?;
        Some(torn.place(most, paid))
    }

    /// So many bytes were read to the [`place`](Self::place). True where the message is whole.
    pub fn placed(&mut self, read: usize) -> bool {
        self.torn.as_mut().is_some_and(|torn| {
            torn.have = (torn.have + read).min(torn.partial.len()).min(torn.total);
            torn.have == torn.total
        })
    }

    /// What was received before pays for so much memory.
    const fn paid(&self) -> usize {
        (self.long as usize + 1) * STEP
    }

    /// The next frame, taking what it used off the front of `bytes`. After `None` nothing is left in `bytes`.
    ///
    /// # Errors
    ///
    /// The [`Violation`] that ended the stream; from then on every call fails with it.
    pub fn next<'s, 'b: 's>(
        &'s mut self,
        bytes: &mut &'b [u8],
    ) -> Result<Option<Frame<'s>>, Violation> {
        self.next_keeping(bytes, &mut None)
    }

    /// The same. Where the frame carries a long message that was put together here, `whole` becomes that message, to be kept
    /// without a copy.
    ///
    /// # Errors
    ///
    /// As [`next`](Self::next).
    pub fn next_keeping<'s, 'b: 's>(
        &'s mut self,
        bytes: &mut &'b [u8],
        whole: &mut Option<Bytes>,
    ) -> Result<Option<Frame<'s>>, Violation> {
        if self.failed.is_some() || self.torn.as_ref().is_some_and(|torn| torn.lent) {
            self.torn = None;
        }
        if let Some(violation) = self.failed {
            return Err(violation);
        }
        let max_len = self.max_len as usize;
        if self.torn.is_none() {
            match parse::decode(bytes, max_len) {
                Ok(Some((frame, used))) => {
                    *bytes = bytes.get(used..).unwrap_or_default();
                    if let Frame::Data(_) | Frame::Volatile(_) = frame {
                        self.long = 0;
                    }
                    return Ok(Some(frame));
                }
                Ok(None) if bytes.is_empty() => return Ok(None),
                Ok(None) => {}
                Err(violation) => {
                    self.failed = Some(violation);
                    return Err(violation);
                }
            }
        }
        self.put_together(bytes, whole)
    }

    /// A frame that is torn goes on. By itself, so that those that are not pay nothing for it.
    #[inline(never)]
    fn put_together<'s>(
        &'s mut self,
        bytes: &mut &[u8],
        whole: &mut Option<Bytes>,
    ) -> Result<Option<Frame<'s>>, Violation> {
        let max_len = self.max_len as usize;
        let torn = self.torn.get_or_insert_default();
        let found = match torn.collect(bytes, max_len) {
            Ok(true) => {
                let is_long = torn.is_long();
                torn.lent = true;
                if is_long {
                    self.long = u16::try_from(torn.total / STEP).unwrap_or(u16::MAX);
                    torn.whole = torn.take_whole();
                    *whole = Some(torn.whole.slice(HEADER_BYTES + 1..));
                }
                let frame: &[u8] = if is_long { &torn.whole } else { &torn.partial };
                // Its length was judged when it began, by the limit of that moment.
                parse::decode(frame, usize::MAX).map(|found| found.map(|(frame, _)| frame))
            }
            Ok(false) => Ok(None),
            Err(violation) => Err(violation),
        };
        self.failed = found.as_ref().err().copied();
        found
    }
}

impl Torn {
    /// Moves bytes of the torn frame into `partial`; `true` once it is whole.
    fn collect(&mut self, bytes: &mut &[u8], max_len: usize) -> Result<bool, Violation> {
        if self.total == 0 {
            // The shortest frame is a length and a type: this cannot reach into the frame after it.
            self.take(HEADER_BYTES + 1, bytes);
            let total = parse::total(&self.partial, max_len)?;
            if self.have <= HEADER_BYTES {
                return Ok(false);
            }
            self.total = total.unwrap_or_default();
        }
        self.take(self.total, bytes);
        Ok(self.have == self.total)
    }

    /// Whether it is long and not whole yet.
    const fn is_long(&self) -> bool {
        !self.lent && self.total >= HEADER_BYTES + 1 + LONG_BYTES
    }

    fn lend(&mut self, mut memory: Vec<u8>, share: fn(Vec<u8>) -> Bytes) {
        self.share = Some(share);
        if memory.len() < self.total {
            return;
        }
        let came = self.partial.get(..self.have).unwrap_or_default();
        if let Some(place) = memory.get_mut(..came.len()) {
            place.copy_from_slice(came);
            self.partial = memory;
        }
    }

    /// The whole frame, to be shared. Behind it may be more memory than it needed.
    fn take_whole(&mut self) -> Bytes {
        let memory = std::mem::take(&mut self.partial);
        let mut whole = match self.share {
            Some(share) => share(memory),
            None => Bytes::from(memory),
        };
        whole.truncate(self.total);
        whole
    }

    /// Room for what comes next, and whether that is all of it. Memory for `paid` bytes may be there at once: it need not move then.
    fn place(&mut self, most: usize, paid: usize) -> (&mut [u8], bool) {
        let made = self.partial.len() - self.have;
        if made < LEAST && self.partial.len() < self.total {
            let len = self.total.min(self.have + SLACK);
            let memory = self.total.min(paid).max(len);
            self.partial.reserve_exact(memory - self.partial.len());
            self.partial.resize(len, 0);
        }
        let end = self.partial.len().min(self.have + most).min(self.total);
        let is_all = end == self.total;
        (
            self.partial.get_mut(self.have..end).unwrap_or_default(),
            is_all,
        )
    }

    /// Moves bytes until there are `end` of them in `partial`, or no more.
    fn take(&mut self, end: usize, bytes: &mut &[u8]) {
        let missing = end.saturating_sub(self.have).min(bytes.len());
        let Some((piece, rest)) = bytes.split_at_checked(missing) else {
            return;
        };
        if piece.is_empty() {
            return;
        }
        self.partial.truncate(self.have);
        let len = self.have + piece.len();
        if len > self.partial.capacity() {
            // Doubled, so that single bytes are cheap, but never far ahead of what has come: the length field is
            // a promise of the peer's.
            let ahead = (2 * self.partial.capacity()).clamp(FIRST, len.max(FIRST) + SLACK);
            let ahead = if self.total == 0 {
                ahead
            } else {
                ahead.min(self.total)
            };
            self.partial
                .reserve_exact(ahead.max(len) - self.partial.len());
        }
        self.partial.extend_from_slice(piece);
        self.have = len;
        *bytes = rest;
    }
}

/// Lengths only: what is kept may be half of a secret.
impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder")
            .field("partial_len", &self.partial_len())
            .field("max_len", &self.max_len)
            .field("failed", &self.failed)
            .finish_non_exhaustive()
    }
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

/// Reserved for a torn frame at first: most control frames.
const FIRST: usize = 64;

/// In what steps it is remembered how long a message was. (A step is shorter than a long message, and than [`SLACK`].)
const STEP: usize = 16 * 1024;

/// More room is made for a long message where there is less.
const LEAST: usize = 16 * 1024;

/// How far memory may be reserved ahead of the bytes received.
const SLACK: usize = 64 * 1024 - FIRST;
