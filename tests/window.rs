//! The unacked window: who does not read stops who sends, and nothing else.

mod common;

use common::{MINUTE, MS, On, SECOND, World, names, read, soon};
use futures::future::{join, select};
use sessile::{Config, Ended, Phase, SendError};
use std::pin::pin;

fn four() -> Config {
    soon().unacked_messages(4)
}

#[test]
fn a_full_window_makes_send_wait_until_the_peers_application_takes_a_message() {
    let world = World::new();
    let (_server, mut door) = world.server(Config::new());
    let (mut mine, mut theirs) = world.pair(four(), &mut door, "alice");
    for n in 0..4 {
        world.run(mine.send(&n.to_string())).expect("room");
    }
    world.pass(MINUTE);
    assert_eq!(mine.try_send("4"), Err(SendError::Full), "nobody took one");
    {
        let mut sending = pin!(mine.send("4"));
        assert!(world.try_run(sending.as_mut()).is_none());
        let first = theirs.try_recv().expect("up").expect("a message");
        assert_eq!(&*first, b"0");
        world.pass(25 * MS); // an acknowledgement may wait so long for company
        assert_eq!(world.try_run(sending.as_mut()), Some(Ok(())));
    }
    assert_eq!(
        mine.try_send("5"),
        Err(SendError::Full),
        "one place, one message"
    );
    world.settle();
    assert_eq!(read(&mut theirs), ["1", "2", "3", "4"]);
    world.pass(25 * MS);
    for n in 5..9 {
        assert_eq!(mine.try_send(&n.to_string()), Ok(()));
    }
    let snapshot = mine.snapshot().expect("alive");
    assert_eq!(
        (snapshot.sent, snapshot.acked, snapshot.unacked_messages),
        (9, 5, 4)
    );
}

#[test]
fn the_window_counts_bytes_as_well_and_the_smaller_side_decides() {
    let world = World::new();
    let small = Config::new().unacked_bytes(1_024).max_message(800);
    let (_server, mut door) = world.server(small);
    let (mut mine, mut theirs) = world.pair(soon(), &mut door, "alice");
    assert_eq!(mine.try_send(&[0; 800]), Ok(()));
    assert_eq!(mine.try_send(&[0; 225]), Err(SendError::Full));
    assert_eq!(mine.try_send(&[0; 224]), Ok(()));
    assert_eq!(
        theirs.try_send(&[0; 800]),
        Ok(()),
        "each direction has its own"
    );
    let Err(SendError::TooLong(error)) = mine.try_send(&[0; 801]) else {
        panic!("too long for the server");
    };
    assert_eq!((error.len(), error.max()), (801, 800));
    assert_eq!(
        mine.check(),
        Ok(()),
        "a message's fault is not the session's"
    );
    world.settle();
    theirs.try_recv().expect("up").expect("a message");
    world.settle();
    assert_eq!(
        mine.try_send(&[0; 800]),
        Ok(()),
        "a quarter of the window is acknowledged at once"
    );
}

#[test]
fn a_server_that_does_not_read_for_ten_minutes_answers_heartbeats_all_the_same() {
    let world = World::new();
    let (_server, mut door) = world.server(Config::new());
    let (mut mine, mut theirs) = world.pair(four(), &mut door, "alice");
    let (mut here, mut there) = (mine.events(), theirs.events());
    for side in 0..4 {
        mine.try_send(&side.to_string()).expect("room");
        theirs.try_send(&side.to_string()).expect("room");
    }
    world.pass(10 * MINUTE);
    assert_eq!(
        (mine.phase(), theirs.phase()),
        (Phase::LoggedIn, Phase::LoggedIn)
    );
    assert_eq!(names(&mut here), [] as [&str; 0]);
    assert_eq!(names(&mut there), [] as [&str; 0]);
    assert_eq!(mine.try_send("full"), Err(SendError::Full));
    assert_eq!(theirs.try_send("full"), Err(SendError::Full));
    assert_eq!((read(&mut mine).len(), read(&mut theirs).len()), (4, 4));
    world.pass(SECOND);
    assert_eq!(
        (mine.try_send("more"), theirs.try_send("more")),
        (Ok(()), Ok(()))
    );
}

#[test]
fn a_send_that_waits_hears_of_the_loss_and_has_sent_nothing() {
    let world = World::new();
    let (_server, mut door) = world.server(Config::new());
    let (mut mine, mut theirs) = world.pair(four(), &mut door, "alice");
    for n in 0..4 {
        mine.try_send(&n.to_string()).expect("room");
    }
    let lost = {
        let mut sending = pin!(mine.send("waits"));
        assert!(world.try_run(sending.as_mut()).is_none());
        world.network.cut();
        match world.run(sending) {
            Err(SendError::Ended(Ended::Lost(lost))) => lost,
            other => panic!("{other:?}"),
        }
    };
    let mine = world
        .run_within(MINUTE, mine.reconnect(lost).resume())
        .expect("it comes back");
    assert_eq!(mine.snapshot().expect("alive").sent, 4);
    let mut heard = read(&mut theirs);
    let mut theirs = world.back(theirs);
    heard.extend(read(&mut theirs));
    assert_eq!(heard, ["0", "1", "2", "3"]);
}

