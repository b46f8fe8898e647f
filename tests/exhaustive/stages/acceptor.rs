//! The side that accepts.

use bytes::Bytes;
use sessile::{Reason, Rejection, wire::Frame};

use super::{Entry, Made, Row, older, open};
use crate::{
    say::{login, resume, secret},
    scene::{Scene, ms},
};

const GREETING: Row = Row::Acceptor("greeting");
const JUDGING: Row = Row::Acceptor("judging");
const ASKED: Row = Row::Acceptor("asked");
const REFUSING: Row = Row::Acceptor("refusing");
const RESUMING: Row = Row::Acceptor("resuming");
pub(super) const OPEN: Row = Row::Acceptor("open");

pub(super) const STAGES: [Entry; 24] = [
    ("acceptor: nothing was said", GREETING, greeting),
    (
        "acceptor: LOGIN was read, the host judges",
        JUDGING,
        offered,
    ),
    (
        "acceptor: CHALLENGE is to be written",
        JUDGING,
        challenge_due,
    ),
    ("acceptor: waits for ANSWER", ASKED, challenged),
    (
        "acceptor: ANSWER was read, the host judges",
        JUDGING,
        answered,
    ),
    (
        "acceptor: admitted, waits for ANSWER",
        ASKED,
        admitted_while_challenged,
    ),
    ("acceptor: WELCOME is to be written", JUDGING, welcome_due),
    (
        "acceptor: closed, WELCOME is to be written",
        JUDGING,
        closing_welcome_due,
    ),
    ("acceptor: REFUSED is to be written", JUDGING, refusing),
    (
        "acceptor: REFUSED of a RESUME is to be written",
        REFUSING,
        refusing_resume,
    ),
    ("acceptor: WELCOME was written, unproven", OPEN, welcomed),
    ("acceptor: RESUMED is to be written", RESUMING, resumed_due),
    (
        "acceptor: closed, RESUMED is to be written",
        RESUMING,
        closing_resumed_due,
    ),
    (
        "acceptor: RESUMED was written, unproven",
        OPEN,
        resumed_written,
    ),
    (
        "acceptor: removed, the last word is to be written",
        OPEN,
        removed,
    ),
    (
        "acceptor: taken over, the last word is to be written",
        OPEN,
        taken_over,
    ),
    (
        "acceptor: goes away, GOAWAY is to be written",
        OPEN,
        going_away,
    ),
    (
        "acceptor: goes away, its CLOSE was written",
        OPEN,
        gone_away,
    ),
    (
        "acceptor: the peer came back on a newer link",
        Row::Older,
        replaced,
    ),
    (
        "acceptor: the login deadline has passed",
        Row::Older,
        too_late,
    ),
    ("acceptor: ended, REFUSED was written", Row::Older, refused),
    (
        "acceptor: ended, the last word was written",
        Row::Older,
        dismissed,
    ),
    ("acceptor: ended, CLOSED never came", Row::Older, lingered),
    (
        "acceptor: ended, the resume window has passed",
        Row::Older,
        expired,
    ),
];

fn greeting() -> Made {
    let mut scene = Scene::server();
    let link = scene.link();
    let key = link.port().unwrap().key();
    (scene, link, key)
}

fn offered() -> Made {
    let (mut scene, mut link, key) = greeting();
    scene.says(&mut link, &[Frame::Login(login(1))]);
    (scene, link, key)
}

fn challenge_due() -> Made {
    let (mut scene, link, key) = offered();
    scene.on(key, |machine, _| machine.claim());
    assert!(scene.on(key, |machine, _| {
        machine.challenge(Bytes::from_static(b"who?"))
    }));
    (scene, link, key)
}

fn challenged() -> Made {
    let (mut scene, mut link, key) = challenge_due();
    assert_eq!(scene.hears(&mut link), ["CHALLENGE who?"]);
    (scene, link, key)
}

