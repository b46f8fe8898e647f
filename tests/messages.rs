//! Whatever breaks and wherever: messages arrive once and in order.

mod common;

use common::{MINUTE, MS, On, SECOND, World, lost, read, soon};
use sessile::{
    Config, Ended, LoggedIn, Mode, SendError, Session,
    transport::memory::Direction::{self, ToAcceptor, ToDialer},
};

const MESSAGES: usize = 4;

/// Sends its lines and hears the other's, through every loss; then the session, and what it heard.
async fn talk<M: Mode>(
    mut session: Session<LoggedIn, M>,
    prefix: &str,
) -> (Session<LoggedIn, M>, Vec<String>) {
    let (mut said, mut heard) = (0, Vec::new());
    loop {
        let ended = if said < MESSAGES {
            match session.send(&format!("{prefix} {said}")).await {
                Ok(()) => {
                    said += 1;
                    continue;
                }
                Err(SendError::Ended(ended)) => ended,
                Err(error) => panic!("{error}"),
            }
        } else if heard.len() < MESSAGES {
            match session.recv().await {
                Ok(message) => {
                    heard.push(String::from_utf8_lossy(&message).into_owned());
                    continue;
                }
                Err(ended) => ended,
            }
        } else {
            return (session, heard);
        };
        let Ended::Lost(lost) = ended else {
            panic!("{prefix}: {ended}");
        };
        let resume = session.reconnect(lost).resume();
        session = resume
            .await
            .unwrap_or_else(|gone| panic!("{prefix}: {gone}"));
    }
}

/// A conversation on links of which the first `doomed` break after so many bytes, each counted anew.
fn converse(direction: Direction, bytes: u64, doomed: usize) -> bool {
    let world = World::new();
    let (_server, mut door) = world.server(soon());
    let (mine, theirs) = world.pair(soon(), &mut door, "alice");
    world.network.set_delay(MS);
    world.link().cut_after(bytes, direction);
    let mine = world.spawn(talk(mine, "up"));
    let theirs = world.spawn_on(On::Server, talk(theirs, "down"));
    let mut doomed = doomed - 1;
    world.pass_watching(30 * SECOND, |link| {
        if doomed > 0 {
            doomed -= 1;
            link.cut_after(bytes, direction);
        }
    });
    let (mine, heard_here) = world.run(mine);
    let (theirs, heard_there) = world.run(theirs);
    let all = |prefix| {
        (0..MESSAGES)
            .map(|n| format!("{prefix} {n}"))
            .collect::<Vec<_>>()
    };
    let at = (direction, bytes);
    assert_eq!(
        (heard_here, heard_there),
        (all("down"), all("up")),
        "{at:?}"
    );

    // Nothing comes twice, and everything is known to have arrived.
    let resumed = mine.snapshot().expect("alive").resumed;
    for snapshot in [mine.snapshot(), theirs.snapshot()] {
        let snapshot = snapshot.expect("alive");
        let counts = [
            snapshot.received,
            snapshot.taken,
            snapshot.sent,
            snapshot.acked,
        ];
        assert_eq!(counts, [MESSAGES as u64; 4], "{at:?}");
    }
    resumed > 0
}

/// Until the conversation is too short for the link to break. Returns how many breaks there were.
fn at_every_byte(direction: Direction, doomed: usize) -> u64 {
    // Heartbeats go on for ever; the conversation itself is long over after so many bytes.
    (0..160)
        .map(|bytes| u64::from(converse(direction, bytes, doomed)))
        .sum()
}

#[test]
fn a_loss_at_every_byte_to_the_server_loses_and_doubles_nothing() {
    assert!(at_every_byte(ToAcceptor, 1) > 50);
}

#[test]
fn a_loss_at_every_byte_to_the_client_loses_and_doubles_nothing() {
    assert!(at_every_byte(ToDialer, 1) > 50);
}

#[test]
fn four_losses_in_a_row_at_every_byte_to_the_server_lose_and_double_nothing() {
    assert!(at_every_byte(ToAcceptor, 4) > 50);
}

