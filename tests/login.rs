//! Logging in: before it, what can go wrong, and that a failure is only a failed login.

mod common;

use std::{
    io,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use common::{MINUTE, SECOND, TICK, World, drain, names};
use futures::future::join;
use sessile::{
    Blame, Config, Credentials, EventKind, LossCause, Phase, Reason, RejectCode, Rejection, Retry,
    transport::{
        Dial,
        memory::{MemoryLink, Network},
    },
};

const DEADLINE: Duration = Duration::from_secs(5);

fn me() -> Credentials {
    Credentials::token("alice")
}

#[test]
fn transport_up_is_not_logged_in_and_no_heartbeat_flows_before_login() {
    let world = World::new();
    let (_server, mut door) = world.server(Config::new());
    let session = world.connect(Config::new());
    assert_eq!(session.phase(), Phase::Connecting);
    let mut events = session.events();
    world.pass(Duration::from_secs(4)); // two heartbeats long, and within the login deadline
    assert_eq!(names(&mut events), [] as [&str; 0]);
    let (mine, theirs) = world.log_in(session, &mut door, "alice");
    assert_eq!(
        (mine.phase(), theirs.phase()),
        (Phase::LoggedIn, Phase::LoggedIn)
    );
    assert_eq!(names(&mut events), ["login-started", "logged-in"]);
}

#[test]
fn a_refused_login_says_why_and_the_session_it_gives_back_logs_in() {
    let world = World::new();
    let (server, mut door) = world.server(Config::new());
    let session = world.connect(Config::new());
    let (mut here, mut there) = (session.events(), server.events());
    let why = Rejection::full()
        .text("eu1 is full")
        .retry_after(20 * SECOND)
        .redirect("eu2:7000");
    let judge = async { door.next().await.expect("a peer").reject(why.clone()) };
    let (outcome, ()) = world.run(join(session.login(&me()), judge));

    let error = outcome.expect_err("refused");
    assert_eq!(error.rejection(), Some(&why));
    assert_eq!(error.closed().reason(), Reason::Refused);
    assert_eq!(error.retry(), Retry::After(20 * SECOND));
    assert_eq!(error.closed().redirect(), Some("eu2:7000"));
    assert_eq!(error.closed().text(), Some("eu1 is full"));
    let failed = EventKind::LoginFailed(error.closed().clone());
    assert_eq!(drain(&mut here), [EventKind::LoginStarted, failed]);
    assert_eq!(
        names(&mut there),
        ["link-up", "login-started", "login-failed", "ended"]
    );
    assert!(server.sessions().is_empty());

    let session = error.into_session();
    assert_eq!(session.phase(), Phase::Dialing);
    let (mine, _theirs) = world.log_in(session, &mut door, "alice");
    assert_eq!(mine.phase(), Phase::LoggedIn);
    assert_eq!(names(&mut here), ["link-up", "login-started", "logged-in"]);
    assert_eq!(world.network.dials(), 2);
}

#[test]
fn every_way_to_reject_reaches_the_client_as_it_was_said() {
    let world = World::new();
    let (_server, mut door) = world.server(Config::new());
    let mut session = world.connect(Config::new());
    for (why, code, retry, blame) in [
        (
            Rejection::bad_credentials(),
            RejectCode::BadCredentials,
            Retry::Never,
            Blame::Caller,
        ),
        (
            Rejection::busy(SECOND),
            RejectCode::Busy,
            Retry::After(SECOND),
            Blame::Environment,
        ),
        (
            Rejection::banned(),
            RejectCode::Banned,
            Retry::Never,
            Rejection::banned().code().blame(),
        ),
        (
            Rejection::other(1234).retry_after(MINUTE),
            RejectCode::Other(1234),
            Retry::After(MINUTE),
            RejectCode::Other(1234).blame(),
        ),
    ] {
        let judge = async { door.next().await.expect("a peer").reject(why) };
        let (outcome, ()) = world.run(join(session.login(&me()), judge));
        let error = outcome.expect_err("refused");
        let said = error.rejection().expect("a rejection");
        assert_eq!((said.code(), error.retry()), (code, retry));
        assert_eq!(error.blame(), blame, "{error}");
        session = error.into_session();
    }
}

#[test]
fn a_server_that_does_not_answer_fails_the_login_at_the_clients_deadline() {
    let world = World::new();
    let (_server, mut door) = world.server(Config::new().login_deadline(MINUTE));
    let session = world.connect(Config::new());
    world.pass(3 * SECOND); // the deadline counts from the login
    let began = world.clock.now();
    let error = world
        .run_within(MINUTE, session.login(&me()))
        .expect_err("no answer");
    let late = world.clock.now() - began - DEADLINE;
    assert!(late <= TICK, "{late:?} late");
    assert_eq!(error.closed().reason(), Reason::LoginTimedOut);
    assert_eq!(error.retry(), Retry::After(SECOND));
    assert_eq!(error.rejection(), None);

    // Who judges him now is too late, and the one who comes again is somebody to judge.
    let (mine, _theirs) = world.log_in(error.into_session(), &mut door, "alice");
    assert_eq!(mine.phase(), Phase::LoggedIn);
}

#[test]
fn a_host_that_does_not_judge_loses_its_peer_at_the_servers_deadline() {
    let world = World::new();
    let (server, mut door) = world.server(Config::new());
    let mut there = server.events();
    let session = world.connect(Config::new().login_deadline(MINUTE));
    let connected = world.clock.now();
    world.pass(2 * SECOND); // the server's deadline counts from the connection
    let mut login = session.login(&me());
    let peer = world.run(door.next()).expect("a peer");
    let watcher = peer.peer();

    world.pass(connected + DEADLINE - world.clock.now() - TICK);
    assert_eq!(watcher.phase(), Phase::Connecting);
    world.pass(2 * TICK);
    assert_eq!(watcher.phase(), Phase::Ended);
    let error = world.run(&mut login).expect_err("nobody judged");
    assert_eq!(error.closed().reason(), Reason::LinkLost);
    assert_eq!(error.retry(), Retry::Now);
    let ended = drain(&mut there).pop().expect("events");
    assert!(matches!(ended, EventKind::Ended(closed) if closed.reason() == Reason::LoginTimedOut));

    let late = peer.admit(1u64);
    assert_eq!(late.phase(), Phase::Ended);
    assert!(late.check().is_err() && server.sessions().is_empty());
}

#[test]
fn a_stranger_who_never_presents_himself_is_cut_off_at_the_servers_deadline() {
    let world = World::new();
    let (server, mut door) = world.server(Config::new());
    let mut there = server.events();
    let session = world.connect(Config::new());
    let mut here = session.events();
    world.pass(DEADLINE + TICK);
    assert_eq!(session.phase(), Phase::Dialing);
    assert_eq!(
        drain(&mut here),
        [EventKind::LinkLost(LossCause::ClosedByPeer)]
    );
    assert_eq!(
        names(&mut there),
        [] as [&str; 0],
        "nobody hears of strangers"
    );
    let (mine, _theirs) = world.log_in(session, &mut door, "alice");
    assert_eq!(mine.phase(), Phase::LoggedIn);
}

#[test]
fn a_challenge_is_answered_and_its_answer_judged() {
    let world = World::new();
    let (_server, mut door) = world.server(Config::new());
    let mut session = world.connect(Config::new());
    for (twist, good) in [(1, false), (0, true)] {
        let me = me().answer_with(move |ask| ask.iter().rev().map(|byte| byte ^ twist).collect());
        let judge = async {
            let peer = door.next().await.expect("a peer");
            let answer = peer.offer().challenge(b"nonce").await.expect("an answer");
            assert_eq!(peer.offer().credentials(), b"alice");
            if &*answer == b"ecnon" {
                return Some(peer.admit(1u64));
            }
            peer.reject(Rejection::bad_credentials());
            None
        };
        let (outcome, theirs) = world.run(join(session.login(&me), judge));
        assert_eq!((outcome.is_ok(), theirs.is_some()), (good, good));
        session = match outcome {
            Ok(mine) => {
                assert_eq!(mine.phase(), Phase::LoggedIn);
                return;
            }
            Err(error) => {
                let code = error.rejection().expect("a rejection").code();
                assert_eq!(code, RejectCode::BadCredentials);
                error.into_session()
            }
        };
    }
    unreachable!("the second one is good");
}

#[test]
fn credentials_that_cannot_answer_fail_the_login_on_both_sides() {
    let world = World::new();
    let (server, mut door) = world.server(Config::new());
    let session = world.connect(Config::new());
    let judge = async {
        let peer = door.next().await.expect("a peer");
        peer.offer().challenge(b"nonce").await
    };
    let (outcome, answer) = world.run(join(session.login(&me()), judge));
    let error = outcome.expect_err("no answer");
    assert_eq!(error.closed().reason(), Reason::Refused);
    assert!(
        error.rejection().is_none(),
        "it was not the server who refused"
    );
    assert!(answer.is_err());
    assert!(server.sessions().is_empty());
}

#[test]
fn credentials_that_are_too_long_are_refused_here_and_the_link_stays() {
    let world = World::new();
    let (_server, mut door) = world.server(Config::new());
    let session = world.connect(Config::new());
    let error = world
        .run(session.login(&Credentials::bytes([b'x'; 5_000])))
        .expect_err("too long");
    assert_eq!(error.closed().reason(), Reason::Refused);
    assert_eq!(error.blame(), Blame::Caller);
    let text = error.closed().text().expect("text");
    assert!(text.contains("5000 bytes"), "{text}");
    let longest = Credentials::bytes([b'x'; 4_000]);
    let session = error.into_session();
    let admit = async { door.next().await.expect("a peer").admit(1u64) };
    let (mine, _theirs) = world.run(join(session.login(&longest), admit));
    assert!(mine.is_ok());
    assert_eq!(world.network.dials(), 1);
}

#[test]
fn a_login_called_off_admits_nobody_and_the_next_one_does() {
    let world = World::new();
    let (server, mut door) = world.server(Config::new());
    let session = world.connect(Config::new());
    let mut login = Box::pin(session.login(&me()));
    assert!(world.try_run(login.as_mut()).is_none());
    let session = std::pin::Pin::into_inner(login).into_session();
    world.settle();
    assert_eq!(session.phase(), Phase::Dialing);
    let (mine, theirs) = world.log_in(session, &mut door, "alice");
    assert_eq!(
        (mine.phase(), server.sessions().len()),
        (Phase::LoggedIn, 1)
    );
    assert_eq!(theirs.phase(), Phase::LoggedIn);
}

#[test]
fn a_connection_that_fails_gives_the_runtime_back() {
    let world = World::new();
    let (_server, mut door) = world.server(Config::new());
    world.network.fail_dials(1);
    let error = world
        .run(
            world
                .client(Config::new())
                .connect_over(world.network.dialer()),
        )
        .expect_err("refused");
    assert_eq!(
        (error.blame(), error.retry()),
        (Blame::Environment, Retry::Now)
    );
    let again = error.into_runtime().connect_over(world.network.dialer());
    let session = world.run(again).expect("a network that works");
    let (mine, _theirs) = world.log_in(session, &mut door, "alice");
    assert_eq!(mine.phase(), Phase::LoggedIn);
}

#[test]
fn a_login_whose_dial_can_never_succeed_says_so() {
    /// Text that is no address, once the network is gone.
    struct Once(Network, AtomicBool);

    impl Dial for Once {
        type Link = MemoryLink;

        async fn dial(&self) -> io::Result<MemoryLink> {
            match self.1.swap(true, Ordering::SeqCst) {
                false => self.0.dialer().dial().await,
                true => Err(io::ErrorKind::InvalidInput.into()),
            }
        }
    }

    let world = World::new();
    let _listener = world.network.listener();
    let dialer = Once(world.network.clone(), false.into());
    let session = world
        .run(world.client(Config::new()).connect_over(dialer))
        .unwrap();
    world.network.cut();
    world.settle();
    let failed = world
        .run(session.login(&Credentials::token("alice")))
        .unwrap_err();
    assert_eq!(
        (failed.closed().reason(), failed.retry()),
        (Reason::LinkLost, Retry::Never)
    );
}

#[test]
fn who_logs_in_where_the_listener_has_closed_hears_so_at_once() {
    let world = World::new();
    let (_server, door) = world.server(Config::new());
    let session = world.connect(Config::new());
    world.settle(); // its link was accepted
    drop(door);
    let error = world.run(session.login(&me())).expect_err("nobody judges");
    let why = error.rejection().expect("the server's own words");
    assert_eq!(why.code(), RejectCode::Busy);
}
