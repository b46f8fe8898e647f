//! "Why did this one end?" A server remembers, and what happened before.

mod common;

use std::time::Duration;

use common::World;
use futures::{AsyncReadExt, AsyncWriteExt};
use sessile::{
    Config, Door, EventKind, Identity, LoggedIn, LossCause, Multi, PastSession, Reason, Runtime,
    Session, Violation,
    transport::{Dial, memory::MemoryLink},
    wire::{Frame, Login, Terms, VERSION},
};

const SECOND: Duration = Duration::from_secs(1);

fn server(config: Config) -> (World, Runtime<Multi>, Door) {
    let world = World::new();
    let (server, door) = world.server(config);
    (world, server, door)
}

fn why(server: &Runtime<Multi>, who: &str) -> PastSession {
    let past = server.sessions().why(who).expect("remembered");
    let kinds: Vec<EventKind> = past.events().map(|event| event.kind).collect();
    assert_eq!(kinds.last(), Some(&EventKind::Ended(past.closed().clone())));
    assert!(past.events().count() <= 16);
    let mut before = Duration::ZERO;
    for event in past.events() {
        assert!(event.at >= before && event.epoch <= past.epoch(), "{event}");
        before = event.at;
    }
    assert_eq!(past.snapshot().ended.as_ref(), Some(past.closed()));
    past
}

fn names(past: &PastSession) -> Vec<&'static str> {
    past.events().map(|event| event.kind.name()).collect()
}

#[test]
fn a_kick() {
    let (world, server, mut door) = server(Config::new());
    let (_alice, session) = world.pair(Config::new(), &mut door, "alice");
    assert!(server.sessions().why("alice").is_none(), "she lives");
    world.pass(5 * SECOND);
    let id = session.id();
    assert!(server.sessions().remove("alice", "too loud"));
    let past = why(&server, "alice");
    assert_eq!(past.closed().reason(), Reason::Removed);
    assert_eq!(past.closed().text(), Some("too loud"));
    assert_eq!(past.identity(), &Identity::new("alice").unwrap());
    assert_eq!((past.id(), past.epoch()), (id, 1));
    assert_eq!((past.ended_at(), past.lived()), (5 * SECOND, 5 * SECOND));
    assert_eq!(names(&past), ["logged-in", "ended"]);
    assert_eq!(
        past.to_string(),
        format!(
            "5.000s session {id} (alice) after 5.000s, resumed 0 times: the session ended: removed by the server; ask \
             its operator before connecting again (\"too loud\")"
        )
    );
}

#[test]
fn a_takeover() {
    let (world, server, mut door) = server(Config::new());
    let (_first, one) = world.pair(Config::new(), &mut door, "alice");
    let (_second, two) = world.pair(Config::new(), &mut door, "alice");
    let past = why(&server, "alice");
    assert_eq!(past.closed().reason(), Reason::TakenOver);
    assert_eq!(past.id(), one.id());
    assert_eq!(names(&past), ["logged-in", "taken-over", "ended"]);
    assert_eq!(server.sessions().get("alice").unwrap().id(), two.id());
    drop(two);
    assert_eq!(why(&server, "alice").closed().reason(), Reason::Dropped);
}

#[test]
fn an_expiry_after_trouble() {
    let (world, server, mut door) = server(Config::new());
    let (_alice, mut session) = world.pair(Config::new(), &mut door, "alice");
    session.try_send("hello").unwrap();
    world.settle();
    world.network.cut();
    world.pass(40 * SECOND);
    session.peer().try_send("you there?").unwrap();
    for link in world.network.links() {
        link.black_hole(sessile::transport::memory::Direction::ToAcceptor, true);
    }
    world.network.refuse(true);
    world.pass(140 * SECOND);
    let past = why(&server, "alice");
    assert_eq!(past.closed().reason(), Reason::Expired);
    let expected = [
        "logged-in",
        "link-lost",
        "link-up",
        "resumed",
        "suspect",
        "timed-out",
        "ended",
    ];
    assert_eq!(names(&past), expected);
    let epochs: Vec<u64> = past.events().map(|event| event.epoch).collect();
    assert_eq!(epochs, [1, 1, 2, 2, 2, 2, 2]);
    assert_eq!((past.snapshot().resumed, past.snapshot().sent), (1, 2));
    drop(session);
}

