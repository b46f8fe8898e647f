use std::{
    collections::{HashMap, VecDeque},
    net::SocketAddr,
    time::Duration,
};

use super::prefix::Prefix;
use crate::proto::Time;

/// Attempts of each network that failed, so that nobody guesses for long (threat T16): so many at once, then one a pause.
///
/// What is kept of a network is one time: when all its failures are forgiven. Each failure moves that by a pause.
#[derive(Clone, Debug, Default)]
pub(super) struct Failures {
    forgiven: HashMap<Prefix, Time>,
    /// The same networks, in the order in which they failed first.
    order: VecDeque<Prefix>,
}

/// How many failures are borne with, and how long each of them counts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    pub(super) most: u32,
    pub(super) pause: Duration,
}

/// Networks of which failures are remembered, about 64 bytes each. Where more fail at once, those who began first are
/// forgotten: whoever commands so many networks guesses as much from each as from a new one.
const NETWORKS: usize = 4_096;

impl Failures {
    /// How long a network has to wait for its next attempt; `None` where it may try.
    pub(super) fn wait(
        &self,
        remote: Option<SocketAddr>,
        now: Time,
        patience: Patience,
    ) -> Option<Duration> {
        let forgiven = *self.forgiven.get(&Prefix::of(remote?))?;
        let borne = patience.pause.saturating_mul(patience.most - 1);
        let wait = forgiven.since(now).saturating_sub(borne);
        (!wait.is_zero()).then_some(wait)
    }

    /// An attempt from there failed.
    pub(super) fn count(&mut self, remote: Option<SocketAddr>, now: Time, patience: Patience) {
        let Some(prefix) = remote.map(Prefix::of) else {
            return;
        };
        self.forgive(now);
        if let Some(forgiven) = self.forgiven.get_mut(&prefix) {
            *forgiven = (*forgiven).max(now) + patience.pause;
            return;
        }
        if self.order.len() >= NETWORKS
            && let Some(first) = self.order.pop_front()
        {
            self.forgiven.remove(&first);
        }
        self.forgiven.insert(prefix, now + patience.pause);
        self.order.push_back(prefix);
    }

    /// Forgets those at the front of the order of whom all is forgiven.
    fn forgive(&mut self, now: Time) {
        while let Some(first) = self.order.front()
            && self.forgiven.get(first).is_none_or(|until| *until <= now)
        {
            self.forgiven.remove(first);
            self.order.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Patience = Patience {
        most: 3,
        pause: SECOND,
    };
    const SECOND: Duration = Duration::from_secs(1);

    fn at(last: u16) -> Option<SocketAddr> {
        Some(SocketAddr::from(([0x2001, 0xdb8, 0, last, 0, 0, 0, 1], 7)))
    }

    #[test]
    fn so_many_fail_at_once_and_then_one_a_pause() {
        let (mut failures, mut now) = (Failures::default(), Time::START + SECOND);
        let mut tried = 0;
        for _ in 0..100 {
            if failures.wait(at(1), now, PATIENCE).is_none() {
                failures.count(at(1), now, PATIENCE);
                tried += 1;
            }
        }
        assert_eq!(tried, 3);
        assert_eq!(failures.wait(at(1), now, PATIENCE), Some(SECOND));
        assert_eq!(failures.wait(at(2), now, PATIENCE), None, "another network");
        for _ in 0..1_000 {
            now = now + SECOND / 100;
            if failures.wait(at(1), now, PATIENCE).is_none() {
                failures.count(at(1), now, PATIENCE);
                tried += 1;
            }
        }
        assert_eq!(tried, 3 + 10, "ten seconds later");
    }

    #[test]
    fn nothing_is_kept_of_whom_all_is_forgiven_and_never_more_than_the_cap() {
        let (mut failures, now) = (Failures::default(), Time::START);
        for network in 0..=u16::MAX {
            failures.count(at(network), now, PATIENCE);
            assert!(failures.order.len() <= NETWORKS);
            assert_eq!(failures.order.len(), failures.forgiven.len());
        }
        failures.count(at(1), now + SECOND * 2, PATIENCE);
        assert_eq!((failures.order.len(), failures.forgiven.len()), (1, 1));
    }
}
