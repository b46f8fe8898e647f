//! Chapter "Resume", where it goes well. Refusals are in `resume_refused.rs`.

use sessile::{
    proto::Phase,
    wire::{Frame, Resume, RetryClass},
};

use crate::{
    say::{close, refused, resume, resumed, secret, welcome},
    scene::{Scene, ms},
};

// [RESUME-1]
#[test]
fn resume_carries_the_newest_secret_and_where_the_dialer_stands() {
    let (mut scene, mut link) = Scene::client_open();
    scene.says(&mut link, &[Frame::Data(b"a"), Frame::Data(b"b")]);
    scene.takes_message(scene.session);
    let mut back = scene.resume_sent(&mut link);
    let Resume {
        version,
        session,
        secret: proof,
        attempt,
        received,
        taken,
    } = back.resume.take().unwrap();
    assert_eq!(
        (version, session, attempt, received, taken),
        (1, welcome().session, 1, 2, 1)
    );
    assert_eq!(proof.as_bytes(), &[1; 16]);
    scene.says(&mut back, &[resumed(2, 0, 0)]);
    let back = scene.resume_sent(&mut back);
    assert_eq!(back.resume.unwrap().secret.as_bytes(), secret(2).as_bytes());
}

// [RESUME-2]
#[test]
fn every_resume_has_a_higher_attempt_whatever_became_of_the_last() {
    let (mut scene, mut link) = Scene::client_open();
    for attempt in 1..5 {
        let back = scene.resume_sent(&mut link);
        assert_eq!(back.resume.as_ref().unwrap().attempt, attempt);
        link = back;
    }
    scene.says(&mut link, &[resumed(2, 0, 0)]);
    let back = scene.resume_sent(&mut link);
    assert_eq!(back.resume.unwrap().attempt, 5);
}

// [RESUME-3]
#[test]
fn a_dialer_writes_nothing_between_resume_and_resumed() {
    let (mut scene, mut link) = Scene::client_open();
    scene.says(&mut link, &[Frame::Data(b"unread")]);
    let mut back = scene.resume_sent(&mut link);
    scene.sends(scene.session, "waits");
    scene.takes_message(scene.session);
    for _ in 0..49 {
        scene.pass(ms(100));
        assert_eq!(scene.hears(&mut back), [""; 0]);
    }
    scene.says(&mut back, &[resumed(2, 0, 0)]);
    assert_eq!(scene.hears(&mut back), ["ACK 1", "DATA waits"]);
}

// [RESUME-4]
#[test]
fn a_dialer_acks_at_once_on_resumed() {
    let (mut scene, mut link) = Scene::client_open();
    let mut back = scene.resume_sent(&mut link);
    scene.says(&mut back, &[resumed(2, 0, 0)]);
    assert_eq!(scene.hears(&mut back), ["ACK 0"]);
}

// [RESUME-5]
#[test]
fn a_secret_from_an_abandoned_link_is_not_adopted() {
    let (mut scene, mut link) = Scene::client_open();
    let mut abandoned = scene.resume_sent(&mut link);
    scene.pass(ms(5004));
    scene.says(
        &mut abandoned,
        &[resumed(7, 0, 0), refused(8, RetryClass::Now, 0)],
    );
    assert!(abandoned.is_closed());
    assert_eq!(scene.reason(scene.session), None);
    let mut next = scene.redialed();
    scene.hears(&mut next);
    assert_eq!(next.resume.unwrap().secret.as_bytes(), &[1; 16]);
}

// [RESUME-11] [RESUME-12]
#[test]
fn an_accepted_resume_closes_the_older_link_without_a_word() {
    let (mut scene, key, mut old) = Scene::served();
    scene.sends(key, "queued");
    let (mut link, heard) = scene.resumes(resume(old.session, old.proof(), 1));
    assert_eq!(heard, ["RESUMED epoch 2 received 0 taken 0", "DATA queued"]);
    assert_eq!(scene.hears(&mut old), [""; 0]);
    assert!(old.is_closed());
    assert_ne!(link.proof().as_bytes(), old.proof().as_bytes());
    scene.says(&mut link, &[Frame::Ack(1)]);
    let again = Resume {
        received: 1,
        taken: 1,
        ..resume(link.session, link.proof(), 2)
    };
    let (_, heard) = scene.resumes(again);
    assert_eq!(heard, ["RESUMED epoch 3 received 0 taken 0"]);
}

