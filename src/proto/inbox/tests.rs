use std::time::Duration;

use super::*;

const TERMS: Terms = Terms {
    heartbeat_ms: 2000,
    lease_ms: 6000,
    resume_window_ms: 120_000,
    window_messages: 8,
    window_bytes: 100,
    max_message: 100,
};
const DELAY: Duration = Duration::from_millis(25);

#[test]
fn a_peer_that_exceeds_the_window_is_caught_at_the_first_message_or_byte_too_many() {
    let mut inbox = Inbox::default();
    for _ in 0..8 {
        inbox.put(Lent::Slice(b"x"), &TERMS).unwrap();
    }
    assert_eq!(
        inbox.put(Lent::Slice(b"x"), &TERMS),
        Err(Violation::WindowExceeded)
    );
    let mut inbox = Inbox::default();
    inbox.put(Lent::Slice(&[0; 60]), &TERMS).unwrap();
    assert_eq!(
        inbox.put(Lent::Slice(&[0; 41]), &TERMS),
        Err(Violation::WindowExceeded)
    );
    inbox.put(Lent::Slice(&[0; 40]), &TERMS).unwrap();
}

/// Threat T11: what is counted last is counted, and nothing begins again at 0.
#[test]
fn when_all_numbers_are_used_a_message_more_costs_the_link_and_counts_nothing() {
    for most in [0, 1, 2] {
        let mut inbox = Inbox {
            received: u64::MAX - most,
            ..Inbox::default()
        };
        for _ in 0..most {
            inbox.put(Lent::Slice(b"x"), &TERMS).unwrap();
        }
        for _ in 0..2 {
            assert_eq!(
                inbox.put(Lent::Slice(b"x"), &TERMS),
                Err(Violation::Exhausted)
            );
            assert_eq!(inbox.received, u64::MAX);
        }
    }
}

#[test]
fn what_was_taken_but_not_stated_still_fills_the_window() {
    let mut inbox = Inbox::default();
    for _ in 0..8 {
        inbox.put(Lent::Slice(b"x"), &TERMS).unwrap();
    }
    inbox.take(Time::START, DELAY, &TERMS).unwrap();
    assert_eq!(
        inbox.put(Lent::Slice(b"x"), &TERMS),
        Err(Violation::WindowExceeded)
    );
    assert_eq!(inbox.state(), 1);
    assert_eq!(inbox.put(Lent::Slice(b"x"), &TERMS), Ok(()));
}

#[test]
fn an_ack_waits_for_company_but_not_when_a_quarter_of_the_window_waits_for_it() {
    let mut inbox = Inbox::default();
    for _ in 0..3 {
        inbox.put(Lent::Slice(b"x"), &TERMS).unwrap();
    }
    inbox.take(Time::START, DELAY, &TERMS).unwrap();
    assert!(inbox.has_news() && !inbox.is_due(Time::START) && inbox.is_due(Time::START + DELAY));
    inbox.take(Time::START, DELAY, &TERMS).unwrap();
    assert!(inbox.is_due(Time::START));
    inbox.state();
    assert!(!inbox.has_news());
}

#[test]
fn bytes_that_nobody_took_yet_hurry_no_acknowledgement() {
    let mut inbox = Inbox::default();
    inbox.put(Lent::Slice(&[0; 20]), &TERMS).unwrap();
    inbox.put(Lent::Slice(&[0; 60]), &TERMS).unwrap();
    inbox.take(Time::START, DELAY, &TERMS).unwrap();
    assert!(!inbox.is_due(Time::START), "20 of 100 bytes were taken");
    inbox.take(Time::START, DELAY, &TERMS).unwrap();
    assert!(inbox.is_due(Time::START));
}

#[test]
fn volatile_messages_drop_the_oldest_and_never_count() {
    let mut inbox = Inbox::default();
    inbox.put(Lent::Slice(b"kept"), &TERMS).unwrap();
    assert_eq!(
        [0, 0, 1].map(|_| inbox.put_volatile(Lent::Slice(b"v"), 2, &TERMS)),
        [0, 0, 1]
    );
    let taken: Vec<_> = std::iter::from_fn(|| inbox.take(Time::START, DELAY, &TERMS))
        .map(|one| one.volatile)
        .collect();
    assert_eq!(taken, [false, true, true]);
    assert_eq!((inbox.received(), inbox.taken()), (1, 1));
}

