//! The end: what is read before it, what was not taken, and what each side hears.

mod common;

use common::{MINUTE, SECOND, TICK, World, lost, names, on_resume, read, soon};
use futures::future::join;
use sessile::{
    Closed, Config, Ended, Fate, LoggedIn, Mode, Phase, Reason, Retry, SendError, Session,
    Undelivered,
};

fn closed<M: Mode>(session: &mut Session<LoggedIn, M>) -> Closed {
    match session.try_recv() {
        Err(Ended::Closed(closed)) => closed,
        other => panic!("it is not over: {other:?}"),
    }
}

fn texts(undelivered: &[Undelivered]) -> Vec<String> {
    let text = |one: &Undelivered| String::from_utf8_lossy(one.message()).into_owned();
    undelivered.iter().map(text).collect()
}

#[test]
fn what_was_sent_before_a_close_is_delivered_and_then_the_reason_is_read() {
    let world = World::new();
    let (server, mut door) = world.server(Config::new());
    let (mut mine, mut theirs) = world.pair(soon(), &mut door, "alice");
    for n in 0..3 {
        mine.try_send(&n.to_string()).expect("room");
    }
    let close = mine.close("gone fishing");
    world.settle();
    assert_eq!(theirs.phase(), Phase::Ended);
    assert_eq!(read(&mut theirs), ["0", "1", "2"]);
    let end = closed(&mut theirs);
    assert_eq!(
        (end.reason(), end.text()),
        (Reason::ClosedByPeer, Some("gone fishing"))
    );
    assert_eq!(end.retry(), Retry::Never);
    assert!(matches!(
        theirs.try_send("x"),
        Err(SendError::Ended(Ended::Closed(_)))
    ));
    assert_eq!(world.run(close), [], "all of it was taken");
    assert!(server.sessions().is_empty());
}

#[test]
fn close_returns_exactly_what_the_peer_did_not_take() {
    let world = World::new();
    let (_server, mut door) = world.server(Config::new());
    let (mut mine, mut theirs) = world.pair(soon(), &mut door, "alice");
    for n in 0..5 {
        mine.try_send(&n.to_string()).expect("room");
    }
    world.settle();
    theirs.try_recv().expect("up").expect("a message");
    theirs.try_recv().expect("up").expect("a message"); // acknowledged by CLOSED alone
    let close = mine.close("bye");
    world.settle();
    theirs.try_recv().expect("readable").expect("a message");
    drop(theirs); // two were never read
    let undelivered = world.run_within(MINUTE, close);
    assert_eq!(texts(&undelivered), ["3", "4"]);
    assert!(undelivered.iter().all(|one| one.fate() == Fate::Unknown));
    assert_eq!(undelivered[0].sequence(), 3);
}

#[test]
fn a_close_that_is_never_answered_lingers_for_as_long_as_configured() {
    let world = World::new();
    let (_server, mut door) = world.server(Config::new());
    let lingering = on_resume().close_linger(3 * SECOND);
    let (mut mine, _theirs) = world.pair(lingering, &mut door, "alice");
    mine.try_send("into the hole").expect("room");
    world.black_hole(&world.link(), true);
    let began = world.clock.now();
    let undelivered = world.run_within(MINUTE, mine.close("bye"));
    let took = world.clock.now() - began;
    assert!(took >= 3 * SECOND && took <= 3 * SECOND + TICK, "{took:?}");
    assert_eq!(texts(&undelivered), ["into the hole"]);
}

#[test]
fn a_close_while_the_link_is_down_comes_back_once_to_say_so() {
    let world = World::new();
    let (_server, mut door) = world.server(Config::new());
    let (mut mine, mut theirs) = world.pair(on_resume(), &mut door, "alice");
    world.cut();
    let dials = world.network.dials();
    let lost = lost(&mut mine);
    let close = mine.reconnect(lost).close("bye");
    let undelivered = world.run_within(MINUTE, close);
    assert_eq!((undelivered.len(), world.network.dials()), (0, dials + 1));
    let lost = common::lost(&mut theirs); // that happened before
    let gone = world.run(theirs.reconnect(lost).resume());
    let end = gone.expect_err("closed").closed().clone();
    assert_eq!(
        (end.reason(), end.text()),
        (Reason::ClosedByPeer, Some("bye"))
    );
}

#[test]
fn a_close_that_cannot_come_back_gives_up_and_the_peers_session_expires() {
    let world = World::new();
    let (_server, mut door) = world.server(Config::new());
    let (mut mine, mut theirs) = world.pair(on_resume(), &mut door, "alice");
    mine.try_send("lost").expect("room");
    world.network.cut();
    world.settle();
    world.network.refuse(true);
    let lost = lost(&mut mine);
    let dials = world.network.dials();
    let undelivered = world.run_within(3 * SECOND, mine.reconnect(lost).close("bye"));
    assert_eq!(texts(&undelivered), ["lost"]);
    assert_eq!(world.network.dials(), dials + 1);
    world.pass(3 * MINUTE);
    assert_eq!(closed(&mut theirs).reason(), Reason::Expired);
    assert_eq!(world.network.dials(), dials + 1);
}

