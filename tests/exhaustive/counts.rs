//! Every count and every number with a range, at every value from 0 to two above it: what is accepted and what is refused, to one.
//! In the stages with mail on its way both sides have accepted 4 messages, written 3 of them and read an ACK of 1.

use sessile::{
    proto::Key,
    wire::{Close, Frame, Login, Resume, Resumed, RetryClass, Terms, Violation, Welcome, decode},
};

use crate::{
    say::{self, TERMS, login, refused, welcome},
    scene::{Link, Scene},
    stages::{Stage, stages},
    table::bytes,
};

const ACKED: u64 = 1;
const WRITTEN: u64 = 3;
const ACCEPTED: u64 = 4;

fn at(name: &str) -> Stage {
    let mut all = stages().into_iter();
    all.find(|stage| stage.name == name)
        .expect("a stage of this name")
}

const BUSY: [&str; 2] = [
    "acceptor: mail and acks are on their way",
    "dialer: mail and acks are on their way",
];

/// From 0 to two above `most`, and what is far beyond.
fn counts(most: u64) -> impl Iterator<Item = u64> {
    (0..=most + 2).chain([1 << 31, 1 << 32, 1 << 63, u64::MAX])
}

fn undelivered(scene: &mut Scene, key: Key) -> u64 {
    scene.on(key, |machine, _| machine.take_undelivered()).len() as u64
}

/// How many are handed back where the peer says that it took so many: what cannot be is ignored.
fn left(taken: u64, written: u64) -> u64 {
    match taken {
        taken if (ACKED..=written).contains(&taken) => ACCEPTED - taken,
        _ => ACCEPTED - ACKED,
    }
}

// [ACK-5] [ACK-7]
#[test]
fn an_ack_counts_from_the_last_one_to_what_was_written_and_no_further() {
    for stage in BUSY.map(at) {
        for taken in counts(WRITTEN) {
            let violation = stage.violation(&bytes(&Frame::Ack(taken)));
            let fits = (ACKED..=WRITTEN).contains(&taken);
            let expected = (!fits).then(|| "AckOutOfRange".to_owned());
            assert_eq!(violation, expected, "{}: {taken}", stage.name);
        }
    }
}

// [CLOSE-9]
#[test]
fn the_last_count_is_applied_up_to_what_was_written_and_ignored_beyond_it() {
    for stage in BUSY.map(at) {
        for taken in counts(WRITTEN) {
            let mut after = stage.clone();
            after.reads(&[&bytes(&say::close(1, taken))]);
            let found = undelivered(&mut after.scene, after.key);
            assert_eq!(found, left(taken, WRITTEN), "CLOSE {taken}, {}", stage.name);
        }
        let mut closing = stage.clone();
        let why = sessile::proto::closed(sessile::Reason::ClosedHere);
        let key = closing.key;
        closing.scene.on(key, |machine, cx| machine.close(cx, why));
        let said = closing.scene.hears(&mut closing.link);
        assert_eq!(said.len(), 2, "all that was accepted, and CLOSE: {said:?}");
        for taken in counts(ACCEPTED) {
            let mut after = closing.clone();
            after.reads(&[&bytes(&Frame::Closed(taken))]);
            let found = undelivered(&mut after.scene, key);
            assert_eq!(
                found,
                left(taken, ACCEPTED),
                "CLOSED {taken}, {}",
                stage.name
            );
        }
    }
    let stage = resume_sent();
    for taken in counts(WRITTEN) {
        let mut after = stage.clone();
        after.reads(&[&bytes(&refused(7, RetryClass::Now, taken))]);
        let found = undelivered(&mut after.scene, after.key);
        assert_eq!(found, left(taken, WRITTEN), "REFUSED {taken}");
    }
}

/// The dialer with mail on its way has lost its link and written RESUME on the next one.
fn resume_sent() -> Stage {
    let mut stage = at(BUSY[1]);
    let Stage { scene, link, .. } = &mut stage;
    scene.cut(link);
    while scene.dials.is_empty() {
        scene.pass(crate::scene::ms(100));
    }
    *link = scene.dialed();
    assert_eq!(scene.hears(link), ["RESUME 1 received 2 taken 1"]);
    stage
}

/// Whether a peer may stand there.
fn is_possible(received: u64, taken: u64) -> bool {
    ACKED <= taken && taken <= received && received <= WRITTEN
}

// [RESUME-9] [RESUME-21]
#[test]
fn a_position_is_possible_between_what_is_acked_and_what_was_written_in_every_pair() {
    let (server, client) = (at(BUSY[0]), resume_sent());
    for received in counts(WRITTEN) {
        for taken in counts(WRITTEN) {
            let (mut after, before) = (server.clone(), server.session(server.key));
            let (mut link, heard) = resumes(&mut after, 1, 1, received, taken);
            let what = format!("received {received}, taken {taken}");
            if is_possible(received, taken) {
                assert!(heard[0].starts_with("RESUMED epoch 2"), "{what}: {heard:?}");
            } else {
                assert!(heard.is_empty() && link.is_closed(), "{what}: {heard:?}");
                assert_eq!(after.session(after.key), before, "{what}");
                assert!(!after.link.is_closed(), "{what}");
            }
            after.scene.cut(&mut link);

            let violation = client.violation(&bytes(&resumed(2, received, taken)));
            let expected = (!is_possible(received, taken)).then_some("PositionOutOfRange");
            assert_eq!(violation.as_deref(), expected, "RESUMED, {what}");
        }
    }
}

