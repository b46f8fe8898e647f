//! The limits that a side keeps to by itself: what it asks, answers and presents, what waits for its link, and how much it
//! writes in one turn.

use bytes::Bytes;
use sessile::{
    Lent, Reason, SendError,
    proto::{Effects, Key},
    wire::{CREDENTIALS_BYTES, Frame, LOGIN_FRAME_BYTES, RetryClass},
};

use crate::{
    say::{TERMS, close, login, refused},
    scene::{Link, Scene, config, ms},
};

fn bytes(len: usize) -> Bytes {
    Bytes::from(vec![b'x'; len])
}

fn ask(scene: &mut Scene, key: Key, len: usize) -> bool {
    scene.on(key, |machine, _| machine.challenge(bytes(len)))
}

fn post_volatile(scene: &mut Scene, key: Key, len: usize) -> Result<(), SendError> {
    scene.on(key, |machine, cx| {
        machine.post_volatile(cx, Lent::Slice(&bytes(len)))
    })
}

fn volatile_dropped(scene: &Scene, key: Key) -> u64 {
    let snapshot = scene.registry.snapshot(key, scene.now);
    snapshot.expect("a session").volatile_dropped
}

/// What the dialer's login came to: the reason.
fn failed(scene: &mut Scene) -> Option<Reason> {
    let outcome = scene.on(scene.session, |machine, _| machine.login_outcome())?;
    Some(outcome.expect_err("it failed").closed.reason())
}

// [LOGIN-7]
#[test]
fn a_question_has_a_byte_fits_a_frame_and_waits_for_its_answer() {
    let mut scene = Scene::server();
    let mut link = scene.link();
    let stranger = |scene: &Scene| {
        let own = scene.session;
        scene
            .registry
            .keys()
            .into_iter()
            .find(|&key| key != own)
            .expect("a stranger")
    };
    let key = stranger(&scene);
    assert!(!ask(&mut scene, key, 1), "it has presented nothing");
    scene.says(&mut link, &[Frame::Login(login(1))]);
    assert!(!ask(&mut scene, key, 0) && !ask(&mut scene, key, LOGIN_FRAME_BYTES));
    assert_eq!(scene.hears(&mut link), [""; 0]);
    assert!(ask(&mut scene, key, LOGIN_FRAME_BYTES - 1));
    assert!(!ask(&mut scene, key, 1), "one at a time");
    assert_eq!(scene.takes(&mut link).len(), 4 + LOGIN_FRAME_BYTES);
    assert!(!ask(&mut scene, key, 1), "one at a time");
    scene.says(&mut link, &[Frame::Answer(b"!")]);
    assert!(ask(&mut scene, key, 1));
}

// [LOGIN-7]
#[test]
fn an_answer_that_fits_no_frame_ends_the_login() {
    for (len, fits) in [(LOGIN_FRAME_BYTES - 1, true), (LOGIN_FRAME_BYTES, false)] {
        let (mut scene, mut link) = Scene::client();
        scene.hears(&mut link);
        scene.says(&mut link, &[Frame::Challenge(b"?")]);
        let asked =
            |scene: &mut Scene| scene.on(scene.session, |machine, _| machine.take_challenge());
        assert_eq!(asked(&mut scene).as_deref(), Some(&b"?"[..]));
        assert_eq!(asked(&mut scene), None, "asked once");
        scene.on(scene.session, |machine, cx| {
            machine.answer(cx, Some(bytes(len)));
        });
        let written = scene.takes(&mut link).len();
        assert_eq!(written, if fits { 5 + len } else { 0 });
        assert_eq!(failed(&mut scene), (!fits).then_some(Reason::Refused));
        assert_eq!(link.is_closed(), !fits);
    }
}

#[test]
fn credentials_that_fit_no_frame_are_refused_here() {
    for (len, fits) in [(CREDENTIALS_BYTES, true), (CREDENTIALS_BYTES + 1, false)] {
        let (mut scene, mut link) = Scene::client();
        scene.hears(&mut link);
        scene.says(&mut link, &[refused(100, RetryClass::Never, 0)]);
        assert_eq!(failed(&mut scene), Some(Reason::Refused));
        scene.on(scene.session, |machine, cx| {
            machine.login(cx, bytes(len));
        });
        assert_eq!(scene.dials.len(), usize::from(fits), "{len}");
        if fits {
            let mut link = scene.dialed();
            assert_eq!(scene.takes(&mut link).len(), 4 + LOGIN_FRAME_BYTES);
        } else {
            assert_eq!(failed(&mut scene), Some(Reason::Refused));
        }
    }
}

#[test]
fn a_refusal_that_the_protocol_makes_has_its_own_reason() {
    for (code, reason) in [
        (105, Reason::Incompatible),
        (106, Reason::Stale),
        (100, Reason::Refused),
        (1000, Reason::Refused),
    ] {
        let (mut scene, mut link) = Scene::client();
        scene.hears(&mut link);
        scene.says(&mut link, &[refused(code, RetryClass::Never, 0)]);
        assert_eq!(failed(&mut scene), Some(reason), "{code}");
    }
}

