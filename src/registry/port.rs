use crate::{
    proto::{Cx, Heard, Key, LinkId, Machine},
    wire::{Decoder, Frame, Resume, Violation},
};

/// A link's end in the registry: which session it belongs to, and the frame it was cut in.
///
/// State is found through the link, never through the identity (R11): whoever reads a socket holds its port.
#[derive(Clone, Debug)]
pub struct Port {
    key: Key,
    link: LinkId,
    decoder: Decoder,
}

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
            decoder: Decoder::new(),
        }
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

    pub(super) fn set_max(&mut self, max_len: usize) {
        self.decoder.set_max(max_len);
    }

    pub(super) const fn move_to(&mut self, key: Key, link: LinkId) {
        self.key = key;
        self.link = link;
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

    /// Applies whole frames until the bytes are used up, or one brings back another session.
    pub(super) fn feed(
        &mut self,
        machine: &mut Machine,
        cx: &mut Cx<'_>,
        bytes: &mut &[u8],
    ) -> Result<Reading, Resume> {
        let mut frames = 0;
        loop {
            if machine.is_fenced(self.link, false) {
                return Ok(Reading::Close);
            }
            if frames == cx.settings.turn_frames && !bytes.is_empty() {
                machine.wake_if_due(cx);
                return Ok(Reading::More);
            }
            frames += 1;
            self.decoder.set_max(machine.frame_limit());
            match self.decoder.next(bytes) {
                Ok(None) => {
                    machine.wake_if_due(cx);
                    return Ok(Reading::Continue);
                }
                Ok(Some(frame)) => match machine.handle_frame(cx, self.link, &frame) {
                    Heard::Applied | Heard::Direct => {}
                    Heard::Stale => return Ok(Reading::Close),
                    Heard::Resume(resume) => return Err(resume),
                },
                Err(violation) => {
                    machine.handle_violation(cx, self.link, violation);
                    return Ok(Reading::Close);
                }
            }
        }
    }
}
