//! The bytes of an input, read as decisions. Inputs have no form: every sequence of bytes is one, and where it ends every
//! further decision is 0.

/// What is left of an input.
#[derive(Debug)]
pub(crate) struct Choices<'a> {
    rest: &'a [u8],
}

impl<'a> Choices<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Whether no decision is left.
    pub(crate) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn byte(&mut self) -> u8 {
        let Some((&first, rest)) = self.rest.split_first() else {
            return 0;
        };
        self.rest = rest;
        first
    }

    /// One of `n`, the first where there is nothing to choose from.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        usize::from(self.byte()) % n.max(1)
    }

    pub(crate) fn flag(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    /// The next `len` bytes, fewer where there are no more.
    pub(crate) fn take(&mut self, len: usize) -> &'a [u8] {
        let (head, rest) = self.rest.split_at(len.min(self.rest.len()));
        self.rest = rest;
        head
    }

    /// Up to 255 bytes, as many as a byte says.
    pub(crate) fn short(&mut self) -> &'a [u8] {
        self.at_most(255)
    }

    pub(crate) fn at_most(&mut self, most: usize) -> &'a [u8] {
        let len = usize::from(self.byte()).min(most);
        self.take(len)
    }

    /// A number, most often near one that means something, else an extreme one or any.
    pub(crate) fn number(&mut self, near: u64) -> u64 {
        match self.byte() {
            0..96 => near,
            96..144 => near.wrapping_add(1),
            144..176 => near.wrapping_sub(1),
            176..208 => near.wrapping_add_signed(i64::from(self.byte().cast_signed())),
            208..220 => 0,
            220..232 => u64::MAX,
            232..244 => u64::from(self.byte()),
            _ => {
                let mut bytes = [0; 8];
                let given = self.take(8);
                bytes[..given.len()].copy_from_slice(given);
                u64::from_be_bytes(bytes)
            }
        }
    }
}