#[test]
fn a_send_that_was_dropped_before_it_completed_has_sent_nothing() {
    let world = World::new();
    let (_server, mut door) = world.server(Config::new());
    let (mut mine, mut theirs) = world.pair(four(), &mut door, "alice");
    for n in 0..4 {
        mine.try_send(&n.to_string()).expect("room");
    }
    for _ in 0..3 {
        assert!(world.try_run(pin!(mine.send("never"))).is_none());
    }
    world.settle();
    assert_eq!(read(&mut theirs).len(), 4);
    world.pass(SECOND);
    assert_eq!(read(&mut theirs), [] as [&str; 0]);
    world.run(mine.send("now")).expect("room");
    world.settle();
    assert_eq!(read(&mut theirs), ["now"]);
}

#[test]
fn the_window_holds_over_a_loss() {
    let world = World::new();
    let (server, mut door) = world.server(Config::new());
    let (mine, mut theirs) = world.pair(four(), &mut door, "alice");
    theirs.try_send("0").expect("room");
    world.cut();
    let peer = server.sessions().get("alice").expect("kept");
    for n in 1..4 {
        peer.try_send(&n.to_string())
            .expect("a lost link refuses nothing");
    }
    assert_eq!(peer.try_send("4"), Err(SendError::Full));
    world.pass(SECOND);
    assert_eq!(
        peer.try_send("4"),
        Err(SendError::Full),
        "back, and nothing was taken"
    );
    let mut mine = mine;
    let mut heard = read(&mut mine);
    let mut mine = world.back(mine);
    heard.extend(read(&mut mine));
    assert_eq!(heard, ["0", "1", "2", "3"]);
    world.pass(SECOND);
    assert_eq!(peer.try_send("4"), Ok(()));
}

#[test]
fn two_that_send_and_receive_at_once_get_a_megabyte_through_a_small_window() {
    let world = World::new();
    let (_server, mut door) = world.server(Config::new());
    let (mine, theirs) = world.pair(four(), &mut door, "alice");
    macro_rules! both_ways {
        ($session:ident) => {
            async move {
                let mut session = $session;
                let (mut sender, mut receiver) = session.split();
                let send = async {
                    for n in 0..1_000u32 {
                        sender.send(&vec![n as u8; 1_000]).await.expect("up");
                    }
                };
                let receive = async {
                    for n in 0..1_000u32 {
                        assert_eq!(receiver.recv().await.expect("up")[..], [n as u8; 1_000]);
                    }
                };
                join(send, receive).await;
                session
            }
        };
    }
    let theirs = world.spawn_on(On::Server, both_ways!(theirs));
    let mine = world.spawn(both_ways!(mine));
    let (mine, _theirs) = world.run_within(MINUTE, join(mine, theirs));
    assert_eq!(mine.snapshot().expect("alive").taken, 1_000);
}

#[test]
fn waiting_for_a_message_and_for_room_at_once_is_woken_by_either() {
    let world = World::new();
    let (_server, mut door) = world.server(Config::new());
    let (mut mine, mut theirs) = world.pair(four(), &mut door, "alice");
    for n in 0..4 {
        mine.try_send(&n.to_string()).expect("room");
    }
    let (mut sender, mut receiver) = mine.split();
    let mut either = select(sender.send("4"), receiver.recv());
    assert!(world.try_run(pin!(&mut either)).is_none());
    theirs.try_send("news").expect("room");
    assert!(matches!(
        world.run(&mut either),
        futures::future::Either::Right((Ok(_), _))
    ));
    let mut either = select(sender.send("4"), receiver.recv());
    assert!(world.try_run(pin!(&mut either)).is_none());
    assert_eq!(read(&mut theirs).len(), 4);
    assert!(matches!(
        world.run(&mut either),
        futures::future::Either::Left((Ok(()), _))
    ));
}

#[test]
fn what_is_accepted_goes_out_in_as_many_turns_as_it_takes_and_waits_for_nothing_else() {
    let world = World::new();
    let (_server, mut door) = world.server(Config::new());
    let (mut mine, theirs) = world.pair(Config::new().turn_frames(8), &mut door, "alice");
    for _ in 0..200 {
        mine.try_send("one of many").expect("room");
    }
    // No time passes, and nothing comes back: nobody takes them.
    world.settle();
    assert_eq!(theirs.snapshot().expect("alive").received, 200);
}