// [RESUME-13]
#[test]
fn a_lost_resumed_locks_nobody_out() {
    let (mut scene, key, mut link) = Scene::served();
    let first = link.proof();
    for attempt in 1..6 {
        scene.cut(&mut link);
        let (back, heard) = scene.resumes(resume(link.session, first.clone(), attempt));
        assert_eq!(
            heard,
            [format!("RESUMED epoch {} received 0 taken 0", attempt + 1)]
        );
        link = back; // and what it said is lost
    }
    scene.cut(&mut link);
    let (mut back, _) = scene.resumes(resume(link.session, link.proof(), 6));
    scene.says(&mut back, &[Frame::Ack(0)]);
    assert_eq!(scene.phase(key), Phase::LoggedIn);
}

// [RESUME-13]
#[test]
fn no_third_secret_is_valid() {
    let (mut scene, _, link) = Scene::served();
    let first = link.proof();
    let (lost, _) = scene.resumes(resume(link.session, first.clone(), 1));
    let (_again, _) = scene.resumes(resume(link.session, first, 2));
    let (_, heard) = scene.resumes(resume(link.session, lost.proof(), 3));
    assert_eq!(
        heard,
        ["REFUSED 8 Now taken 0 attempt 0"],
        "the answer that was lost is void"
    );
}

// [RESUME-14] [RESUME-15]
#[test]
fn the_first_frame_proves_the_new_secret_and_ends_the_old_one() {
    let (mut scene, key, link) = Scene::served();
    let (mut back, _) = scene.resumes(resume(link.session, link.proof(), 1));
    scene.says(&mut back, &[Frame::Ack(0)]);
    let (_, heard) = scene.resumes(resume(link.session, link.proof(), 2));
    assert_eq!(heard, ["REFUSED 8 Now taken 0 attempt 0"]);
    assert_eq!(scene.phase(key), Phase::LoggedIn);
    assert!(!back.is_closed());
}

// [RESUME-14]
#[test]
fn a_frame_of_an_older_link_proves_nothing() {
    let (mut scene, _, mut old) = Scene::served();
    let (lost, _) = scene.resumes(resume(old.session, old.proof(), 1));
    scene.says(&mut old, &[Frame::Ack(0)]);
    drop(lost);
    let (_, heard) = scene.resumes(resume(old.session, old.proof(), 2));
    assert_eq!(heard, ["RESUMED epoch 3 received 0 taken 0"]);
}

// [RESUME-14] [RESUME-15]
#[test]
fn a_resume_with_the_new_secret_proves_it_too() {
    let (mut scene, _, link) = Scene::served();
    let (second, _) = scene.resumes(resume(link.session, link.proof(), 1));
    let (_third, heard) = scene.resumes(resume(link.session, second.proof(), 2));
    assert_eq!(heard, ["RESUMED epoch 3 received 0 taken 0"]);
    let (_, heard) = scene.resumes(resume(link.session, link.proof(), 3));
    assert_eq!(heard, ["REFUSED 8 Now taken 0 attempt 0"]);
}

// [RESUME-16]
#[test]
fn nothing_but_close_is_pipelined_behind_resume() {
    for frame in [
        Frame::Ack(0),
        Frame::Data(b"early"),
        crate::say::ping(1, 1),
        Frame::Closed(0),
    ] {
        let (mut scene, key, old) = Scene::served();
        let mut link = scene.link();
        scene.says(
            &mut link,
            &[Frame::Resume(resume(old.session, old.proof(), 1)), frame],
        );
        assert!(link.is_closed());
        assert_eq!(scene.takes_all(key), [""; 0]);
        let (_, heard) = scene.resumes(resume(old.session, old.proof(), 2));
        assert_eq!(
            heard,
            ["RESUMED epoch 3 received 0 taken 0"],
            "and it was no proof"
        );
    }
}

// [RESUME-17]
#[test]
fn a_close_behind_resume_is_answered_and_proves_nothing() {
    let (mut scene, key, mut old) = Scene::served();
    scene.sends(key, "taken");
    scene.hears(&mut old);
    let mut link = scene.link();
    let back = Resume {
        received: 1,
        ..resume(old.session, old.proof(), 1)
    };
    scene.says(&mut link, &[Frame::Resume(back), close(1, 1)]);
    assert_eq!(scene.hears(&mut link), ["CLOSED 0"]);
    assert!(link.is_closed());
    let (_, heard) = scene.resumes(resume(old.session, old.proof(), 2));
    assert_eq!(
        heard,
        ["REFUSED 2 Never taken 0 attempt 0"],
        "had CLOSED been lost"
    );
}

