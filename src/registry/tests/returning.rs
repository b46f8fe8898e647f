//! The host is asked about who comes back, and answers later: what it finds then.

use super::door::stranger::{Door, Heard, SECOND, Stranger, encoded, resume, resume_attempt};
use crate::{
    Config, Reason, RejectCode, Rejection,
    proto::{Effects, Key, Phase},
    registry::Returning,
    wire::{Frame, RetryClass, Secret},
};

/// A server that is to ask, and a session that has lost its link; its secret is all 99.
fn asking() -> (Door, Key) {
    let mut door = Door::new(Config::new());
    door.registry.recheck();
    let session = Key::from_u64(door.lost_session());
    (door, session)
}

/// Somebody presents this secret, and the host is asked.
fn comes(door: &mut Door, session: Key, attempt: u64) -> (Stranger, Box<Returning>) {
    let mut stranger = door.knock(1);
    let resume = resume_attempt(session.as_u64(), [99; 16], attempt);
    assert_eq!(
        door.say(&mut stranger, &resume),
        [],
        "it is told nothing yet"
    );
    let returning = door.registry.take_returning().expect("the host is asked");
    assert_eq!(returning.session(), session);
    assert_eq!(returning.stranger(), stranger.port.key());
    (stranger, returning)
}

/// The host has answered; what the link hears, if anything.
fn answer(
    door: &mut Door,
    (stranger, returning): &mut (Stranger, Box<Returning>),
    verdict: Result<(), Rejection>,
) -> Option<Heard> {
    let (mut fx, now) = (Effects::default(), door.now);
    let fresh = &mut || Secret::new([98; 16]);
    let port = &mut stranger.port;
    door.registry
        .let_return(port, now, returning, verdict, &mut fx, fresh);
    let answer = door.say(stranger, &[]);
    (!answer.is_empty()).then(|| Heard::of(&answer))
}

fn phase(door: &Door, session: Key) -> Phase {
    door.registry.get(session).expect("remembered").phase()
}

#[test]
fn the_host_is_asked_about_whoever_proves_the_secret_and_about_nobody_else() {
    let (mut door, session) = asking();
    let gone = Heard::Refused(RejectCode::Other(8), RetryClass::Now);
    for (who, secret) in [
        (session.as_u64(), [5; 16]),
        (session.as_u64() ^ 1 << 40, [99; 16]),
    ] {
        assert_eq!(Heard::of(&door.resume(1, who, secret)), gone);
        assert!(door.registry.take_returning().is_none());
    }
    let mut coming = comes(&mut door, session, 1);
    assert_eq!(phase(&door, session), Phase::Reconnecting, "as it was");
    assert_eq!(answer(&mut door, &mut coming, Ok(())), Some(Heard::Resumed));
    assert_eq!(phase(&door, session), Phase::LoggedIn);
    assert_eq!(coming.0.port.key(), session);
}

// [RESUME-24]
#[test]
fn who_may_not_come_back_hears_the_hosts_words_and_the_session_is_over() {
    let (mut door, session) = asking();
    let mut coming = comes(&mut door, session, 1);
    let banned = Heard::Refused(RejectCode::Banned, RetryClass::Never);
    let heard = answer(&mut door, &mut coming, Err(Rejection::banned()));
    assert_eq!(heard.as_ref(), Some(&banned));
    assert!(!coming.0.up && door.registry.is_empty());
    let closed = door.registry.get(session).and_then(|one| one.ended());
    let closed = closed.expect("over");
    assert_eq!(closed.reason(), Reason::Removed);
    assert_eq!(closed.rejection(), Some(&Rejection::banned()));
    // The answer was lost, and it asks again: it hears the same, and the host is not asked.
    let again = door.resume(1, session.as_u64(), [99; 16]);
    assert_eq!(Heard::of(&again), banned);
    assert!(door.registry.take_returning().is_none());
    // Whoever cannot prove it hears nothing of that.
    let gone = Heard::Refused(RejectCode::Other(8), RetryClass::Now);
    assert_eq!(Heard::of(&door.resume(1, session.as_u64(), [5; 16])), gone);
}

// [RESUME-24]
#[test]
fn a_host_that_is_busy_or_full_ends_nothing() {
    let (mut door, session) = asking();
    for (why, code) in [
        (Rejection::busy(SECOND), RejectCode::Busy),
        (Rejection::full().retry_after(SECOND), RejectCode::Full),
    ] {
        let mut coming = comes(&mut door, session, 1);
        let later = Heard::Refused(code, RetryClass::After(1_000));
        assert_eq!(answer(&mut door, &mut coming, Err(why)), Some(later));
        assert_eq!(phase(&door, session), Phase::Reconnecting);
    }
    let mut coming = comes(&mut door, session, 1);
    assert_eq!(answer(&mut door, &mut coming, Ok(())), Some(Heard::Resumed));
}

// [RESUME-7]
#[test]
fn what_was_good_when_the_host_was_asked_is_tried_again_when_it_answers() {
    let (mut door, session) = asking();
    let mut first = comes(&mut door, session, 1);
    let mut second = comes(&mut door, session, 2);
    assert_eq!(answer(&mut door, &mut second, Ok(())), Some(Heard::Resumed));
    // An attempt is used once, whenever the answer comes.
    let stale = Heard::Refused(RejectCode::Other(11), RetryClass::Now);
    assert_eq!(answer(&mut door, &mut first, Ok(())), Some(stale));
    assert_eq!(phase(&door, session), Phase::LoggedIn);
    assert_eq!(door.registry.get(session).expect("lives").epoch(), 2);
}

#[test]
fn a_link_that_was_left_behind_ends_no_session_that_has_moved_on() {
    let (mut door, session) = asking();
    let mut first = comes(&mut door, session, 1);
    let mut second = comes(&mut door, session, 2);
    assert_eq!(answer(&mut door, &mut second, Ok(())), Some(Heard::Resumed));
    door.say(&mut second.0, &encoded(&Frame::Ack(0))); // which proves the newer secret
    let gone = Heard::Refused(RejectCode::Other(8), RetryClass::Now);
    let heard = answer(&mut door, &mut first, Err(Rejection::banned()));
    assert_eq!(heard, Some(gone), "its secret is worth nothing any more");
    assert_eq!(phase(&door, session), Phase::LoggedIn);
}

#[test]
fn an_answer_that_comes_after_the_deadline_or_the_end_of_the_session_brings_nobody_back() {
    let (mut door, session) = asking();
    // It came back once before: nobody waits any more for its WELCOME to be proven.
    let mut before = comes(&mut door, session, 1);
    answer(&mut door, &mut before, Ok(()));
    door.leave(before.0);
    let mut late = comes(&mut door, session, 2);
    door.now = door.now + SECOND * 5;
    door.registry.handle_due(door.now, &mut Effects::default());
    assert_eq!(answer(&mut door, &mut late, Ok(())), None);
    assert!(!late.0.up);
    assert_eq!(phase(&door, session), Phase::Reconnecting);

    let mut coming = comes(&mut door, session, 2);
    door.lost_session(); // somebody else logs in as the same identity
    let taken_over = Heard::Refused(RejectCode::Other(4), RetryClass::Never);
    assert_eq!(answer(&mut door, &mut coming, Ok(())), Some(taken_over));
}

#[test]
fn who_asks_nobody_is_not_held_up() {
    let mut door = Door::new(Config::new());
    let session = door.lost_session();
    let mut stranger = door.knock(1);
    let heard = door.say(&mut stranger, &resume(session, [99; 16]));
    assert_eq!(Heard::of(&heard), Heard::Resumed);
    assert!(door.registry.take_returning().is_none());
}
