//! What a host answers beyond who a peer is: limits of its own, a kept place, something attached. And what it sees before.

mod common;

use std::{
    sync::{Arc, Mutex},
    task::{Context, Wake, Waker},
    time::Duration,
};

use common::{MINUTE, MS, SECOND, World, names, on_resume, read, soon};
use futures::{StreamExt, future::join};
use sessile::{
    Admission, Config, Credentials, Identity, Limits, LoggedIn, LoginError, Multi, Offer, Phase,
    Reason, RejectCode, Rejection, Runtime, SendError, Session, Sessions, admit_with,
};

/// A config of which the limits of guests are made.
fn guest() -> Config {
    Config::new()
        .heartbeat_interval(500 * MS)
        .lease(SECOND)
        .resume_window(3 * SECOND)
        .unacked_messages(4)
        .unacked_bytes(2_048)
        .max_message(1_024)
}

fn log_in(world: &World, config: Config, name: &str) -> Result<Session<LoggedIn>, LoginError> {
    let session = world.connect(config);
    world.run(session.login(&Credentials::token(name)))
}

/// A server whose host knows guests, operators, and everybody else.
fn server(world: &World, config: Config) -> (Runtime<Multi>, sessile::Inbox<()>) {
    let (server, _) = world.server(config);
    let guests = Limits::of(&guest()).expect("they fit");
    let admit = admit_with(move |offer: Offer| async move {
        let name = std::str::from_utf8(offer.credentials()).map_err(|_| Rejection::banned())?;
        let admission = Admission::from(Identity::new(name).map_err(|_| Rejection::banned())?);
        Ok(match name {
            "guest" => admission.limits(guests),
            "operator" => admission.reserved(),
            _ => admission.metadata(name.to_owned()),
        })
    });
    let inbox = server.intake_over(world.network.listener(), admit);
    (server, inbox)
}

#[test]
fn a_guest_has_the_window_that_its_host_gave_it_and_others_have_the_servers() {
    let world = World::new();
    let (server, _inbox) = server(&world, Config::new());
    let mut guest = log_in(&world, Config::new(), "guest").expect("admitted");
    let mut other = log_in(&world, Config::new(), "other").expect("admitted");
    for (name, session, messages, bytes) in [
        ("guest", &guest, 4, 2_048),
        ("other", &other, 1_024, 1 << 20),
    ] {
        let peer = server.sessions().get(name).expect("logged in");
        for now in [session.snapshot(), peer.snapshot()] {
            let now = now.expect("it lives");
            assert_eq!((now.window_messages, now.window_bytes), (messages, bytes));
        }
    }
    let long = [b'x'; 1_025];
    assert!(matches!(guest.try_send(&long), Err(SendError::TooLong(_))));
    other.try_send(&long).expect("others may");
    for _ in 0..4 {
        guest.try_send("x").expect("room");
    }
    assert!(matches!(guest.try_send("x"), Err(SendError::Full)));
    world.settle();
    let at_server = server.sessions().get("guest").expect("logged in");
    for _ in 0..4 {
        at_server.try_send("x").expect("room");
    }
    assert!(matches!(at_server.try_send("x"), Err(SendError::Full)));
}

#[test]
fn a_guest_is_missed_after_its_own_lease_and_forgotten_after_its_own_window() {
    let world = World::new();
    let (server, _inbox) = server(&world, Config::new());
    let sessions =
        ["guest", "other"].map(|name| log_in(&world, on_resume(), name).expect("admitted"));
    let [guest, other] = ["guest", "other"].map(|name| server.sessions().get(name).expect("there"));
    world.pass(10 * SECOND);
    assert_eq!(
        [guest.phase(), other.phase()],
        [Phase::LoggedIn; 2],
        "heartbeats suffice"
    );
    for link in world.network.links() {
        world.black_hole(&link, true);
    }
    world.pass(1_100 * MS);
    assert_eq!(
        sessions[0].phase(),
        Phase::Reconnecting,
        "both ends keep to it"
    );
    assert_eq!(
        [guest.phase(), other.phase()],
        [Phase::Reconnecting, Phase::LoggedIn]
    );
    world.pass(3_100 * MS);
    assert_eq!(guest.ended().expect("over").reason(), Reason::Expired);
    assert!(other.ended().is_none());
}

