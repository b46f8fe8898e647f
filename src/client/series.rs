use std::time::Duration;

use crate::{
    Closed, Reason, Reconnect, Retry,
    proto::{Backoff, Time},
};

/// A series of attempts to be logged in: how long to wait for the next one, and when it is enough.
#[derive(Debug)]
pub(super) struct Series {
    backoff: Backoff,
    /// Logins in a row that failed.
    failed: u32,
    /// When it was well last: what the budget is counted from.
    since: Time,
    /// Since when the link is up.
    up: Option<Time>,
}

/// What to do about a failure.
#[derive(Debug)]
pub(super) enum Plan {
    /// Log in so much later; the how manieth wait it is.
    Wait(u32, Duration),
    Stop(Closed),
}

impl Series {
    /// `seed` makes its jitter.
    pub(super) fn new(now: Time, seed: u64) -> Self {
        Self {
            backoff: Backoff::new(seed),
            failed: 0,
            since: now,
            up: None,
        }
    }

    /// A link is up, and somebody is logged in.
    pub(super) const fn up(&mut self, now: Time) {
        self.up = Some(now);
        self.failed = 0;
    }

    /// It is no more. True where it was for long enough.
    pub(super) fn down(&mut self, now: Time, policy: &Reconnect) -> bool {
        let Some(up) = self.up.take() else {
            return false;
        };
        self.since = now;
        let stable = now.since(up) >= policy.stable_after;
        if stable {
            self.backoff.reset();
        }
        stable
    }

    /// A login failed.
    pub(super) fn after_failure(&mut self, now: Time, policy: &Reconnect, why: &Closed) -> Plan {
        self.failed += 1;
        match policy.attempts {
            Some(most) if self.failed >= most => Plan::Stop(given_up(why)),
            _ => self.next(now, policy, why),
        }
    }

    /// The next login, where another one makes sense.
    pub(super) fn next(&mut self, now: Time, policy: &Reconnect, why: &Closed) -> Plan {
        let asked = match why.retry() {
            Retry::Never => return Plan::Stop(why.clone()),
            Retry::After(asked) => Some(asked),
            Retry::Now => None,
        };
        let (attempt, after) = self.backoff.next(policy, asked);
        match policy.budget {
            Some(budget) if now + after > self.since + budget => Plan::Stop(given_up(why)),
            _ => Plan::Wait(attempt, after),
        }
    }
}

/// Enough was tried; `last` is what failed last.
fn given_up(last: &Closed) -> Closed {
    if last.reason() == Reason::GaveUp {
        return last.clone();
    }
    let why = last
        .text()
        .map_or_else(|| last.reason().to_string(), str::to_owned);
    Closed::new(Reason::GaveUp).with_text(&why)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn at(seconds: u32) -> Time {
        Time::START + SECOND * seconds
    }

    fn lost() -> Closed {
        Closed::new(Reason::LinkLost).with_text("no route")
    }

    fn ceiling(series: &mut Series, policy: &Reconnect) -> u32 {
        match series.after_failure(at(0), policy, &lost()) {
            Plan::Wait(attempt, after) => {
                assert!(
                    after <= policy.base * (1 << (attempt - 1)),
                    "{attempt}: {after:?}"
                );
                attempt
            }
            Plan::Stop(closed) => panic!("{closed}"),
        }
    }

    #[test]
    fn waits_grow_until_a_link_was_stable() {
        let policy = Reconnect::new();
        let mut series = Series::new(at(0), 1);
        let attempts: Vec<_> = (0..3).map(|_| ceiling(&mut series, &policy)).collect();
        assert_eq!(attempts, [1, 2, 3]);
        series.up(at(10));
        series.down(at(39), &policy);
        assert_eq!(ceiling(&mut series, &policy), 4, "29 s are not stable");
        let tick = Duration::from_micros(1);
        series.up(at(40) + tick);
        assert!(!series.down(at(70), &policy));
        assert_eq!(
            ceiling(&mut series, &policy),
            5,
            "nor is a tick less than 30 s"
        );
        series.up(at(70) + tick);
        assert!(series.down(at(100) + tick, &policy));
        assert_eq!(ceiling(&mut series, &policy), 1, "30 s are");
        series.up(at(200));
        assert!(series.down(at(240), &policy));
        assert!(!series.down(at(280), &policy), "it was down already");
    }

    #[test]
    fn attempts_are_logins_that_failed_in_a_row() {
        let policy = Reconnect::new().attempts(2);
        let mut series = Series::new(at(0), 1);
        ceiling(&mut series, &policy);
        series.up(at(1));
        series.down(at(1), &policy);
        ceiling(&mut series, &policy);
        let Plan::Stop(closed) = series.after_failure(at(2), &policy, &lost()) else {
            panic!("it goes on")
        };
        assert_eq!(
            (closed.reason(), closed.text()),
            (Reason::GaveUp, Some("no route"))
        );
    }

    #[test]
    fn nothing_begins_behind_the_budget() {
        let policy = Reconnect::new().budget(SECOND * 60);
        let mut series = Series::new(at(0), 1);
        assert!(matches!(
            series.next(at(59), &policy, &lost()),
            Plan::Wait(..)
        ));
        assert!(matches!(
            series.next(at(61), &policy, &lost()),
            Plan::Stop(_)
        ));
        series.up(at(100));
        series.down(at(101), &policy);
        assert!(matches!(
            series.next(at(150), &policy, &lost()),
            Plan::Wait(..)
        ));
    }
}
