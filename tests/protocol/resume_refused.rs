//! Chapter "Resume", where it is refused.

use sessile::{
    Reason,
    proto::Phase,
    wire::{Frame, Resume, Resumed, RetryClass},
};

use crate::{
    say::{bytes, close, login, refused, resume, resumed, secret},
    scene::{Scene, ms},
};

// [RESUME-6] [SEC-4]
#[test]
fn an_unknown_session_and_a_wrong_secret_look_the_same() {
    let (mut scene, key, mut link) = Scene::served();
    let mut answers = Vec::new();
    let tries = [
        resume(link.session, secret(0), 1),
        resume(link.session + 1, link.proof(), 1),
        resume(0, secret(0), 1),
        resume(u64::MAX, secret(0), u64::MAX),
        Resume {
            received: 99,
            taken: 99,
            ..resume(link.session, secret(0), 0)
        },
    ];
    for one in tries {
        let mut stranger = scene.link();
        scene.says(&mut stranger, &[Frame::Resume(one)]);
        answers.push(scene.takes(&mut stranger));
        assert!(stranger.is_closed());
    }
    assert_eq!(answers[0][..7], [0, 0, 0, 26, 0x05, 0, 8]);
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    scene.says(&mut link, &[Frame::Data(b"still here")]);
    assert_eq!(scene.takes_all(key), ["still here"]);
}

// [STATE-1]
#[test]
fn whoever_was_refused_a_resume_is_not_heard_again_on_that_link() {
    let (mut scene, key, mut link) = Scene::served();
    let known = resume(link.session, link.proof(), 1);
    for next in [
        Frame::Login(login(9)),
        Frame::Resume(resume(0, secret(0), 1)),
        Frame::Resume(known),
    ] {
        let (before, mut stranger) = (scene.events.len(), scene.link());
        scene.says(&mut stranger, &[Frame::Resume(resume(0, secret(0), 1))]);
        scene.says(&mut stranger, &[next]); // REFUSED was not written yet
        assert_eq!(scene.hears(&mut stranger), [""; 0]);
        assert!(stranger.is_closed() && scene.offered.is_empty());
        assert_eq!(scene.events.len(), before, "nobody was there");
    }
    scene.says(&mut link, &[Frame::Data(b"mine")]);
    assert_eq!(scene.takes_all(key), ["mine"]);
    assert_eq!(scene.registry.strangers(), 0);
}

// [RESUME-23] [FRAME-12]
#[test]
fn what_follows_a_refused_resume_is_read_the_same_in_one_piece_or_in_two() {
    let resume = || Frame::Resume(resume(0, secret(0), 1));
    for (next, answer) in [
        (close(1, 0), &["REFUSED 8 Now taken 0 attempt 0"][..]),
        (Frame::Extension(0x80), &["REFUSED 8 Now taken 0 attempt 0"]),
        (Frame::Data(b"early"), &[]),
        (Frame::Login(login(9)), &[]),
    ] {
        let mut raw = bytes(&[resume()]);
        match next {
            Frame::Extension(kind) => raw.extend([0, 0, 0, 1, kind]),
            ref next => raw.extend(bytes(std::slice::from_ref(next))),
        }
        for cut in 0..raw.len() {
            let mut scene = Scene::server();
            let mut link = scene.link();
            scene.writes(&mut link, &raw[..cut]);
            scene.writes(&mut link, &raw[cut..]);
            let name = next.name();
            assert_eq!(scene.hears(&mut link), answer, "{name}, cut at {cut}");
            assert!(link.is_closed() && scene.offered.is_empty(), "{name}");
            assert_eq!(scene.registry.strangers(), 0);
        }
    }
}

// [RESUME-7]
#[test]
fn a_used_attempt_is_refused_stale_and_changes_nothing() {
    let (mut scene, key, mut link) = Scene::served();
    let first = link.proof();
    scene.cut(&mut link);
    let (mut back, _) = scene.resumes(resume(link.session, first.clone(), 5));
    for attempt in [5, 4, 0] {
        for proof in [first.clone(), back.proof()] {
            let (stranger, heard) = scene.resumes(resume(link.session, proof, attempt));
            assert_eq!(heard, ["REFUSED 11 Now taken 0 attempt 5"]);
            assert!(stranger.is_closed());
        }
    }
    scene.says(&mut back, &[Frame::Data(b"mine")]);
    assert_eq!(scene.takes_all(key), ["mine"]);
    assert_eq!(scene.registry.get(key).unwrap().epoch(), 2);
}

// [RESUME-8]
#[test]
fn who_proves_an_ended_session_learns_why_and_what_was_taken() {
    let (mut scene, key, mut link) = Scene::served();
    scene.says(&mut link, &[Frame::Data(b"0"), Frame::Data(b"1")]);
    scene.takes_message(key);
    scene.cut(&mut link);
    scene.on(key, |machine, cx| machine.remove(cx, "cheater"));
    for attempt in [1, 1, 0] {
        let (_, heard) = scene.resumes(resume(link.session, link.proof(), attempt));
        assert_eq!(heard, ["REFUSED 6 Never taken 1 attempt 0"]);
    }
    let (_, heard) = scene.resumes(resume(link.session, secret(0), 1));
    assert_eq!(heard, ["REFUSED 8 Now taken 0 attempt 0"]);
}