#[test]
fn a_close_that_meets_a_loss_says_so_on_the_next_link() {
    let world = World::new();
    let (_server, mut door) = world.server(Config::new());
    let (mut mine, mut theirs) = world.pair(soon(), &mut door, "alice");
    mine.try_send("last words").expect("room");
    let close = mine.close("bye");
    world.network.cut(); // before CLOSE was written
    world.settle();
    let lost = lost(&mut theirs);
    let mut theirs = world
        .run(theirs.reconnect(lost).resume())
        .expect("there is mail");
    assert_eq!(read(&mut theirs), ["last words"]);
    let end = closed(&mut theirs);
    assert_eq!(
        (end.reason(), end.text()),
        (Reason::ClosedByPeer, Some("bye"))
    );
    assert_eq!(world.run(close), [], "it was taken");
}

#[test]
fn a_server_that_closes_tells_its_client_why() {
    let world = World::new();
    let (server, mut door) = world.server(Config::new());
    let (mut mine, mut theirs) = world.pair(soon(), &mut door, "alice");
    let mut here = mine.events();
    theirs.try_send("final score").expect("room");
    let close = theirs.close("the season is over");
    world.settle();
    assert_eq!(read(&mut mine), ["final score"]);
    let end = closed(&mut mine);
    assert_eq!(
        (end.reason(), end.text()),
        (Reason::ClosedByPeer, Some("the season is over"))
    );
    assert_eq!(world.run(close), []);
    assert_eq!(names(&mut here), ["ended"]);
    world.pass(MINUTE);
    assert_eq!((world.network.dials(), server.sessions().len()), (1, 0));
}

#[test]
fn a_server_that_closes_while_the_link_is_down_lets_its_client_hear_of_it() {
    let world = World::new();
    let (_server, mut door) = world.server(Config::new());
    let (mut mine, mut theirs) = world.pair(on_resume(), &mut door, "alice");
    world.cut();
    let lost_there = lost(&mut theirs);
    assert_eq!(
        world.run(theirs.reconnect(lost_there).close("too late")),
        []
    );
    let lost_here = lost(&mut mine);
    let gone = world
        .run_within(MINUTE, mine.reconnect(lost_here).resume())
        .expect_err("closed");
    assert_eq!(gone.closed().reason(), Reason::ClosedByPeer);
    assert_eq!(
        (gone.closed().text(), gone.retry()),
        (Some("too late"), Retry::Never)
    );
}

#[test]
fn both_may_close_at_once() {
    let world = World::new();
    let (server, mut door) = world.server(Config::new());
    let (mut mine, mut theirs) = world.pair(soon(), &mut door, "alice");
    mine.try_send("up").expect("room");
    theirs.try_send("down").expect("room");
    let began = world.clock.now();
    let (mine, theirs) = world.run_within(MINUTE, join(mine.close("bye"), theirs.close("bye")));
    assert_eq!(
        (texts(&mine), texts(&theirs)),
        (vec!["up".to_owned()], vec!["down".to_owned()])
    );
    assert_eq!(world.clock.now(), began, "nobody waits for anything");
    assert!(server.sessions().is_empty());
}

#[test]
fn a_session_that_is_dropped_closes_and_a_close_that_is_not_awaited_goes_on() {
    for awaited in [false, true] {
        let world = World::new();
        let (server, mut door) = world.server(Config::new());
        let (mut mine, mut theirs) = world.pair(soon(), &mut door, "alice");
        mine.try_send("before").expect("room");
        if awaited {
            drop(mine.close("bye"));
        } else {
            drop(mine);
        }
        world.settle();
        assert_eq!(read(&mut theirs), ["before"]);
        let end = closed(&mut theirs);
        assert_eq!(end.reason(), Reason::ClosedByPeer);
        assert_eq!(end.text(), awaited.then_some("bye"));
        world.pass(MINUTE);
        assert_eq!((world.network.dials(), server.sessions().len()), (1, 0));
    }
}

#[test]
fn a_peers_reason_is_escaped_and_cut_to_what_a_log_can_take() {
    let world = World::new();
    let (_server, mut door) = world.server(Config::new());
    let (mine, mut theirs) = world.pair(soon(), &mut door, "alice");
    drop(mine.close(&format!("a\nb\u{1b}[31m{}", "x".repeat(300))));
    world.settle();
    let end = closed(&mut theirs);
    let text = end.text().expect("a text");
    assert!(
        text.starts_with("a\\nb\\u{1b}[31mxxx") && text.len() <= 128,
        "{text}"
    );
}
