//! What is said over a client that stays logged in, and to it: sending, draining, giving up waits, two tasks at once.

mod common;

use std::{pin::pin, time::Duration};

use bytes::Bytes;
use common::{World, frames::*};
use futures::{FutureExt, SinkExt, StreamExt};
use sessile::{
    Admission, Admit, Config, Ended, Host, Message, Offer, Reason, ReconnectMode, Rejection,
    SendError, Turn, Update,
};

const SECOND: Duration = Duration::from_secs(1);

struct Echo;

impl Admit for Echo {
    type Peer = ();

    async fn admit(&self, _: &Offer) -> Result<Admission<()>, Rejection> {
        Ok(1u64.into())
    }
}

impl Host for Echo {
    fn on_message(&self, peer: &mut Turn<'_, ()>, message: Message<'_>) {
        peer.send(&message).expect("the first answer goes");
    }
}

#[test]
fn a_send_waits_for_the_login_and_moves_it_on() {
    let world = World::new();
    world.network.refuse(true);
    let (_server, mut door) = world.server(Config::new());
    let mut client = world.supervise(Config::new(), "alice");
    let lost = client.try_send("too early").unwrap_err();
    assert!(matches!(lost, SendError::Ended(Ended::Lost(_))));
    assert_eq!(
        lost.to_string(),
        "there is no link yet; log in, or wait for it"
    );
    let entering = world.spawn(async move {
        let peer = door.next().await.unwrap();
        let mut peer = peer.admit(1u64);
        peer.recv().await.unwrap().to_vec()
    });
    let world = &world;
    world.settle();
    let mut sending = pin!(client.send("hello"));
    assert_eq!(world.try_run(sending.as_mut()), None);
    world.network.refuse(false);
    world.run_within(SECOND * 10, sending).unwrap();
    assert_eq!(world.run(entering), b"hello");
    assert_eq!(
        told(world, &mut client)[..2],
        ["login-failed", "reconnect-scheduled"],
        "what happened meanwhile is told"
    );
}

#[test]
fn messages_before_an_end_are_told_before_it() {
    let world = World::new();
    let (_server, mut door) = world.server(Config::new());
    let (mut client, mut peer) = joined(&world, Config::new(), &mut door);
    for number in 0..3 {
        peer.try_send(&format!("{number}")).unwrap();
    }
    drop(peer.close("closing time"));
    world.settle();
    assert_eq!(
        told(&world, &mut client),
        ["0", "1", "2", "ended", "over: ClosedByPeer"]
    );
}

#[test]
fn a_drain_is_a_view_and_never_waits() {
    let world = World::new();
    let (_server, mut door) = world.server(Config::new());
    let (mut client, mut peer) = joined(&world, Config::new(), &mut door);
    assert_eq!(client.drain().count(), 0);
    for number in 0..5 {
        peer.try_send(&format!("{number}")).unwrap();
    }
    world.settle();
    assert_eq!(
        client
            .drain()
            .take(2)
            .map(|one| show(&one))
            .collect::<Vec<_>>(),
        ["0", "1"]
    );
    assert_eq!(
        client.drain().map(|one| show(&one)).collect::<Vec<_>>(),
        ["2", "3", "4"]
    );
    // A server that answers at once does not hold a frame for ever.
    peer.try_send("ping").unwrap();
    world.settle();
    for (number, _) in client.drain().enumerate() {
        assert!(number < 2, "endless");
        peer.try_send("ping").unwrap();
        world.settle();
    }
}

#[test]
fn an_update_that_was_not_awaited_to_its_end_is_not_lost() {
    let world = World::new();
    let (_server, mut door) = world.server(Config::new());
    let (mut client, mut peer) = joined(&world, Config::new(), &mut door);
    for number in 0..100u32 {
        // Given up with nothing there, and with something there that nobody looked at yet.
        assert!(client.next().now_or_never().is_none());
        peer.try_send(&number.to_be_bytes()).unwrap();
        drop(client.next());
        world.settle();
        drop(client.send("never awaited"));
        let Some(Update::Message(message)) = world.run(client.next()) else {
            panic!("no message")
        };
        assert_eq!(*message, number.to_be_bytes());
    }
    assert_eq!(peer.try_recv().unwrap().map(|one| one.len()), None);
}

