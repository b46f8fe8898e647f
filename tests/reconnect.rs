//! The policy of coming back: how often, how patiently, and when no more.

mod common;

use common::{MINUTE, MS, SECOND, TICK, World, drain, lost, names, soon};
use sessile::{
    Closed, Config, Door, Ended, EventKind, Events, LoggedIn, Multi, Phase, Reason, Reconnect,
    ReconnectMode, Retry, Session,
};
use std::{collections::HashSet, time::Duration};

fn pair(
    world: &World,
    door: &mut Door,
    reconnect: Reconnect,
) -> (Session<LoggedIn>, Session<LoggedIn, Multi>) {
    world.pair(Config::new().reconnect(reconnect), door, "alice")
}

/// The attempts that were planned, and how long after the one before.
fn scheduled(events: &mut Events) -> Vec<(u32, Duration)> {
    let plan = |kind: EventKind| match kind {
        EventKind::ReconnectScheduled { attempt, after } => Some((attempt, after)),
        _ => None,
    };
    drain(events).into_iter().filter_map(plan).collect()
}

fn ended(mine: &Session<LoggedIn>) -> Closed {
    match mine.check() {
        Err(Ended::Closed(closed)) => closed,
        other => panic!("{other:?}"),
    }
}

#[test]
fn after_so_many_attempts_it_is_given_up() {
    let world = World::new();
    let (_server, mut door) = world.server(Config::new());
    let (mine, _theirs) = pair(&world, &mut door, Reconnect::new().attempts(3));
    let mut here = mine.events();
    world.network.refuse(true);
    world.cut();
    world.pass(MINUTE);
    let once = ["reconnect-scheduled", "reconnect-started"];
    assert_eq!(
        names(&mut here),
        [&["link-lost"], &once[..], &once, &once, &["ended"]].concat()
    );
    let closed = ended(&mine);
    assert_eq!(
        (closed.reason(), closed.retry()),
        (Reason::GaveUp, Retry::After(30 * SECOND))
    );
    assert_eq!(world.network.dials(), 1 + 3);
}

#[test]
fn when_the_budget_is_used_up_it_is_given_up_to_the_instant() {
    let world = World::new();
    let (_server, mut door) = world.server(Config::new());
    let budget = soon_with(|reconnect| reconnect.budget(5 * SECOND));
    let (mine, _theirs) = pair(&world, &mut door, budget);
    world.network.refuse(true);
    world.cut();
    world.pass(5 * SECOND - MS);
    assert_eq!(mine.phase(), Phase::Reconnecting);
    world.pass(MS + TICK);
    assert_eq!(ended(&mine).reason(), Reason::GaveUp);
    let dials = world.network.dials();
    world.pass(MINUTE);
    assert_eq!(world.network.dials(), dials);
}

fn soon_with(more: impl FnOnce(Reconnect) -> Reconnect) -> Reconnect {
    more(Reconnect::new().base(10 * MS).cap(100 * MS))
}

#[test]
fn without_a_limit_it_is_given_up_when_the_server_has_forgotten() {
    let world = World::new();
    let (_server, mut door) = world.server(Config::new().resume_window(20 * SECOND));
    let (mine, _theirs) = pair(&world, &mut door, soon_with(|reconnect| reconnect));
    world.network.refuse(true);
    world.cut();
    world.pass(25 * SECOND); // the server may have missed us a lease later
    assert_eq!(mine.phase(), Phase::Reconnecting);
    world.pass(SECOND + TICK);
    assert_eq!(ended(&mine).reason(), Reason::GaveUp);
}

#[test]
fn retry_now_dials_at_once_whatever_was_planned() {
    let world = World::new();
    let (_server, mut door) = world.server(Config::new().resume_window(60 * MINUTE));
    let patient = Reconnect::new().base(10 * MINUTE).cap(10 * MINUTE);
    let (mine, _theirs) = pair(&world, &mut door, patient);
    let mut here = mine.events();
    world.network.fail_dials(1);
    world.cut();
    let peer = mine.peer();
    peer.retry_now();
    world.settle();
    assert_eq!(
        names(&mut here),
        [
            "link-lost",
            "reconnect-scheduled",
            "reconnect-started",
            "reconnect-scheduled"
        ]
    );
    peer.retry_now();
    world.settle();
    assert_eq!(names(&mut here), ["reconnect-started", "resumed"]);
    assert_eq!((mine.phase(), world.network.dials()), (Phase::LoggedIn, 3));
    peer.retry_now(); // it waits for nothing
    world.settle();
    assert_eq!((names(&mut here).len(), world.network.dials()), (0, 3));
}

#[test]
fn retry_now_does_not_dial_for_a_session_that_nobody_waits_for() {
    let world = World::new();
    let (_server, mut door) = world.server(Config::new());
    let on_resume = soon_with(|reconnect| reconnect.mode(ReconnectMode::OnResume));
    let (mine, _theirs) = pair(&world, &mut door, on_resume);
    world.network.refuse(true);
    world.cut();
    mine.peer().retry_now();
    world.pass(MINUTE);
    assert_eq!(world.network.dials(), 1, "only while `resume` is awaited");
}

