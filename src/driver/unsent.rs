use std::io::IoSlice;

use crate::wire::LongPayload;

/// What is on its way to a transport, in order: frames that were put together, and between them long messages from where they lie.
#[derive(Debug, Default)]
pub(super) struct Unsent {
    pub(super) bytes: Vec<u8>,
    pub(super) long: Vec<LongPayload>,
    /// What the transport took: of `bytes`, messages of `long`, and of the next one of those.
    taken: usize,
    gone: usize,
    part: usize,
}

/// Parts that are written at once.
const PARTS: usize = 8;

impl Unsent {
    pub(super) const fn is_empty(&self) -> bool {
        self.taken == self.bytes.len() && self.gone == self.long.len()
    }

    /// Forgets everything but the memory of what was put together.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.long.clear();
        (self.taken, self.gone, self.part) = (0, 0, 0);
    }

    /// Lends `write` what comes next, to write it at once.
    pub(super) fn write_by<R>(&self, write: impl FnOnce(&[IoSlice<'_>]) -> R) -> R {
        if self.gone == self.long.len() {
            let bytes = self.bytes.get(self.taken..).unwrap_or_default();
            return write(&[IoSlice::new(bytes)]);
        }
        let mut parts = [IoSlice::new(&[]); PARTS];
        let mut found = 0;
        let (mut at, mut part) = (self.taken, self.part);
        let mut long = self.long.iter().skip(self.gone);
        loop {
            let next = long.next();
            let end = next.map_or(self.bytes.len(), |next| next.at);
            let between = self.bytes.get(at..end).filter(|bytes| !bytes.is_empty());
            let message = next.and_then(|next| next.payload.get(part..));
            for bytes in between.into_iter().chain(message) {
                let Some(place) = parts.get_mut(found) else {
                    return write(&parts);
                };
                *place = IoSlice::new(bytes);
                found += 1;
            }
            if next.is_none() {
                return write(parts.get(..found).unwrap_or_default());
            }
            (at, part) = (end, 0);
        }
    }

    /// The transport took so many bytes.
    pub(super) fn took(&mut self, mut count: usize) {
        while count > 0 {
            let next = self.long.get(self.gone);
            let end = next.map_or(self.bytes.len(), |next| next.at);
            let step = count.min(end.saturating_sub(self.taken));
            self.taken += step;
            count -= step;
            let Some(next) = next.filter(|_| count > 0) else {
                return;
            };
            let step = count.min(next.payload.len() - self.part);
            self.part += step;
            count -= step;
            if self.part == next.payload.len() {
                (self.gone, self.part) = (self.gone + 1, 0);
            }
        }
    }

    /// What the transport did not take, to be kept. What was put together is copied: its memory is the thread's.
    pub(super) fn rest(&mut self) -> Self {
        let bytes = self.bytes.get(self.taken..).unwrap_or_default().to_vec();
        let mut long = std::mem::take(&mut self.long);
        long.drain(..self.gone);
        for one in &mut long {
            one.at -= self.taken;
        }
        let part = self.part;
        self.clear();
        Self {
            bytes,
            long,
            taken: 0,
            gone: 0,
            part,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn unsent() -> (Unsent, Vec<u8>) {
        let long = |at, byte, len| LongPayload {
            at,
            payload: Bytes::from(vec![byte; len]),
        };
        let unsent = Unsent {
            bytes: (0..100).collect(),
            long: vec![
                long(0, 200, 40),
                long(10, 201, 30),
                long(10, 202, 20),
                long(100, 203, 10),
            ],
            ..Unsent::default()
        };
        let mut all = vec![200; 40];
        all.extend(0..10);
        all.extend([201; 30]);
        all.extend([202; 20]);
        all.extend(10..100);
        all.extend([203; 10]);
        (unsent, all)
    }

    /// A transport that takes so much at once.
    fn write(unsent: &Unsent, most: usize) -> Vec<u8> {
        unsent.write_by(|parts| {
            let all = parts.iter().flat_map(|part| part.iter().copied());
            all.take(most).collect()
        })
    }

    #[test]
    fn all_of_it_goes_once_and_in_order_however_much_is_taken_at_a_time() {
        for most in 1..=220 {
            for kept in [false, true] {
                let (mut unsent, all) = unsent();
                let mut out = Vec::new();
                while !unsent.is_empty() {
                    let written = write(&unsent, most);
                    assert!(!written.is_empty());
                    unsent.took(written.len());
                    out.extend(written);
                    if kept {
                        let mut rest = unsent.rest();
                        assert!(unsent.is_empty());
                        std::mem::swap(&mut unsent, &mut rest);
                    }
                }
                assert!(out == all, "{most} at a time");
            }
        }
    }

    #[test]
    fn more_parts_than_one_write_takes_go_in_several() {
        let one = |at| LongPayload {
            at,
            payload: Bytes::from_static(b"payload"),
        };
        let mut unsent = Unsent {
            bytes: vec![b'-'; 20],
            long: (0..20).map(one).collect(),
            ..Unsent::default()
        };
        let mut out = Vec::new();
        while !unsent.is_empty() {
            let written = write(&unsent, usize::MAX);
            unsent.took(written.len());
            out.extend(written);
        }
        assert_eq!(out, b"payload-".repeat(20));
    }
}
