//! Many peers of one server: each its own session, none another's trouble.

mod common;

use common::{MINUTE, SECOND, World, drain, lost, names, on_resume, read};
use sessile::{
    Config, Ended, Identity, LoggedIn, Phase, Reason, Retry, SendError, Session, Sessions,
};
use std::collections::HashSet;

fn identities(sessions: &Sessions) -> HashSet<String> {
    let identity = |peer: sessile::Peer| Some(peer.identity()?.as_str()?.to_owned());
    sessions.iter().filter_map(identity).collect()
}

fn names_of<const N: usize>(names: [&str; N]) -> HashSet<String> {
    names.map(str::to_owned).into()
}

#[test]
fn a_peer_that_falls_silent_leaves_the_others_as_they_were() {
    let world = World::new();
    let (server, mut door) = world.server(Config::new());
    let (alice, _alice) = world.pair(on_resume(), &mut door, "alice");
    let link = world.link();
    let (bob, _bob) = world.pair(on_resume(), &mut door, "bob");
    alice.set_tick(1);
    bob.set_tick(2);
    world.pass(10 * SECOND);
    let mut events = server.events();
    world.black_hole(&link, true);
    alice.set_tick(10);
    bob.set_tick(20);
    world.pass(10 * SECOND);

    let sessions = server.sessions();
    let [first, second] = ["alice", "bob"].map(|name| sessions.get(name).expect("kept"));
    assert_eq!(
        (first.phase(), first.remote_tick()),
        (Phase::Reconnecting, Some(1))
    );
    assert_eq!(
        (second.phase(), second.remote_tick()),
        (Phase::LoggedIn, Some(20))
    );
    assert_eq!(
        (alice.phase(), bob.phase()),
        (Phase::Reconnecting, Phase::LoggedIn)
    );
    assert_eq!(names(&mut events), ["suspect", "timed-out"]);
    assert_eq!(identities(&sessions), names_of(["alice", "bob"]));
}

#[test]
fn removing_one_peer_leaves_the_others_as_they_were_and_it_hears_why() {
    let world = World::new();
    let (server, mut door) = world.server(Config::new());
    let [mut alice, mut bob, mut carol] =
        ["alice", "bob", "carol"].map(|name| world.pair(Config::new(), &mut door, name));
    let sessions = server.sessions();
    let mut events = [alice.0.events(), carol.0.events()];
    assert_eq!(sessions.len(), 3);

    assert!(sessions.remove("bob", "too loud"));
    world.settle();
    assert_eq!(identities(&sessions), names_of(["alice", "carol"]));
    assert_eq!((sessions.len(), sessions.contains("bob")), (2, false));
    assert!(
        !sessions.remove("bob", "twice"),
        "there is nobody to remove"
    );
    let Err(Ended::Closed(closed)) = bob.0.try_recv() else {
        panic!("it goes on");
    };
    assert_eq!(
        (closed.reason(), closed.text()),
        (Reason::Removed, Some("too loud"))
    );
    assert_eq!(closed.retry(), Retry::Never);
    let Err(Ended::Closed(closed)) = bob.1.try_recv() else {
        panic!("it goes on");
    };
    assert_eq!(
        (closed.reason(), closed.text()),
        (Reason::Removed, Some("too loud"))
    );

    world.pass(MINUTE);
    for ((mine, theirs), events) in [&mut alice, &mut carol].into_iter().zip(&mut events) {
        assert_eq!(
            (mine.phase(), theirs.phase()),
            (Phase::LoggedIn, Phase::LoggedIn)
        );
        assert_eq!((mine.epoch(), mine.check()), (1, Ok(())));
        mine.try_send("still here").expect("room");
        world.settle();
        assert_eq!(read(theirs), ["still here"]);
        assert_eq!(names(events), [] as [&str; 0]);
    }
    assert_eq!(
        world.network.dials(),
        3,
        "who was removed does not come back by itself"
    );
}

#[test]
fn a_removed_peer_reads_nothing_that_came_before_and_its_identity_is_free() {
    let world = World::new();
    let (server, mut door) = world.server(Config::new());
    let (mut mine, mut theirs) = world.pair(Config::new(), &mut door, "alice");
    mine.try_send("unread").expect("room");
    world.settle();
    server
        .sessions()
        .get("alice")
        .expect("here")
        .remove("kicked");
    world.settle();
    assert_eq!(read(&mut theirs), [] as [&str; 0]);
    let (again, _theirs) = world.pair(Config::new(), &mut door, "alice");
    assert_eq!(
        (again.phase(), server.sessions().len()),
        (Phase::LoggedIn, 1)
    );
    assert!(mine.check().is_err());
}

