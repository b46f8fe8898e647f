//! A host ends a session in words of its own: when to come back, or never, and why.

mod common;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use common::{MINUTE, MS, SECOND, World, frames::*, lost, on_resume, soon};
use sessile::{
    Admission, Admit, Blame, Client, Closed, Config, Credentials, Ended, Host, Message, Offer,
    Reason, RejectCode, Rejection, Retry, Turn, Undelivered,
};

const AFK: u16 = 1_007;

fn away() -> Rejection {
    let why = Rejection::other(AFK).text("away from keyboard");
    why.retry_after(30 * SECOND)
}

fn closed<T: std::fmt::Debug>(outcome: Result<T, Ended>) -> Closed {
    match outcome {
        Err(Ended::Closed(closed)) => closed,
        other => panic!("it goes on: {other:?}"),
    }
}

#[test]
fn both_ends_hear_the_code_the_text_and_when_to_come_back() {
    let world = World::new();
    let (server, mut door) = world.server(Config::new());
    let (mut mine, mut theirs) = world.pair(soon(), &mut door, "alice");
    theirs.try_send("unread").expect("room");
    assert!(server.sessions().kick("alice", &away()));
    assert!(!server.sessions().kick("alice", &away()), "twice is once");
    world.settle();
    let (here, there) = (closed(mine.try_recv()), closed(theirs.try_recv()));
    assert_eq!(here, there);
    assert_eq!(
        (here.reason(), here.retry(), here.text()),
        (
            Reason::Removed,
            Retry::After(30 * SECOND),
            Some("away from keyboard")
        )
    );
    let code = here.rejection().map(Rejection::code);
    assert_eq!(
        (code, here.blame()),
        (Some(RejectCode::Other(AFK)), Blame::Caller)
    );
    assert_eq!(
        here.to_string(),
        "the session ended: removed by the server: code 1007 (\"away from keyboard\"); retry after 30s"
    );
    assert!(server.sessions().is_empty());
    let dials = world.network.dials();
    world.pass(MINUTE);
    assert_eq!(
        world.network.dials(),
        dials,
        "a handle does not come back by itself"
    );
}

#[test]
fn a_kick_sends_nobody_elsewhere_and_neither_end_believes_it() {
    let world = World::new();
    let (server, mut door) = world.server(Config::new());
    let (mut mine, mut theirs) = world.pair(soon(), &mut door, "alice");
    let why = away().redirect("b.example:7000");
    assert!(server.sessions().kick("alice", &why));
    world.settle();
    let (here, there) = (closed(mine.try_recv()), closed(theirs.try_recv()));
    assert_eq!((here.redirect(), there.redirect()), (None, None));
}

#[test]
fn of_a_code_that_speaks_of_the_server_the_class_and_the_text_are_told() {
    let world = World::new();
    let (server, mut door) = world.server(Config::new());
    let (mut mine, _theirs) = world.pair(soon(), &mut door, "alice");
    let why = Rejection::full()
        .redirect("b.example:7000")
        .text("rebalancing");
    server.sessions().get("alice").expect("there").kick(&why);
    world.settle();
    let here = closed(mine.try_recv());
    assert_eq!(
        (here.reason(), here.retry(), here.text()),
        (
            Reason::Removed,
            Retry::After(30 * SECOND),
            Some("rebalancing")
        )
    );
    assert_eq!((here.rejection(), here.redirect()), (None, None));
}

#[test]
fn who_was_away_hears_the_same_when_it_comes_back() {
    // 102 in answer to RESUME would say that the session stays.
    for (why, code) in [
        (away(), Some(RejectCode::Other(AFK))),
        (
            Rejection::busy(30 * SECOND).text("away from keyboard"),
            None,
        ),
    ] {
        let world = World::new();
        let (server, mut door) = world.server(Config::new());
        let (mut mine, _theirs) = world.pair(on_resume(), &mut door, "alice");
        world.cut();
        assert!(server.sessions().kick("alice", &why));
        let lost = lost(&mut mine);
        let gone = world
            .run_within(MINUTE, mine.reconnect(lost).resume())
            .expect_err("it was kicked");
        let here = gone.closed();
        assert_eq!(here.rejection().map(Rejection::code), code);
        assert_eq!(
            (here.reason(), here.retry(), here.text()),
            (
                Reason::Removed,
                Retry::After(30 * SECOND),
                Some("away from keyboard")
            )
        );
        let session = gone.into_connecting().expect("it may log in again");
        let (again, _theirs) = world.log_in(session, &mut door, "alice");
        assert_eq!(again.identity().as_str(), Some("alice"));
    }
}

