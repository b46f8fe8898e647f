//! Volatile messages: now or never.

mod common;

use common::{MINUTE, SECOND, World, read, soon};
use sessile::Config;
use std::time::Duration;

#[test]
fn a_volatile_message_arrives_while_the_link_is_up_and_says_what_it_is() {
    let world = World::new();
    let (_server, mut door) = world.server(Config::new());
    let (mut mine, mut theirs) = world.pair(soon(), &mut door, "alice");
    mine.send_volatile("up").expect("up");
    theirs.send_volatile("down").expect("up");
    world.settle();
    for (session, text) in [(mine.try_recv(), "down"), (theirs.try_recv(), "up")] {
        let message = session.expect("up").expect("a message");
        assert_eq!((&*message, message.is_volatile()), (text.as_bytes(), true));
    }
    let snapshot = mine.snapshot().expect("alive");
    assert_eq!(
        (snapshot.sent, snapshot.volatile_dropped),
        (0, 0),
        "it takes no room"
    );
}

#[test]
fn a_volatile_message_is_never_sent_again_and_the_drop_is_counted() {
    let world = World::new();
    let (server, mut door) = world.server(Config::new());
    let (mut mine, mut theirs) = world.pair(soon(), &mut door, "alice");
    mine.try_send("reliable").expect("room");
    mine.send_volatile("late").expect("up");
    theirs.send_volatile("late").expect("up");
    world.network.cut(); // before anybody wrote or read
    world.settle();
    let peer = server.sessions().get("alice").expect("kept");
    peer.send_volatile("while it is down")
        .expect("nobody is told");
    world.pass(SECOND);
    let (mut mine, mut theirs) = (world.back(mine), world.back(theirs));
    world.settle();
    assert_eq!(read(&mut theirs), ["reliable"]);
    assert_eq!(read(&mut mine), [] as [&str; 0]);
    // The one that no link took, and the one for which there was no link.
    assert_eq!(peer.snapshot().expect("alive").volatile_dropped, 2);
    mine.send_volatile("fresh").expect("up");
    world.settle();
    assert_eq!(read(&mut theirs), ["fresh"]);
}

#[test]
fn volatile_messages_that_wait_for_a_full_link_go_with_it_and_are_counted() {
    let world = World::new();
    let (_server, mut door) = world.server(Config::new());
    let (mut mine, theirs) = world.pair(soon(), &mut door, "alice");
    world.network.set_delay(MINUTE); // the link passes nothing on, and holds 64 KiB
    for _ in 0..3 {
        mine.try_send(&[b'x'; 40_000]).expect("room");
        world.settle();
    }
    mine.send_volatile("one").expect("up");
    mine.send_volatile("two").expect("up");
    world.network.set_delay(Duration::ZERO);
    world.cut();
    assert_eq!(mine.snapshot().expect("alive").volatile_dropped, 2);
    world.pass(SECOND);
    let (mine, mut theirs) = (world.back(mine), world.back(theirs));
    world.settle();
    let lengths: Vec<usize> = read(&mut theirs).iter().map(String::len).collect();
    assert_eq!(lengths, [40_000; 3]);
    assert_eq!(mine.snapshot().expect("alive").volatile_dropped, 2);
}

#[test]
fn the_oldest_volatile_messages_go_where_too_many_wait_to_be_read() {
    let world = World::new();
    let (_server, mut door) = world.server(Config::new().volatile_messages(3));
    let (mut mine, mut theirs) = world.pair(soon(), &mut door, "alice");
    for n in 0..5 {
        mine.send_volatile(&format!("volatile {n}")).expect("up");
        mine.try_send(&format!("reliable {n}")).expect("room");
        world.settle();
    }
    assert_eq!(
        read(&mut theirs),
        [
            "reliable 0",
            "reliable 1",
            "volatile 2",
            "reliable 2",
            "volatile 3",
            "reliable 3",
            "volatile 4",
            "reliable 4",
        ]
    );
    let [mine, theirs] = [mine.snapshot(), theirs.snapshot()].map(|one| one.expect("alive"));
    assert_eq!((mine.volatile_dropped, theirs.volatile_dropped), (0, 2));
}

#[test]
fn the_oldest_volatile_messages_go_where_too_many_wait_for_the_link() {
    let world = World::new();
    let (_server, mut door) = world.server(Config::new());
    let (mut mine, mut theirs) = world.pair(soon().volatile_messages(3), &mut door, "alice");
    for n in 0..5 {
        mine.send_volatile(&n.to_string()).expect("up");
    }
    world.settle();
    assert_eq!(read(&mut theirs), ["2", "3", "4"]);
    assert_eq!(mine.snapshot().expect("alive").volatile_dropped, 2);
}

#[test]
fn a_full_window_does_not_hold_volatile_messages_up() {
    let world = World::new();
    let (_server, mut door) = world.server(Config::new());
    let (mut mine, mut theirs) = world.pair(soon().unacked_messages(1), &mut door, "alice");
    mine.try_send("first").expect("room");
    assert!(mine.try_send("second").is_err());
    mine.send_volatile("now").expect("up");
    world.settle();
    let mut heard = read(&mut theirs);
    heard.sort();
    assert_eq!(heard, ["first", "now"]);
}
