//! The client that stays logged in: the loop around a session, every step of it an update.

mod common;

use std::{pin::pin, time::Duration};

use common::{World, frames::*};
use futures::stream::FusedStream;
use sessile::{
    Config, Credentials, Door, Ended, EventKind, LoggedIn, Multi, Phase, Reconnect, ReconnectMode,
    Rejection, Retry, Runtime, SendError, Session, Update,
};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn it_logs_in_by_itself_and_messages_flow() {
    let world = World::new();
    let (_server, mut door) = world.server(Config::new());
    let mut client = world.supervise(Config::new(), "alice");
    let observer = client.peer();
    assert_eq!(observer.phase(), Phase::Dialing);
    let mut peer = admit(&world, &mut door);
    peer.try_send("welcome").unwrap();
    world.settle();
    assert_eq!(
        told(&world, &mut client),
        ["link-up", "login-started", "logged-in", "welcome"]
    );
    assert_eq!(
        (observer.phase(), observer == client.peer()),
        (Phase::LoggedIn, true)
    );
    assert_eq!(observer.identity().unwrap().as_str(), Some("alice"));
    world.run(client.send("hello")).unwrap();
    client.try_send(&[1, 2]).unwrap();
    assert_eq!(&*world.run(peer.recv()).unwrap(), b"hello");
    client.send_volatile("now").unwrap();
    world.pass(SECOND * 600);
    assert_eq!(
        client.peer().phase(),
        Phase::LoggedIn,
        "its heart needs no polling"
    );
    assert_eq!(told(&world, &mut client), [] as [&str; 0]);
    assert_eq!(
        world.run_within(SECOND * 5, client.close("bye")).len(),
        1,
        "[1, 2] was not taken"
    );
}

#[test]
fn a_cut_is_told_step_by_step_and_nothing_is_lost() {
    for mode in [ReconnectMode::AtOnce, ReconnectMode::OnResume] {
        let world = World::new();
        let (_server, mut door) = world.server(Config::new());
        let (mut client, mut peer) = joined(&world, Config::new().reconnect(mode), &mut door);
        peer.try_send("before").unwrap();
        world.settle();
        let observer = client.peer();
        world.network.cut();
        world.settle();
        let lost = client.try_send("into the void").unwrap_err();
        assert!(matches!(lost, SendError::Ended(Ended::Lost(_))));
        assert_eq!(
            live(&world, &mut client, SECOND * 5),
            [
                "before",
                "link-lost",
                "reconnect-scheduled",
                "reconnect-started",
                "resumed"
            ],
            "{mode:?}"
        );
        assert_eq!(observer, client.peer(), "the same session");
        client.try_send("after").unwrap();
        let Err(Ended::Lost(lost)) = world.run(peer.recv()) else {
            panic!("no loss at the server")
        };
        let mut peer = world.run(peer.reconnect(lost).resume()).unwrap();
        assert_eq!(&*world.run(peer.recv()).unwrap(), b"after");
    }
}

#[test]
fn what_was_sent_in_vain_is_handed_out_before_the_next_login() {
    let world = World::new();
    let (_server, mut door) = world.server(Config::new().resume_window(SECOND * 10));
    let (mut client, peer) = joined(&world, Config::new(), &mut door);
    drop(peer.events());
    client.try_send("one").unwrap();
    world.settle();
    world.network.cut();
    world.network.refuse(true);
    let first = client.peer();
    let outage = live(&world, &mut client, SECOND * 20);
    assert!(outage.contains(&"ended".to_owned()), "{outage:?}");
    let end = outage.iter().position(|one| one == "ended").unwrap();
    assert_eq!(
        outage[end + 1..end + 3],
        ["undelivered one?", "reconnect-scheduled"]
    );
    assert_eq!(first.phase(), Phase::Ended);
    assert_ne!(first, client.peer());
    world.network.refuse(false);
    client.retry_now();
    let entering = told(&world, &mut client);
    assert_eq!(entering.last().unwrap(), "login-started");
    let _peer = admit(&world, &mut door);
    assert_eq!(told(&world, &mut client), ["logged-in"]);
    assert_eq!(client.peer().phase(), Phase::LoggedIn);
}

