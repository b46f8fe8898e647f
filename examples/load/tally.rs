//! What is counted.

use std::time::Duration;

use hdrhistogram::Histogram;

pub(crate) struct Tally {
    pub(crate) pings: u64,
    pub(crate) pongs: u64,
    /// Heartbeats of the server.
    pub(crate) pinged: u64,
    pub(crate) messages: u64,
    /// Passed over by a later one.
    pub(crate) lost: u64,
    pub(crate) duplicated: u64,
    pub(crate) resumed: u64,
    pub(crate) replayed: u64,
    pub(crate) turned_away: u64,
    pub(crate) lost_links: u64,
    microseconds: Histogram<u64>,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            pings: 0,
            pongs: 0,
            pinged: 0,
            messages: 0,
            lost: 0,
            duplicated: 0,
            resumed: 0,
            replayed: 0,
            turned_away: 0,
            lost_links: 0,
            microseconds: Histogram::new_with_bounds(1, 60_000_000, 3).expect("good bounds"),
        }
    }
}

impl Tally {
    /// Counts anew; but what was lost or came twice stays so.
    pub(crate) fn restart(&mut self) {
        *self = Self {
            lost: self.lost,
            duplicated: self.duplicated,
            ..Self::default()
        };
    }

    /// A message was on its way for so long.
    pub(crate) fn took(&mut self, time: Duration) {
        self.microseconds.saturating_record(time.as_micros() as u64);
    }

    /// Microseconds in which so many of a hundred were back.
    pub(crate) fn within(&self, percent: f64) -> u64 {
        self.microseconds.value_at_percentile(percent)
    }
}
