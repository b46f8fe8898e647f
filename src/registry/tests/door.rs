//! Strangers who are up to no good, from networks of their own.

pub(super) mod stranger;

use self::stranger::{
    Door, Heard, SECOND, extension, from, login, login_nth, resume, resume_attempt,
};
use crate::{
    Config, Identity, Reason, RejectCode, Rejection,
    proto::{Effects, Key},
    registry::{Prefix, Whom},
    wire::{Beat, CREDENTIALS_BYTES, Frame, RetryClass, Secret, encode_data},
};

/// How much of endless `frame`s is read of one link, given in pieces of `piece` bytes.
fn endured(door: &mut Door, begin: &[u8], frame: &[u8], piece: usize) -> usize {
    let mut stranger = door.knock(1);
    let all: Vec<u8> = begin
        .iter()
        .chain(frame.iter().cycle())
        .copied()
        .take(1 << 16)
        .collect();
    let mut read = 0;
    for bytes in all.chunks(piece) {
        door.say(&mut stranger, bytes);
        if !stranger.up {
            return read;
        }
        read += bytes.len();
    }
    panic!("a stranger may say all it wants");
}

// [LIMIT-9]
#[test]
fn a_stranger_is_cut_after_16_kib_whatever_they_are_and_however_they_come() {
    for frame in [5, 6, 100, 4_000] {
        for piece in [1, 7, 1_000, 2_048] {
            for begin in [Vec::new(), login(b"me")] {
                let mut door = Door::new(Config::new());
                let read = endured(&mut door, &begin, &extension(frame), piece);
                let limit = 16 * 1_024;
                assert!(
                    read <= limit && read + piece + 4_100 > limit,
                    "{frame} in {piece}: {read}"
                );
            }
        }
    }
}

// [LIMIT-10]
#[test]
fn what_is_kept_of_a_stranger_is_bounded_by_what_was_announced() {
    let mut door = Door::new(Config::new());
    let whole = vec![b'x'; CREDENTIALS_BYTES];
    for (len, is_kept) in [(1_597, true), (1_598, false)] {
        let mut stranger = door.knock(1);
        for piece in login(&whole).chunks(stranger.port.read_size()) {
            door.say(&mut stranger, piece);
        }
        assert!(stranger.up && door.offered.pop().is_some());
        // Judged as soon as it has begun, and the same where it comes whole.
        let frame = extension(len);
        door.say(&mut stranger, &frame[..5]);
        assert_eq!(stranger.up, is_kept, "{len}");
        let mut stranger = door.knock(1);
        door.say(&mut stranger, &login(&whole));
        door.say(&mut stranger, &frame);
        assert_eq!(stranger.up, is_kept, "{len}");
    }
}

#[test]
fn a_stranger_is_read_in_small_pieces_until_it_is_somebody() {
    let mut door = Door::new(Config::new());
    let session = door.lost_session();
    let mut stranger = door.knock(1);
    assert_eq!(stranger.port.read_size(), 2_048);
    let answer = door.say(&mut stranger, &resume(session, [99; 16]));
    assert_eq!(Heard::of(&answer), Heard::Resumed);
    assert_eq!(stranger.port.read_size(), usize::MAX);
}

#[test]
fn whoever_was_let_in_is_read_in_large_pieces_also_where_a_host_hears_it() {
    let mut door = Door::new(Config::new());
    let mut stranger = door.knock(1);
    door.say(&mut stranger, &login(b"me"));
    door.registry.prepare(&mut stranger.port);
    assert_eq!(stranger.port.read_size(), 2_048, "nobody said yes yet");
    let (key, who) = (door.offered.pop().unwrap(), Identity::new(1_u64).unwrap());
    let (now, secret) = (door.now, Secret::new([1; 16]));
    let fx = &mut Effects::default();
    door.registry.admit(key, now, who, secret, fx);
    door.registry.prepare(&mut stranger.port);
    assert_eq!(stranger.port.read_size(), usize::MAX);
}

/// What a host is not called for: see `Task::read`.
#[test]
fn what_looks_like_a_beat_is_none_within_another_frame() {
    let mut beat = Vec::new();
    Frame::Ping(Beat::default()).encode(&mut beat);
    let mut door = Door::new(Config::new());
    let mut stranger = door.knock(1);
    assert!(stranger.port.is_beat(&beat));
    let frame = extension(5 + beat.len());
    door.say(&mut stranger, &frame[..5]);
    assert!(stranger.up && !stranger.port.is_beat(&beat));
    door.say(&mut stranger, &frame[5..]);
    assert!(stranger.port.is_beat(&beat));
}

