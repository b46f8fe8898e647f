//! A link in every stage that it can be in, on either side.

use bytes::Bytes;
use sessile::{
    Identity, Reason, Rejection,
    proto::{Key, closed},
    wire::{Beat, Frame, kind},
};

use crate::{
    say::{close, login, refused, resume, resumed, secret, welcome},
    scene::{Link, Scene, ms},
};

/// One side of a link, as far as it has come; the test is at the other end.
pub(crate) struct Stage {
    pub(crate) name: &'static str,
    pub(crate) scene: Scene,
    pub(crate) link: Link,
    /// Whose link it is.
    pub(crate) key: Key,
}

type Made = (Scene, Link, Key);
type Make = fn() -> Made;

/// Every stage, the acceptor's first.
pub(crate) const STAGES: [(&str, Make); 27] = [
    ("acceptor: nothing was said", greeting),
    ("acceptor: LOGIN was read, the host judges", offered),
    ("acceptor: CHALLENGE is to be written", challenge_due),
    ("acceptor: waits for ANSWER", challenged),
    (
        "acceptor: admitted, waits for ANSWER",
        admitted_while_challenged,
    ),
    ("acceptor: WELCOME is to be written", welcome_due),
    ("acceptor: WELCOME was written, unproven", welcomed),
    ("acceptor: open", served),
    ("acceptor: suspects the peer", suspicious),
    ("acceptor: RESUMED is to be written", resumed_due),
    ("acceptor: RESUMED was written, unproven", resumed_written),
    ("acceptor: the peer came back on a newer link", replaced),
    ("acceptor: CLOSE is to be written", closing_due),
    ("acceptor: CLOSE was written", closing),
    ("acceptor: the peer closed, mail is unread", answering),
    (
        "acceptor: removed, the last word is to be written",
        last_word_due,
    ),
    ("acceptor: refused, REFUSED is to be written", refusing),
    ("dialer: nothing was said", quiet),
    ("dialer: LOGIN is to be written", login_due),
    ("dialer: LOGIN was written", login_written),
    ("dialer: was asked back", asked),
    ("dialer: ANSWER is to be written", answer_due),
    ("dialer: open", client_open),
    ("dialer: RESUME is to be written", resume_due),
    ("dialer: RESUME was written", resume_written),
    ("dialer: CLOSE was written", client_closing),
    ("dialer: the peer closed, mail is unread", client_answering),
];

/// A fresh link in one of them.
pub(crate) fn stage(at: usize) -> Stage {
    let (name, make) = STAGES[at];
    let (scene, link, key) = make();
    Stage {
        name,
        scene,
        link,
        key,
    }
}

/// A frame of each type that is well made, and one of a type that may be skipped.
pub(crate) fn frames() -> Vec<Frame<'static>> {
    vec![
        Frame::Login(login(9)),
        Frame::Challenge(b"who?"),
        Frame::Answer(b"me"),
        Frame::Welcome(welcome()),
        refused(100, sessile::wire::RetryClass::Never, 0),
        Frame::Resume(resume(77, secret(99), 9)),
        resumed(2, 0, 0),
        Frame::Data(b"data"),
        Frame::Volatile(b"volatile"),
        Frame::Ack(0),
        Frame::Ping(Beat::default()),
        Frame::Pong(Beat::default()),
        close(1, 0),
        Frame::Closed(0),
        Frame::Extension(kind::FIRST_EXTENSION),
    ]
}

