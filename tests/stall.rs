//! We stood still ourselves: nobody is dead because of that.

mod common;

use common::{MINUTE, On, SECOND, World, lost, names, on_resume, read, soon};
use sessile::{Config, Phase};

#[test]
fn a_stall_of_both_ends_for_three_leases_declares_nobody_dead() {
    let world = World::new();
    let (server, mut door) = world.server(Config::new());
    let pairs: Vec<_> = (0..20)
        .map(|n| world.pair(Config::new(), &mut door, &n.to_string()))
        .collect();
    let mut here: Vec<_> = pairs.iter().map(|(mine, _)| mine.events()).collect();
    let mut there = server.events();
    for _ in 0..5 {
        world.pass(7 * SECOND);
        world.stall(18 * SECOND);
    }
    world.pass(MINUTE);
    for (mine, theirs) in &pairs {
        assert_eq!(
            (mine.phase(), theirs.phase()),
            (Phase::LoggedIn, Phase::LoggedIn)
        );
        assert_eq!(mine.peer().epoch(), 1);
    }
    let quiet = |name: &&str| !["suspect", "recovered"].contains(name);
    assert_eq!(names(&mut there).into_iter().find(quiet), None);
    for events in &mut here {
        assert_eq!(names(events).into_iter().find(quiet), None);
    }
}

#[test]
fn a_stalled_server_declares_nobody_dead_and_takes_back_who_gave_it_up() {
    let world = World::new();
    let (server, mut door) = world.server(Config::new());
    let mut pairs: Vec<_> = (0..5)
        .map(|n| world.pair(soon(), &mut door, &n.to_string()))
        .collect();
    let mut there = server.events();
    world.pass(SECOND);
    for (mine, theirs) in &mut pairs {
        mine.try_send("under way").expect("room");
        theirs.try_send("under way").expect("room");
    }
    world.stall_one(On::Server, 18 * SECOND);
    world.pass(MINUTE);
    let names = names(&mut there);
    assert!(
        !names.contains(&"timed-out") && !names.contains(&"ended"),
        "{names:?}"
    );
    assert_eq!(server.sessions().len(), 5);
    for (mut mine, mut theirs) in pairs {
        let mut heard = [read(&mut mine), read(&mut theirs)];
        let (mut mine, mut theirs) = (world.back(mine), world.back(theirs));
        heard[0].extend(read(&mut mine));
        heard[1].extend(read(&mut theirs));
        assert_eq!(heard, [["under way"], ["under way"]]);
        assert_eq!(
            (mine.phase(), theirs.phase()),
            (Phase::LoggedIn, Phase::LoggedIn)
        );
    }
}

#[test]
fn a_stalled_client_does_not_declare_its_server_dead() {
    let world = World::new();
    let (_server, mut door) = world.server(Config::new());
    let (mine, theirs) = world.pair(soon(), &mut door, "alice");
    let (mut here, mut there) = (mine.events(), theirs.events());
    world.pass(SECOND);
    world.stall_one(On::Client, 18 * SECOND);
    world.pass(MINUTE);
    // The server was right to miss it; the client finds the link cut, and comes back.
    let names_here = names(&mut here);
    assert!(
        !names_here.contains(&"timed-out") && !names_here.contains(&"ended"),
        "{names_here:?}"
    );
    assert_eq!(
        names(&mut there),
        ["suspect", "timed-out", "link-up", "resumed"]
    );
    let (mine, theirs) = (world.back(mine), world.back(theirs));
    assert_eq!(
        (mine.phase(), theirs.phase()),
        (Phase::LoggedIn, Phase::LoggedIn)
    );
}

#[test]
fn a_stall_shorter_than_the_lease_is_not_noticed_by_anybody() {
    let world = World::new();
    let (_server, mut door) = world.server(Config::new());
    let (mine, theirs) = world.pair(soon(), &mut door, "alice");
    for on in [On::Client, On::Server] {
        let (mut here, mut there) = (mine.events(), theirs.events());
        world.pass(10 * SECOND);
        world.stall_one(on, 2 * SECOND);
        world.pass(10 * SECOND);
        assert_eq!((mine.peer().epoch(), theirs.peer().epoch()), (1, 1));
        assert!(!names(&mut here).contains(&"timed-out"));
        assert!(!names(&mut there).contains(&"timed-out"));
    }
}

#[test]
fn who_is_silent_after_our_stall_is_declared_dead_all_the_same() {
    let world = World::new();
    let (_server, mut door) = world.server(Config::new());
    let (_mine, theirs) = world.pair(on_resume(), &mut door, "alice");
    let mut there = theirs.events();
    world.pass(SECOND);
    world.black_hole(&world.link(), true);
    world.stall(18 * SECOND);
    assert_eq!(theirs.phase(), Phase::Suspect, "probed first");
    world.pass(2 * SECOND);
    assert_eq!(theirs.phase(), Phase::Suspect);
    world.pass(2 * SECOND);
    assert_eq!(theirs.phase(), Phase::Reconnecting);
    assert_eq!(names(&mut there), ["suspect", "timed-out"]);
}

#[test]
fn a_stalled_server_gives_an_absent_peer_the_time_that_it_was_away_itself() {
    let world = World::new();
    let (server, mut door) = world.server(Config::new().resume_window(30 * SECOND));
    let (mine, theirs) = world.pair(on_resume(), &mut door, "alice");
    world.cut();
    world.stall_one(On::Server, 20 * SECOND);
    assert_eq!(theirs.phase(), Phase::Reconnecting);
    world.stall_one(On::Server, 15 * SECOND); // 35 s after the loss
    assert_eq!(
        (theirs.phase(), server.sessions().len()),
        (Phase::Reconnecting, 1)
    );
    let mine = world.back(mine);
    assert_eq!(
        (mine.phase(), theirs.phase()),
        (Phase::LoggedIn, Phase::LoggedIn)
    );
}

#[test]
fn who_knocked_while_the_server_stood_still_beyond_the_window_is_let_in() {
    let world = World::new();
    let (server, mut door) = world.server(Config::new().resume_window(30 * SECOND));
    let (mut mine, mut theirs) = world.pair(on_resume(), &mut door, "alice");
    let mut there = theirs.events();
    world.cut();
    let lost = lost(&mut mine);
    mine = {
        let resume = world.spawn(mine.reconnect(lost).resume());
        world.stall_one(On::Server, 33 * SECOND);
        world.run_within(SECOND, resume).expect("it comes back")
    };
    // Each of the links that the client gave up meanwhile is read, too, in order.
    let names = names(&mut there);
    assert!(!names.contains(&"ended"), "{names:?}");
    assert_eq!(
        (mine.phase(), server.sessions().len()),
        (Phase::LoggedIn, 1)
    );
    assert!(theirs.try_recv().is_err(), "the loss is reported");
}

#[test]
fn messages_that_waited_through_a_stall_arrive_once_and_in_order() {
    let world = World::new();
    let (_server, mut door) = world.server(Config::new());
    let (mut mine, mut theirs) = world.pair(Config::new(), &mut door, "alice");
    for n in 0..3 {
        mine.try_send(&n.to_string()).expect("room");
        world.clock.advance(18 * SECOND); // before the link's task ran
        world.settle();
    }
    assert_eq!(read(&mut theirs), ["0", "1", "2"]);
    assert_eq!((mine.check(), theirs.check()), (Ok(()), Ok(())));
}
