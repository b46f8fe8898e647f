/// A set of slot numbers that finds its next member in a few operations: one bit per slot, one summary bit
/// per word of them.
#[derive(Clone)]
pub(super) struct Bits {
    words: Vec<u64>,
    summary: Vec<u64>,
}

impl Bits {
    /// An empty set of numbers below `len`, which is a multiple of 4,096.
    pub(super) fn new(len: usize) -> Self {
        debug_assert_eq!(len % (64 * 64), 0);
        Self {
            words: vec![0; len / 64],
            summary: vec![0; len / (64 * 64)],
        }
    }

    pub(super) fn set(&mut self, index: usize) {
        let word = index / 64;
        self.words[word] |= 1 << (index % 64);
        self.summary[word / 64] |= 1 << (word % 64);
    }

    pub(super) fn clear(&mut self, index: usize) {
        let word = index / 64;
        self.words[word] &= !(1 << (index % 64));
        if self.words[word] == 0 {
            self.summary[word / 64] &= !(1 << (word % 64));
        }
    }

    /// How far the first member is from `start`, going up and around the end.
    pub(super) fn distance_from(&self, start: usize) -> Option<usize> {
        let len = self.words.len() * 64;
        self.first_from(start)
            .or_else(|| self.first_from(0))
            .map(|found| (found + len - start) % len)
    }

    fn first_from(&self, start: usize) -> Option<usize> {
        let word = start / 64;
        let rest = self.words[word] & (u64::MAX << (start % 64));
        if rest != 0 {
            return Some(word * 64 + rest.trailing_zeros() as usize);
        }
        let from = word + 1;
        let mut mask = u64::MAX << (from % 64);
        for (index, summary) in self.summary.iter().enumerate().skip(from / 64) {
            let rest = summary & mask;
            if rest != 0 {
                let word = index * 64 + rest.trailing_zeros() as usize;
                return Some(word * 64 + self.words[word].trailing_zeros() as usize);
            }
            mask = u64::MAX;
        }
        None
    }
}