#[test]
fn retry_now_ends_every_pause() {
    let world = World::new();
    let (_server, mut door) = world.server(Config::new());
    let slow = Reconnect::new().base(SECOND * 3000).cap(SECOND * 3600);
    world.network.fail_dials(1);
    let mut client = world.supervise(Config::new().reconnect(slow).lease(SECOND * 60), "alice");
    assert_eq!(
        told(&world, &mut client),
        ["login-failed", "reconnect-scheduled"]
    );
    client.peer().retry_now(); // from anywhere
    assert_eq!(told(&world, &mut client), ["link-up", "login-started"]);
    client.retry_now(); // nothing is waited for
    let _peer = admit(&world, &mut door);
    assert_eq!(told(&world, &mut client), ["logged-in"]);
    world.network.cut();
    assert_eq!(
        told(&world, &mut client),
        ["link-lost", "reconnect-scheduled"]
    );
    client.retry_now();
    assert_eq!(told(&world, &mut client), ["reconnect-started", "resumed"]);
}

#[test]
fn a_login_that_is_refused_for_good_ends_it() {
    let world = World::new();
    let (_server, mut door) = world.server(Config::new());
    let mut client = world.supervise(Config::new(), "mallory");
    world
        .run(door.next())
        .unwrap()
        .reject(Rejection::bad_credentials().text("no"));
    assert_eq!(
        told(&world, &mut client),
        [
            "link-up",
            "login-started",
            "login-failed",
            "ended",
            "over: Refused"
        ]
    );
    assert!(client.is_terminated());
    assert!(world.run(client.next()).is_none());
    assert_eq!(told(&world, &mut client), [] as [&str; 0]);
    let Err(SendError::Ended(Ended::Closed(why))) = world.run(client.send("hello?")) else {
        panic!("it is over")
    };
    assert_eq!((why.text(), why.retry()), (Some("no"), Retry::Never));
    assert_eq!(world.run(client.close("")), []);
}

#[test]
fn a_busy_server_decides_how_long_to_wait() {
    let world = World::new();
    let (_server, mut door) = world.server(Config::new());
    let mut client = world.supervise(Config::new(), "alice");
    world
        .run(door.next())
        .unwrap()
        .reject(Rejection::busy(SECOND * 20));
    let dials = world.network.dials();
    live(&world, &mut client, SECOND * 19);
    assert_eq!(world.network.dials(), dials);
    live(&world, &mut client, SECOND * 3);
    assert_eq!(world.network.dials(), dials + 1);
}

#[test]
fn a_server_that_is_down_is_tried_again_and_again_with_growing_pauses() {
    let world = World::new();
    let mut client = world.supervise(Config::new(), "alice");
    let mut ceilings = Vec::new();
    for _ in 0..600 {
        world.pass(SECOND);
        for update in client.drain() {
            if let Update::Event(event) = update
                && let EventKind::ReconnectScheduled { attempt, after } = event.kind()
            {
                let ceiling = SECOND * (1 << (attempt - 1).min(5));
                assert!(*after <= ceiling.min(SECOND * 30), "{attempt}: {after:?}");
                ceilings.push(*after);
            }
        }
    }
    assert!((20..60).contains(&ceilings.len()), "{ceilings:?}");
    assert!(
        ceilings.iter().any(|after| *after > SECOND * 10),
        "{ceilings:?}"
    );
    let (_server, mut door) = world.server(Config::new());
    let _peer = (0..310)
        .find_map(|_| {
            live(&world, &mut client, Duration::from_millis(100));
            world.try_run(pin!(door.next()))
        })
        .expect("it comes within 31 s")
        .expect("a peer")
        .admit(1u64);
    assert_eq!(told(&world, &mut client), ["logged-in"]);
}

#[test]
fn attempts_and_budget_end_it() {
    for (policy, at_most) in [
        (Reconnect::new().attempts(3), SECOND * 10),
        (Reconnect::new().budget(SECOND * 60), SECOND * 60),
    ] {
        let world = World::new();
        let mut client = world.supervise(Config::new().reconnect(policy), "alice");
        let updates = live(&world, &mut client, at_most);
        assert_eq!(updates[updates.len() - 2..], ["ended", "over: GaveUp"]);
        if policy == Reconnect::new().attempts(3) {
            assert_eq!(world.network.dials(), 3);
        }
    }
}

#[test]
fn what_is_no_address_is_not_tried_again() {
    let world = World::new();
    let runtime = world.client(Config::new());
    let mut client = runtime.supervise("http://example.org", Credentials::token("alice"));
    assert_eq!(
        told(&world, &mut client),
        ["login-failed", "ended", "over: LinkLost"]
    );
}