fn answered() -> Made {
    let (mut scene, mut link, key) = challenged();
    scene.says(&mut link, &[Frame::Answer(b"me")]);
    (scene, link, key)
}

fn admitted_while_challenged() -> Made {
    let (mut scene, link, key) = challenged();
    scene.admit_key(key);
    (scene, link, key)
}

fn welcome_due() -> Made {
    let (mut scene, link, key) = offered();
    scene.admit();
    (scene, link, key)
}

fn closing_welcome_due() -> Made {
    open::closed_here(welcome_due())
}

fn refusing() -> Made {
    let (mut scene, link, key) = offered();
    scene.on(key, |machine, cx| {
        machine.reject(cx, &Rejection::bad_credentials())
    });
    (scene, link, key)
}

fn refusing_resume() -> Made {
    let (mut scene, mut link, key) = greeting();
    scene.says(&mut link, &[Frame::Resume(resume(77, secret(99), 1))]);
    (scene, link, key)
}

fn welcomed() -> Made {
    let mut scene = Scene::server();
    let (key, link) = scene.welcomed(login(1));
    (scene, link, key)
}

pub(super) fn served() -> Made {
    let (scene, key, link) = Scene::served();
    (scene, link, key)
}

fn resumed_due() -> Made {
    let (mut scene, old, key) = served();
    let mut link = scene.link();
    let resume = resume(old.session, old.proof(), 1);
    scene.says(&mut link, &[Frame::Resume(resume)]);
    (scene, link, key)
}

fn closing_resumed_due() -> Made {
    open::closed_here(resumed_due())
}

fn resumed_written() -> Made {
    let (mut scene, mut link, key) = resumed_due();
    assert!(scene.hears(&mut link)[0].starts_with("RESUMED"));
    (scene, link, key)
}

fn removed() -> Made {
    let (mut scene, link, key) = served();
    scene.on(key, |machine, cx| machine.remove(cx, "no"));
    (scene, link, key)
}

fn taken_over() -> Made {
    let (mut scene, link, key) = served();
    scene.welcomed(sessile::wire::Login {
        instance: [9; 16],
        ..login(1)
    });
    assert_eq!(scene.reason(key), Some(Reason::TakenOver));
    (scene, link, key)
}

fn going_away() -> Made {
    let (mut scene, link, key) = served();
    let by = scene.now + ms(2_000);
    scene.on(key, |machine, cx| {
        machine.go_away(cx, by, ms(500), "b:7000", "")
    });
    (scene, link, key)
}

fn gone_away() -> Made {
    let (mut scene, mut link, key) = going_away();
    assert!(scene.hears(&mut link)[0].starts_with("GOAWAY"));
    scene.pass(ms(2_000));
    let heard = scene.hears(&mut link);
    assert!(heard.iter().any(|line| line.starts_with("CLOSE 20")));
    (scene, link, key)
}

fn replaced() -> Made {
    older(served(), |scene, link, _| {
        let (resume, mut newer) = (resume(link.session, link.proof(), 1), scene.link());
        scene.says(&mut newer, &[Frame::Resume(resume)]);
        assert!(scene.hears(&mut newer)[0].starts_with("RESUMED"));
    })
}

fn too_late() -> Made {
    older(offered(), |scene, _, key| {
        scene.offered.clear();
        scene.pass(ms(5_100));
        assert!(scene.registry.get(key).is_none());
    })
}

fn refused() -> Made {
    older(refusing(), |scene, link, _| {
        assert!(scene.hears(link)[0].starts_with("REFUSED"));
    })
}

fn dismissed() -> Made {
    older(removed(), |scene, link, _| {
        assert!(scene.hears(link)[0].starts_with("CLOSE 6"));
    })
}

fn lingered() -> Made {
    older(open::closing(served()), |scene, _, _| scene.pass(ms(2_100)))
}

fn expired() -> Made {
    older(open::lost(served()), |scene, _, key| {
        scene.pass(ms(121_000));
        assert_eq!(scene.reason(key), Some(Reason::Expired));
    })
}
