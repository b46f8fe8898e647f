//! Chapter "States of a link".

use sessile::wire::Frame;

use crate::{
    say::{close, login, ping, resume, samples, welcome},
    scene::{Link, Scene, ms},
};

/// A state: how to come there, and what may be read in it.
type Row = (fn() -> (Scene, Link), &'static [&'static str]);

const OPEN: [&str; 7] = [
    "DATA",
    "VOLATILE",
    "ACK",
    "PING",
    "PONG",
    "CLOSE",
    "EXTENSION",
];

/// What a dialer takes on one.
const DIALER_OPEN: [&str; 8] = [
    "DATA",
    "VOLATILE",
    "ACK",
    "PING",
    "PONG",
    "CLOSE",
    "EXTENSION",
    "GOAWAY",
];

// [STATE-1] [STATE-2]
#[test]
fn an_acceptor_takes_in_each_state_what_the_table_says() {
    fn greeting() -> (Scene, Link) {
        let mut scene = Scene::server();
        let link = scene.link();
        (scene, link)
    }
    fn judging() -> (Scene, Link) {
        let (mut scene, mut link) = greeting();
        scene.says(&mut link, &[Frame::Login(login(1))]);
        (scene, link)
    }
    fn asked() -> (Scene, Link) {
        let (mut scene, mut link) = judging();
        let key = scene.offered[0];
        assert!(scene.on(key, |machine, _| {
            machine.challenge(bytes::Bytes::from_static(b"?"))
        }));
        assert_eq!(scene.hears(&mut link), ["CHALLENGE ?"]);
        (scene, link)
    }
    fn open() -> (Scene, Link) {
        let (scene, _, link) = Scene::served();
        (scene, link)
    }
    let table: [Row; 4] = [
        (greeting, &["LOGIN", "RESUME", "EXTENSION"]),
        (judging, &["EXTENSION"]),
        (asked, &["ANSWER", "EXTENSION"]),
        (open, &OPEN),
    ];
    for (row, (begin, takes)) in table.into_iter().enumerate() {
        for frame in samples() {
            let (mut scene, mut link) = begin();
            scene.says(&mut link, std::slice::from_ref(&frame));
            assert_eq!(
                link.is_closed(),
                !takes.contains(&frame.name()),
                "row {row}: {}",
                frame.name()
            );
        }
    }
}

// [STATE-1]
#[test]
fn a_dialer_takes_in_each_state_what_the_table_says() {
    fn quiet() -> (Scene, Link) {
        let (mut scene, mut link) = Scene::client();
        scene.on(scene.session, |machine, cx| machine.cancel_login(cx));
        scene.cut(&mut link);
        let session = scene.registry.dialer([1; 16], 0, 1);
        let id = scene.on(session, |machine, cx| machine.first_link(cx, None));
        scene.events.clear();
        (scene, Link::new(session, id))
    }
    fn login_sent() -> (Scene, Link) {
        let (mut scene, mut link) = Scene::client();
        scene.hears(&mut link);
        (scene, link)
    }
    fn challenged() -> (Scene, Link) {
        let (mut scene, mut link) = login_sent();
        scene.says(&mut link, &[Frame::Challenge(b"?")]);
        (scene, link)
    }
    fn resume_sent() -> (Scene, Link) {
        let (mut scene, mut link) = Scene::client_open();
        let link = scene.resume_sent(&mut link);
        (scene, link)
    }
    let table: [Row; 5] = [
        (quiet, &["EXTENSION"]),
        (
            login_sent,
            &["WELCOME", "CHALLENGE", "REFUSED", "EXTENSION"],
        ),
        (challenged, &["REFUSED", "EXTENSION"]),
        (resume_sent, &["RESUMED", "REFUSED", "EXTENSION"]),
        (Scene::client_open, &DIALER_OPEN),
    ];
    for (row, (begin, takes)) in table.into_iter().enumerate() {
        for frame in samples() {
            let (mut scene, mut link) = begin();
            scene.says(&mut link, std::slice::from_ref(&frame));
            // REFUSED closes the link too, but with an answer to what was asked.
            let answered = scene.events.iter().any(|kind| match kind {
                sessile::EventKind::LoginFailed(closed) => closed.rejection().is_some(),
                sessile::EventKind::Ended(_) => true,
                _ => false,
            });
            let violated = link.is_closed() && !answered;
            assert_eq!(
                violated,
                !takes.contains(&frame.name()),
                "row {row}: {}",
                frame.name()
            );
        }
    }
}

// [STATE-2]
#[test]
fn a_dialer_begins_with_login_or_resume() {
    let (mut scene, mut link) = Scene::client();
    assert_eq!(scene.hears(&mut link), ["LOGIN 1 me"]);
    scene.says(&mut link, &[Frame::Welcome(welcome())]);
    scene.hears(&mut link);
    scene.cut(&mut link);
    let mut link = scene.redialed();
    assert_eq!(scene.hears(&mut link), ["RESUME 1 received 0 taken 0"]);
}

// [STATE-3]
#[test]
fn an_acceptor_says_nothing_to_who_said_nothing() {
    let mut scene = Scene::server();
    let mut link = scene.link();
    for _ in 0..49 {
        scene.pass(ms(100));
        assert_eq!(scene.hears(&mut link), [""; 0]);
    }
    scene.says(&mut link, &[Frame::Login(login(1))]);
    assert_eq!(scene.hears(&mut link), [""; 0], "the host has not decided");
}

// [STATE-3]
#[test]
fn an_acceptor_that_stops_says_nothing_to_who_said_nothing() {
    let mut scene = Scene::server();
    let mut link = scene.link();
    let own = scene.session;
    let mut keys = scene.registry.keys().into_iter();
    let stranger = keys.find(|&key| key != own).expect("the stranger");
    scene.on(stranger, sessile::proto::Machine::stop);
    assert_eq!(scene.takes(&mut link), [0; 0]);
    assert!(link.is_closed());
}

// [STATE-4]
#[test]
fn nothing_is_pipelined_behind_login() {
    for frame in [
        Frame::Data(b"early"),
        Frame::Ack(0),
        Frame::Login(login(2)),
        close(1, 0),
    ] {
        let mut scene = Scene::server();
        let mut link = scene.link();
        scene.says(&mut link, &[Frame::Login(login(1)), frame]);
        assert!(link.is_closed());
        assert_eq!(scene.registry.strangers(), 0);
    }
}

// [STATE-5]
#[test]
fn what_an_older_link_still_brings_changes_nothing() {
    let (mut scene, key, mut old) = Scene::served();
    let (mut link, heard) = scene.resumes(resume(old.session, old.proof(), 1));
    assert_eq!(heard, ["RESUMED epoch 2 received 0 taken 0"]);
    scene.pass(ms(3000));
    assert!(scene.saw("suspect"));
    scene.says(
        &mut old,
        &[Frame::Data(b"late"), Frame::Ack(0), ping(1, 1), close(1, 0)],
    );
    assert!(old.is_closed());
    assert!(!scene.saw("recovered"), "no sign of life either");
    assert_eq!(scene.takes_all(key), [""; 0]);
    scene.says(&mut link, &[Frame::Data(b"0")]);
    assert_eq!(scene.takes_all(key), ["0"]);
}
