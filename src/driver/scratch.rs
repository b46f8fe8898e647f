use std::cell::RefCell;

use super::unsent::Unsent;

/// Buffers of a thread, lent to whichever link has something to read or write.
pub(super) struct Scratch {
    pub(super) read: Vec<u8>,
    pub(super) write: Unsent,
}

/// One read takes at most this much: a turn (threat T26), and enough for throughput.
pub(super) const READ_BYTES: usize = 64 * 1024;

/// A write buffer that grew beyond this for one huge message is not kept.
const KEPT_WRITE_BYTES: usize = 256 * 1024;

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::new(Scratch { read: Vec::new(), write: Unsent::default() });
}

impl Scratch {
    pub(super) fn borrow() -> Self {
        let mut scratch = SCRATCH.with_borrow_mut(|kept| Self {
            read: std::mem::take(&mut kept.read),
            write: std::mem::take(&mut kept.write),
        });
        scratch.read.resize(READ_BYTES, 0);
        scratch
    }

    pub(super) fn give_back(self) {
        if self.write.bytes.capacity() <= KEPT_WRITE_BYTES {
            SCRATCH.with_borrow_mut(|kept| *kept = self);
        }
    }
}
