//! `connect` and `login`.

use std::time::Duration;

use sessile::{Config, Credentials, EventKind, Phase};

use super::{LIMIT, converse, echo_server, poll_times, slow_world};
use crate::common::drain;

#[test]
fn a_cancelled_connect_gives_its_runtime_back_and_it_connects_again() {
    for polls in 0.. {
        let world = slow_world();
        let sessions = echo_server(&world, Config::new());
        let runtime = world.client(Config::new());
        let mut connect = runtime.connect_over(world.network.dialer());
        if let Some(session) = poll_times(&world, &mut connect, polls) {
            assert!(polls > 2, "there was nothing to cancel");
            assert_eq!(session.expect("it works").phase(), Phase::Connecting);
            return;
        }
        let runtime = connect.into_runtime();
        let again = runtime.connect_over(world.network.dialer());
        let session = world.run_within(LIMIT, again).expect("it works");
        let login = session.login(&Credentials::token("alice"));
        let session = world.run_within(LIMIT, login).expect("admitted");
        let _session = converse(&world, session, 0, 5);
        world.pass(Duration::from_secs(20));
        assert_eq!(sessions.len(), 1, "after {polls} polls");
        assert_eq!(world.network.links().len(), 1, "after {polls} polls");
    }
}

#[test]
fn a_dropped_connect_leaves_nothing_behind() {
    for polls in 0.. {
        let world = slow_world();
        let sessions = echo_server(&world, Config::new());
        let mut connect = world
            .client(Config::new())
            .connect_over(world.network.dialer());
        let done = poll_times(&world, &mut connect, polls).is_some();
        drop(connect);
        world.pass(Duration::from_secs(20));
        assert_eq!(world.network.links().len(), 0, "after {polls} polls");
        assert!(sessions.is_empty());
        if done {
            return;
        }
    }
}

/// What the server knew of the first login must not become the second one's: it may be somebody else's.
#[test]
fn a_cancelled_login_is_called_off_and_another_one_is_its_own() {
    for polls in 0.. {
        let world = slow_world();
        let sessions = echo_server(&world, Config::new());
        let session = world.run_within(
            LIMIT,
            world
                .client(Config::new())
                .connect_over(world.network.dialer()),
        );
        let mut login = session.expect("up").login(&Credentials::token("alice"));
        if let Some(session) = poll_times(&world, &mut login, polls) {
            assert!(polls > 5, "there was nothing to cancel");
            let session = session.expect("admitted");
            assert_eq!(session.identity().to_string(), "alice");
            drop(converse(&world, session, 0, 5));
            return;
        }
        let login = login.into_session().login(&Credentials::token("bob"));
        let session = world.run_within(LIMIT, login).expect("admitted");
        assert_eq!(session.identity().to_string(), "bob", "after {polls} polls");
        let session = converse(&world, session, 0, 5);
        world.pass(Duration::from_secs(20)); // until the first login is forgotten, however far it came
        let online: Vec<_> = sessions.iter().filter_map(|peer| peer.identity()).collect();
        assert_eq!(online.len(), 1, "after {polls} polls: {online:?}");
        assert_eq!(online[0].to_string(), "bob");
        assert_eq!(world.network.links().len(), 1, "after {polls} polls");
        let _session = converse(&world, session, 5, 10);
    }
}

/// The same login again, as a program does that gives up waiting too early. Whatever it hears of itself makes sense.
#[test]
fn a_login_cancelled_and_begun_again_ends_without_a_failed_login() {
    for polls in 0.. {
        let world = slow_world();
        let _sessions = echo_server(&world, Config::new());
        let connect = world
            .client(Config::new())
            .connect_over(world.network.dialer());
        let session = world.run_within(LIMIT, connect).expect("up");
        let me = Credentials::token("alice");
        let mut login = session.login(&me);
        if poll_times(&world, &mut login, polls).is_some() {
            return;
        }
        let login = login.into_session().login(&me);
        let session = world.run_within(LIMIT, login).expect("admitted");
        let mut events = session.events();
        world.run_within(LIMIT, session.close(""));
        let kinds = drain(&mut events);
        assert!(
            matches!(kinds.as_slice(), [EventKind::Ended(_)]),
            "after {polls} polls: {kinds:?}"
        );
    }
}

#[test]
fn a_dropped_login_closes_its_session_and_leaves_nothing_behind() {
    for polls in 0.. {
        let world = slow_world();
        let sessions = echo_server(&world, Config::new());
        let connect = world
            .client(Config::new())
            .connect_over(world.network.dialer());
        let session = world.run_within(LIMIT, connect).expect("up");
        let mut login = session.login(&Credentials::token("alice"));
        let done = poll_times(&world, &mut login, polls);
        drop(login);
        if done.is_some() {
            return;
        }
        world.pass(Duration::from_secs(20));
        assert_eq!(world.network.links().len(), 0, "after {polls} polls");
        assert!(sessions.is_empty(), "after {polls} polls");
    }
}

#[test]
fn a_login_begun_while_the_link_is_down_can_be_cancelled_anywhere_too() {
    for polls in 0.. {
        let world = slow_world();
        let _sessions = echo_server(&world, Config::new());
        let connect = world
            .client(Config::new())
            .connect_over(world.network.dialer());
        let session = world.run_within(LIMIT, connect).expect("up");
        world.network.cut();
        world.settle();
        let me = Credentials::token("alice");
        let mut login = session.login(&me);
        if let Some(session) = poll_times(&world, &mut login, polls) {
            assert!(polls > 5, "there was nothing to cancel");
            drop(converse(&world, session.expect("admitted"), 0, 5));
            return;
        }
        let login = login.into_session().login(&me);
        let session = world.run_within(LIMIT, login).expect("admitted");
        drop(converse(&world, session, 0, 5));
    }
}

/// A server that lets a peer in and says goodbye at once: what it said first is read first.
#[test]
fn a_session_that_ended_before_its_login_was_looked_at_is_read_to_its_end() {
    let world = slow_world();
    let (_server, mut door) = world.server(Config::new());
    let connect = world
        .client(Config::new())
        .connect_over(world.network.dialer());
    let session = world.run_within(LIMIT, connect).expect("up");
    let login = session.login(&Credentials::token("alice"));
    let peer = world.run_within(LIMIT, door.next()).expect("a peer");
    let mut theirs = peer.admit(7u64);
    theirs.try_send("come back tomorrow").expect("room");
    drop(theirs.close("closing time"));
    world.pass(Duration::from_secs(1));
    let mut session = world.run_within(LIMIT, login).expect("it was admitted");
    let last = world.run(session.recv()).expect("sent before the end");
    assert_eq!(&*last, b"come back tomorrow");
    let end = world.run(session.recv()).expect_err("the end");
    assert!(
        matches!(&end, sessile::Ended::Closed(closed) if closed.text() == Some("closing time")),
        "{end:?}"
    );
}