#[test]
fn four_losses_in_a_row_at_every_byte_to_the_client_lose_and_double_nothing() {
    assert!(at_every_byte(ToDialer, 4) > 50);
}

#[test]
fn what_is_sent_before_during_and_after_a_loss_arrives_in_order() {
    let world = World::new();
    let (server, mut door) = world.server(soon());
    let (mut mine, mut theirs) = world.pair(soon(), &mut door, "alice");
    let mut heard = [Vec::new(), Vec::new()];
    for round in 0..5 {
        mine.try_send(&format!("up {round} before")).expect("room");
        theirs
            .try_send(&format!("down {round} before"))
            .expect("room");
        if round % 2 == 0 {
            world.settle(); // in every other round it is not written before the link breaks
        }
        world.network.cut();
        world.settle();
        let peer = server.sessions().get("alice").expect("kept");
        peer.try_send(&format!("down {round} during"))
            .expect("room");
        heard[0].extend(read(&mut mine));
        heard[1].extend(read(&mut theirs));
        (mine, theirs) = (world.back(mine), world.back(theirs));
        mine.try_send(&format!("up {round} after")).expect("room");
        theirs
            .try_send(&format!("down {round} after"))
            .expect("room");
        world.settle();
        heard[0].extend(read(&mut mine));
        heard[1].extend(read(&mut theirs));
    }
    let all = |prefix, whens: &[&str]| -> Vec<String> {
        let round = |n| whens.iter().map(move |when| format!("{prefix} {n} {when}"));
        (0..5).flat_map(round).collect()
    };
    assert_eq!(heard[0], all("down", &["before", "during", "after"]));
    assert_eq!(heard[1], all("up", &["before", "after"]));
}

#[test]
fn what_arrived_before_a_loss_is_read_before_the_loss_is_reported() {
    let world = World::new();
    let (_server, mut door) = world.server(soon());
    let (mut mine, mut theirs) = world.pair(soon(), &mut door, "alice");
    for n in 0..3 {
        mine.try_send(&n.to_string()).expect("room");
        theirs.try_send(&n.to_string()).expect("room");
    }
    world.cut();
    world.pass(MINUTE); // back long ago
    assert_eq!(read(&mut mine), ["0", "1", "2"]);
    assert_eq!(read(&mut theirs), ["0", "1", "2"]);
    assert_eq!((lost(&mut mine).epoch(), lost(&mut theirs).epoch()), (1, 1));
}

#[test]
fn frames_that_come_in_pieces_are_whole_messages() {
    let world = World::new();
    let (_server, mut door) = world.server(soon());
    let (mut mine, mut theirs) = world.pair(soon(), &mut door, "alice");
    world.link().chunk(1);
    let long = "x".repeat(10_000);
    for message in ["", "a", &long, "b"] {
        mine.try_send(message).expect("room");
        theirs.try_send(message).expect("room");
    }
    world.settle();
    assert_eq!(read(&mut mine), ["", "a", &long, "b"]);
    assert_eq!(read(&mut theirs), ["", "a", &long, "b"]);
}

/// The first bytes of a link tell whether its other end speaks TLS. In a message the same bytes are anybody's.
#[test]
fn a_message_may_look_like_tls_wherever_it_is_torn() {
    let world = World::new();
    let (_server, mut door) = world.server(Config::new());
    let (mut mine, mut theirs) = world.pair(soon(), &mut door, "alice");
    let greeting = [0x16, 3, 1, 0, 7].repeat(20);
    // As long as the header of its frame, so that each read begins as a greeting does.
    world.link().chunk(5);
    for _ in 0..3 {
        world.run(mine.send(&greeting)).expect("room");
        assert_eq!(*world.run(theirs.recv()).expect("it is up"), *greeting);
        world.run(theirs.send(&greeting)).expect("room");
        assert_eq!(*world.run(mine.recv()).expect("it is up"), *greeting);
        world.pass(10 * SECOND);
    }
}
