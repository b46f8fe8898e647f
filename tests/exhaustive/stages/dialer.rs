//! The side that dials.

use bytes::Bytes;
use sessile::wire::{Frame, RetryClass};

use super::{Entry, Made, Row, older, open};
use crate::{
    say::{go_away, refused, resumed},
    scene::{Link, Scene, ms},
};

const QUIET: Row = Row::Dialer("quiet");
const BEGINNING: Row = Row::Dialer("beginning");
const LOGIN_SENT: Row = Row::Dialer("login sent");
const CHALLENGED: Row = Row::Dialer("challenged");
const RESUME_SENT: Row = Row::Dialer("resume sent");
pub(super) const OPEN: Row = Row::Dialer("open");

pub(super) const STAGES: [Entry; 18] = [
    ("dialer: its first link is being dialed", QUIET, dialing),
    ("dialer: nothing was said", QUIET, quiet),
    ("dialer: LOGIN is to be written", BEGINNING, login_due),
    ("dialer: LOGIN was written", LOGIN_SENT, login_written),
    ("dialer: was asked back", CHALLENGED, asked),
    ("dialer: ANSWER is to be written", CHALLENGED, answer_due),
    ("dialer: ANSWER was written", LOGIN_SENT, answer_written),
    (
        "dialer: WELCOME was read, ACK is to be written",
        OPEN,
        proof_due,
    ),
    ("dialer: a newer link is being dialed", QUIET, redialing),
    ("dialer: RESUME is to be written", BEGINNING, resume_due),
    ("dialer: RESUME was written", RESUME_SENT, resume_written),
    (
        "dialer: RESUMED was read, ACK is to be written",
        OPEN,
        resumed_read,
    ),
    (
        "dialer: closed, RESUME is to be written",
        BEGINNING,
        closing_resume_due,
    ),
    (
        "dialer: closed, RESUME was written",
        RESUME_SENT,
        closing_resume_written,
    ),
    ("dialer: was told to go", OPEN, told_to_go),
    (
        "dialer: gave the login on this link up",
        Row::Older,
        cancelled,
    ),
    (
        "dialer: the login on this link was refused",
        Row::Older,
        login_refused,
    ),
    (
        "dialer: the resume on this link was put off",
        Row::Older,
        resume_put_off,
    ),
];

fn of((scene, link): (Scene, Link)) -> Made {
    let key = scene.session;
    (scene, link, key)
}

fn dialing() -> Made {
    let mut scene = Scene::server();
    scene.log_in();
    let (key, id) = scene.dials[0];
    (scene, Link::new(key, id), key)
}

fn quiet() -> Made {
    let mut scene = Scene::server();
    let key = scene.session;
    let id = scene.on(key, |machine, cx| machine.first_link(cx, None));
    (scene, Link::new(key, id), key)
}

fn login_due() -> Made {
    of(Scene::client())
}

fn login_written() -> Made {
    let (mut scene, mut link, key) = login_due();
    assert_eq!(scene.hears(&mut link), ["LOGIN 1 me"]);
    (scene, link, key)
}

fn asked() -> Made {
    let (mut scene, mut link, key) = login_written();
    scene.says(&mut link, &[Frame::Challenge(b"who?")]);
    (scene, link, key)
}

fn answer_due() -> Made {
    let (mut scene, link, key) = asked();
    scene.on(key, |machine, cx| {
        machine.answer(cx, Some(Bytes::from_static(b"me")))
    });
    (scene, link, key)
}

fn answer_written() -> Made {
    let (mut scene, mut link, key) = answer_due();
    assert_eq!(scene.hears(&mut link), ["ANSWER me"]);
    (scene, link, key)
}

fn proof_due() -> Made {
    let (mut scene, mut link, key) = login_written();
    scene.says(&mut link, &[Frame::Welcome(crate::say::welcome())]);
    (scene, link, key)
}

pub(super) fn opened() -> Made {
    of(Scene::client_open())
}

fn told_to_go() -> Made {
    let (mut scene, mut link, key) = opened();
    let wait = RetryClass::After(500);
    scene.says(&mut link, &[go_away(3_000, wait, "b:7000")]);
    assert!(scene.saw("draining"));
    (scene, link, key)
}

fn redialing() -> Made {
    let (mut scene, mut link, key) = opened();
    scene.cut(&mut link);
    while scene.dials.is_empty() {
        scene.pass(ms(100));
    }
    let (_, id) = scene.dials[0];
    (scene, Link::new(key, id), key)
}

fn resume_due() -> Made {
    let (mut scene, _, key) = redialing();
    let link = scene.dialed();
    (scene, link, key)
}

fn resume_written() -> Made {
    let (mut scene, mut link, key) = resume_due();
    assert!(scene.hears(&mut link)[0].starts_with("RESUME 1"));
    (scene, link, key)
}

fn resumed_read() -> Made {
    let (mut scene, mut link, key) = resume_written();
    scene.says(&mut link, &[resumed(2, 0, 0)]);
    (scene, link, key)
}

fn closing_resume_due() -> Made {
    open::closed_here(resume_due())
}

fn closing_resume_written() -> Made {
    open::closed_here(resume_written())
}

fn cancelled() -> Made {
    older(login_written(), |scene, _, key| {
        scene.on(key, |machine, cx| machine.cancel_login(cx));
    })
}

fn login_refused() -> Made {
    older(login_written(), |scene, link, _| {
        scene.says(link, &[refused(100, RetryClass::Never, 0)]);
    })
}

fn resume_put_off() -> Made {
    older(resume_written(), |scene, link, _| {
        scene.says(link, &[refused(102, RetryClass::After(1_000), 0)]);
    })
}
