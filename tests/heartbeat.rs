//! Heartbeats measure and keep alive, and change nothing else.

mod common;

use common::{MINUTE, MS, SECOND, World, names};
use sessile::{Config, Phase};

#[test]
fn a_heartbeat_tells_both_ends_the_round_trip_and_the_others_tick_and_changes_no_phase() {
    let world = World::new();
    let (server, mut door) = world.server(Config::new());
    let (mine, theirs) = world.pair(Config::new(), &mut door, "alice");
    let (mut here, mut there) = (mine.events(), theirs.events());
    assert_eq!(
        (mine.peer().round_trip(), theirs.peer().remote_tick()),
        (None, None)
    );
    world.network.set_delay(30 * MS);
    server.set_tick(41);
    mine.set_tick(7);
    world.pass(10 * SECOND);

    for snapshot in [mine.snapshot(), theirs.snapshot()] {
        let snapshot = snapshot.expect("alive");
        assert_eq!(snapshot.round_trip, Some(60 * MS));
        assert_eq!(snapshot.min_round_trip, Some(60 * MS));
        assert_eq!(snapshot.phase, Phase::LoggedIn);
    }
    assert_eq!(mine.peer().remote_tick(), Some(41));
    assert_eq!(theirs.peer().remote_tick(), Some(7));
    assert_eq!(names(&mut here), [] as [&str; 0]);
    assert_eq!(names(&mut there), [] as [&str; 0]);

    // Ticks are told anew, and a slower network shows.
    server.set_tick(42);
    world.network.set_delay(100 * MS);
    world.pass(MINUTE);
    assert_eq!(mine.peer().remote_tick(), Some(42));
    for snapshot in [mine.snapshot(), theirs.snapshot()] {
        let snapshot = snapshot.expect("alive");
        let smoothed = snapshot.round_trip.expect("measured");
        assert!(smoothed > 190 * MS && smoothed <= 200 * MS, "{smoothed:?}");
        assert_eq!(snapshot.min_round_trip, Some(60 * MS));
    }
}

#[test]
fn each_end_knows_how_far_the_others_clock_is_ahead() {
    let world = World::new();
    let (_server, mut door) = world.server(Config::new());
    world.pass(500 * SECOND); // a runtime's clock starts with it
    let (mine, theirs) = world.pair(Config::new(), &mut door, "alice");
    world.network.set_delay(20 * MS);
    world.pass(10 * SECOND);
    let ahead = 500_000_000;
    assert_eq!(
        mine.snapshot().expect("alive").clock_offset_micros,
        Some(ahead)
    );
    assert_eq!(
        theirs.snapshot().expect("alive").clock_offset_micros,
        Some(-ahead)
    );
}

#[test]
fn the_server_decides_how_often_and_how_long() {
    let world = World::new();
    let slow = Config::new().heartbeat_interval(20 * SECOND).lease(MINUTE);
    let (_server, mut door) = world.server(slow);
    let (mine, theirs) = world.pair(Config::new(), &mut door, "alice");
    let mut here = mine.events();
    world.black_hole(&world.link(), true);
    world.pass(29 * SECOND);
    assert_eq!(
        (mine.phase(), theirs.phase()),
        (Phase::LoggedIn, Phase::LoggedIn)
    );
    world.pass(2 * SECOND);
    assert_eq!(
        (mine.phase(), theirs.phase()),
        (Phase::Suspect, Phase::Suspect)
    );
    assert_eq!(names(&mut here), ["suspect"]);
}

#[test]
fn an_hour_of_nothing_but_heartbeats_is_an_hour_logged_in() {
    let world = World::new();
    let (_server, mut door) = world.server(Config::new());
    let (mine, theirs) = world.pair(Config::new(), &mut door, "alice");
    let (mut here, mut there) = (mine.events(), theirs.events());
    world.network.set_delay(200 * MS);
    world.pass(60 * MINUTE);
    assert_eq!(
        (mine.phase(), theirs.phase()),
        (Phase::LoggedIn, Phase::LoggedIn)
    );
    assert_eq!(names(&mut here), [] as [&str; 0]);
    assert_eq!(names(&mut there), [] as [&str; 0]);
}

#[test]
fn ticks_of_clients_do_not_mix() {
    let world = World::new();
    let (server, mut door) = world.server(Config::new());
    let pairs = [3u64, 1, 2].map(|tick| {
        let (mine, theirs) = world.pair(Config::new(), &mut door, &format!("peer {tick}"));
        mine.set_tick(tick);
        (mine, theirs)
    });
    world.pass(10 * SECOND);
    for tick in [1, 2, 3] {
        let peer = server
            .sessions()
            .get(format!("peer {tick}"))
            .expect("logged in");
        assert_eq!(peer.remote_tick(), Some(tick));
    }
    drop(pairs);
}
