use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use crate::{Identity, config::Settings, error::RETRY_AFTER_MAX, proto::Time};

/// Identities that come too often, and those that throw each other out (threat T18): so many times at once, then after a wait that
/// doubles each time, up to 5 min, until it was quiet for a while.
///
/// A login and a resume are a coming; a takeover of a session that has a link is one more thing, of which none is free but the
/// first. Only who was let in is counted: a client that knocks too early is told how long it still has to wait, and makes that no longer.
#[derive(Clone, Debug, Default)]
pub(super) struct Restless {
    known: HashMap<Identity, Unrest>,
    /// The same identities. The first ones are looked at whenever one is counted, and forgotten or put last.
    order: VecDeque<Identity>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Unrest {
    comings: Account,
    takeovers: Account,
}

/// What is kept of one kind.
#[derive(Clone, Copy, Debug, Default)]
struct Account {
    /// When all that was counted is forgiven: each moves this by a pause.
    forgiven: Time,
    /// When it was counted last.
    last: Time,
    /// From when on the next one is let in.
    next: Time,
    /// Until when the next wait would be longer than this one.
    restless: Time,
    /// How many waits there were in a row.
    waits: u32,
}

/// What is borne with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// So many at once.
    free: u32,
    /// After which each is forgiven; and the first wait.
    pause: Duration,
}

/// Of whom something is remembered, at most, at some 120 bytes each. A coming is forgiven after 4 s by default, and no more than
/// 40,000 are let in meanwhile: nobody who is restless is washed out by a storm of others. Where more are, the first are forgotten.
const MOST: usize = 65_536;

/// How long it must have been quiet, at least, before a wait begins anew at its shortest: a link counts as stable after half of that.
const QUIET: Duration = Duration::from_secs(60);

/// How many of the oldest are looked at when one is counted: more than one, or they would grow in number.
const SWEPT: usize = 2;

impl Restless {
    /// How long this identity has to wait before it may log in; `None` where it may.
    pub(super) fn before_login(&self, identity: &Identity, now: Time) -> Option<Duration> {
        let comings = &self.known.get(identity)?.comings;
        some(comings.next.since(now))
    }

    /// The same where its session is to come back. At most half of what the session is kept without a link, counted from when the
    /// identity came last, or from when this session lost its link where others of the identity came since: nobody loses a session
    /// by waiting as it was told.
    pub(super) fn before_resume(
        &self,
        identity: &Identity,
        now: Time,
        lost: Option<Time>,
        window: Duration,
    ) -> Option<Duration> {
        let comings = &self.known.get(identity)?.comings;
        let since = lost.map_or(comings.last, |lost| lost.min(comings.last));
        some(comings.next.min(since + window / 2).since(now))
    }

    /// How long it takes until somebody may take this identity over from a client that is there.
    pub(super) fn before_takeover(&self, identity: &Identity, now: Time) -> Option<Duration> {
        let takeovers = &self.known.get(identity)?.takeovers;
        some(takeovers.next.since(now))
    }

    /// It logged in, or its session came back; `by_takeover` from a client that was there.
    pub(super) fn count(
        &mut self,
        identity: &Identity,
        now: Time,
        settings: &Settings,
        by_takeover: bool,
    ) {
        self.sweep(now);
        if !self.known.contains_key(identity) {
            if self.order.len() >= MOST
                && let Some(first) = self.order.pop_front()
            {
                self.known.remove(&first);
            }
            self.order.push_back(identity.clone());
        }
        let unrest = self.known.entry(identity.clone()).or_default();
        unrest.comings.count(now, patience_of_comings(settings));
        if by_takeover {
            unrest.takeovers.count(now, patience_of_takeovers(settings));
        }
    }

    /// Forgets those of the oldest who are forgiven.
    fn sweep(&mut self, now: Time) {
        for _ in 0..SWEPT.min(self.order.len()) {
            let Some(first) = self.order.pop_front() else {
                return;
            };
            if self
                .known
                .get(&first)
                .is_some_and(|unrest| unrest.lasts(now))
            {
                self.order.push_back(first);
            } else {
                self.known.remove(&first);
            }
        }
        // A storm leaves room behind that nobody needs.
        let few = self.order.len() * 2;
        if self.known.capacity() > few.saturating_mul(8).max(MOST / 64) {
            self.known.shrink_to(few);
            self.order.shrink_to(few);
        }
    }
}

impl Unrest {
    fn lasts(&self, now: Time) -> bool {
        let Self { comings, takeovers } = self;
        [comings, takeovers]
            .iter()
            .any(|one| one.forgiven.max(one.restless) > now)
    }
}

impl Account {
    fn count(&mut self, now: Time, patience: Patience) {
        let Patience { free, pause } = patience;
        if self.restless <= now {
            self.waits = 0;
        }
        self.last = now;
        self.forgiven = self.forgiven.max(now) + pause;
        if self.waits == 0 && self.forgiven.since(now) < pause.saturating_mul(free) {
            return;
        }
        let doubled = 1u32.checked_shl(self.waits).unwrap_or(u32::MAX);
        let wait = pause.saturating_mul(doubled).min(RETRY_AFTER_MAX);
        self.waits = self.waits.saturating_add(1);
        self.next = now + wait;
        self.restless = self.next + wait.max(QUIET);
    }
}

/// So many comings in a minute are nobody's fault: of each of the sessions that there may be, for a router that starts anew breaks
/// the links of all of them at once.
fn patience_of_comings(settings: &Settings) -> Patience {
    let sessions = u32::try_from(settings.sessions_per_identity).unwrap_or(u32::MAX);
    let free = settings.comings_a_minute.saturating_mul(sessions);
    Patience {
        free,
        pause: Duration::from_micros(60_000_000 / u64::from(free)),
    }
}

