//! The way back when something on it is lost, and when there is nothing left to come back to.

mod common;

use common::{MINUTE, MS, SECOND, TICK, World, lost, names, on_resume, read, soon};
use futures::future::join;
use sessile::{
    Config, Credentials, Door, Ended, Fate, Identity, LoggedIn, Multi, Phase, Reason, Reconnecting,
    ResumeError, Retry, Session, Takeover, Undelivered, transport::memory::Direction,
};
use std::time::Duration;

/// Logs in over a link that breaks after so many bytes of the server's answer.
fn welcome_is_lost(
    world: &World,
    door: &mut Door,
    bytes: u64,
) -> (Session<sessile::Connecting>, Session<LoggedIn, Multi>) {
    let session = world.connect(soon());
    world.link().cut_after(bytes, Direction::ToDialer);
    let me = Credentials::token("alice");
    let admit = async {
        let peer = door.next().await.expect("a peer");
        peer.try_admit(alice()).await
    };
    let (outcome, theirs) = world.run(join(session.login(&me), admit));
    let error = outcome.expect_err("the welcome is lost");
    assert_eq!(
        (error.closed().reason(), error.retry()),
        (Reason::LinkLost, Retry::Now)
    );
    (error.into_session(), theirs.expect("nobody holds it"))
}

fn alice() -> Identity {
    Identity::new("alice").expect("short")
}

fn fates(undelivered: &[Undelivered]) -> Vec<(u64, String, Fate)> {
    let one = |one: &Undelivered| {
        let mut text = String::from_utf8(one.message().to_vec()).expect("text");
        text.truncate(text.trim_end_matches('.').len());
        (one.sequence(), text, one.fate())
    };
    undelivered.iter().map(one).collect()
}

/// Sends more than a link holds that passes nothing on: the last of these is never written.
fn clog(world: &World, mine: &mut Session<LoggedIn>) {
    world.settle();
    world.network.set_delay(MINUTE);
    for name in ["a", "b", "c"] {
        mine.try_send(&format!("{name:.<40000}")).expect("room");
        world.settle();
    }
    world.network.set_delay(Duration::ZERO);
}

fn gone(world: &World, mine: Session<Reconnecting>) -> ResumeError {
    world
        .run_within(5 * MINUTE, mine.resume())
        .expect_err("it is over")
}

fn give_up(world: &World, mut mine: Session<LoggedIn>) -> ResumeError {
    let lost = lost(&mut mine);
    gone(world, mine.reconnect(lost))
}

#[test]
fn a_lost_welcome_locks_nobody_out_and_nobody_hears_that_his_ghost_was_taken_over() {
    for policy in [Takeover::Replace, Takeover::Reject, Takeover::Ask] {
        for bytes in [1, 20, 60] {
            let world = World::new();
            let (server, mut door) = world.server(Config::new().takeover(policy));
            let mut there = server.events();
            let (session, mut ghost) = welcome_is_lost(&world, &mut door, bytes);
            let me = Credentials::token("alice");
            let admit = async {
                let peer = door.next().await.expect("a peer");
                peer.try_admit(alice()).await
            };
            let (mine, theirs) = world.run(join(session.login(&me), admit));
            let (mine, theirs) = (mine.expect("admitted"), theirs.expect("its own ghost"));
            let Err(Ended::Closed(closed)) = ghost.try_recv() else {
                panic!("the ghost lives");
            };
            assert_eq!(closed.reason(), Reason::Superseded);
            assert_eq!(
                (mine.phase(), theirs.phase()),
                (Phase::LoggedIn, Phase::LoggedIn)
            );
            assert_eq!(server.sessions().len(), 1);
            assert!(!names(&mut there).contains(&"taken-over"));
        }
    }
}

#[test]
fn a_client_that_never_proved_its_welcome_is_gone_at_the_login_deadline() {
    let world = World::new();
    let (server, mut door) = world.server(Config::new());
    let session = world.connect(soon());
    let link = world.link();
    link.black_hole(Direction::ToDialer, true);
    let me = Credentials::token("alice");
    let login = world.spawn(session.login(&me));
    let peer = world.run(door.next()).expect("a peer");
    let mut theirs = peer.admit(1u64);
    world.pass(5 * SECOND - TICK);
    assert!(theirs.phase().is_up());
    world.pass(2 * TICK);
    let Err(Ended::Closed(closed)) = theirs.try_recv() else {
        panic!("it lives on");
    };
    assert_eq!(closed.reason(), Reason::NeverProven);
    assert!(server.sessions().is_empty());
    assert!(world.run(login).is_err());
}