fn resumed(epoch: u64, received: u64, taken: u64) -> Frame<'static> {
    Frame::Resumed(Resumed {
        epoch,
        secret: say::secret(9),
        received,
        taken,
    })
}

/// The peer comes back on a new link; what it hears.
fn resumes(
    stage: &mut Stage,
    version: u16,
    attempt: u64,
    received: u64,
    taken: u64,
) -> (Link, Vec<String>) {
    let Stage { scene, link, .. } = stage;
    let resume = Resume {
        version,
        received,
        taken,
        ..say::resume(link.session, link.proof(), attempt)
    };
    let mut next = scene.link();
    next.session = link.session;
    scene.says(&mut next, &[Frame::Resume(resume)]);
    let heard = scene.hears(&mut next);
    (next, heard)
}

// [RESUME-7] [RESUME-10] [RESUME-12] [RESUME-21]
#[test]
fn attempts_epochs_and_versions_are_accepted_from_the_one_that_is_due_on() {
    for attempt in counts(3) {
        let (_, heard) = resumes(&mut at(BUSY[0]), 1, attempt, 1, 1);
        let fits = attempt > 0;
        assert_eq!(
            heard[0].starts_with("RESUMED"),
            fits,
            "{attempt}: {heard:?}"
        );
        assert_eq!(
            heard[0].starts_with("REFUSED 11"),
            !fits,
            "{attempt}: {heard:?}"
        );
        let mut again = at(BUSY[0]);
        resumes(&mut again, 1, 3, 1, 1);
        let (_, heard) = resumes(&mut again, 1, attempt, 1, 1);
        let fits = attempt > 3;
        assert_eq!(
            heard[0].starts_with("RESUMED"),
            fits,
            "{attempt}: {heard:?}"
        );
        let stale = heard[0] == "REFUSED 11 Now taken 0 attempt 3";
        assert_eq!(stale, !fits, "{attempt}: {heard:?}");
    }
    for version in 0..=3 {
        let (_, heard) = resumes(&mut at(BUSY[0]), version, 1, 1, 1);
        assert_eq!(
            heard[0].starts_with("REFUSED 18"),
            version != 1,
            "{heard:?}"
        );
    }
    let client = resume_sent();
    for epoch in counts(1) {
        let violation = client.violation(&bytes(&resumed(epoch, 1, 1)));
        let expected = (epoch <= 1).then_some("BadValue");
        assert_eq!(violation.as_deref(), expected, "{epoch}");
    }
}

// [DATA-4] [DATA-5]
#[test]
fn a_window_takes_what_was_agreed_in_messages_and_in_bytes_and_not_one_more() {
    for stage in ["acceptor: open", "dialer: open"].map(at) {
        for len in 0..=TERMS.max_message as usize {
            let most = match len {
                0 => 8,
                len => (4_096 / len).min(8),
            };
            let data = bytes(&Frame::Data(&vec![b'x'; len]));
            let mut full = stage.clone();
            full.reads(&[&data.repeat(most)]);
            assert!(!full.link.is_closed(), "{most} of {len}");
            let violation = full.violation(&data);
            assert_eq!(violation.as_deref(), Some("WindowExceeded"), "{len}");
            full.reads(&[&data]);
            assert_eq!(full.scene.takes_all(full.key).len(), most, "{len}");
        }
    }
}

// [DATA-4] [ACK-1]
#[test]
fn a_window_opens_by_what_was_taken_once_that_is_stated() {
    let data = bytes(&Frame::Data(b"x"));
    for stage in ["acceptor: open", "dialer: open"].map(at) {
        let mut full = stage.clone();
        full.reads(&[&data.repeat(8)]);
        for taken in 0..=8 {
            let mut after = full.clone();
            for _ in 0..taken {
                after.scene.takes_message(after.key).expect("it came");
            }
            assert!(after.violation(&data).is_some(), "taken, and not stated");
            after.scene.pass(crate::scene::ms(30));
            let heard = after.scene.hears(&mut after.link);
            let stated = (taken > 0).then(|| format!("ACK {taken}"));
            assert_eq!(heard, Vec::from_iter(stated));
            after.reads(&[&data.repeat(taken)]);
            assert!(!after.link.is_closed(), "{taken}");
            let violation = after.violation(&data);
            assert_eq!(violation.as_deref(), Some("WindowExceeded"), "{taken}");
        }
    }
}

type Set = fn(&mut Terms, u32);

