//! One host for all peers, called where the message was read; or an inbox, drained once a tick.

mod common;

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use common::World;
use sessile::{
    Admission, Admit, Closed, Config, Credentials, Ended, Event, Host, Identity, Inbox, Incoming,
    LoggedIn, Message, Multi, Offer, Phase, Reason, Rejection, Runtime, SendError, Session, Turn,
    Undelivered, What, admit_with,
};

/// Echoes; counts what it was told; panics at "boom".
#[derive(Clone, Default)]
struct Echo {
    told: Arc<Mutex<Vec<String>>>,
    calls: Arc<AtomicU64>,
}

impl Echo {
    fn tell(&self, what: String) {
        self.told.lock().unwrap().push(what);
    }

    fn told(&self) -> Vec<String> {
        std::mem::take(&mut *self.told.lock().unwrap())
    }
}

impl Admit for Echo {
    type Peer = (String, u64);

    async fn admit(&self, offer: &Offer) -> Result<Admission<Self::Peer>, Rejection> {
        smol::future::yield_now().await;
        let name =
            std::str::from_utf8(offer.credentials()).map_err(|_| Rejection::bad_credentials())?;
        assert_ne!(name, "panic at the door");
        match name {
            "mallory" => Err(Rejection::bad_credentials()),
            name => Ok(Admission::new(
                Identity::new(name).unwrap(),
                (name.to_owned(), 0),
            )),
        }
    }
}

impl Host for Echo {
    fn on_message(&self, peer: &mut Turn<'_, Self::Peer>, message: Message<'_>) {
        self.calls.fetch_add(1, Ordering::SeqCst);
        peer.state().1 += 1;
        assert_ne!(&*message, b"boom");
        if message.starts_with(b"big:") {
            let big = vec![b'x'; 1000];
            return peer
                .send(&big)
                .expect("the first answer is always accepted");
        }
        peer.send(&message)
            .expect("the first answer is always accepted");
    }

    fn on_event(&self, event: &Event) {
        self.tell(event.kind().name().to_owned());
    }

    fn on_end(&self, (name, messages): Self::Peer, why: Closed, undelivered: Vec<Undelivered>) {
        self.tell(format!(
            "{name} after {messages}: {:?}, {} undelivered",
            why.reason(),
            undelivered.len()
        ));
    }
}

fn serve(world: &World, config: Config) -> (Runtime<Multi>, sessile::Serving, Echo) {
    let echo = Echo::default();
    let (server, _) = world.server(config);
    let serving = server.serve_over(world.network.listener(), echo.clone());
    (server, serving, echo)
}

fn log_in(world: &World, config: Config, name: &str) -> Session<LoggedIn> {
    world
        .run(world.connect(config).login(&Credentials::token(name)))
        .expect("admitted")
}

fn ask(world: &World, session: &mut Session<LoggedIn>, message: &str) -> String {
    world.run(async {
        session.send(message).await.unwrap();
        String::from_utf8(session.recv().await.unwrap().to_vec()).unwrap()
    })
}

#[test]
fn a_host_answers_every_peer_and_keeps_what_belongs_to_each() {
    let world = World::new();
    let (server, _serving, echo) = serve(&world, Config::new());
    let mut alice = log_in(&world, Config::new(), "alice");
    let mut bob = log_in(&world, Config::new(), "bob");
    for _ in 0..3 {
        assert_eq!(ask(&world, &mut alice, "hello"), "hello");
    }
    assert_eq!(ask(&world, &mut bob, "hi"), "hi");
    assert_eq!(server.sessions().len(), 2);
    assert_eq!(world.run(alice.close("bye")), []);
    world.settle();
    assert_eq!(
        echo.told(),
        ["ended", "alice after 3: ClosedByPeer, 0 undelivered"]
    );
    assert_eq!(ask(&world, &mut bob, "still here"), "still here");
}

#[test]
fn a_rejection_and_a_panic_at_the_door_turn_one_peer_away() {
    let world = World::new();
    let (_server, _serving, _echo) = serve(&world, Config::new());
    for (name, reason) in [
        ("mallory", Reason::Refused),
        ("panic at the door", Reason::Refused),
    ] {
        let failed = world
            .run(
                world
                    .connect(Config::new())
                    .login(&Credentials::token(name)),
            )
            .unwrap_err();
        assert_eq!(failed.closed().reason(), reason);
    }
    let mut alice = log_in(&world, Config::new(), "alice");
    assert_eq!(ask(&world, &mut alice, "hello"), "hello");
}

