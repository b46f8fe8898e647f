use super::{FEW, Wheel};
use crate::proto::Time;
use std::collections::BTreeMap;

const TICK: u64 = Wheel::TICK_MICROS;
const SECOND: u64 = 1_000_000;
const DAY: u64 = 86_400 * SECOND;

/// What a wheel must do, in the plainest way: every armed key with its deadline and the tick it fires at.
#[derive(Default)]
struct Oracle {
    cursor: u64,
    armed: BTreeMap<u32, (u64, u64)>,
}

impl Oracle {
    fn arm(&mut self, key: u32, at: u64) {
        let tick = at.div_ceil(TICK).max(self.cursor);
        self.armed.insert(key, (at, tick));
    }

    fn first(&self) -> Option<u64> {
        self.armed.values().map(|&(_, tick)| tick).min()
    }

    /// Checks one answer of `pop_due` and follows it.
    fn popped(&mut self, now: u64, key: Option<u32>) {
        let due = self.first().filter(|&tick| tick <= now / TICK);
        match key {
            Some(key) => {
                let (at, tick) = self.armed.remove(&key).expect("fired, but was not armed");
                assert!(at <= now, "fired early: {at} at {now}");
                assert_eq!(Some(tick), due, "fired out of order");
                self.cursor = tick;
            }
            None => {
                assert_eq!(due, None, "due at {now}, but not fired");
                self.cursor = self.cursor.max(now / TICK);
            }
        }
    }

    fn check(&self, wheel: &Wheel) {
        assert_eq!(wheel.len(), self.armed.len());
        assert_eq!(wheel.is_empty(), self.armed.is_empty());
        let next = wheel.next().map(Time::as_micros);
        assert_eq!(next.is_some(), self.first().is_some());
        assert!(
            next <= self.first().map(|tick| tick * TICK),
            "next is too late"
        );
    }
}

fn pop(wheel: &mut Wheel, now: u64) -> Option<u32> {
    wheel.pop_due(Time::from_micros(now))
}

fn arm(wheel: &mut Wheel, key: u32, at: u64) {
    wheel.arm(key, Time::from_micros(at));
}

#[test]
fn does_what_the_oracle_does() {
    // Populations in the small form, around the change, and large; spans from milliseconds to days.
    let populations = [1, 8, FEW as u32, FEW as u32 + 8, 300];
    let spans = [500 * TICK, 20 * SECOND, 140 * SECOND, DAY / 8, 8 * DAY];
    for seed in 0..400 {
        let mut random = fastrand::Rng::with_seed(seed);
        let population = populations[seed as usize % populations.len()];
        let span = spans[seed as usize / populations.len() % spans.len()];
        let (mut wheel, mut oracle, mut now) = (Wheel::new(), Oracle::default(), 0_u64);
        for _ in 0..1_500 {
            match random.u8(0..10) {
                0..=5 => {
                    let key = random.u32(0..population);
                    let at = match random.u8(0..8) {
                        0 => now.saturating_sub(random.u64(0..span)),
                        1 => now + random.u64(0..10 * TICK),
                        _ => now + random.u64(0..span),
                    };
                    arm(&mut wheel, key, at);
                    oracle.arm(key, at);
                }
                6 => {
                    let key = random.u32(0..population);
                    wheel.disarm(key);
                    oracle.armed.remove(&key);
                }
                7 => {
                    let key = random.u32(0..population + 2);
                    let at = oracle.armed.get(&key).map(|&(at, _)| at);
                    assert_eq!(wheel.armed(key).map(Time::as_micros), at);
                }
                _ => {
                    now += random.u64(0..span / 4);
                    // Sometimes only as many as a budget allows.
                    for _ in 0..random.usize(1..200) {
                        let key = pop(&mut wheel, now);
                        oracle.popped(now, key);
                        if key.is_none() {
                            break;
                        }
                    }
                }
            }
            oracle.check(&wheel);
        }
    }
}