#[test]
fn a_lost_resumed_locks_nobody_out() {
    for bytes in [0, 1, 20, 40] {
        let world = World::new();
        let (_server, mut door) = world.server(Config::new());
        let (mut mine, mut theirs) = world.pair(soon(), &mut door, "alice");
        theirs.try_send("before").expect("room");
        mine.try_send("before").expect("room");
        world.network.set_delay(5 * MS);
        world.cut();
        // Three answers in a row are lost.
        let mut doomed = 3;
        world.pass_watching(3 * SECOND, |link| {
            if doomed > 0 {
                doomed -= 1;
                link.cut_after(bytes, Direction::ToDialer);
            }
        });
        assert_eq!(
            (doomed, world.network.dials()),
            (0, 5),
            "one login, three lost, one that holds"
        );
        let mut heard = [read(&mut mine), read(&mut theirs)];
        let (mut mine, mut theirs) = (world.back(mine), world.back(theirs));
        heard[0].extend(read(&mut mine));
        heard[1].extend(read(&mut theirs));
        assert_eq!(heard, [["before"], ["before"]]);
        assert_eq!((mine.check(), theirs.check()), (Ok(()), Ok(())));
    }
}

#[test]
fn what_was_not_delivered_within_the_window_is_listed_exactly_on_both_ends() {
    let world = World::new();
    let (server, mut door) = world.server(Config::new().resume_window(10 * SECOND));
    let (mut mine, mut theirs) = world.pair(on_resume(), &mut door, "alice");
    for n in 0..4 {
        mine.try_send(&format!("up {n}")).expect("room");
        theirs.try_send(&format!("down {n}")).expect("room");
    }
    world.settle();
    for _ in 0..2 {
        theirs.try_recv().expect("up").expect("a message");
    }
    mine.try_recv().expect("up").expect("a message");
    world.pass(SECOND); // the acknowledgements arrive
    world.link().black_hole(Direction::ToDialer, true);
    theirs.try_recv().expect("up").expect("a message"); // this one's acknowledgement does not
    clog(&world, &mut mine);
    world.cut();
    let peer = server.sessions().get("alice").expect("kept");
    peer.try_send("while it was down").expect("room");
    world.pass(11 * SECOND);
    assert_eq!(theirs.phase(), Phase::Ended);

    // Who proves that it was its session learns the reason, and what was taken at last.
    assert_eq!(read(&mut mine), ["down 1", "down 2", "down 3"]);
    let error = give_up(&world, mine);
    assert_eq!(
        (error.closed().reason(), error.retry()),
        (Reason::Expired, Retry::Now)
    );
    assert_eq!(
        fates(error.undelivered()),
        [
            (3, "up 3".to_owned(), Fate::Unknown),
            (4, "a".to_owned(), Fate::Unknown),
            (5, "b".to_owned(), Fate::Unknown),
            (6, "c".to_owned(), Fate::NeverSent),
        ]
    );
    let Err(Ended::Closed(closed)) = theirs.try_recv() else {
        panic!("an expired session's mailbox is dropped");
    };
    assert_eq!(closed.reason(), Reason::Expired);
    let undelivered = world.run(theirs.close(""));
    assert_eq!(
        fates(&undelivered),
        [
            (1, "down 1".to_owned(), Fate::Unknown),
            (2, "down 2".to_owned(), Fate::Unknown),
            (3, "down 3".to_owned(), Fate::Unknown),
            (4, "while it was down".to_owned(), Fate::NeverSent),
        ]
    );
}