#[test]
fn a_host_that_panics_ends_that_session_with_a_reason_and_no_other() {
    let world = World::new();
    let (_server, _serving, echo) = serve(&world, Config::new());
    let mut alice = log_in(&world, Config::new(), "alice");
    let mut bob = log_in(&world, Config::new(), "bob");
    world.run(alice.send("boom")).unwrap();
    let Err(Ended::Closed(closed)) = world.run(alice.recv()) else {
        panic!("the session goes on")
    };
    assert_eq!(closed.reason(), Reason::HostPanicked);
    assert_eq!(ask(&world, &mut bob, "hello"), "hello");
    drop(alice);
    world.pass(Duration::from_secs(3));
    assert_eq!(
        echo.told(),
        ["ended", "alice after 1: HostPanicked, 0 undelivered"]
    );
}

#[test]
fn a_host_is_not_called_while_the_window_is_full_and_its_first_answer_is_always_accepted() {
    let world = World::new();
    let config = Config::new()
        .unacked_messages(8)
        .max_message(1000)
        .unacked_bytes(1024);
    let (_server, _serving, echo) = serve(&world, config.clone());
    let mut alice = log_in(&world, config, "alice");
    // She sends and does not read: answers of 1,000 bytes, of which the window holds one and a bit.
    let mut sent = 0;
    while alice.try_send("big:").is_ok() {
        sent += 1;
        world.settle();
    }
    let called = echo.calls.load(Ordering::SeqCst);
    assert!(
        called < sent,
        "called {called} times for {sent} messages with a window of 1,024 bytes"
    );
    world.pass(Duration::from_secs(60));
    assert_eq!(
        alice.phase(),
        Phase::LoggedIn,
        "heartbeats do not wait for readers"
    );
    // She reads: everything is answered, in order, nothing is lost.
    for _ in 0..sent {
        assert_eq!(world.run(alice.recv()).unwrap().len(), 1000);
    }
    world.settle();
    assert_eq!(echo.calls.load(Ordering::SeqCst), sent);
}

#[test]
fn a_served_session_survives_its_links() {
    let world = World::new();
    let (_server, _serving, echo) = serve(&world, Config::new());
    let mut alice = log_in(&world, Config::new(), "alice");
    for round in 0..5 {
        assert_eq!(
            ask(&world, &mut alice, &format!("{round}")),
            format!("{round}")
        );
        alice.try_send("in flight").unwrap();
        world.network.cut();
        world.pass(Duration::from_secs(40));
        let Err(Ended::Lost(lost)) = alice.check() else {
            panic!("not lost")
        };
        alice = world.run(alice.reconnect(lost).resume()).unwrap();
        assert_eq!(&*world.run(alice.recv()).unwrap(), b"in flight");
    }
    assert_eq!(echo.told(), ["link-lost", "link-up", "resumed"].repeat(5));
}

#[test]
fn when_serving_stops_its_sessions_end_and_the_host_hears_of_each() {
    let world = World::new();
    let (_server, serving, echo) = serve(&world, Config::new());
    let mut alice = log_in(&world, Config::new(), "alice");
    drop(serving);
    let Err(Ended::Closed(closed)) = world.run(alice.recv()) else {
        panic!("the session goes on")
    };
    assert_eq!(closed.reason(), Reason::ClosedByPeer);
    world.settle();
    assert_eq!(
        echo.told(),
        ["ended", "alice after 0: Dropped, 0 undelivered"]
    );
}

// Found by the simulator: the last end is told by whoever reads the peer's last word, and who else waited for it must hear so.
#[test]
fn when_serving_stops_no_task_of_it_is_left_whoever_told_the_last_end() {
    for order in 0..64 {
        let world = World::new();
        let (server, serving, echo) = serve(&world, Config::new());
        let mut alice = log_in(&world, Config::new(), "alice");
        assert_eq!(ask(&world, &mut alice, "hello"), "hello");
        let (mut serving, mut server) = (Some(serving), Some(server));
        for step in 0..6 {
            if step == order % 6 {
                alice.try_send("last").ok();
            }
            if step == order / 6 % 6 {
                drop((serving.take(), server.take()));
            }
            world.step();
        }
        drop((serving, server));
        world.run(async { while alice.recv().await.is_ok() {} });
        drop(alice);
        world.pass(Duration::from_secs(30));
        let told = echo.told();
        assert!(
            told.iter().any(|line| line.starts_with("alice after")),
            "{told:?}"
        );
        assert!(world.is_empty(), "tasks are left, order {order}");
    }
}

