use std::fmt;

use super::{Frame, HEADER_BYTES, LOGIN_FRAME_BYTES, Violation, parse};

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
}

/// A frame that did not come in one piece.
#[derive(Clone, Default)]
struct Torn {
    /// The beginning of a frame that is not whole yet, or, when `lent`, the whole frame that was handed out last.
    partial: Vec<u8>,
    /// Bytes of the whole frame in `partial`; 0 until its length and type are there.
    total: usize,
    lent: bool,
}

impl Decoder {
    /// A decoder for the beginning of a link: every frame is limited to [`LOGIN_FRAME_BYTES`].
    #[must_use]
    pub const fn new() -> Self {
        Self {
            torn: None,
            max_len: LOGIN_FRAME_BYTES as u32,
            failed: None,
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
        torn.map_or(0, |torn| torn.partial.len())
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
        self.torn.as_ref().map_or(0, |torn| torn.partial.capacity())
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
        let torn = self.torn.get_or_insert_default();
        let found = match torn.collect(bytes, max_len) {
            Ok(true) => {
                torn.lent = true;
                // Its length was judged when it began, by the limit of that moment.
                parse::decode(&torn.partial, usize::MAX).map(|found| found.map(|(frame, _)| frame))
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
            if self.partial.len() <= HEADER_BYTES {
                return Ok(false);
            }
            self.total = total.unwrap_or_default();
        }
        self.take(self.total, bytes);
        Ok(self.partial.len() == self.total)
    }

    /// Moves bytes until `partial` has `end` of them or there are no more.
    fn take(&mut self, end: usize, bytes: &mut &[u8]) {
        let missing = end.saturating_sub(self.partial.len()).min(bytes.len());
        let Some((piece, rest)) = bytes.split_at_checked(missing) else {
            return;
        };
        let len = self.partial.len() + piece.len();
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

/// How far memory may be reserved ahead of the bytes received.
const SLACK: usize = 64 * 1024 - FIRST;