// [LIMIT-2] [VOL-4]
#[test]
fn a_volatile_message_is_as_long_as_agreed_and_what_waits_is_no_more_than_the_window_holds() {
    let (mut scene, key, mut link) = Scene::served();
    let max = TERMS.max_message as usize;
    assert!(matches!(
        post_volatile(&mut scene, key, max + 1),
        Err(SendError::TooLong(_))
    ));
    // 4 * 1,024 bytes fill the window to its last byte.
    for _ in 0..4 {
        post_volatile(&mut scene, key, max).unwrap();
        assert_eq!(volatile_dropped(&scene, key), 0);
    }
    post_volatile(&mut scene, key, 1).unwrap();
    assert_eq!(volatile_dropped(&scene, key), 1);
    post_volatile(&mut scene, key, max).unwrap();
    assert_eq!(volatile_dropped(&scene, key), 2);
    let lengths: Vec<_> = scene.hears(&mut link).iter().map(String::len).collect();
    let name = "VOLATILE ".len();
    assert_eq!(lengths, [max, max, 1, max].map(|len| name + len));
}

// [VOL-3]
#[test]
fn volatile_messages_that_came_and_were_dropped_are_counted() {
    let (mut scene, key, mut link) = Scene::served_with(config().volatile_messages(2));
    for dropped in [0, 0, 1, 2] {
        scene.says(&mut link, &[Frame::Volatile(b"v")]);
        assert_eq!(volatile_dropped(&scene, key), dropped);
    }
}

/// One turn of the link's task: how many bytes were written, and whether there is more.
fn turn(scene: &mut Scene, key: Key, link: &Link) -> (usize, bool) {
    let (mut out, mut fx) = (Vec::new(), Effects::default());
    let port = link.port().expect("an open link");
    assert_eq!(port.key(), key);
    let transmit = scene.registry.transmit(port, scene.now, &mut out, &mut fx);
    (out.len(), transmit.more)
}

#[test]
fn a_turn_writes_so_many_frames_and_then_others_are_first() {
    let (mut scene, key, link) = Scene::served_with(config().turn_frames(3));
    for _ in 0..4 {
        post_volatile(&mut scene, key, 1).unwrap();
    }
    for _ in 0..3 {
        scene.sends(key, "x");
    }
    // Three volatile messages; the last of them and two more; the last one.
    let turns = [(); 3].map(|()| turn(&mut scene, key, &link));
    assert_eq!(turns, [(18, true), (18, true), (6, false)]);
}

#[test]
fn a_turn_writes_so_many_bytes_and_then_others_are_first() {
    let (mut scene, key, link) = Scene::served_with(config().turn_bytes(1024));
    for _ in 0..3 {
        scene.sends(key, &"x".repeat(600));
    }
    // What begins below the limit is written whole.
    let turns = [(); 2].map(|()| turn(&mut scene, key, &link));
    assert_eq!(turns, [(1210, true), (605, false)]);
}

#[test]
fn a_turn_lends_so_many_bytes_of_long_messages_and_then_others_are_first() {
    const LEN: usize = 40_000;
    let config = config().turn_bytes(64 * 1024).max_message(LEN);
    for is_volatile in [false, true] {
        let mut scene = Scene::server_with(config.clone().unacked_bytes(1 << 20));
        let mut login = login(1);
        (login.terms.window_bytes, login.terms.max_message) = (1 << 20, LEN as u32);
        let (key, mut link) = scene.welcomed(login);
        scene.says(&mut link, &[Frame::Ack(0)]);
        for _ in 0..3 {
            match is_volatile {
                true => post_volatile(&mut scene, key, LEN).unwrap(),
                false => scene.sends(key, &"x".repeat(LEN)),
            }
        }
        let turns = [(); 2].map(|()| {
            let (mut out, mut long, mut fx) = (Vec::new(), Vec::new(), Effects::default());
            let (port, long) = (link.port().expect("an open link"), &mut long);
            let registry = &mut scene.registry;
            let transmit = registry.transmit_parts(port, scene.now, &mut out, Some(long), &mut fx);
            (long.len(), transmit.more)
        });
        assert_eq!(turns, [(2, true), (1, false)], "volatile: {is_volatile}");
    }
}

// [RESUME-8] [LIMIT-6]
#[test]
fn who_was_told_the_end_is_not_told_twice() {
    let (mut scene, key, mut link) = Scene::served();
    scene.on(key, |machine, cx| machine.remove(cx, "enough"));
    scene.on(key, |machine, cx| machine.remove(cx, "again"));
    assert_eq!(scene.hears(&mut link), ["CLOSE 6 Never taken 0"]);
    assert!(link.is_closed());
    scene.says(&mut link, &[close(1, 0)]);
    scene.pass(ms(10));
    assert_eq!(scene.reason(key), Some(Reason::Removed));
}