/// Each of the terms, and the values that a dialer takes of it in WELCOME, where the rest is as it asked.
const GRANTED: [(&str, Set, std::ops::RangeInclusive<u32>); 6] = [
    (
        "heartbeat_ms",
        |terms, to| terms.heartbeat_ms = to,
        10..=4_000,
    ),
    (
        "lease_ms",
        |terms, to| terms.lease_ms = to,
        3_000..=3_600_000,
    ),
    (
        "resume_window_ms",
        |terms, to| terms.resume_window_ms = to,
        0..=604_800_000,
    ),
    (
        "window_messages",
        |terms, to| terms.window_messages = to,
        1..=8,
    ),
    (
        "window_bytes",
        |terms, to| terms.window_bytes = to,
        1_024..=4_096,
    ),
    ("max_message", |terms, to| terms.max_message = to, 1..=1_024),
];

// [TERMS-3] [TERMS-4] [TERMS-5] [TERMS-6]
#[test]
fn terms_are_granted_within_their_ranges_and_not_one_beyond() {
    let stage = at("dialer: LOGIN was written");
    for (name, set, range) in GRANTED {
        let (least, most) = (*range.start(), *range.end());
        let near = |end: u32| end.saturating_sub(2)..=end.saturating_add(2);
        let values = (0..=4_100).chain(near(least)).chain(near(most));
        for value in values.chain([u32::MAX]) {
            let mut terms = TERMS;
            set(&mut terms, value);
            let frame = bytes(&Frame::Welcome(Welcome { terms, ..welcome() }));
            let violation = stage.violation(&frame);
            let expected = (!range.contains(&value)).then_some("BadValue");
            assert_eq!(violation.as_deref(), expected, "{name} {value}");
        }
    }
    // The longest heartbeat needs a lease that is long enough for it.
    for heartbeat_ms in 599_990..=600_010 {
        let terms = Terms {
            heartbeat_ms,
            lease_ms: 3_600_000,
            ..TERMS
        };
        let frame = bytes(&Frame::Welcome(Welcome { terms, ..welcome() }));
        assert_eq!(stage.violation(&frame).is_some(), heartbeat_ms > 600_000);
    }
}

// [TERMS-2]
#[test]
fn terms_are_asked_for_within_their_ranges_and_not_one_beyond() {
    let asked: [(Set, std::ops::RangeInclusive<u32>); 3] = [
        (|terms, to| terms.window_messages = to, 1..=u32::MAX),
        (|terms, to| terms.window_bytes = to, 1_024..=u32::MAX),
        (|terms, to| terms.max_message = to, 1..=4_096),
    ];
    let stage = at("acceptor: nothing was said");
    for (set, range) in asked {
        for value in (0..=4_100).chain([u32::MAX - 1, u32::MAX]) {
            let mut terms = TERMS;
            set(&mut terms, value);
            let violation = stage.violation(&bytes(&Frame::Login(Login { terms, ..login(1) })));
            let expected = (!range.contains(&value)).then_some("BadValue");
            assert_eq!(violation.as_deref(), expected, "{value}");
        }
    }
}

// [LOGIN-1] [LOGIN-2]
#[test]
fn versions_are_accepted_where_ours_lies_between_them() {
    let stage = at("acceptor: nothing was said");
    for version in (0..=4).chain([u16::MAX]) {
        for oldest in (0..=4).chain([u16::MAX]) {
            let mut after = stage.clone();
            let frame = Frame::Login(Login {
                version,
                oldest,
                ..login(1)
            });
            after.reads(&[&bytes(&frame)]);
            let sound = oldest >= 1 && oldest <= version;
            assert_eq!(stage.violation(&bytes(&frame)).is_some(), !sound);
            assert_eq!(after.scene.offered.len(), usize::from(sound && oldest == 1));
            let heard = after.scene.hears(&mut after.link);
            let refused = heard.iter().any(|line| line.starts_with("REFUSED 105"));
            assert_eq!(
                refused,
                sound && oldest > 1,
                "{version}, {oldest}: {heard:?}"
            );
        }
    }
    let stage = at("dialer: LOGIN was written");
    for value in 0..=3 {
        let with = |welcome| stage.violation(&bytes(&Frame::Welcome(welcome))).is_some();
        let version = Welcome {
            version: value,
            ..welcome()
        };
        let features = Welcome {
            features: u32::from(value),
            ..welcome()
        };
        let epoch = Welcome {
            epoch: u64::from(value),
            ..welcome()
        };
        let found = [with(version), with(features), with(epoch)];
        assert_eq!(found, [value != 1, value != 0, value == 0], "{value}");
    }
}

// [FRAME-10]
#[test]
fn a_retry_class_has_one_form_of_all_that_its_bytes_could_say() {
    let close = Frame::Close(Close {
        code: 1,
        retry: RetryClass::Now,
        taken: 0,
        text: "",
    });
    for frame in [close, refused(1, RetryClass::Now, 0)] {
        for class in 0..=u8::MAX {
            for wait in [0, 1, u32::MAX] {
                let mut raw = bytes(&frame);
                raw[7] = class;
                raw[8..12].copy_from_slice(&wait.to_be_bytes());
                let good = class == 1 || (class <= 2 && wait == 0);
                let found = decode(&raw, 4_096).err();
                assert_eq!(
                    found,
                    (!good).then_some(Violation::BadValue),
                    "{class} {wait}"
                );
            }
        }
    }
}