// [RESUME-6] [SEC-4]
#[test]
fn every_resume_that_proves_nothing_hears_the_same_bytes() {
    let mut door = Door::new(Config::new());
    let (ended, alive) = (door.lost_session(), door.lost_session()); // the second replaces the first
    let waiting = door.knock(3);
    let targets = [
        alive,
        ended,
        waiting.port.key().as_u64(),
        alive ^ 1 << 40,
        0,
        u64::MAX,
    ];
    let mut answers: Vec<_> = targets
        .iter()
        .map(|&session| door.resume(1, session, [5; 16]))
        .collect();
    assert!(!answers[0].is_empty());
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    // The right one hears more.
    let taken_over = Heard::Refused(RejectCode::Other(4), RetryClass::Never);
    assert_eq!(Heard::of(&door.resume(1, ended, [99; 16])), taken_over);
    assert_eq!(Heard::of(&door.resume(1, alive, [99; 16])), Heard::Resumed);
}

#[test]
fn one_link_has_one_attempt() {
    let mut door = Door::new(Config::new());
    let session = door.lost_session();
    for second in [resume(session, [99; 16]), login(b"me")] {
        let mut stranger = door.knock(1);
        let together = [resume(session, [5; 16]), second].concat();
        assert_eq!(door.say(&mut stranger, &together), [], "wrong, then right");
        assert!(!stranger.up && door.offered.is_empty());
    }
}

// [LIMIT-11]
#[test]
fn a_network_whose_logins_fail_is_asked_to_wait_and_its_host_is_not_asked() {
    let mut door = Door::new(Config::new().failed_logins(3).failed_login_pause(SECOND));
    let refused = Heard::Refused(RejectCode::BadCredentials, RetryClass::Never);
    for _ in 0..3 {
        assert_eq!(door.log_in(1, Err(Rejection::bad_credentials())), refused);
    }
    let wait = Heard::Refused(RejectCode::Busy, RetryClass::After(1_000));
    assert_eq!(door.log_in(1, Ok(1)), wait, "not even with the right ones");
    assert_eq!(door.log_in(2, Ok(2)), Heard::Welcome, "another network");
    door.now = door.now + SECOND;
    assert_eq!(
        door.log_in(1, Err(Rejection::banned())),
        Heard::Refused(RejectCode::Banned, RetryClass::Never)
    );
    assert_eq!(door.log_in(1, Ok(1)), wait);
    door.now = door.now + SECOND;
    for number in 10..20 {
        assert_eq!(
            door.log_in(1, Ok(number)),
            Heard::Welcome,
            "success costs nothing"
        );
    }
}

#[test]
fn that_the_server_was_full_or_busy_is_no_failure_of_a_network() {
    let mut door = Door::new(Config::new().failed_logins(1));
    for why in [Rejection::full(), Rejection::busy(SECOND)] {
        door.log_in(1, Err(why));
    }
    assert_eq!(door.log_in(1, Ok(1)), Heard::Welcome);
}

// [LIMIT-11]
#[test]
fn a_network_whose_resumes_fail_is_not_listened_to_for_a_while() {
    let mut door = Door::new(Config::new().failed_resumes(100));
    let session = door.lost_session();
    for guess in 100..200u8 {
        let refused = Heard::Refused(RejectCode::Other(8), RetryClass::Now);
        assert_eq!(Heard::of(&door.resume(1, session, [guess; 16])), refused);
    }
    let wait = Heard::Refused(RejectCode::Busy, RetryClass::After(100));
    assert_eq!(
        Heard::of(&door.resume(1, session, [99; 16])),
        wait,
        "the right one"
    );
    assert_eq!(Heard::of(&door.resume(1, session ^ 1 << 40, [0; 16])), wait);
    assert_eq!(
        Heard::of(&door.resume(2, session, [99; 16])),
        Heard::Resumed
    );
}

