use bytes::BytesMut;

use super::{State, Task};
use crate::driver::{Sleep, others::Others, returning::Coming, unsent::Unsent};

/// What is left over of a turn. Most turns leave nothing.
#[derive(Default)]
pub(super) struct Left {
    /// Encoded, and not taken by the transport yet.
    pub(super) unsent: Unsent,
    /// Read, and left for the next turns: each begins farther on, and moves nothing.
    pub(super) unread: BytesMut,
    /// It brought a session, and the program is asked first.
    pub(super) coming: Option<Coming>,
    /// How much longer this link waits for its last words to go out, or for its peer to close.
    pub(super) linger: Option<Box<Sleep>>,
    /// It had its turns.
    pub(super) others: Option<Others>,
}

impl Left {
    fn is_empty(&self) -> bool {
        let Self {
            unsent,
            unread,
            coming,
            linger,
            others,
        } = self;
        let nobody_waits = coming.is_none() && linger.is_none() && others.is_none();
        nobody_waits && unsent.is_empty() && unread.is_empty()
    }
}

impl Task {
    /// The link is to close, and the transport took its last words.
    pub(super) fn has_said_all(&self) -> bool {
        self.state == State::Closing && !self.has_unsent()
    }

    pub(super) fn has_unsent(&self) -> bool {
        self.left
            .as_ref()
            .is_some_and(|left| !left.unsent.is_empty())
    }

    /// One of them, and the room for all where nothing else is there.
    pub(super) fn take_left<T: Default>(&mut self, take: fn(&mut Left) -> T) -> T {
        let Some(left) = &mut self.left else {
            return T::default();
        };
        let taken = take(left);
        if left.is_empty() {
            self.left = None;
        }
        taken
    }
}
