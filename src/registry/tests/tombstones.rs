//! Of how many sessions that ended it is remembered why.

use super::door::stranger::{Door, Heard, SECOND, encoded};
use crate::{
    Closed, Config, Reason, RejectCode, Rejection,
    proto::{Cx, Effects, Key, Machine},
    wire::{Frame, RetryClass},
};

/// Whoever comes back hears the reason …
const WHY: Heard = Heard::Refused(RejectCode::Other(200), RetryClass::Never);
/// … or that nobody knows him.
const GONE: Heard = Heard::Refused(RejectCode::Other(8), RetryClass::Now);

fn door(tombstones: usize) -> Door {
    Door::new(Config::new().tombstones(tombstones).early_drop(100))
}

fn input(door: &mut Door, session: u64, give: impl FnOnce(&mut Machine, &mut Cx<'_>)) {
    let (key, now) = (Key::from_u64(session), door.now);
    let given = door.registry.input(key, now, &mut Effects::default(), give);
    given.expect("it is there");
}

/// It ends at once: its link is gone.
fn end(door: &mut Door, session: u64) {
    input(door, session, |machine, cx| {
        machine.kick(cx, Closed::kicked(&Rejection::new(RejectCode::Other(200))));
    });
}

/// So many sessions, of as many identities, that ended one after the other.
fn ended(door: &mut Door, who: std::ops::Range<u64>) -> Vec<u64> {
    let lost = who.map(|who| door.lost_session_of(who));
    let sessions: Vec<u64> = lost.collect();
    for &session in &sessions {
        end(door, session);
    }
    sessions
}

fn hears(door: &mut Door, session: u64) -> Heard {
    Heard::of(&door.resume(1, session, [99; 16]))
}

fn pass(door: &mut Door, seconds: u32) {
    door.now = door.now + SECOND * seconds;
    while door.registry.handle_due(door.now, &mut Effects::default()) {}
}

// [CLOSE-16]
#[test]
fn the_oldest_end_is_forgotten_where_there_are_too_many_and_the_others_are_told() {
    let mut door = door(3);
    let sessions = ended(&mut door, 0..5);
    assert_eq!(door.registry.occupied(), 3);
    let heard = sessions.iter().map(|&session| hears(&mut door, session));
    let heard: Vec<Heard> = heard.collect();
    assert_eq!(heard, [GONE, GONE, WHY, WHY, WHY]);
    assert_eq!(
        door.registry.occupied(),
        3,
        "whoever asks is no more than he was"
    );
}

#[test]
fn however_many_end_no_more_slots_are_used() {
    let mut door = door(10);
    for round in 0..1_000 {
        ended(&mut door, round..round + 1);
        assert_eq!(door.registry.occupied(), 10.min(round as usize + 1));
        assert!(door.registry.slots.len() <= 11);
        assert!(door.registry.tombstones.len() <= 10);
    }
}

#[test]
fn who_is_forgotten_in_time_makes_room_for_others() {
    let mut door = door(3);
    ended(&mut door, 0..3);
    pass(&mut door, 121);
    assert_eq!(door.registry.occupied(), 0);
    let sessions = ended(&mut door, 3..6);
    assert_eq!(door.registry.occupied(), 3, "the first three count no more");
    for session in sessions {
        assert_eq!(hears(&mut door, session), WHY);
    }
    assert_eq!(door.registry.tombstones.len(), 3);
}

#[test]
fn sessions_that_live_or_have_an_owner_are_not_counted() {
    let mut door = door(1);
    let lives = door.lost_session_of(1);
    let owned = door.lost_session_of(2);
    input(&mut door, owned, |machine, _| machine.claim());
    end(&mut door, owned);
    let last = *ended(&mut door, 3..13).last().expect("ten");
    assert_eq!(door.registry.occupied(), 3);
    assert_eq!(hears(&mut door, last), WHY);
    assert_eq!(hears(&mut door, owned), WHY);
    assert_eq!(hears(&mut door, lives), Heard::Resumed);
    // Now that it has none, it is the youngest.
    input(&mut door, owned, |machine, cx| machine.abandon(cx));
    assert_eq!(hears(&mut door, owned), WHY);
    assert_eq!(hears(&mut door, last), GONE);
}

#[test]
fn a_slot_that_is_used_again_is_not_forgotten_for_whom_it_had_before() {
    let mut door = door(2);
    ended(&mut door, 0..2);
    pass(&mut door, 121);
    // They have the slots of the first two, and those are still in the order.
    let lives: Vec<u64> = (2..4).map(|who| door.lost_session_of(who)).collect();
    ended(&mut door, 4..9);
    for session in lives {
        assert_eq!(hears(&mut door, session), Heard::Resumed);
    }
}

#[test]
fn none_are_remembered_where_none_are_to_be() {
    let mut door = door(0);
    let sessions = ended(&mut door, 0..2);
    assert_eq!(door.registry.occupied(), 0);
    assert_eq!(hears(&mut door, sessions[1]), GONE);
}

#[test]
fn an_end_that_is_still_to_be_told_waits_for_nobody() {
    let mut door = door(0);
    let mut stranger = door.knock(1);
    let session = door.logged_in_on(&mut stranger, 1);
    input(&mut door, session, |machine, cx| {
        machine.close(cx, Closed::new(Reason::ClosedHere));
    });
    ended(&mut door, 5..7);
    assert_eq!(door.registry.occupied(), 1, "its CLOSE is not answered");
    assert!(!door.say(&mut stranger, &[]).is_empty(), "CLOSE");
    door.say(&mut stranger, &encoded(&Frame::Closed(0)));
    assert_eq!(door.registry.occupied(), 0);
}
