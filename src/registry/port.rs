use std::num::NonZeroU32;

use bytes::Bytes;

use crate::{
    proto::{Cx, Heard, Key, LinkId, Machine},
    wire::{self, Decoder, Frame, Resume, Violation},
};

/// A link's end in the registry: which session it belongs to, and the frame it was cut in.
///
/// State is found through the link, never through the identity (R11): whoever reads a socket holds its port.
#[derive(Clone, Debug)]
pub struct Port {
    key: Key,
    link: LinkId,
    /// One more than the bytes that were read of a stranger; `None` where its peer is none (any more).
    heard: Option<NonZeroU32>,
    decoder: Decoder,
}

/// What a stranger's link brings that is not for its machine alone.
#[derive(Debug)]
pub(super) enum Knock {
    /// A whole LOGIN.
    Login,
    /// A whole RESUME.
    Resume(Box<Resume>),
}

/// What is read of a stranger at once, and so the most that waits for its next turn.
const STRANGER_READ: usize = 2 * 1_024;

/// What is read at once where long messages come: what is read beyond the beginning of one is read to another place.
const AHEAD_OF_LONG: usize = 4 * 1_024;

/// What is kept of a stranger: what it presented, and the frame that is not whole yet. With a link, a task and a machine it stays
/// below 8 KiB (threat T2).
const STRANGER_KEPT: usize = 5_632;

/// What reading left to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "go on or close")]
pub enum Reading {
    /// Go on.
    Continue,
    /// The turn is over and there are more whole frames: others first.
    More,
    /// The link is nobody's: close it.
    Close,
}

impl Port {
    /// The end of this link of that session.
    #[must_use]
    pub const fn new(key: Key, link: LinkId) -> Self {
        Self {
            key,
            link,
            heard: None,
            decoder: Decoder::new(),
        }
    }

    /// The end of a link of which nobody knows yet whose it is.
    pub(super) const fn of_stranger(key: Key, link: LinkId) -> Self {
        let mut port = Self::new(key, link);
        port.heard = Some(NonZeroU32::MIN);
        port
    }

    /// How many bytes to read at most before they are given to the registry.
    #[must_use]
    pub const fn read_size(&self) -> usize {
        if self.is_strangers() {
            STRANGER_READ
        } else if self.decoder.expects_long() {
            AHEAD_OF_LONG
        } else {
            usize::MAX
        }
    }

    /// How many bytes behind the end of a long message are read with it: the beginning of the next one.
    #[must_use]
    pub const fn read_ahead(&self) -> usize {
        AHEAD_OF_LONG
    }

    /// How much memory a long message could use that has begun, where nobody lent it any.
    #[must_use]
    pub fn wants(&self) -> Option<usize> {
        self.decoder.wants()
    }

    /// Lends memory for it. It is shared by `share` when it is whole: see [`Decoder::lend`].
    pub fn lend(&mut self, memory: Vec<u8>, share: fn(Vec<u8>) -> Bytes) {
        self.decoder.lend(memory, share);
    }

    /// Where to read what comes next of a long message, at most so many bytes, and whether the message ends there.
    pub fn place(&mut self, most: usize) -> Option<(&mut [u8], bool)> {
        self.decoder.place(most)
    }

    /// So many bytes were read there. True where the message is whole, and is to be given to the registry.
    pub fn placed(&mut self, read: usize) -> bool {
        self.decoder.placed(read)
    }

    /// Whether its peer was still a stranger when it was heard last.
    #[must_use]
    pub const fn is_strangers(&self) -> bool {
        self.heard.is_some()
    }

    /// The session.
    #[must_use]
    pub const fn key(&self) -> Key {
        self.key
    }

    /// The link's number within it.
    #[must_use]
    pub const fn link(&self) -> LinkId {
        self.link
    }

    /// What a frame may have from now on, and whether its peer is still a stranger, as its machine says.
    pub(super) fn prepare(&mut self, machine: &Machine) {
        self.know(machine);
        self.decoder.set_max(machine.frame_limit());
    }