#[test]
fn limits_last_over_links() {
    let world = World::new();
    let (_server, _inbox) = server(&world, Config::new());
    let mut guest = log_in(&world, soon(), "guest").expect("admitted");
    for _ in 0..3 {
        world.cut();
        guest = world.back(guest);
        assert_eq!(guest.snapshot().expect("it lives").window_messages, 4);
    }
}

#[test]
fn who_wants_less_than_its_limits_gets_what_it_wants() {
    let world = World::new();
    let (server, mut door) = world.server(Config::new().unacked_messages(8));
    let trusted = Limits::of(&Config::new().unacked_messages(512)).expect("they fit");
    for (wants, gets) in [(1_000, 512), (100, 100)] {
        let session = world.connect(Config::new().unacked_messages(wants));
        let me = Credentials::token("proxy");
        let admit = async {
            let peer = door.next().await.expect("a peer");
            peer.set_limits(trusted);
            peer.admit(1u64)
        };
        let (mine, _theirs) = world.run(join(session.login(&me), admit));
        let now = mine.expect("admitted").snapshot().expect("it lives");
        assert_eq!(now.window_messages, gets, "above the server's 8");
    }
    assert_eq!(server.sessions().len(), 0);
}

#[test]
fn a_short_lease_of_its_own_has_short_waits_for_acknowledgements() {
    let world = World::new();
    let (_server, mut door) = world.server(Config::new().ack_delay(SECOND));
    let hasty = Config::new().heartbeat_interval(100 * MS).lease(200 * MS);
    let hasty = Limits::of(&hasty).expect("they fit");
    let session = world.connect(Config::new());
    let me = Credentials::token("hasty");
    let admit = async {
        let peer = door.next().await.expect("a peer");
        peer.set_limits(hasty);
        peer.admit(1u64)
    };
    let (mine, mut theirs) = world.run(join(session.login(&me), admit));
    let mut mine = mine.expect("admitted");
    world.pass(10 * MS);
    mine.try_send("x").expect("room");
    world.settle();
    assert_eq!(read(&mut theirs), ["x"]);
    world.pass(60 * MS); // below the interval: nothing else is written
    assert_eq!(
        mine.snapshot().expect("it lives").acked,
        1,
        "a quarter of the lease is 50 ms"
    );
}

#[test]
fn limits_that_do_not_fit_are_found_when_they_are_made() {
    for (config, field) in [
        (guest().lease(600 * MS), "lease"),
        (guest().unacked_bytes(1_023), "unacked_bytes"),
        (guest().unacked_messages(0), "unacked_messages"),
        (guest().resume_window(Duration::MAX), "resume_window"),
    ] {
        assert_eq!(Limits::of(&config).expect_err(field).field(), field);
    }
}

#[test]
fn kept_places_are_for_those_whom_the_host_gives_one() {
    let world = World::new();
    let config = Config::new().max_sessions(3).reserved_sessions(1);
    let (server, _inbox) = server(&world, config);
    let full = |name| {
        let error = log_in(&world, Config::new(), name).expect_err("full");
        error.rejection().expect("refused").code()
    };
    let _first = ["a", "b"].map(|name| log_in(&world, Config::new(), name).expect("room"));
    assert_eq!(full("c"), RejectCode::Full, "what is left is kept");
    // Who is in already needs no other place.
    let again = log_in(&world, Config::new(), "b").expect("its own place");
    let operator = log_in(&world, Config::new(), "operator").expect("a kept place");
    assert_eq!((server.sessions().len(), full("c")), (3, RejectCode::Full));
    world.run(again.close(""));
    world.settle();
    assert_eq!(
        full("c"),
        RejectCode::Full,
        "one place is free, and it is kept"
    );
    world.run(operator.close(""));
    world.settle();
    let _last = log_in(&world, Config::new(), "c").expect("room");
}