/// A peer that speaks for itself: logged in over a link of its own.
fn raw(world: &World, door: &mut Door, name: &str) -> (MemoryLink, Session<LoggedIn, Multi>) {
    let mut link = world.run(world.network.dialer().dial()).unwrap();
    let login = Frame::Login(Login {
        version: VERSION,
        oldest: VERSION,
        features: 0,
        instance: [7; 16],
        attempt: 1,
        terms: Terms {
            heartbeat_ms: 2_000,
            lease_ms: 60_000,
            resume_window_ms: 120_000,
            window_messages: 1_024,
            window_bytes: 1 << 20,
            max_message: 1 << 19,
        },
        credentials: name.as_bytes(),
    });
    write(world, &mut link, &[login]);
    let offered = world.run(door.next()).expect("a peer");
    let session = offered.admit(Identity::new(name).unwrap());
    let mut welcome = [0; 64];
    world.run(link.read_exact(&mut welcome)).unwrap();
    write(world, &mut link, &[Frame::Ack(0)]);
    (link, session)
}

fn write(world: &World, link: &mut MemoryLink, frames: &[Frame<'_>]) {
    let mut bytes = Vec::new();
    for frame in frames {
        frame.encode(&mut bytes);
    }
    world.run(link.write_all(&bytes)).unwrap();
    world.settle();
}

#[test]
fn a_protocol_violation() {
    let (world, server, mut door) = server(Config::new());
    let (mut link, session) = raw(&world, &mut door, "mallory");
    write(&world, &mut link, &[Frame::Ack(99)]);
    world.pass(121 * SECOND);
    let past = why(&server, "mallory");
    assert_eq!(
        past.closed().reason(),
        Reason::Expired,
        "it did not come back"
    );
    let lost = past.events().nth(1).unwrap();
    let broke = LossCause::Protocol(Violation::AckOutOfRange);
    assert_eq!(lost.kind, EventKind::LinkLost(broke));
    drop(session);
}

#[test]
fn a_stalled_write() {
    let config = Config::new().lease(60 * SECOND).stalled_write(10 * SECOND);
    let (world, server, mut door) = server(config);
    let (_link, mut session) = raw(&world, &mut door, "sleepy");
    let big = vec![0; 100_000];
    while session.try_send(&big).is_ok() {}
    world.pass(135 * SECOND);
    let past = why(&server, "sleepy");
    assert_eq!(past.closed().reason(), Reason::Expired);
    let lost = past.events().nth(1).unwrap();
    assert_eq!(lost.kind, EventKind::LinkLost(LossCause::WriteStalled));
    assert_eq!(lost.at, 10 * SECOND);
    assert!(past.snapshot().unacked_bytes > 900_000);
}

#[test]
fn the_recorder_keeps_the_last_sixteen() {
    let (world, server, mut door) = server(Config::new());
    let (_alice, session) = world.pair(Config::new(), &mut door, "alice");
    for _ in 0..20 {
        world.network.cut();
        world.pass(100 * SECOND);
    }
    assert_eq!(session.snapshot().unwrap().resumed, 20);
    drop(session);
    let past = why(&server, "alice");
    assert_eq!(past.snapshot().epoch, 21);
    let expected = ["link-lost", "link-up", "resumed"].repeat(5);
    assert_eq!(names(&past)[..15], expected);
    assert_eq!(names(&past)[15], "ended");
    assert_eq!(past.events().next().unwrap().epoch, 16);
}

#[test]
fn the_ring_is_bounded_newest_first_and_can_be_off() {
    for limit in [0, 3] {
        let (world, server, mut door) = server(Config::new().recently_ended(limit));
        for number in 0..10 {
            let (_client, session) = world.pair(Config::new(), &mut door, &format!("{number}"));
            drop(session);
        }
        let stranger = world.connect(Config::new());
        let login = world.spawn(stranger.login(&sessile::Credentials::token("x")));
        world
            .run(door.next())
            .unwrap()
            .reject(sessile::Rejection::bad_credentials());
        world.run(login).unwrap_err();
        let ended: Vec<String> = server
            .sessions()
            .recently_ended()
            .map(|past| past.identity().to_string())
            .collect();
        assert_eq!(ended, ["9", "8", "7"][..limit], "and no stranger");
        assert_eq!(server.sessions().why("9").is_some(), limit > 0);
        assert!(server.sessions().why("6").is_none());
    }
}