// [RESUME-18]
#[test]
fn the_first_message_on_a_link_is_the_one_that_was_stated() {
    let (mut scene, key, mut link) = Scene::served();
    scene.says(&mut link, &[Frame::Data(b"0"), Frame::Data(b"1")]);
    scene.cut(&mut link);
    let (mut back, heard) = scene.resumes(resume(link.session, link.proof(), 1));
    assert_eq!(heard, ["RESUMED epoch 2 received 2 taken 0"]);
    scene.says(&mut back, &[Frame::Data(b"2")]);
    assert_eq!(scene.takes_all(key), ["0", "1", "2"]);
}

// [RESUME-18] [RESUME-22]
#[test]
fn what_is_taken_after_resume_was_written_changes_no_position() {
    let (mut scene, mut link) = Scene::client_open();
    scene.says(&mut link, &[Frame::Data(b"0"), Frame::Data(b"1")]);
    let mut back = scene.resume_sent(&mut link);
    assert_eq!(scene.takes_message(scene.session).as_deref(), Some("0"));
    scene.says(&mut back, &[resumed(2, 0, 0), Frame::Data(b"2")]);
    assert_eq!(scene.hears(&mut back), ["ACK 1"]);
    scene.on(scene.session, |machine, cx| {
        assert_eq!(machine.snapshot(cx.now).received, 3)
    });
    assert_eq!(scene.takes_all(scene.session), ["1", "2"]);
}

// [RESUME-19]
#[test]
fn replay_begins_where_the_peer_says_and_goes_on_with_what_is_new() {
    let (mut scene, key, mut link) = Scene::served();
    for text in ["0", "1", "2"] {
        scene.sends(key, text);
    }
    assert_eq!(scene.hears(&mut link).len(), 3);
    scene.cut(&mut link);
    scene.sends(key, "3");
    let back = Resume {
        received: 1,
        taken: 0,
        ..resume(link.session, link.proof(), 1)
    };
    let (_, heard) = scene.resumes(back);
    assert_eq!(heard[1..], ["DATA 1", "DATA 2", "DATA 3"]);

    let (mut scene, mut link) = Scene::client_open();
    scene.sends(scene.session, "0");
    scene.sends(scene.session, "1");
    scene.hears(&mut link);
    let mut back = scene.resume_sent(&mut link);
    scene.says(&mut back, &[resumed(2, 1, 1)]);
    assert_eq!(scene.hears(&mut back), ["ACK 0", "DATA 1"]);
}

// [RESUME-20]
#[test]
fn a_stated_taken_is_an_ack_and_a_stated_received_is_not() {
    let (mut scene, key, mut link) = Scene::served();
    for text in ["0", "1", "2"] {
        scene.sends(key, text);
    }
    scene.hears(&mut link);
    scene.cut(&mut link);
    let back = Resume {
        received: 3,
        taken: 1,
        ..resume(link.session, link.proof(), 1)
    };
    let (mut link, heard) = scene.resumes(back);
    assert_eq!(heard.len(), 1, "nothing to replay");
    let snapshot = scene.registry.snapshot(key, scene.now).unwrap();
    assert_eq!((snapshot.acked, snapshot.unacked_messages), (1, 2));
    scene.says(&mut link, &[Frame::Ack(3)]);
    assert_eq!(
        scene
            .registry
            .snapshot(key, scene.now)
            .unwrap()
            .unacked_messages,
        0
    );
}

// [RESUME-22]
#[test]
fn mailboxes_are_kept() {
    let (mut scene, key, mut link) = Scene::served();
    scene.says(&mut link, &[Frame::Data(b"unread")]);
    scene.cut(&mut link);
    let (mut back, _) = scene.resumes(resume(link.session, link.proof(), 1));
    scene.says(&mut back, &[Frame::Ack(0)]);
    assert_eq!(scene.takes_all(key), ["unread"]);
    scene.pass(ms(30));
    assert_eq!(scene.hears(&mut back), ["ACK 1"]);
}

// [RESUME-22]
#[test]
fn a_mailbox_can_be_read_while_there_is_no_link() {
    let (mut scene, mut link) = Scene::client_open();
    scene.says(&mut link, &[Frame::Data(b"0"), Frame::Data(b"1")]);
    scene.cut(&mut link);
    assert_eq!(scene.takes_message(scene.session).as_deref(), Some("0"));
    while scene.dials.is_empty() {
        scene.pass(ms(100));
    }
    assert_eq!(scene.takes_message(scene.session).as_deref(), Some("1"));
    scene.pass(ms(1000)); // the dial takes its time
    let mut back = scene.dialed();
    assert_eq!(scene.hears(&mut back), ["RESUME 1 received 2 taken 2"]);
}