#[test]
fn two_tasks_share_it_as_a_stream_and_a_sink() {
    let world = World::new();
    let (server, door) = world.server(Config::new().unacked_messages(4));
    drop(door);
    let _serving = server.serve_over(world.network.listener(), Echo);
    world.network.fail_dials(1);
    let client = world.supervise(Config::new(), "alice");
    let (mut sink, mut stream) = client.split();
    let writing = world.spawn(async move {
        for number in 0..100u8 {
            sink.send(Bytes::copy_from_slice(&[number])).await.unwrap();
        }
        sink
    });
    let reading = world.spawn(async move {
        let mut all = Vec::new();
        while let Some(update) = stream.next().await {
            match update {
                Update::Message(message) => all.extend_from_slice(&message),
                Update::Ended(why) => return (all, why.reason()),
                _ => {}
            }
        }
        unreachable!()
    });
    world.pass(SECOND);
    world.network.cut();
    let mut sink = world.run_within(SECOND * 60, writing);
    world.pass(SECOND);
    world.run_within(SECOND * 10, sink.close()).unwrap();
    let (all, why) = world.run_within(SECOND * 10, reading);
    assert!(all.iter().copied().eq(0..100), "all of them, once: {all:?}");
    assert_eq!(why, Reason::ClosedHere);
}

#[test]
fn a_message_for_one_session_is_not_for_the_next() {
    let world = World::new();
    let (_server, mut door) = world.server(Config::new().unacked_messages(1));
    let config = Config::new().reconnect(ReconnectMode::Never);
    let (mut client, _peer) = joined(&world, config, &mut door);
    client.try_send("fills the window").unwrap();
    assert_eq!(client.try_send("no room"), Err(SendError::Full));
    let mut waits = pin!(client.send("waits for room"));
    assert_eq!(world.try_run(waits.as_mut()), None);
    world.network.cut();
    world.settle();
    assert!(matches!(
        world.run(waits),
        Err(SendError::Ended(Ended::Closed(_)))
    ));
    assert_eq!(
        told(&world, &mut client),
        [
            "link-lost",
            "ended",
            "undelivered fills the window?",
            "reconnect-scheduled"
        ]
    );
}

#[test]
fn who_lags_behind_with_events_hears_it() {
    let world = World::new();
    let (_server, mut door) = world.server(Config::new());
    let config = Config::new().event_buffer(2);
    let mut client = world.supervise(config, "alice");
    let _peer = admit(&world, &mut door);
    world.settle();
    assert_eq!(
        told(&world, &mut client),
        ["1 missed", "login-started", "logged-in"]
    );
}

#[test]
fn a_send_alone_brings_a_lost_session_back() {
    for mode in [ReconnectMode::AtOnce, ReconnectMode::OnResume] {
        let world = World::new();
        let (_server, mut door) = world.server(Config::new());
        let (mut client, peer) = joined(&world, Config::new().reconnect(mode), &mut door);
        world.network.cut();
        world.settle();
        world
            .run_within(SECOND * 5, client.send("after"))
            .expect("nobody has to read for it");
        assert_eq!(
            told(&world, &mut client),
            [
                "link-lost",
                "reconnect-scheduled",
                "reconnect-started",
                "resumed"
            ],
            "{mode:?}"
        );
        let Err(Ended::Lost(lost)) = peer.check() else {
            panic!("no loss at the server")
        };
        let mut peer = world.run(peer.reconnect(lost).resume()).unwrap();
        assert_eq!(&*world.run(peer.recv()).unwrap(), b"after");
    }
}

#[test]
fn a_message_that_waited_for_room_is_accepted_whatever_its_size() {
    let world = World::new();
    let config = Config::new().max_message(1000).unacked_bytes(1024);
    let (_server, mut door) = world.server(config);
    let (mut client, mut peer) = joined(&world, Config::new(), &mut door);
    client.try_send(&[0; 500]).unwrap();
    assert_eq!(client.try_send(&[0; 1000]), Err(SendError::Full));
    world.run(client.send(&[0; 1000])).unwrap();
    assert!(matches!(
        client.try_send(&[0; 1001]),
        Err(SendError::TooLong(_))
    ));
    for len in [500, 1000] {
        assert_eq!(world.run_within(SECOND, peer.recv()).unwrap().len(), len);
    }
}

/// Whoever closes it wants no other session, also where the last one is gone already and a login anew would come next.
#[test]
fn a_client_that_is_closed_as_a_sink_between_two_sessions_logs_in_no_more() {
    let world = World::new();
    let (server, mut door) = world.server(Config::new());
    let (mut client, peer) = joined(&world, Config::new(), &mut door);
    client.try_send("old").unwrap();
    world.settle();
    world.network.cut();
    drop((server, door, peer));
    world.settle();
    let (_server, _door) = world.server(Config::new());
    loop {
        let update = world.run_within(SECOND * 10, client.next());
        if let Update::Undelivered(old) = update.expect("it is not over") {
            assert_eq!(old.len(), 1);
            break;
        }
    }
    let dials = world.network.dials();
    world
        .run_within(SECOND, SinkExt::<Bytes>::close(&mut client))
        .unwrap();
    let last = world.run_within(SECOND, client.next());
    assert!(matches!(last, Some(Update::Ended(_))), "{last:?}");
    assert!(world.run(client.next()).is_none());
    world.pass(SECOND * 60);
    assert_eq!(world.network.dials(), dials);
}