/// It crashed: nobody heard of it, and its next life knows nobody.
fn crash(world: &World, server: Runtime<Multi>, door: Door, peer: Session<LoggedIn, Multi>) {
    world.network.cut();
    drop((server, door, peer));
    world.settle();
}

#[test]
fn a_server_that_was_restarted_is_logged_in_to_anew() {
    let world = World::new();
    let (server, mut door) = world.server(Config::new());
    let (mut client, peer) = joined(&world, Config::new(), &mut door);
    client.try_send("old").unwrap();
    world.settle();
    crash(&world, server, door, peer);
    let (_server, mut door) = world.server(Config::new());
    let updates = live(&world, &mut client, SECOND * 4);
    let tail = updates
        .iter()
        .position(|one| one == "reconnect-started")
        .unwrap();
    assert_eq!(
        updates[tail..],
        [
            "reconnect-started",
            "ended",
            "undelivered old?",
            "reconnect-scheduled",
            "link-up",
            "login-started"
        ]
    );
    let mut peer = admit(&world, &mut door);
    world.run(client.send("new")).unwrap();
    assert_eq!(&*world.run(peer.recv()).unwrap(), b"new", "and nothing old");
}

/// Nobody said that it should stay away: the program at the other end ended, or a task of it did.
#[test]
fn a_server_that_ends_in_order_without_a_word_is_logged_in_to_anew() {
    let world = World::new();
    let (server, mut door) = world.server(Config::new());
    let (mut client, peer) = joined(&world, Config::new(), &mut door);
    drop((peer, door, server));
    let (_server, mut door) = world.server(Config::new());
    let updates = live(&world, &mut client, SECOND * 10);
    assert_eq!(updates[0], "ended", "{updates:?}");
    let mut peer = admit(&world, &mut door);
    world.run(client.send("back")).unwrap();
    assert_eq!(&*world.run(peer.recv()).unwrap(), b"back");
}

/// A reason that the host gave is final.
#[test]
fn a_server_that_says_goodbye_is_not_logged_in_to_anew() {
    let world = World::new();
    let (_server, mut door) = world.server(Config::new());
    let (mut client, peer) = joined(&world, Config::new(), &mut door);
    drop(peer.close("the season is over"));
    let updates = live(&world, &mut client, SECOND * 60);
    assert_eq!(updates.last().unwrap(), "over: ClosedByPeer");
    assert_eq!(world.network.dials(), 1);
}

#[test]
fn without_relogin_the_end_of_the_session_is_the_end() {
    let world = World::new();
    let (server, mut door) = world.server(Config::new());
    let (client, peer) = joined(&world, Config::new(), &mut door);
    let mut client = client.relogin(false);
    crash(&world, server, door, peer);
    let (_server, _door) = world.server(Config::new());
    let updates = live(&world, &mut client, SECOND * 3);
    assert_eq!(updates[updates.len() - 2..], ["ended", "over: Gone"]);
    let dials = world.network.dials();
    live(&world, &mut client, SECOND * 60);
    assert_eq!(world.network.dials(), dials);
}

#[test]
fn without_reconnect_every_loss_is_a_new_session() {
    let world = World::new();
    let (_server, mut door) = world.server(Config::new());
    let config = Config::new().reconnect(ReconnectMode::Never);
    let (mut client, _ghost) = joined(&world, config, &mut door);
    world.network.cut();
    assert_eq!(
        live(&world, &mut client, SECOND * 2),
        [
            "link-lost",
            "ended",
            "reconnect-scheduled",
            "link-up",
            "login-started"
        ]
    );
    let _peer = admit(&world, &mut door);
    assert_eq!(told(&world, &mut client), ["logged-in"]);
}

#[test]
fn who_was_taken_over_does_not_come_back() {
    let world = World::new();
    let (_server, mut door) = world.server(Config::new());
    let (mut client, _peer) = joined(&world, Config::new(), &mut door);
    let (mut other, _other_peer) = joined(&world, Config::new(), &mut door);
    assert_eq!(
        told(&world, &mut client),
        ["taken-over", "ended", "over: TakenOver"]
    );
    let dials = world.network.dials();
    live(&world, &mut client, SECOND * 300);
    assert_eq!(world.network.dials(), dials);
    assert_eq!(told(&world, &mut other), [] as [&str; 0]);
}
