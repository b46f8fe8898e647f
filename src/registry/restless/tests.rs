use super::*;
use crate::Config;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

/// Everybody here has logged in when the tests begin.
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

    fn count(&mut self, who: &Identity, by_takeover: bool) {
        let (before, now) = (Time::START, self.now);
        (self.restless).count_again(who, before, now, &self.settings, by_takeover);
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
                self.count(&who, false);
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
                self.count(&who, true);
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
fn nothing_is_kept_of_a_login_until_its_session_ends_or_somebody_comes_again() {
    let mut door = Door::new();
    for number in 0..1_000 {
        let who = Door::who(number);
        assert_eq!(door.restless.before_login(&who, door.now), None);
        (door.restless).count_login(&who, door.now, &door.settings);
    }
    assert!(door.restless.known.is_empty());
    let (before, settings) = (door.now, door.settings.clone());
    door.now = door.now + SECOND * 3;
    (door.restless).count_end(&Door::who(1), before, door.now, &settings);
    (door.restless).count_again(&Door::who(2), before, door.now, &settings, false);
    assert_eq!(door.restless.known.len(), 2);
    door.now = door.now + SECOND;
    (door.restless).count_end(&Door::who(3), before, door.now, &settings);
    let known = |who: u64| door.restless.known.contains_key(&Door::who(who));
    assert_eq!([1, 2, 3].map(known), [false, true, false], "forgiven");
}

#[test]
fn logins_and_ends_are_counted_once_each() {
    let mut door = Door::new();
    let (who, settings) = (Door::who(7), door.settings.clone());
    for logins in 0..15 {
        assert_eq!(door.restless.before_login(&who, door.now), None, "{logins}");
        door.restless.count_login(&who, door.now, &settings);
        (door.restless).count_end(&who, door.now, door.now, &settings);
    }
    let wait = door.restless.before_login(&who, door.now);
    assert_eq!(wait, Some(SECOND * 4));
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
fn who_is_still_remembered_is_forgiven_all_the_same() {
    let mut door = Door::new();
    // So many that wait for longer are looked at first.
    for wait in [0, 4, 8, 16, 32] {
        door.now = door.now + SECOND * wait;
        for other in 100..200 {
            while door.login(other).is_ok() {}
        }
    }
    while door.login(7).is_ok() {}
    door.now = door.now + SECOND * 4 + MINUTE;
    for _ in 0..15 {
        assert_eq!(door.login(7), Ok(()));
    }
}

#[test]
fn less_than_a_minute_of_quiet_forgives_no_wait() {
    let mut door = Door::new();
    while door.login(7).is_ok() {}
    door.now = door.now + SECOND * 54;
    assert_eq!(door.login(7), Ok(()));
    assert_eq!(door.login(7), Err(SECOND * 8), "twice the one before");
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
        door.count(&who, false);
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
