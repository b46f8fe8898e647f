use std::{cmp::Reverse, collections::BinaryHeap};

use super::*;
use crate::{Config, Reconnect, proto::Backoff};

const FRESH: Who = Who::Back { booked: false };
const BOOKED: Who = Who::Back { booked: true };

fn settings(rate: u32, burst: u32) -> Settings {
    let config = Config::new().admission_rate(rate).admission_burst(burst);
    config.validate().unwrap()
}

fn at(millis: u64) -> Time {
    Time::from_micros(millis * 1_000)
}

#[test]
fn a_burst_passes_and_then_no_more_than_the_rate() {
    let (settings, mut rate) = (settings(1_000, 100), Rate::default());
    let mut passed = 0;
    for micros in 0..2_000_000 {
        let now = Time::from_micros(micros);
        passed += u32::from(rate.take(BOOKED, now, &settings).is_ok());
    }
    assert_eq!(passed, 100 + 2_000 - 1);
}

#[test]
fn slots_are_one_step_apart_and_none_is_given_twice() {
    let (settings, mut rate) = (settings(1_000, 1), Rate::default());
    assert_eq!(rate.take(FRESH, at(0), &settings), Ok(()));
    let slots: Vec<_> = (0..500)
        .map(|_| rate.take(FRESH, at(0), &settings).unwrap_err())
        .collect();
    let expected: Vec<_> = (1..=500).map(Duration::from_millis).collect();
    assert_eq!(slots, expected);
}

#[test]
fn who_comes_back_passes_before_who_is_new() {
    let (settings, mut rate) = (settings(10, 4), Rate::default());
    for _ in 0..3 {
        assert_eq!(rate.take(Who::New, at(0), &settings), Ok(()));
    }
    let new = rate.take(Who::New, at(0), &settings).unwrap_err();
    assert_eq!(new, Duration::from_millis(100));
    // What new ones leave is for those who come back.
    assert_eq!(rate.take(FRESH, at(0), &settings), Ok(()));
    let back = rate.take(FRESH, at(0), &settings).unwrap_err();
    assert_eq!(back, Duration::from_millis(100));
    for _ in 0..9 {
        let _ = rate.take(FRESH, at(0), &settings).unwrap_err();
    }
    // While any of them waits, new ones do not pass, and are told to come behind them.
    let new = rate.take(Who::New, at(900), &settings).unwrap_err();
    assert_eq!(new, Duration::from_millis(200));
    assert_eq!(
        rate.take(FRESH, at(900), &settings),
        Err(Duration::from_millis(200))
    );
    assert_eq!(rate.take(BOOKED, at(900), &settings), Ok(()));
    assert_eq!(rate.take(Who::New, at(2_000), &settings), Ok(()));
}

#[test]
fn no_slot_is_further_away_than_a_client_waits() {
    let (settings, mut rate) = (settings(1, 1), Rate::default());
    assert_eq!(rate.take(FRESH, at(0), &settings), Ok(()));
    for n in 1..1_000u64 {
        let slot = rate.take(FRESH, at(0), &settings).unwrap_err();
        assert_eq!(slot.as_secs(), (n - 1) % 300 + 1);
    }
}

/// What became of a storm.
struct Storm {
    dials: usize,
    healed: Duration,
}

/// Clients that lost their server at the same instant, as they and their server behave; the network takes no time.
fn storm(clients: usize, rate: u32) -> Storm {
    let settings = settings(rate, rate / 10);
    let (policy, mut bucket) = (Reconnect::new(), Rate::default());
    let mut booked = vec![false; clients];
    let mut backoffs: Vec<_> = (0..clients)
        .map(|client| Backoff::new(client as u64))
        .collect();
    let mut dials: BinaryHeap<_> = backoffs
        .iter_mut()
        .enumerate()
        .map(|(client, backoff)| Reverse((Time::START + backoff.next(&policy, None).1, client)))
        .collect();
    let mut storm = Storm {
        dials: 0,
        healed: Duration::ZERO,
    };
    while let Some(Reverse((now, client))) = dials.pop() {
        storm.dials += 1;
        let who = Who::Back {
            booked: std::mem::replace(&mut booked[client], true),
        };
        match bucket.take(who, now, &settings) {
            Ok(()) => storm.healed = now.since(Time::START),
            Err(after) => {
                let after = Duration::from_millis(after.as_millis() as u64); // as the wire has it
                let (_, wait) = backoffs[client].next(&policy, Some(after));
                dials.push(Reverse((now + wait, client)));
            }
        }
    }
    storm
}

fn assert_heals(clients: usize, rate: u32) {
    let storm = storm(clients, rate);
    let each = storm.dials as f64 / clients as f64;
    let bound = clients as f64 / f64::from(rate) * 1.25 + 1.0;
    let healed = storm.healed.as_secs_f64();
    println!(
        "{clients} clients, {rate} a second: {each:.2} dials each, {healed:.1} s of {bound:.1} s"
    );
    assert!(each <= 2.2, "{each:.2} dials a client");
    assert!(healed <= bound, "{healed:.1} s, more than {bound:.1} s");
}

// [LOSS-3]
#[test]
fn ten_thousand_come_back_in_little_more_than_the_rate_allows_and_in_two_dials() {
    for rate in [500, 1_000, 2_000, 5_000, 10_000] {
        assert_heals(10_000, rate);
    }
}

#[test]
fn a_hundred_thousand_come_back_in_little_more_than_the_rate_allows_and_in_two_dials() {
    assert_heals(100_000, 1_000);
    assert_heals(100_000, 10_000);
}