#[test]
fn it_comes_back_when_dials_work_again_however_many_failed() {
    let world = World::new();
    let (_server, mut door) = world.server(Config::new());
    let (mine, theirs) = world.pair(soon(), &mut door, "alice");
    let mut here = mine.events();
    world.network.fail_dials(7);
    world.cut();
    world.pass(10 * SECOND);
    assert_eq!(
        (mine.phase(), theirs.phase()),
        (Phase::LoggedIn, Phase::LoggedIn)
    );
    assert_eq!((world.network.dials(), mine.peer().epoch()), (1 + 7 + 1, 2));
    let attempts: Vec<u32> = scheduled(&mut here)
        .iter()
        .map(|(attempt, _)| *attempt)
        .collect();
    assert_eq!(attempts, [1, 2, 3, 4, 5, 6, 7, 8]);
}

#[test]
fn waits_double_up_to_the_cap_and_are_random_from_the_first_to_the_last() {
    let mut first = HashSet::new();
    let mut at_cap = HashSet::new();
    let mut widest = [Duration::ZERO; 9];
    for _ in 0..30 {
        let world = World::new();
        let (_server, mut door) = world.server(Config::new().resume_window(60 * MINUTE));
        let (mine, _theirs) = pair(&world, &mut door, Reconnect::new());
        let mut here = mine.events();
        world.network.refuse(true);
        world.cut();
        world.pass(10 * MINUTE);
        let waits = scheduled(&mut here);
        for ((attempt, after), widest) in waits.iter().zip(&mut widest) {
            let bound = (SECOND * (1 << (attempt - 1))).min(30 * SECOND);
            assert!(*after <= bound, "attempt {attempt} after {after:?}");
            *widest = (*widest).max(*after);
        }
        first.insert(waits[0].1);
        at_cap.insert(waits[8].1);
    }
    assert!(
        first.len() > 25 && at_cap.len() > 25,
        "{first:?} {at_cap:?}"
    );
    // Full jitter: of 30, the longest is beyond half of what is allowed (but for one case in 2^30).
    assert!(
        widest[0] > SECOND / 2 && widest[8] > 15 * SECOND,
        "{widest:?}"
    );
    assert!(widest[3] > 4 * SECOND, "{widest:?}");
}

#[test]
fn the_series_begins_anew_only_after_a_link_was_stable_for_a_while() {
    let world = World::new();
    let (_server, mut door) = world.server(Config::new());
    let (mine, _theirs) = pair(&world, &mut door, soon_with(|reconnect| reconnect));
    let mut here = mine.events();
    let mut attempts = Vec::new();
    for up in [31 * SECOND, 10 * SECOND, 28 * SECOND, 31 * SECOND, SECOND] {
        world.pass(up);
        world.cut();
        attempts.extend(scheduled(&mut here).into_iter().map(|(attempt, _)| attempt));
        world.pass(500 * MS);
        assert_eq!(mine.phase(), Phase::LoggedIn);
    }
    assert_eq!(attempts, [1, 2, 3, 1, 2]);
}

#[test]
fn attempts_count_over_links_that_were_not_stable() {
    let world = World::new();
    let (_server, mut door) = world.server(Config::new());
    let limited = soon_with(|reconnect| reconnect.attempts(3));
    let (mine, _theirs) = pair(&world, &mut door, limited);
    for _ in 0..3 {
        world.cut();
        world.pass(SECOND);
        assert_eq!(mine.phase(), Phase::LoggedIn);
    }
    world.cut();
    world.pass(SECOND);
    assert_eq!(ended(&mine).reason(), Reason::GaveUp);
}

#[test]
fn a_link_that_answers_nothing_is_given_up_and_dialed_anew() {
    let world = World::new();
    let (_server, mut door) = world.server(Config::new());
    let (mut mine, theirs) = world.pair(soon(), &mut door, "alice");
    let mut here = mine.events();
    world.network.set_delay(5 * MS);
    world.cut();
    let mut holes = 2;
    world.pass_watching(MINUTE, |link| {
        if holes > 0 {
            holes -= 1;
            world.black_hole(link, true);
        }
    });
    assert_eq!(
        (mine.phase(), theirs.phase()),
        (Phase::LoggedIn, Phase::LoggedIn)
    );
    assert_eq!(scheduled(&mut here).len(), 3);
    assert_eq!(lost(&mut mine).epoch(), 1);
}

#[test]
fn a_dial_that_hangs_ends_at_the_dial_timeout() {
    let world = World::new();
    let (_server, mut door) = world.server(Config::new());
    let config = soon().dial_timeout(2 * SECOND);
    let (mine, _theirs) = world.pair(config, &mut door, "alice");
    let mut here = mine.events();
    world.network.set_delay(MINUTE);
    world.cut();
    world.pass(5 * SECOND);
    assert!((2..=3).contains(&scheduled(&mut here).len()));
    world.network.set_delay(Duration::ZERO);
    world.pass(5 * SECOND);
    assert_eq!(mine.phase(), Phase::LoggedIn);
}
