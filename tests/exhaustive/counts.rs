//! Every count at every value from 0 to two above it: what is accepted and what is refused, to one.
//! In the stages with mail on its way both sides have accepted 4 messages, written 3 of them and read an ACK of 1.

use sessile::{
    proto::Key,
    wire::{Frame, Resume, Resumed, RetryClass},
};

use crate::{
    say::{self, TERMS, refused},
    scene::{Link, Scene},
    stages::{Stage, at},
    table::bytes,
};

const ACKED: u64 = 1;
const WRITTEN: u64 = 3;
const ACCEPTED: u64 = 4;

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
