//! Whole programs that were written against the surface before it was built: they do what their authors thought.

mod common;

use common::World;
use futures::{FutureExt, future::join};
use sessile::{Config, Credentials, Ended, LoggedIn, Multi, Session};
use std::{cell::Cell, pin::pin, time::Duration};

/// Sends back what it hears, until it hears no more.
async fn echo(mut session: Session<LoggedIn, Multi>) {
    while let Ok(message) = session.recv().await {
        if session.send(&message).await.is_err() {
            break;
        }
    }
}

/// More than two windows of eight and what lies between them can hold.
const MANY: u8 = 100;

#[test]
fn two_ends_that_only_send_stop_each_other() {
    let world = World::new();
    let config = Config::new().unacked_messages(8);
    let (_server, mut door) = world.server(config.clone());
    let (mut mine, theirs) = world.pair(config, &mut door, "alice");
    let echoing = world.spawn(echo(theirs));

    let sent = Cell::new(0);
    let mut talk = pin!(async {
        for number in 0..MANY {
            mine.send(&[number]).await.expect("a link");
            sent.set(sent.get() + 1);
        }
    });
    // Nothing is left to run, whatever timer fires meanwhile: it waits for ever. Nobody is declared dead for it, because
    // heartbeats need no application.
    assert_eq!(world.try_run(talk.as_mut()), None);
    for _ in 0..60 {
        world.pass(Duration::from_secs(10));
        assert_eq!(world.try_run(talk.as_mut()), None);
    }
    let sent = sent.get();
    assert_eq!(
        sent, 17,
        "its window, one in the echo's hands, the echo's window"
    );
    assert_eq!(mine.check(), Ok(()));

    // And reading is all it takes to go on.
    world.run(async {
        for number in 0..sent {
            assert_eq!(*mine.recv().await.expect("a link"), [number]);
        }
    });
    drop(mine);
    world.run(echoing);
}

#[test]
fn halves_send_and_receive_at_the_same_time() {
    let world = World::new();
    let config = Config::new().unacked_messages(8);
    let (_server, mut door) = world.server(config.clone());
    let (mut mine, theirs) = world.pair(config, &mut door, "alice");
    let echoing = world.spawn(echo(theirs));

    let (mut sender, mut receiver) = mine.split();
    let say = async {
        for number in 0..MANY {
            sender.send(&[number]).await.expect("a link");
        }
    };
    let hear = async {
        for number in 0..MANY {
            assert_eq!(*receiver.recv().await.expect("a link"), [number]);
        }
    };
    world.run(join(say, hear));
    drop(mine);
    world.run(echoing);
}

#[test]
fn a_receive_that_is_given_up_loses_nothing() {
    const MESSAGES: u32 = 20_000;
    let world = World::new();
    let config = Config::new().unacked_messages(8);
    let (_server, mut door) = world.server(config.clone());
    let (mut mine, mut theirs) = world.pair(config, &mut door, "alice");
    let talking = world.spawn(async move {
        for number in 0..MESSAGES {
            theirs.send(&number.to_be_bytes()).await.expect("a link");
        }
        theirs.recv().await.expect_err("the other end leaves");
    });
    let (keyboard, typed) = async_channel::bounded(1);
    let typing = world.spawn(async move {
        while keyboard.send(()).await.is_ok() {
            smol::future::yield_now().await;
        }
    });

    let (mut next, mut given_up) = (0, 0);
    world.run(async {
        while next < MESSAGES {
            futures::select_biased! {
                // Ready now and then, whatever happens to the session meanwhile.
                _ = typed.recv().fuse() => given_up += 1,
                message = mine.recv() => {
                    let message = message.expect("a link");
                    assert_eq!(&*message, next.to_be_bytes());
                    next += 1;
                }
            }
        }
    });
    assert!(given_up > 1_000, "only {given_up} receives were given up");
    drop((mine, typed));
    world.run(join(talking, typing));
}

#[test]
fn a_test_of_a_program_needs_a_network_in_memory_and_no_time() {
    let world = World::new();
    let (server, mut door) = world.server(Config::new());
    let session = world.connect(Config::new());
    let me = Credentials::token("alice");
    let admit = async { door.next().await.expect("a peer").admit(42u64) };
    let (mine, theirs) = world.run(join(session.login(&me), admit));
    let (mut mine, mut theirs) = (mine.expect("admitted"), theirs);
    // Coming back takes a pause of a second at most: the clock shows it, nobody waits for it.
    world.run_within(Duration::from_secs(1), async {
        mine.send("hello").await.expect("a link");
        assert_eq!(&*theirs.recv().await.expect("a link"), b"hello");

        world.network.cut();
        let Err(Ended::Lost(lost)) = mine.recv().await else {
            panic!("the link was cut");
        };
        let mut mine = mine
            .reconnect(lost)
            .resume()
            .await
            .expect("a peer that waits");
        let Err(Ended::Lost(lost)) = theirs.recv().await else {
            panic!("the link was cut");
        };
        let mut theirs = theirs.reconnect(lost).resume().await.expect("it came back");
        theirs.send(b"again").await.expect("a link");
        assert_eq!(&*mine.recv().await.expect("a link"), b"again");
        assert!(server.sessions().contains(42u64));
    });
}