/// Looks, at the very moment at which it is woken, whether bob is there and has something attached.
struct Looks {
    sessions: Sessions,
    saw: Mutex<Vec<bool>>,
}

impl Wake for Looks {
    fn wake(self: Arc<Self>) {
        if let Some(bob) = self.sessions.get("bob") {
            let saw = bob.metadata::<String>().is_some();
            self.saw.lock().expect("fine").push(saw);
        }
    }
}

#[test]
fn what_is_attached_is_there_before_anybody_hears_of_the_login() {
    let world = World::new();
    let (server, _) = world.server(Config::new());
    let (permit, permits) = async_channel::bounded(1);
    let admit = admit_with(move |_| {
        let permits = permits.clone();
        async move {
            permits.recv().await.expect("open");
            let bob = Identity::new("bob").expect("short");
            Ok(Admission::from(bob).metadata("attached".to_owned()))
        }
    });
    let _inbox: sessile::Inbox<()> = server.intake_over(world.network.listener(), admit);
    let login = world
        .connect(Config::new())
        .login(&Credentials::token("bob"));
    let mut events = server.events();
    let login = world.spawn(login);
    world.settle();
    assert_eq!(names(&mut events), ["link-up", "login-started"]);
    let looks = Arc::new(Looks {
        sessions: server.sessions(),
        saw: Mutex::default(),
    });
    let waker = Waker::from(Arc::clone(&looks));
    let cx = &mut Context::from_waker(&waker);
    assert!(events.poll_next_unpin(cx).is_pending());
    permit.try_send(()).expect("it waits");
    let _bob = world.run(login).expect("admitted");
    assert_eq!(*looks.saw.lock().expect("fine"), [true]);
}

#[test]
fn nothing_attached_outlives_a_peer_that_is_refused() {
    let world = World::new();
    let (server, _) = world.server(Config::new().max_sessions(1));
    let (held, watched) = {
        let held = Arc::new(());
        (held.clone(), Arc::downgrade(&held))
    };
    let first = Mutex::new(Some(held));
    let admit = admit_with(move |offer: Offer| {
        let held = first
            .lock()
            .expect("fine")
            .take_if(|_| offer.credentials() == b"late");
        async move {
            let who = Identity::new(offer.credentials()).map_err(|_| Rejection::banned())?;
            Ok::<Admission<()>, Rejection>(Admission::from(who).metadata(held))
        }
    });
    let _inbox: sessile::Inbox<()> = server.intake_over(world.network.listener(), admit);
    let _first = log_in(&world, Config::new(), "first").expect("room");
    let error = log_in(&world, Config::new(), "late").expect_err("full");
    assert_eq!(error.rejection().expect("refused").code(), RejectCode::Full);
    world.pass(MINUTE);
    assert!(watched.upgrade().is_none());
}

#[test]
fn an_offer_tells_whose_place_it_would_take() {
    let world = World::new();
    let (server, mut door) = world.server(Config::new());
    let (alice, _theirs) = world.pair(Config::new(), &mut door, "alice");
    let session = world.connect(Config::new());
    let me = Credentials::token("alice");
    let judge = async {
        let peer = door.next().await.expect("a peer");
        let holder = peer.offer().holder("alice").expect("she is there");
        assert_eq!(Some(&holder), server.sessions().get("alice").as_ref());
        assert_eq!(holder.phase(), Phase::LoggedIn);
        assert!(peer.offer().holder("bob").is_none());
        let mut events = holder.events();
        let session = peer.admit(Identity::new("alice").expect("short"));
        assert_eq!(names(&mut events), ["taken-over", "ended"]);
        assert_eq!(
            session.peer(),
            server.sessions().get("alice").expect("the new one")
        );
        session
    };
    let (mine, theirs) = world.run(join(session.login(&me), judge));
    assert_eq!(mine.expect("admitted").phase(), Phase::LoggedIn);
    drop((theirs, alice));
}