// [LIMIT-12]
#[test]
fn who_comes_too_early_hears_when_to_come_and_keeps_the_session() {
    let mut door = Door::new(Config::new().admission_rate(10).admission_burst(1));
    let session = door.lost_session(); // takes the only token
    let slots: Vec<_> = (0..3)
        .map(|_| Heard::of(&door.resume(1, session, [99; 16])))
        .collect();
    let slot = |millis| Heard::Refused(RejectCode::Busy, RetryClass::After(millis));
    assert_eq!(slots, [slot(100), slot(200), slot(300)]);
    assert_eq!(door.log_in(1, Ok(5)), slot(400), "new ones behind them");
    door.now = door.now + SECOND / 10;
    assert_eq!(
        Heard::of(&door.resume(1, session, [99; 16])),
        Heard::Resumed
    );
}

#[test]
fn who_comes_from_a_banned_network_is_refused_before_the_host_is_asked() {
    let mut door = Door::new(Config::new().failed_logins(2));
    let session = door.lost_session();
    let network = Whom::Network(Prefix::of(from(1)));
    let hour = SECOND * 3_600;
    let why = Rejection::other(1_001);
    assert!(door.registry.ban(network, door.now, Some(hour), &why));
    let refused = |retry| Heard::Refused(RejectCode::Other(1_001), retry);
    for _ in 0..10 {
        let heard = door.log_in(1, Err(Rejection::full()));
        assert_eq!(heard, refused(RetryClass::Never), "and not busy after two");
    }
    assert_eq!(door.log_in(2, Ok(2)), Heard::Welcome, "another network");

    // A wrong secret ends nothing, from wherever it comes.
    let gone = Heard::Refused(RejectCode::Other(8), RetryClass::Now);
    assert_eq!(Heard::of(&door.resume(1, session, [5; 16])), gone);
    let alive = Key::from_u64(session);
    let ended = |door: &Door| {
        door.registry
            .get(alive)
            .and_then(|one| one.ended().cloned())
    };
    assert_eq!(ended(&door), None);
    let answer = door.resume(1, session, [99; 16]);
    assert_eq!(Heard::of(&answer), refused(RetryClass::Never));
    let closed = ended(&door).expect("both ends know that it is over");
    assert_eq!(closed.reason(), Reason::Removed);
    let answer = door.resume(2, session, [99; 16]);
    assert_eq!(
        Heard::of(&answer),
        refused(RetryClass::Never),
        "from elsewhere, too"
    );

    door.now = door.now + hour;
    assert_eq!(door.log_in(1, Ok(3)), Heard::Welcome, "it is over");
}

// [TAKE-10]
#[test]
fn a_client_replaces_its_own_ghost_as_often_as_it_likes_and_another_one_only_now_and_then() {
    let mut door = Door::new(Config::new());
    let mut log_in = |instance, attempt| {
        let login = login_nth(instance, attempt, b"who");
        door.say_login(1, &login, Ok(1))
    };
    for attempt in 1..10 {
        assert_eq!(log_in(1, attempt), Heard::Welcome, "its own ghost");
    }
    assert_eq!(log_in(2, 1), Heard::Welcome, "a first takeover");
    let occupied = Heard::Refused(RejectCode::Occupied, RetryClass::After(1_000));
    assert_eq!(log_in(1, 10), occupied, "and back at once");
    assert_eq!(
        log_in(2, 2),
        Heard::Welcome,
        "whoever holds it has its ghosts, too"
    );
}

// [LIMIT-15]
#[test]
fn a_session_whose_link_breaks_again_and_again_is_asked_to_wait_and_is_kept() {
    let mut door = Door::new(Config::new().comings_a_minute(3));
    let session = door.lost_session();
    let mut waits = Vec::new();
    for attempt in 1..10 {
        let answer = door.say_resume(1, &resume_attempt(session, [99; 16], attempt));
        match Heard::of(&answer) {
            Heard::Resumed => {}
            Heard::Refused(RejectCode::Busy, RetryClass::After(wait)) => {
                waits.push(wait / 1_000);
                door.now = door.now + SECOND * (wait / 1_000);
            }
            other => panic!("{other:?}"),
        }
    }
    // The login and two resumes were free; half of the resume window of 120 s is the longest.
    assert_eq!(waits, [20, 40, 60, 60]);
    assert_eq!(door.log_in(2, Ok(2)), Heard::Welcome, "somebody else");
}

/// Nothing that a stranger sends is handed to anybody before it is admitted.
#[test]
fn messages_before_login_end_the_link() {
    let mut door = Door::new(Config::new());
    let mut stranger = door.knock(1);
    let mut data = Vec::new();
    encode_data(b"let me in", &mut data);
    assert_eq!(door.say(&mut stranger, &data), []);
    assert!(!stranger.up && door.offered.is_empty());
}
