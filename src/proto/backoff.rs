use std::time::Duration;

use fastrand::Rng;

use crate::{Reconnect, error::RETRY_AFTER_MAX};

/// Delays between attempts to come back: exponential, full jitter, as a plain sequence from a seed.
///
/// The jitter is drawn *after* the cap: clamping a jittered delay makes every client wait exactly the cap from some
/// attempt on, in lockstep (Socket.IO from the 5th try on, in all clients; aws-c-mqtt at n = 14 in 99 %). Jitter also on
/// the first attempt: a server's restart cuts everybody at the same instant.
#[derive(Clone, Debug)]
pub(crate) struct Backoff {
    rng: Rng,
    attempt: u32,
}

impl Backoff {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            rng: Rng::with_seed(seed),
            attempt: 0,
        }
    }

    /// Attempts since the last reset.
    pub(crate) const fn attempt(&self) -> u32 {
        self.attempt
    }

    /// The next attempt's number and how long to wait for it, uniform in `0..=min(cap, base * 2^n)`.
    ///
    /// A wait that the server asked for comes first, and less is put on top of it: a quarter of it, so that a server's own spread
    /// of its clients is kept and clients that it told the same do not return in step. An eighth of the above at least, or a server
    /// that asks for nothing would be dialed without a pause for ever.
    pub(crate) fn next(
        &mut self,
        policy: &Reconnect,
        retry_after: Option<Duration>,
    ) -> (u32, Duration) {
        let doubled = policy
            .base
            .saturating_mul(1u32.checked_shl(self.attempt).unwrap_or(u32::MAX));
        let ceiling = doubled.min(policy.cap);
        let asked = retry_after.map_or(Duration::ZERO, |after| after.min(RETRY_AFTER_MAX));
        let ceiling = match retry_after {
            Some(_) => ceiling.min((asked / 4).max(ceiling / 8)),
            None => ceiling,
        };
        let micros = u64::try_from(ceiling.as_micros()).unwrap_or(u64::MAX);
        let jittered = Duration::from_micros(self.rng.u64(0..=micros));
        self.attempt = self.attempt.saturating_add(1);
        (self.attempt, asked + jittered)
    }

    /// A link proved stable: start over.
    pub(crate) const fn reset(&mut self) {
        self.attempt = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // [LOSS-2]
    #[test]
    fn delays_double_up_to_the_cap_and_stay_jittered_there() {
        let policy = Reconnect::default();
        let mut at_cap = std::collections::BTreeSet::new();
        for seed in 0..200 {
            let mut backoff = Backoff::new(seed);
            for n in 0..12u32 {
                let (attempt, delay) = backoff.next(&policy, None);
                assert_eq!(attempt, n + 1);
                assert!(delay <= policy.base.saturating_mul(1 << n).min(policy.cap));
                if n == 11 {
                    at_cap.insert(delay);
                }
            }
        }
        assert!(
            at_cap.len() > 190,
            "jitter vanished at the cap: {} distinct delays",
            at_cap.len()
        );
    }

    // [LOSS-2]
    #[test]
    fn the_first_attempt_is_jittered_too() {
        let first: std::collections::BTreeSet<_> = (0..100)
            .map(|seed| Backoff::new(seed).next(&Reconnect::default(), None).1)
            .collect();
        assert!(first.len() > 90);
    }

    // [LOSS-3]
    #[test]
    fn what_a_server_asks_for_is_honoured_within_bounds() {
        let policy = Reconnect::default();
        let (_, delay) = Backoff::new(1).next(&policy, Some(Duration::from_secs(7)));
        assert!((Duration::from_secs(7)..=Duration::from_secs(8)).contains(&delay));
        let (_, delay) = Backoff::new(1).next(&policy, Some(Duration::MAX));
        assert!(delay <= RETRY_AFTER_MAX + policy.base);
    }

    // [LOSS-3]
    #[test]
    fn a_servers_slot_is_kept_to_and_a_server_that_asks_for_nothing_is_not_hammered() {
        let policy = Reconnect::default();
        let mut backoff = Backoff::new(1);
        backoff.next(&policy, None);
        let slot = Duration::from_secs(4);
        let (_, delay) = backoff.next(&policy, Some(slot));
        assert!(
            (slot..=slot + Duration::from_secs(1)).contains(&delay),
            "{delay:?}"
        );
        let mut waited = Duration::ZERO;
        for _ in 0..1_000 {
            waited += backoff.next(&policy, Some(Duration::ZERO)).1;
        }
        assert!(
            waited > Duration::from_secs(1_500),
            "{waited:?} for 1,000 dials"
        );
        let at_cap: std::collections::BTreeSet<_> = (0..100)
            .map(|_| backoff.next(&policy, Some(slot)).1)
            .collect();
        assert!(at_cap.len() > 90, "jittered at the cap too");
    }
}
