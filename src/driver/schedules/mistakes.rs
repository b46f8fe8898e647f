//! Schedules that are tried find mistakes: each of these is seeded, and must be found.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use super::{SCHEDULES, gates, owners, sessions, try_schedules};
use crate::driver::race::{Race, choose};

/// Seeds the mistake, and says how many schedules it took to find it.
fn found(race: Race, life: fn()) {
    let tried = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&tried);
    let trying = move || {
        choose(race);
        let counted = move || {
            tried.fetch_add(1, Ordering::Relaxed);
            life();
        };
        catch_unwind(AssertUnwindSafe(|| try_schedules(counted, SCHEDULES)))
    };
    // All of it runs on one thread, a new one: the mistake is its alone.
    let outcome = thread::spawn(trying).join().unwrap();
    let tried = seen.load(Ordering::Relaxed);
    assert!(
        outcome.is_err(),
        "{race:?} was not found in {tried} schedules"
    );
    println!("{race:?}: found by schedule {tried}");
}

#[test]
fn who_sits_down_late_is_found() {
    found(Race::SitsDownLate, sessions::conversing);
}

#[test]
fn owners_that_are_counted_in_two_steps_are_found() {
    found(Race::OwnersInTwoSteps, owners::reviving);
}

#[test]
fn a_link_that_enters_a_closed_gate_is_found() {
    found(Race::EntersClosedGate, gates::entering);
}

#[test]
fn a_gate_that_waits_for_hosts_that_went_is_found() {
    found(Race::LastHostUnheard, sessions::hosting);
}

#[test]
fn who_is_let_in_after_closing_is_found() {
    found(Race::LetInAfterClosing, sessions::letting_in);
}
