//! Memory of long messages, to be used again.

use std::{
    collections::VecDeque,
    // The standard library's lock: nothing is done while it is held that a schedule could change.
    sync::{Mutex, PoisonError},
};

use bytes::Bytes;

/// Memory for a long message of so many bytes, initialized; empty where none is kept. New memory has to be filled with zeros
/// before it may be read to, which is a tenth of all that a long message costs.
pub(super) fn take(bytes: usize) -> Vec<u8> {
    with(|spare| spare.take(bytes))
}

/// Shares a message. When nobody has it any more, its memory is kept.
pub(super) fn share(memory: Vec<u8>) -> Bytes {
    with(|spare| spare.used += memory.len());
    Bytes::from_owner(Used(memory))
}

/// What is kept at least, where it once was in use: two messages of a MiB with their headers. For who drops each message before the next one comes.
const KEPT: usize = 2 * (1024 * 1024 + 64);

/// One for the process: who drops a message is often not who reads the next one.
static SPARE: Mutex<Spare> = Mutex::new(Spare::new());

struct Spare {
    /// Oldest first.
    kept: VecDeque<Vec<u8>>,
    kept_bytes: usize,
    /// Of messages that somebody has.
    used: usize,
}

/// A message that somebody has.
struct Used(Vec<u8>);

fn with<R>(act: impl FnOnce(&mut Spare) -> R) -> R {
    act(&mut SPARE.lock().unwrap_or_else(PoisonError::into_inner))
}

impl Spare {
    const fn new() -> Self {
        Self {
            kept: VecDeque::new(),
            kept_bytes: 0,
            used: 0,
        }
    }

    /// What was used last lies in a cache, perhaps. Much longer memory waits for longer messages.
    fn take(&mut self, bytes: usize) -> Vec<u8> {
        let fits = |memory: &Vec<u8>| (bytes..=bytes + bytes / 4).contains(&memory.len());
        let found = self.kept.iter().rposition(fits);
        let memory = found.and_then(|at| self.kept.remove(at));
        let memory = memory.unwrap_or_default();
        self.kept_bytes -= memory.len();
        memory
    }

    /// Keeps no more than is in use, or [`KEPT`]: what a busy hour needed goes back to the system when it is over.
    fn give_back(&mut self, memory: Vec<u8>) {
        self.used -= memory.len();
        self.kept_bytes += memory.len();
        self.kept.push_back(memory);
        while self.kept_bytes > self.used.max(KEPT)
            && let Some(oldest) = self.kept.pop_front()
        {
            self.kept_bytes -= oldest.len();
        }
    }
}

impl AsRef<[u8]> for Used {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Used {
    fn drop(&mut self) {
        let memory = std::mem::take(&mut self.0);
        with(|spare| spare.give_back(memory));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1024 * 1024;

    impl Spare {
        fn share(&mut self, memory: &[u8]) {
            self.used += memory.len();
        }

        fn lens(&self) -> Vec<usize> {
            let lens: Vec<usize> = self.kept.iter().map(Vec::len).collect();
            assert_eq!(lens.iter().sum::<usize>(), self.kept_bytes);
            lens
        }
    }

    #[test]
    fn what_was_used_last_is_used_next_if_it_is_about_as_long() {
        let mut spare = Spare::new();
        for len in [90_000, 50_000, 100_000, 101_000, 400_000] {
            let memory = vec![7; len];
            spare.share(&memory);
            spare.give_back(memory);
        }
        assert_eq!(spare.take(100_000).len(), 101_000);
        assert_eq!(spare.take(100_000).len(), 100_000);
        assert_eq!(spare.take(100_000).len(), 0, "too short or too long");
        assert_eq!(spare.lens(), [90_000, 50_000, 400_000]);
    }

    #[test]
    fn no_more_is_kept_than_is_in_use_or_two_messages_of_a_mib() {
        let mut spare = Spare::new();
        let all: Vec<Vec<u8>> = (0..64).map(|_| vec![7; MIB]).collect();
        all.iter().for_each(|memory| spare.share(memory));
        let mut most = 0;
        for memory in all {
            spare.give_back(memory);
            assert!(spare.kept_bytes <= spare.used.max(KEPT));
            most = most.max(spare.kept_bytes);
        }
        assert_eq!((spare.used, most), (0, 32 * MIB));
        assert_eq!(spare.lens(), [MIB; 2]);
        let other = vec![7; 2 * MIB];
        spare.share(&other);
        spare.give_back(other);
        assert_eq!(spare.lens(), [2 * MIB], "the oldest goes first");
        let huge = vec![7; 3 * MIB];
        spare.share(&huge);
        spare.give_back(huge);
        assert!(spare.lens().is_empty());
    }
}