#[test]
fn an_expired_client_logs_in_anew_with_the_session_it_gets_back() {
    let world = World::new();
    let (_server, mut door) = world.server(Config::new().resume_window(10 * SECOND));
    let (mut mine, _theirs) = world.pair(on_resume(), &mut door, "alice");
    mine.try_send("old").expect("room");
    world.network.cut();
    world.pass(11 * SECOND);
    let mut error = give_up(&world, mine);
    let undelivered = error.take_undelivered();
    let session = error.into_connecting().expect("a new login makes sense");
    let (mut mine, mut theirs) = world.log_in(session, &mut door, "alice");
    mine.try_send(undelivered[0].message()).expect("room");
    world.settle();
    assert_eq!(read(&mut theirs), ["old"]);
    let snapshot = mine.snapshot().expect("alive");
    assert_eq!(
        (snapshot.sent, snapshot.resumed),
        (1, 0),
        "numbers begin anew"
    );
}

#[test]
fn long_after_the_end_the_session_is_gone() {
    let world = World::new();
    let (_server, mut door) = world.server(Config::new().resume_window(10 * SECOND));
    let (mine, theirs) = world.pair(on_resume(), &mut door, "alice");
    world.cut();
    drop(theirs);
    world.pass(12 * SECOND); // forgotten there; here it is not given up before a lease more
    let (_bob, _theirs) = world.pair(on_resume(), &mut door, "bob"); // in the slot that was free
    let error = give_up(&world, mine);
    assert_eq!(
        (error.closed().reason(), error.retry()),
        (Reason::Gone, Retry::Now)
    );
}

#[test]
fn after_a_restart_of_the_server_the_session_is_gone_and_a_new_login_works() {
    let world = World::new();
    let (server, mut door) = world.server(Config::new());
    let (mut mine, theirs) = world.pair(soon(), &mut door, "alice");
    mine.try_send("in flight").expect("room");
    // A crash says nothing: the links break before the runtime goes.
    world.network.refuse(true);
    world.cut();
    drop((theirs, door, server));
    world.pass(SECOND);
    let (server, mut door) = world.server(Config::new());
    world.network.refuse(false);
    let lost = lost(&mut mine);
    let mut error = gone(&world, mine.reconnect(lost));
    assert_eq!(
        (error.closed().reason(), error.retry()),
        (Reason::Gone, Retry::Now)
    );
    assert_eq!(
        fates(&error.take_undelivered()),
        [(0, "in flight".to_owned(), Fate::Unknown)]
    );
    assert!(server.sessions().is_empty());
    let session = error.into_connecting().expect("a new login makes sense");
    let (mine, _theirs) = world.log_in(session, &mut door, "alice");
    assert_eq!(
        (mine.phase(), server.sessions().len()),
        (Phase::LoggedIn, 1)
    );
}

#[test]
fn giving_up_ends_at_once_and_hands_out_what_was_not_delivered() {
    let world = World::new();
    let (_server, mut door) = world.server(Config::new());
    let (mut mine, mut theirs) = world.pair(on_resume(), &mut door, "alice");
    mine.try_send("sent").expect("room");
    clog(&world, &mut mine);
    world.cut();
    let lost = lost(&mut mine);
    let mut error = mine.reconnect(lost).give_up();
    assert_eq!(error.closed().reason(), Reason::GaveUp);
    assert_eq!(
        fates(&error.take_undelivered()),
        [
            (0, "sent".to_owned(), Fate::Unknown),
            (1, "a".to_owned(), Fate::Unknown),
            (2, "b".to_owned(), Fate::Unknown),
            (3, "c".to_owned(), Fate::NeverSent),
        ]
    );
    let session = error.into_connecting().expect("a new login makes sense");
    world.pass(10 * SECOND);
    assert_eq!(
        read(&mut theirs),
        ["sent"],
        "what had arrived is read first"
    );
    let (mut mine, mut theirs) = world.log_in(session, &mut door, "alice");
    mine.try_send("new").expect("room");
    world.settle();
    assert_eq!(read(&mut theirs), ["new"]);
}

#[test]
fn a_window_of_zero_keeps_nothing() {
    let world = World::new();
    let (server, mut door) = world.server(Config::new().resume_window(Duration::ZERO));
    let (mine, theirs) = world.pair(on_resume(), &mut door, "alice");
    world.cut();
    assert_eq!((theirs.phase(), server.sessions().len()), (Phase::Ended, 0));
    let error = give_up(&world, mine);
    assert!(matches!(
        error.closed().reason(),
        Reason::Expired | Reason::Gone | Reason::GaveUp
    ));
}