/// Each takeover makes the next one wait.
const fn patience_of_takeovers(settings: &Settings) -> Patience {
    Patience {
        free: 0,
        pause: settings.takeover_pause,
    }
}

fn some(wait: Duration) -> Option<Duration> {
    (!wait.is_zero()).then_some(wait)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;

    const SECOND: Duration = Duration::from_secs(1);
    const MINUTE: Duration = Duration::from_secs(60);

    struct Door {
        restless: Restless,
        settings: Settings,
        now: Time,
    }

    impl Door {
        fn new() -> Self {
            Self {
                restless: Restless::default(),
                settings: Config::new().validate().expect("a config"),
                now: Time::START + MINUTE,
            }
        }

        fn who(number: u64) -> Identity {
            number.into()
        }

        /// Somebody logs in who is let in, or hears how long to wait.
        fn login(&mut self, who: u64) -> Result<(), Duration> {
            let who = Self::who(who);
            match self.restless.before_login(&who, self.now) {
                Some(wait) => Err(wait),
                None => {
                    self.restless.count(&who, self.now, &self.settings, false);
                    Ok(())
                }
            }
        }

        /// The same from another client, while one is there.
        fn takeover(&mut self, who: u64) -> Result<(), Duration> {
            let who = Self::who(who);
            match self.restless.before_takeover(&who, self.now) {
                Some(wait) => Err(wait),
                None => {
                    self.restless.count(&who, self.now, &self.settings, true);
                    Ok(())
                }
            }
        }
    }

    #[test]
    fn fifteen_in_a_minute_are_free_and_then_each_waits_twice_as_long_as_the_one_before() {
        let mut door = Door::new();
        let mut waits = Vec::new();
        for _ in 0..15 {
            assert_eq!(door.login(7), Ok(()));
        }
        for _ in 0..10 {
            let wait = door.login(7).expect_err("too many");
            waits.push(wait.as_secs());
            door.now = door.now + wait;
            assert_eq!(door.login(8), Ok(()), "somebody else");
            assert_eq!(door.login(7), Ok(()), "it waited");
        }
        assert_eq!(waits, [4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
    }

    #[test]
    fn who_comes_too_early_makes_its_wait_no_longer() {
        let mut door = Door::new();
        while door.login(7).is_ok() {}
        for _ in 0..100 {
            assert!(door.login(7).expect_err("too many") <= SECOND * 4);
        }
    }

    #[test]
    fn once_every_four_seconds_is_nothing_for_as_long_as_it_likes() {
        let mut door = Door::new();
        for _ in 0..1_000 {
            assert_eq!(door.login(7), Ok(()));
            door.now = door.now + SECOND * 4;
        }
    }

    #[test]
    fn it_is_forgiven_after_a_minute_of_quiet() {
        let mut door = Door::new();
        while door.login(7).is_ok() {}
        door.now = door.now + SECOND * 4 + MINUTE;
        for _ in 0..15 {
            assert_eq!(door.login(7), Ok(()));
        }
        assert_eq!(door.login(7), Err(SECOND * 4), "from the beginning");
    }

    #[test]
    fn a_first_takeover_is_free_and_in_ten_minutes_there_are_ten() {
        let mut door = Door::new();
        assert_eq!(door.takeover(7), Ok(()));
        assert_eq!(door.takeover(7), Err(SECOND));
        let (mut taken, end) = (1, door.now + MINUTE * 10);
        while door.now < end {
            door.now = door.now + SECOND / 10;
            taken += usize::from(door.takeover(7).is_ok());
        }
        assert_eq!(taken, 10, "at 0, 1, 3, 7, 15, 31, 63, 127, 255, 511 s");
    }

    #[test]
    fn a_move_from_one_device_to_another_now_and_then_waits_for_nothing() {
        let mut door = Door::new();
        for _ in 0..100 {
            assert_eq!(door.takeover(7), Ok(()));
            door.now = door.now + SECOND * 61;
        }
    }

    #[test]
    fn who_is_to_come_back_is_never_kept_out_for_longer_than_half_its_window() {
        let mut door = Door::new();
        let window = SECOND * 20;
        while door.login(7).is_ok() {}
        for _ in 0..10 {
            let who = Door::who(7);
            let wait = door.restless.before_resume(&who, door.now, None, window);
            let wait = wait.expect("too many");
            assert!(wait <= window / 2, "{wait:?}");
            door.now = door.now + wait;
            assert_eq!(
                door.restless.before_resume(&who, door.now, None, window),
                None
            );
            door.restless.count(&who, door.now, &door.settings, false);
        }
        assert!(door.login(7).expect_err("a login waits for all of it") > window);
    }

    #[test]
    fn nothing_is_kept_of_the_quiet_and_never_more_than_the_cap() {
        let mut door = Door::new();
        while door.login(u64::MAX).is_ok() {}
        for number in 0..200_000 {
            door.login(number).ok();
            assert!(door.restless.order.len() <= MOST);
            assert_eq!(door.restless.order.len(), door.restless.known.len());
        }
        for number in 0..100_000 {
            door.now = door.now + SECOND;
            door.login(number).ok();
        }
        assert!(
            door.restless.order.len() < 10,
            "{}",
            door.restless.order.len()
        );
        assert!(door.restless.known.capacity() < MOST, "memory goes back");
    }
}