#[test]
fn a_supervised_client_waits_as_long_as_it_was_told_and_no_more_than_a_quarter_longer() {
    let world = World::new();
    let (server, mut door) = world.server(Config::new());
    let (mut client, _peer) = joined(&world, Config::new(), &mut door);
    let dials = world.network.dials();
    server.sessions().kick("alice", &away());
    let first = live(&world, &mut client, 30 * SECOND - 200 * MS);
    assert_eq!(first, ["ended", "reconnect-scheduled"]);
    assert_eq!(world.network.dials(), dials, "30 s were asked for");
    live(&world, &mut client, 10 * SECOND);
    let _peer = admit(&world, &mut door);
    world.settle();
    assert_eq!(server.sessions().len(), 1);
}

#[test]
fn a_supervised_client_that_is_told_never_ends_and_says_what_it_was_told() {
    let world = World::new();
    let (server, mut door) = world.server(Config::new());
    let (mut client, _peer) = joined(&world, Config::new(), &mut door);
    let why = Rejection::banned().text("griefing");
    server.sessions().kick("alice", &why);
    let end = ended(&world, &mut client);
    let told = end.rejection().expect("what the host said");
    assert_eq!(
        (told.code(), told.explanation(), end.retry()),
        (RejectCode::Banned, Some("griefing"), Retry::Never)
    );
    let dials = world.network.dials();
    world.pass(10 * MINUTE);
    assert_eq!(world.network.dials(), dials);
}

/// How a supervised client ended.
fn ended(world: &World, client: &mut Client) -> Closed {
    for _ in 0..100 {
        world.settle();
        for update in client.drain() {
            if let sessile::Update::Ended(why) = update {
                return why;
            }
        }
    }
    panic!("it goes on");
}

/// Kicks whoever says "bye", and keeps what it was told of the end.
struct Bouncer(Arc<Mutex<Vec<String>>>);

impl Admit for Bouncer {
    type Peer = u32;

    async fn admit(&self, _: &Offer) -> Result<Admission<u32>, Rejection> {
        Ok(Admission::new(7u64, 42))
    }
}

impl Host for Bouncer {
    fn on_message(&self, peer: &mut Turn<'_, u32>, _: Message<'_>) {
        peer.kick(&away());
    }

    fn on_end(&self, peer: u32, why: Closed, _: Vec<Undelivered>) {
        self.0
            .lock()
            .expect("no panic")
            .push(format!("{peer}: {why}"));
    }
}

#[test]
fn a_host_kicks_from_within_its_call() {
    let world = World::new();
    let told = Arc::default();
    let (server, _door) = world.server(Config::new());
    let network = sessile::transport::memory::Network::with_clock(world.clock.clone());
    let _serving = server.serve_over(network.listener(), Bouncer(Arc::clone(&told)));
    let client = world.client(Config::new());
    let session = world
        .run(client.connect_over(network.dialer()))
        .expect("up");
    let me = Credentials::token("x");
    let mut session = world.run(session.login(&me)).expect("admitted");
    session.try_send("bye").expect("room");
    world.settle();
    assert_eq!(
        closed(session.try_recv()).retry(),
        Retry::After(30 * SECOND)
    );
    let told = told.lock().expect("no panic");
    assert_eq!(told.len(), 1);
    assert!(
        told[0].starts_with("42: the session ended: removed by the server: code 1007"),
        "{told:?}"
    );
}

#[test]
fn what_a_host_says_is_cut_and_escaped_and_its_wait_is_bounded() {
    let world = World::new();
    let (server, mut door) = world.server(Config::new());
    let (mut mine, _theirs) = world.pair(soon(), &mut door, "alice");
    let why = Rejection::other(AFK).text(&"\n".repeat(200));
    server
        .sessions()
        .kick("alice", &why.retry_after(Duration::MAX));
    world.settle();
    let here = closed(mine.try_recv());
    assert_eq!(here.retry(), Retry::After(5 * MINUTE));
    assert!(
        here.text()
            .is_some_and(|text| text.len() <= 128 && !text.contains('\n'))
    );
}