#[test]
fn volatile_messages_are_bounded_in_bytes_too() {
    let mut inbox = Inbox::default();
    assert_eq!(
        [60, 40, 1, 100, 101].map(|len| inbox.put_volatile(Lent::Slice(&vec![0; len]), 64, &TERMS)),
        [0, 0, 1, 2, 2]
    );
    assert!(inbox.is_empty(), "what no window holds is not kept either");
}

#[test]
fn a_message_that_is_passed_on_counts_as_received_and_taken_and_fills_the_window_until_that_is_said()
 {
    let mut inbox = Inbox::default();
    for _ in 0..2 {
        inbox.pass(40, Time::START, DELAY, &TERMS).unwrap();
    }
    assert_eq!((inbox.received(), inbox.taken()), (2, 2));
    assert_eq!((inbox.received_bytes(), inbox.len()), (80, 0));
    assert!(
        inbox.is_due(Time::START),
        "a quarter of the bytes is untold"
    );
    let beyond = inbox.pass(21, Time::START, DELAY, &TERMS);
    assert_eq!(beyond, Err(Violation::WindowExceeded));
    assert_eq!(inbox.state(), 2);
    inbox.pass(21, Time::START, DELAY, &TERMS).unwrap();
    assert_eq!(inbox.due_at(), Some(Time::START + DELAY));
}

#[test]
fn what_was_stated_makes_room_and_is_not_due_again() {
    let mut inbox = Inbox::default();
    for _ in 0..3 {
        inbox.put(Lent::Slice(&[0; 24]), &TERMS).unwrap();
        inbox.take(Time::START, DELAY, &TERMS).unwrap();
        assert!(!inbox.is_due(Time::START), "24 of 100 bytes, one of eight");
        inbox.state();
    }
    assert_eq!((inbox.received_bytes(), inbox.len()), (72, 0));
    inbox.put(Lent::Slice(&[0; 24]), &TERMS).unwrap();
    inbox.put(Lent::Slice(&[0; 76]), &TERMS).unwrap();
    assert_eq!(inbox.len(), 2);
    assert_eq!(
        inbox.put(Lent::Slice(&[0; 1]), &TERMS),
        Err(Violation::WindowExceeded)
    );
}

#[test]
fn an_acknowledgement_waits_for_time_until_it_is_due_and_then_for_the_link() {
    let mut inbox = Inbox::default();
    inbox.put(Lent::Slice(b"x"), &TERMS).unwrap();
    inbox.take(Time::START, DELAY, &TERMS).unwrap();
    assert_eq!(inbox.due_at(), Some(Time::START + DELAY));
    assert!(!inbox.ripen(Time::START));
    assert!(inbox.ripen(Time::START + DELAY));
    assert_eq!(inbox.due_at(), None);
    assert!(inbox.is_due(Time::START), "whatever time it is");
    inbox.link_lost();
    assert!(!inbox.has_news() && inbox.due_at().is_none(), "on no link");
}

#[test]
fn volatile_messages_that_were_taken_make_room_in_bytes() {
    let mut inbox = Inbox::default();
    for _ in 0..3 {
        assert_eq!(inbox.put_volatile(Lent::Slice(&[0; 60]), 64, &TERMS), 0);
        inbox.take(Time::START, DELAY, &TERMS).unwrap();
    }
    assert_eq!(inbox.put_volatile(Lent::Slice(&[0; 60]), 64, &TERMS), 0);
    assert_eq!(
        inbox.put_volatile(Lent::Slice(&[0; 40]), 64, &TERMS),
        0,
        "full to a byte"
    );
    assert_eq!(inbox.put_volatile(Lent::Slice(&[0; 1]), 64, &TERMS), 1);
}

#[test]
fn an_idle_inbox_owns_no_memory_and_a_new_login_starts_from_nothing() {
    let mut inbox = Inbox::default();
    inbox.put(Lent::Slice(b"x"), &TERMS).unwrap();
    inbox.release();
    assert_eq!(inbox.len(), 1, "it was not idle");
    inbox.take(Time::START, DELAY, &TERMS).unwrap();
    inbox.release();
    assert!(inbox.busy.is_some(), "the peer was not told");
    assert_eq!((inbox.received(), inbox.state()), (1, 1));
    inbox.release();
    assert!(inbox.busy.is_none());
    assert_eq!((inbox.received(), inbox.taken(), inbox.state()), (1, 1, 1));
    inbox.reset();
    assert_eq!(
        (inbox.received(), inbox.taken(), inbox.has_news()),
        (0, 0, false)
    );
}