fn intake(world: &World) -> (Runtime<Multi>, Inbox<String>) {
    let (server, _) = world.server(Config::new());
    let admit = admit_with(|offer: Offer| async move {
        let name = String::from_utf8(offer.credentials().to_vec())
            .map_err(|_| Rejection::bad_credentials())?;
        Ok(Admission::new(
            Identity::new(&name).map_err(|_| Rejection::bad_credentials())?,
            name,
        ))
    });
    let inbox = server.intake_over(world.network.listener(), admit);
    (server, inbox)
}

fn show(incoming: Incoming<String>) -> String {
    let who = incoming
        .peer
        .identity()
        .map_or_else(String::new, |identity| identity.to_string());
    match incoming.what {
        What::Joined(name) => format!("{name} joined"),
        What::Message(message) => format!("{who}: {}", String::from_utf8_lossy(&message)),
        What::Event(event) => format!("{who} {}", event.kind().name()),
        What::Ended {
            why, undelivered, ..
        } => format!("{who} left: {:?}, {}", why.reason(), undelivered.len()),
        _ => unreachable!(),
    }
}

#[test]
fn an_inbox_tells_joining_messages_and_the_end_in_order_and_never_waits() {
    let world = World::new();
    let (_server, mut inbox) = intake(&world);
    assert_eq!(inbox.drain().count(), 0);
    let mut alice = log_in(&world, Config::new(), "alice");
    for number in 0..5 {
        alice.try_send(&format!("{number}")).unwrap();
    }
    world.settle();
    world.run(inbox.ready());
    let told: Vec<_> = inbox.drain().map(show).collect();
    assert_eq!(
        told,
        [
            "alice joined",
            "alice: 0",
            "alice: 1",
            "alice: 2",
            "alice: 3",
            "alice: 4"
        ]
    );
    alice.try_send("last").unwrap();
    drop(alice.close("bye"));
    world.settle();
    let told: Vec<_> = inbox.drain().map(show).collect();
    assert_eq!(told, ["alice ended", "alice: last"]);
    world.settle();
    let told: Vec<_> = inbox.drain().map(show).collect();
    assert_eq!(told, ["alice left: ClosedByPeer, 0"]);
}

#[test]
fn what_is_not_iterated_stays_and_peers_take_turns() {
    let world = World::new();
    let (_server, mut inbox) = intake(&world);
    let mut alice = log_in(&world, Config::new(), "alice");
    let mut bob = log_in(&world, Config::new(), "bob");
    world.settle();
    assert_eq!(
        inbox.drain().take(1).map(show).collect::<Vec<_>>(),
        ["alice joined"]
    );
    assert_eq!(inbox.drain().map(show).collect::<Vec<_>>(), ["bob joined"]);
    for number in 0..3 {
        alice.try_send(&format!("{number}")).unwrap();
        bob.try_send(&format!("{number}")).unwrap();
    }
    world.settle();
    assert_eq!(
        inbox.drain().take(2).map(show).collect::<Vec<_>>(),
        ["alice: 0", "bob: 0"]
    );
    assert_eq!(
        inbox.drain().map(show).collect::<Vec<_>>(),
        ["alice: 1", "bob: 1", "alice: 2", "bob: 2"]
    );
}

#[test]
fn an_inbox_that_nobody_drains_slows_its_peers_down_and_loses_nothing() {
    let world = World::new();
    let (_server, mut inbox) = intake(&world);
    let mut alice = log_in(&world, Config::new(), "alice");
    let mut sent = 0;
    loop {
        match alice.try_send(&format!("{sent}")) {
            Ok(()) => sent += 1,
            Err(SendError::Full) => break,
            Err(error) => panic!("{error}"),
        }
        world.settle();
    }
    assert_eq!(sent, 1024);
    world.pass(Duration::from_secs(120));
    assert_eq!(alice.phase(), Phase::LoggedIn);
    let told: Vec<_> = inbox.drain().map(show).collect();
    assert_eq!(told.len(), 1 + 1024);
    assert_eq!(told.last().unwrap(), "alice: 1023");
}
