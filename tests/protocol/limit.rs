//! Chapter "Limits".

use sessile::{
    proto::Phase,
    wire::{Frame, Login},
};

use crate::{
    say::{TERMS, bytes, login, ping, welcome},
    scene::{Scene, config, ms},
};

// [LIMIT-1]
#[test]
fn before_login_no_frame_is_longer_than_4096() {
    for (kind, len, closes) in [
        (0x01, 4096u32, false),
        (0x01, 4097, true),
        (0x10, 4097, true),
        (0x80, 4097, true),
    ] {
        let mut scene = Scene::server_with(config().unacked_bytes(1 << 20).max_message(1 << 20));
        let mut link = scene.link();
        let [a, b, c, d] = len.to_be_bytes();
        scene.writes(&mut link, &[a, b, c, d, kind]);
        assert_eq!(link.is_closed(), closes, "{kind:#x} of {len}");
    }
}

// [LIMIT-1]
#[test]
fn the_longest_login_fits() {
    let mut scene = Scene::server();
    let mut link = scene.link();
    let raw = bytes(&[Frame::Login(Login {
        credentials: &[1; 4035],
        ..login(1)
    })]);
    assert_eq!(raw.len(), 4 + 4096);
    scene.writes(&mut link, &raw);
    assert_eq!(scene.offered.len(), 1);
}

// [LIMIT-2]
#[test]
fn a_message_is_as_long_as_agreed_and_no_longer() {
    for volatile in [false, true] {
        for (len, closes) in [(TERMS.max_message, false), (TERMS.max_message + 1, true)] {
            let (mut scene, key, mut link) = Scene::served();
            let payload = vec![b'x'; len as usize];
            let frame = if volatile {
                Frame::Volatile(&payload)
            } else {
                Frame::Data(&payload)
            };
            scene.says(&mut link, &[frame]);
            assert_eq!(link.is_closed(), closes, "{len}");
            assert_eq!(scene.takes_all(key).is_empty(), closes);
        }
    }
}

// [LIMIT-3]
#[test]
fn control_frames_stay_short_where_messages_are_long() {
    let mut scene = Scene::server_with(config().unacked_bytes(1 << 20).max_message(1 << 20));
    let terms = sessile::wire::Terms {
        window_bytes: 1 << 20,
        max_message: 1 << 20,
        ..TERMS
    };
    let (_, mut link) = scene.welcomed(Login { terms, ..login(1) });
    scene.says(&mut link, &[Frame::Data(&[0; 1 << 20])]);
    assert!(!link.is_closed());
    scene.writes(&mut link, &[0, 0, 0x10, 1, 0x80]);
    assert!(link.is_closed());
}

// [LIMIT-4]
#[test]
fn an_identity_or_a_text_of_129_bytes_ends_the_link() {
    let (mut scene, mut link) = Scene::client();
    scene.hears(&mut link);
    let mut raw = bytes(&[Frame::Welcome(sessile::wire::Welcome {
        identity: &[1; 128],
        ..welcome()
    })]);
    raw[3] += 1;
    raw[5 + 62] += 1;
    raw.push(1);
    scene.writes(&mut link, &raw);
    assert!(link.is_closed());

    let (mut scene, _, mut link) = Scene::served();
    let mut raw = vec![
        0,
        0,
        0,
        17 + 129,
        0x30,
        0,
        1,
        2,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        129,
    ];
    raw.resize(raw.len() + 129, b'x');
    scene.writes(&mut link, &raw);
    assert!(link.is_closed() && !scene.saw("ended"));
}

// [LIMIT-6]
#[test]
fn the_login_deadline_is_absolute() {
    let mut scene = Scene::server();
    let mut link = scene.link();
    for byte in &bytes(&[Frame::Login(login(1))])[..49] {
        scene.writes(&mut link, &[*byte]);
        scene.pass(ms(100));
    }
    assert_eq!(scene.registry.strangers(), 1);
    scene.pass(ms(105));
    assert_eq!(scene.registry.strangers(), 0);
    assert_eq!(scene.hears(&mut link), [""; 0]);
    assert!(link.is_closed());
}

// [LIMIT-7]
#[test]
fn beyond_the_cap_of_strangers_nobody_comes_in() {
    let mut scene = Scene::server_with(config().pending_logins(2));
    let (mut one, _two) = (scene.link(), scene.link());
    assert!(scene.try_link().is_none());
    scene.says(&mut one, &[Frame::Login(login(1))]);
    assert!(scene.try_link().is_none(), "who is being judged counts");
    scene.admit();
    assert!(scene.try_link().is_some());
}

// [LIMIT-8]
#[test]
fn a_link_that_takes_nothing_for_ten_seconds_is_lost() {
    let (mut scene, key, mut link) = Scene::served();
    let id = scene.registry.get(key).unwrap().current_link().unwrap();
    scene.on(key, |machine, cx| machine.blocked(cx, id, true));
    for second in 0..10 {
        assert_eq!(scene.phase(key), Phase::LoggedIn, "at {second} s");
        scene.says(&mut link, &[ping(second, 1)]);
        scene.pass(ms(1000));
    }
    scene.pass(ms(4));
    assert_eq!(scene.phase(key), Phase::Reconnecting);
}