// [RESUME-9]
#[test]
fn a_position_that_cannot_be_ends_the_link_and_leaves_the_session_alone() {
    let (mut scene, key, mut link) = Scene::served();
    for text in ["0", "1", "2"] {
        scene.sends(key, text);
    }
    scene.hears(&mut link);
    scene.says(&mut link, &[Frame::Ack(1)]);
    scene.sends(key, "never written");
    for (received, taken) in [(4, 1), (0, 0), (2, 0), (1, 2), (u64::MAX, u64::MAX)] {
        let (stranger, heard) = scene.resumes(Resume {
            received,
            taken,
            ..resume(link.session, link.proof(), 1)
        });
        assert_eq!(heard, [""; 0], "{received} {taken}");
        assert!(stranger.is_closed());
    }
    assert_eq!(scene.phase(key), Phase::LoggedIn);
    assert_eq!(scene.hears(&mut link), ["DATA never written"]);
    let (_, heard) = scene.resumes(Resume {
        received: 3,
        taken: 1,
        ..resume(link.session, link.proof(), 1)
    });
    assert_eq!(
        heard[0], "RESUMED epoch 2 received 0 taken 0",
        "the attempt was not used up"
    );
}

// [RESUME-10]
#[test]
fn a_resume_in_another_version_is_refused() {
    let (mut scene, key, link) = Scene::served();
    let (_, heard) = scene.resumes(Resume {
        version: 2,
        ..resume(link.session, link.proof(), 1)
    });
    assert_eq!(heard, ["REFUSED 18 Never taken 0 attempt 0"]);
    assert_eq!(scene.phase(key), Phase::LoggedIn);
}

// [RESUME-21]
#[test]
fn a_resumed_that_cannot_be_changes_nothing() {
    let table = [
        (1, 0, 0),
        (0, 0, 0),
        (2, 2, 0),
        (2, 0, 1),
        (2, u64::MAX, u64::MAX),
    ];
    for (epoch, received, taken) in table {
        let (mut scene, mut link) = Scene::client_open();
        scene.sends(scene.session, "0");
        scene.hears(&mut link);
        scene.sends(scene.session, "never written");
        let mut back = scene.resume_sent(&mut link);
        let wrong = Resumed {
            epoch,
            secret: secret(99),
            received,
            taken,
        };
        scene.says(&mut back, &[Frame::Resumed(wrong)]);
        assert!(back.is_closed(), "{epoch} {received} {taken}");
        assert_eq!(scene.phase(scene.session), Phase::Reconnecting);
        let mut next = scene.redialed();
        scene.hears(&mut next);
        assert_eq!(
            next.resume.take().unwrap().secret.as_bytes(),
            secret(1).as_bytes()
        );
        scene.says(&mut next, &[resumed(2, 0, 0)]);
        assert_eq!(
            scene.hears(&mut next),
            ["ACK 0", "DATA 0", "DATA never written"]
        );
    }
}

// [CODE-1] [RESUME-8]
#[test]
fn a_dialer_understands_each_refusal_of_its_resume() {
    let table = [
        (1, Reason::ClosedByPeer),
        (2, Reason::ClosedHere),
        (3, Reason::ClosedByPeer),
        (4, Reason::TakenOver),
        (5, Reason::Superseded),
        (6, Reason::Removed),
        (7, Reason::Expired),
        (8, Reason::Gone),
        (9, Reason::ClosedByPeer),
        (11, Reason::Stale),
        (13, Reason::NeverProven),
        (15, Reason::Protocol),
        (16, Reason::Exhausted),
        (17, Reason::ClosedByPeer),
        (18, Reason::Incompatible),
        (99, Reason::ClosedByPeer),
        (103, Reason::Removed),
        (999, Reason::Removed),
        (1000, Reason::Removed),
    ];
    for (code, reason) in table {
        let (mut scene, mut link) = Scene::client_open();
        let mut back = scene.resume_sent(&mut link);
        scene.says(&mut back, &[refused(code, RetryClass::Never, 0)]);
        assert_eq!(scene.reason(scene.session), Some(reason), "{code}");
        let (mut scene, mut link) = Scene::client_open();
        scene.says(&mut link, &[close(code, 0)]);
        assert_eq!(scene.reason(scene.session), Some(reason), "{code} in CLOSE");
        scene.pass(ms(300_000));
        assert!(scene.dials.is_empty());
    }
}

#[test]
fn a_refusal_with_a_reason_reads_as_that_reason() {
    let (mut scene, mut link) = Scene::client_open();
    let mut back = scene.resume_sent(&mut link);
    let gone = refused(Reason::Gone.code(), RetryClass::Now, 0);
    scene.says(&mut back, &[gone]);
    let machine = scene.registry.get(scene.session).unwrap();
    let closed = machine.ended().expect("it ended");
    assert_eq!(closed.rejection(), None);
    assert_eq!(closed.blame(), Reason::Gone.blame());
    assert!(closed.to_string().ends_with(&Reason::Gone.to_string()));
}