fn greeting() -> Made {
    let mut scene = Scene::server();
    let before = scene.registry.keys();
    let link = scene.link();
    let key = scene
        .registry
        .keys()
        .into_iter()
        .find(|key| !before.contains(key));
    (scene, link, key.unwrap())
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

fn welcomed() -> Made {
    let mut scene = Scene::server();
    let (key, link) = scene.welcomed(login(1));
    (scene, link, key)
}

fn served() -> Made {
    let (scene, key, link) = Scene::served();
    (scene, link, key)
}

fn suspicious() -> Made {
    let (mut scene, mut link, key) = served();
    scene.pass(ms(3_100));
    scene.hears(&mut link);
    assert_eq!(scene.phase(key), sessile::Phase::Suspect);
    (scene, link, key)
}

fn resumed_due() -> Made {
    let (mut scene, old, key) = served();
    let mut link = scene.link();
    scene.says(
        &mut link,
        &[Frame::Resume(resume(old.session, old.proof(), 1))],
    );
    (scene, link, key)
}

fn resumed_written() -> Made {
    let (mut scene, mut link, key) = resumed_due();
    assert!(scene.hears(&mut link)[0].starts_with("RESUMED"));
    (scene, link, key)
}

fn replaced() -> Made {
    let (mut scene, old, key) = served();
    let mut new = scene.link();
    scene.says(
        &mut new,
        &[Frame::Resume(resume(old.session, old.proof(), 1))],
    );
    scene.hears(&mut new);
    (scene, old, key)
}

fn closing_due() -> Made {
    let (mut scene, link, key) = served();
    scene.on(key, |machine, cx| {
        machine.close(cx, closed(Reason::ClosedHere))
    });
    (scene, link, key)
}

fn closing() -> Made {
    let (mut scene, mut link, key) = closing_due();
    assert!(scene.hears(&mut link)[0].starts_with("CLOSE"));
    (scene, link, key)
}

fn answering() -> Made {
    let (mut scene, mut link, key) = served();
    scene.says(&mut link, &[Frame::Data(b"unread"), close(1, 0)]);
    (scene, link, key)
}

fn last_word_due() -> Made {
    let (mut scene, link, key) = served();
    scene.on(key, |machine, cx| machine.remove(cx, "no"));
    (scene, link, key)
}

fn refusing() -> Made {
    let (mut scene, link, key) = offered();
    scene.on(key, |machine, cx| {
        machine.reject(cx, &Rejection::bad_credentials())
    });
    (scene, link, key)
}

fn quiet() -> Made {
    let mut scene = Scene::server();
    let key = scene.session;
    let id = scene.on(key, |machine, cx| machine.first_link(cx, None));
    (scene, Link::new(key, id), key)
}

fn login_due() -> Made {
    let (scene, link) = Scene::client();
    let key = scene.session;
    (scene, link, key)
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

fn client_open() -> Made {
    let (scene, link) = Scene::client_open();
    let key = scene.session;
    (scene, link, key)
}

fn resume_due() -> Made {
    let (mut scene, mut link, key) = client_open();
    scene.cut(&mut link);
    while scene.dials.is_empty() {
        scene.pass(ms(100));
    }
    let link = scene.dialed();
    (scene, link, key)
}

fn resume_written() -> Made {
    let (mut scene, mut link, key) = resume_due();
    assert!(scene.hears(&mut link)[0].starts_with("RESUME 1"));
    (scene, link, key)
}

fn client_closing() -> Made {
    let (mut scene, mut link, key) = client_open();
    scene.on(key, |machine, cx| {
        machine.close(cx, closed(Reason::ClosedHere))
    });
    assert!(scene.hears(&mut link)[0].starts_with("CLOSE"));
    (scene, link, key)
}

fn client_answering() -> Made {
    let (mut scene, mut link, key) = client_open();
    scene.says(&mut link, &[Frame::Data(b"unread"), close(1, 0)]);
    (scene, link, key)
}

/// What of a session no link may change by breaking the protocol (S7, S8): who it is, its end, its numbers.
pub(crate) fn essence(scene: &Scene, key: Key) -> Option<(Option<Identity>, bool, [u64; 5])> {
    let now = scene.registry.snapshot(key, scene.now)?;
    let numbers = [now.sent, now.acked, now.received, now.taken, now.epoch];
    Some((now.identity, now.ended.is_some(), numbers))
}