    /// Whoever has an identity is no stranger any more. Who was refused stays one.
    fn know(&mut self, machine: &Machine) {
        self.heard = self.heard.filter(|_| machine.identity().is_none());
    }

    pub(super) const fn move_to(&mut self, key: Key, link: LinkId) {
        self.key = key;
        self.link = link;
        self.heard = None;
    }

    /// Whether what was read is a heartbeat and nothing else, so that nobody needs to be told of it.
    #[must_use]
    pub fn is_beat(&self, bytes: &[u8]) -> bool {
        self.decoder.partial_len() == 0 && wire::is_beat(bytes)
    }

    /// The next whole frame of what was read.
    ///
    /// # Errors
    ///
    /// How the bytes are none; the link is to end.
    pub fn next<'s, 'b: 's>(
        &'s mut self,
        bytes: &mut &'b [u8],
    ) -> Result<Option<Frame<'s>>, Violation> {
        self.decoder.next(bytes)
    }

    /// The same. `whole` becomes the frame's message where that can be kept without a copy.
    ///
    /// # Errors
    ///
    /// As [`next`](Self::next).
    pub fn next_keeping<'s, 'b: 's>(
        &'s mut self,
        bytes: &mut &'b [u8],
        whole: &mut Option<Bytes>,
    ) -> Result<Option<Frame<'s>>, Violation> {
        self.decoder.next_keeping(bytes, whole)
    }

    /// Applies whole frames until the bytes are used up, or the `frames` that are left of a turn, or one brings back another session.
    /// Bytes that end within a frame cost one, too: who sends them one by one gets no longer turn.
    pub(super) fn feed(
        &mut self,
        machine: &mut Machine,
        cx: &mut Cx<'_>,
        bytes: &mut &[u8],
        frames: &mut usize,
    ) -> Result<Reading, Knock> {
        self.know(machine);
        loop {
            if machine.is_fenced(self.link, false) {
                return Ok(Reading::Close);
            }
            if *frames == 0 && !bytes.is_empty() {
                machine.wake_if_due(cx);
                return Ok(Reading::More);
            }
            *frames = frames.saturating_sub(1);
            self.decoder.set_max(machine.frame_limit());
            let (begun, given) = (self.decoder.partial_len(), bytes.len());
            cx.whole = None;
            match self.decoder.next_keeping(bytes, &mut cx.whole) {
                Ok(None) => {
                    let len = self.decoder.announced();
                    if is_too_much(&mut self.heard, given, len, machine, cx) {
                        machine.handle_violation(cx, self.link, Violation::TooMuch);
                        return Ok(Reading::Close);
                    }
                    machine.wake_if_due(cx);
                    return Ok(Reading::Continue);
                }
                Ok(Some(frame)) => {
                    let used = given - bytes.len();
                    if is_too_much(&mut self.heard, used, begun + used, machine, cx) {
                        machine.handle_violation(cx, self.link, Violation::TooMuch);
                        return Ok(Reading::Close);
                    }
                    match machine.handle_frame(cx, self.link, &frame) {
                        Heard::Applied | Heard::Direct => {}
                        Heard::Stale => return Ok(Reading::Close),
                        Heard::Offered => return Err(Knock::Login),
                        Heard::Resume(resume) => return Err(Knock::Resume(resume)),
                    }
                }
                Err(violation) => {
                    machine.handle_violation(cx, self.link, violation);
                    return Ok(Reading::Close);
                }
            }
        }
    }
}

/// Whether a stranger said more than it may in all, or more in one frame than is kept beside what it presented. `used` bytes of
/// a frame of `len` were read now.
fn is_too_much(
    heard: &mut Option<NonZeroU32>,
    used: usize,
    len: usize,
    machine: &Machine,
    cx: &Cx<'_>,
) -> bool {
    let Some(heard) = heard else { return false };
    *heard = heard.saturating_add(u32::try_from(used).unwrap_or(u32::MAX));
    heard.get() as usize > cx.settings.stranger_bytes + 1
        || len + machine.kept_of_offer() > STRANGER_KEPT
}