#[test]
fn sleeping_until_next_fires_all_on_their_tick_with_few_wakes() {
    for population in [3, 50, 2_000_u32] {
        for span in [SECOND, 100 * SECOND, 8 * DAY] {
            let mut random = fastrand::Rng::with_seed(u64::from(population) + span);
            let (mut wheel, mut wakes) = (Wheel::new(), 0);
            let at: Vec<u64> = (0..population).map(|_| random.u64(0..span)).collect();
            for (key, &at) in (0..).zip(&at) {
                arm(&mut wheel, key, at);
            }
            let mut before = None;
            while let Some(now) = wheel.next() {
                assert!(before < Some(now), "no progress");
                before = Some(now);
                wakes += 1;
                while let Some(key) = wheel.pop_due(now) {
                    let late = now.as_micros() - at[key as usize];
                    assert!(late < TICK, "late by {late} us");
                }
            }
            assert!(wheel.is_empty());
            // One wake per deadline, one per far slot used, and a few to empty the slots beyond its reach.
            assert!(wakes <= 2 * population + 2_000, "{wakes} wakes");
        }
    }
}

#[test]
fn a_crowd_far_away_is_moved_in_small_steps_and_in_time() {
    let crowd = 20_000;
    let at = 600 * SECOND;
    let mut wheel = Wheel::new();
    for key in 0..crowd {
        arm(&mut wheel, key, at);
    }
    let mut fired = 0;
    let mut wakes = 0;
    while let Some(now) = wheel.next() {
        wakes += 1;
        while wheel.pop_due(now).is_some() {
            assert_eq!(now.as_micros(), at);
            fired += 1;
        }
    }
    assert_eq!(fired, crowd);
    assert!((crowd / 256..crowd / 256 + 10).contains(&wakes), "{wakes}");
}

#[test]
fn after_a_long_sleep_all_fire_in_order() {
    let mut wheel = Wheel::new();
    for key in 0..1_000 {
        arm(&mut wheel, key, u64::from(1_000 - key) * 600 * SECOND);
    }
    let fired: Vec<u32> = std::iter::from_fn(|| pop(&mut wheel, 20 * DAY)).collect();
    assert!(fired.into_iter().eq((0..1_000).rev()));
}

#[test]
fn keys_of_one_tick_fire_in_the_order_of_arming() {
    for population in [10, 1_000] {
        let mut wheel = Wheel::new();
        for key in (0..population).rev() {
            arm(&mut wheel, key, SECOND);
        }
        let fired: Vec<u32> = std::iter::from_fn(|| pop(&mut wheel, SECOND)).collect();
        assert!(fired.into_iter().eq((0..population).rev()));
    }
}

#[test]
fn the_end_of_time_is_never_early_and_still_reached() {
    const END: u64 = Time::END.as_micros();
    for population in [1, 100] {
        let mut wheel = Wheel::new();
        assert_eq!(pop(&mut wheel, END - 8 * DAY), None);
        for key in 0..population {
            arm(&mut wheel, key, END);
        }
        assert_eq!(pop(&mut wheel, END - DAY), None);
        assert_eq!(pop(&mut wheel, END - 1), None);
        assert!(wheel.next().is_some());
        let fired = std::iter::from_fn(|| pop(&mut wheel, END)).count();
        assert_eq!(fired, population as usize);
        assert_eq!(wheel.next(), None);
        arm(&mut wheel, 0, 5);
        assert_eq!(pop(&mut wheel, END), Some(0));
    }
}

#[test]
fn time_going_back_fires_nothing_and_breaks_nothing() {
    for population in [1, 100] {
        let mut wheel = Wheel::new();
        assert_eq!(pop(&mut wheel, 10 * SECOND), None);
        for key in 0..population {
            arm(&mut wheel, key, 12 * SECOND);
        }
        assert_eq!(pop(&mut wheel, SECOND), None);
        assert_eq!(wheel.next(), Some(Time::from_micros(12 * SECOND)));
        let fired = std::iter::from_fn(|| pop(&mut wheel, 12 * SECOND)).count();
        assert_eq!(fired, population as usize);
    }
}

#[test]
fn shown_in_one_line() {
    let mut wheel = Wheel::default();
    arm(&mut wheel, 7, SECOND);
    assert_eq!(
        format!("{wheel:?}"),
        "Wheel { len: 1, next: Some(Time(1000000)), .. }"
    );
}
