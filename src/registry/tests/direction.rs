use crate::{
    Fate, Undelivered,
    proto::{Cx, Machine},
};

/// What one direction was given, and what came out at the other end.
#[derive(Default)]
pub(super) struct Direction {
    pub(super) accepted: u64,
    pub(super) delivered: u64,
}

impl Direction {
    /// Exactly the next ones, in order: no loss, no duplicate, no gap, nothing that was never sent.
    pub(super) fn deliver(&mut self, numbers: Vec<u64>) {
        for number in numbers {
            assert_eq!(number, self.delivered, "lost, duplicated or reordered");
            assert!(number < self.accepted, "never sent");
            self.delivered += 1;
        }
    }

    /// Every accepted message was delivered, or is handed back; what was certainly never sent was certainly not delivered.
    pub(super) fn account(&self, undelivered: &[Undelivered]) {
        let first = self.accepted - undelivered.len() as u64;
        assert!(
            first <= self.delivered,
            "{first} acknowledged, {} delivered",
            self.delivered
        );
        for (one, number) in undelivered.iter().zip(first..) {
            assert_eq!(one.sequence(), number);
            assert!(
                one.fate() == Fate::Unknown || number >= self.delivered,
                "{number}: never sent, yet delivered"
            );
        }
    }
}

/// Takes some of what arrived: numbers, as [`Direction`] counts them.
pub(super) fn take(machine: &mut Machine, cx: &mut Cx<'_>, most: usize) -> Vec<u64> {
    let epoch = machine.epoch();
    let taken = (0..most).map_while(|_| machine.recv(cx, epoch).ok().flatten());
    taken
        .map(|received| u64::from_be_bytes(received.payload[..].try_into().unwrap()))
        .collect()
}
