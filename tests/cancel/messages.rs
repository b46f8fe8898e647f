//! `send` and `recv`: every form of select and timeout that a program may use.

use std::{future::ready, time::Duration};

use futures::{
    FutureExt,
    future::{Either, poll_immediate, select},
    select_biased,
};
use sessile::{Config, LoggedIn, Multi, Session};

use super::{LIMIT, expect, number, numbered, poll_times, slow_pair, slow_world};
use crate::common::World;

#[test]
fn of_five_thousand_messages_none_is_lost_though_recv_is_cancelled_thousands_of_times() {
    const MESSAGES: u64 = 5_000;
    let world = World::new();
    let (_server, mut door) = world.server(Config::new());
    // One at a time: whoever reads waits for most of them.
    let config = Config::new().unacked_messages(1);
    let (mut mine, mut theirs) = world.pair(config, &mut door, "alice");
    let sender = world.spawn(async move {
        for number in 0..MESSAGES {
            mine.send(&numbered(number)).await.expect("the link is up");
        }
        mine
    });
    let (mut expected, mut cancelled, mut rng) = (0, 0, fastrand::Rng::with_seed(7));
    while expected < MESSAGES {
        let message = match rng.u8(..5) {
            0 => theirs.recv().now_or_never(),
            1 => world.run(poll_immediate(theirs.recv())),
            2 => world.run(smol::future::or(
                async { Some(theirs.recv().await) },
                async { None },
            )),
            3 => world.run(async {
                select_biased! {
                    message = theirs.recv() => Some(message),
                    () = ready(()).fuse() => None,
                }
            }),
            _ => match world.run(select(theirs.recv(), ready(()))) {
                Either::Left((message, _)) => Some(message),
                Either::Right(((), receiving)) => {
                    drop(receiving);
                    None
                }
            },
        };
        match message {
            Some(message) => {
                assert_eq!(number(&message.expect("the link is up")), expected);
                expected += 1;
            }
            None => {
                cancelled += 1;
                world.step();
            }
        }
    }
    assert!(cancelled > 2_000, "only {cancelled} times");
    drop(world.run(sender));
}

#[test]
fn of_five_thousand_messages_sent_with_a_timeout_each_arrives_once() {
    const MESSAGES: u64 = 5_000;
    let world = World::new();
    let (_server, mut door) = world.server(Config::new());
    // A window this small is full most of the time.
    let config = Config::new().unacked_messages(4);
    let (mut mine, theirs) = world.pair(config, &mut door, "alice");
    let reader = world.spawn(expect(theirs, 0, MESSAGES));
    let (mut cancelled, mut rng) = (0, fastrand::Rng::with_seed(8));
    for number in 0..MESSAGES {
        let message = numbered(number);
        loop {
            let sent = match rng.u8(..4) {
                0 => mine.send(&message).now_or_never(),
                1 => world.run(poll_immediate(mine.send(&message))),
                2 => poll_times(&world, &mut mine.send(&message), rng.usize(..3)),
                _ => world.run(async {
                    select_biased! {
                        sent = mine.send(&message) => Some(sent),
                        () = ready(()).fuse() => None,
                    }
                }),
            };
            match sent {
                Some(sent) => break sent.expect("the link is up"),
                None => {
                    cancelled += 1;
                    world.step();
                }
            }
        }
    }
    assert!(cancelled > 1_000, "only {cancelled} times");
    let _theirs = world.run_within(LIMIT, reader);
}

fn full_pair(world: &World) -> (Session<LoggedIn>, Session<LoggedIn, Multi>) {
    let (server, mut door) = world.server(Config::new());
    let config = Config::new().unacked_messages(2);
    let (mut mine, theirs) = slow_pair(world, &config, &mut door);
    mine.try_send(&numbered(0)).expect("room");
    mine.try_send(&numbered(1)).expect("room");
    drop((server, door)); // the session keeps the runtime
    (mine, theirs)
}

#[test]
fn a_send_that_was_cancelled_before_it_was_accepted_sends_nothing() {
    for polls in 0..12 {
        let world = slow_world();
        let (mut mine, theirs) = full_pair(&world);
        let message = numbered(99);
        let mut sending = mine.send(&message);
        assert!(poll_times(&world, &mut sending, polls).is_none(), "full");
        assert_eq!(mine.snapshot().map(|now| now.sent), Some(2));
        // What follows is the next message, and there is none of the cancelled one before or after it.
        let theirs = world.run_within(LIMIT, expect(theirs, 0, 2));
        world.pass(Duration::from_secs(1));
        world
            .run_within(LIMIT, mine.send(&numbered(2)))
            .expect("room");
        let _theirs = world.run_within(LIMIT, expect(theirs, 2, 3));
    }
}

#[test]
fn a_send_that_completed_is_delivered_once_wherever_it_was_polled() {
    for polls in 0.. {
        let world = slow_world();
        let (mut mine, mut theirs) = full_pair(&world);
        let (message, mut got) = (numbered(2), Vec::new());
        let mut sending = mine.send(&message);
        let mut sent = None;
        for _ in 0..polls {
            sent = poll_times(&world, &mut sending, 1);
            got.extend(theirs.try_recv().expect("up").map(|one| number(&one)));
            if sent.is_some() {
                break;
            }
        }
        let accepted = mine.snapshot().map(|now| now.sent);
        assert_eq!(accepted, Some(2 + u64::from(sent.is_some())));
        mine.check().expect("the link is up");
        world.pass(Duration::from_secs(1));
        while let Some(one) = theirs.try_recv().expect("up") {
            got.push(number(&one));
            world.pass(Duration::from_millis(100));
        }
        let all: Vec<u64> = (0..2 + u64::from(sent.is_some())).collect();
        assert_eq!(got, all, "after {polls} polls");
        if sent.is_some() {
            assert!(polls > 3, "there was nothing to cancel");
            return;
        }
    }
}

/// Both halves at once, each cancelled at random, over links that break.
#[test]
fn two_halves_that_are_cancelled_at_random_over_breaking_links_lose_nothing() {
    const MESSAGES: u64 = 400;
    let world = slow_world();
    let _sessions = super::echo_server(&world, Config::new());
    let connect = world
        .client(Config::new())
        .connect_over(world.network.dialer());
    let session = world.run_within(LIMIT, connect).expect("up");
    let login = session.login(&sessile::Credentials::token("alice"));
    let mut session = world.run_within(LIMIT, login).expect("admitted");
    let mut rng = fastrand::Rng::with_seed(9);
    let (mut sent, mut got, mut cuts) = (0, 0, 0);
    while got < MESSAGES {
        let message = numbered(sent);
        let (mut sender, mut receiver) = session.split();
        if sent < MESSAGES {
            let outcome = poll_times(&world, &mut sender.send(&message), rng.usize(..3));
            sent += u64::from(matches!(outcome, Some(Ok(()))));
        }
        if let Some(Ok(message)) = poll_times(&world, &mut receiver.recv(), rng.usize(..4)) {
            assert_eq!(number(&message), got, "lost, doubled or out of order");
            got += 1;
        }
        if rng.u8(..100) == 0 {
            world.network.cut();
            cuts += 1;
        }
        // Resuming would drop what arrived before the loss only if it were not kept: it is.
        session = world
            .run_within(LIMIT, super::come_back(session))
            .expect("it comes back");
    }
    assert!(cuts > 3 && got == sent, "{cuts} cuts, {sent} sent");
    assert_eq!(world.run_within(LIMIT, session.close("")).len(), 0);
}