#[test]
fn a_peer_that_was_removed_while_its_link_was_down_hears_of_it_when_it_comes_back() {
    let world = World::new();
    let (server, mut door) = world.server(Config::new());
    let (mut mine, _theirs) = world.pair(on_resume(), &mut door, "alice");
    world.cut();
    server.sessions().remove("alice", "too late");
    let lost = lost(&mut mine);
    let gone = world
        .run_within(MINUTE, mine.reconnect(lost).resume())
        .expect_err("removed");
    assert_eq!(gone.closed().reason(), Reason::Removed);
    assert_eq!(
        (gone.closed().text(), gone.retry()),
        (Some("too late"), Retry::Never)
    );
    assert!(gone.into_connecting().is_err());
}

#[test]
fn a_broadcast_counts_who_took_it_and_names_who_did_not() {
    let world = World::new();
    let (server, mut door) = world.server(Config::new());
    let mut clients: Vec<(Session<LoggedIn>, _)> = ["alice", "bob", "carol"]
        .map(|name| world.pair(Config::new().unacked_messages(4), &mut door, name))
        .into();
    let sessions = server.sessions();
    let bob = sessions.get("bob").expect("here");
    for _ in 0..4 {
        bob.try_send("fill").expect("room");
    }
    assert_eq!(bob.try_send("full"), Err(SendError::Full));

    let report = sessions.broadcast("news");
    assert_eq!((report.accepted, report.refused), (2, vec![bob]));
    world.settle();
    let heard: Vec<_> = clients.iter_mut().map(|(mine, _)| read(mine)).collect();
    assert_eq!(heard, [vec!["news"], vec!["fill"; 4], vec!["news"]]);

    // Who ended is in neither count.
    world.run(clients.remove(0).0.close("bye"));
    world.pass(SECOND);
    let report = sessions.broadcast("more");
    assert_eq!((report.accepted, report.refused.len()), (2, 0));
}

#[test]
fn a_reconnecting_peer_gets_a_broadcast_when_it_came_back() {
    let world = World::new();
    let (server, mut door) = world.server(Config::new());
    let (alice, _alice) = world.pair(on_resume(), &mut door, "alice");
    world.cut();
    let (mut bob, _bob) = world.pair(on_resume(), &mut door, "bob");
    let report = server.sessions().broadcast("news");
    assert_eq!((report.accepted, report.refused.len()), (2, 0));
    world.settle();
    assert_eq!(read(&mut bob), ["news"]);
    let mut alice = world.back(alice);
    world.settle();
    assert_eq!(read(&mut alice), ["news"]);
}

#[test]
fn peers_of_many_runtimes_are_found_by_number_and_by_name() {
    let world = World::new();
    let (server, mut door) = world.server(Config::new());
    let pairs: Vec<_> = (0..600)
        .map(|n| world.pair(Config::new(), &mut door, &n.to_string()))
        .collect();
    let sessions = server.sessions();
    assert_eq!(sessions.len(), 600);
    let all: HashSet<u64> = sessions.iter().map(|peer| peer.id()).collect();
    assert_eq!(all.len(), 600, "each once");
    for (mine, theirs) in &pairs {
        let name = mine.identity();
        assert_eq!(sessions.get(&name), Some(theirs.peer()));
    }
    let nobody = Identity::new("nobody").expect("short");
    assert!(sessions.get(&nobody).is_none());
}

#[test]
fn a_server_that_is_full_says_so_and_has_room_again_when_one_left() {
    let world = World::new();
    let (server, mut door) = world.server(Config::new().max_sessions(1));
    let (first, _first) = world.pair(Config::new(), &mut door, "first");
    let session = world.connect(Config::new());
    let mut events = server.events();
    let me = sessile::Credentials::token("second");
    let admit = async { door.next().await.expect("a peer").admit(2u64) };
    let (outcome, late) = world.run(futures::future::join(session.login(&me), admit));
    let error = outcome.expect_err("full");
    let code = error.rejection().expect("a rejection").code();
    assert_eq!(code, sessile::RejectCode::Full);
    assert!(late.check().is_err());
    assert_eq!(drain(&mut events).len(), 4);
    world.run(first.close("bye"));
    let (second, _second) = world.log_in(error.into_session(), &mut door, "second");
    assert_eq!(second.phase(), Phase::LoggedIn);
}
