//! Chapter "Errors".

use sessile::{
    proto::Phase,
    wire::{Frame, RetryClass},
};

use crate::{
    say::{bytes, close, go_away, login, ping, refused, resume, resumed, secret, welcome},
    scene::Scene,
};

// [ERR-1] [ERR-3]
#[test]
fn a_violation_ends_the_link_and_the_session_goes_on() {
    for raw in [
        &[0, 0, 0, 0][..],
        &[0, 0, 0, 1, 0x7F],
        &bytes(&[Frame::Ack(9)]),
        &bytes(&[Frame::Login(login(2))]),
    ] {
        let (mut scene, key, mut link) = Scene::served();
        scene.sends(key, "kept");
        scene.writes(&mut link, raw);
        assert!(link.is_closed());
        assert_eq!(scene.hears(&mut link), [""; 0], "not a word about it");
        let (_, heard) = scene.resumes(resume(link.session, link.proof(), 1));
        assert_eq!(heard, ["RESUMED epoch 2 received 0 taken 0", "DATA kept"]);
    }
}

// [ERR-2]
#[test]
fn what_follows_a_violation_is_nobodys() {
    let (mut scene, key, mut link) = Scene::served();
    scene.says(
        &mut link,
        &[
            Frame::Data(b"before"),
            Frame::Ack(9),
            Frame::Data(b"after"),
            close(1, 0),
        ],
    );
    assert_eq!(scene.takes_all(key), ["before"]);
    assert_eq!(scene.phase(key), Phase::Reconnecting);
}

// [ERR-4]
#[test]
fn a_violation_before_login_leaves_nothing() {
    let mut scene = Scene::server();
    let before = scene.registry.occupied();
    for frames in [
        vec![Frame::Data(b"x")],
        vec![Frame::Login(login(1)), Frame::Data(b"x")],
    ] {
        let mut link = scene.link();
        scene.says(&mut link, &frames);
        assert!(link.is_closed());
        assert_eq!(scene.hears(&mut link), [""; 0]);
        assert_eq!(
            (scene.registry.occupied(), scene.registry.strangers()),
            (before, 0)
        );
    }
}

// [ERR-4]
#[test]
fn a_violation_of_the_server_fails_the_login_and_a_new_one_may_succeed() {
    let (mut scene, mut link) = Scene::client();
    scene.hears(&mut link);
    scene.says(&mut link, &[Frame::Data(b"x"), Frame::Welcome(welcome())]);
    assert!(link.is_closed() && scene.saw("login-failed"));
    scene.on(scene.session, |machine, _| machine.login_outcome());
    scene.log_in();
    let mut link = scene.dialed();
    assert_eq!(scene.hears(&mut link), ["LOGIN 2 me"]);
}

/// Bytes that look like a protocol: frames of every kind, some of them damaged. From a seed, the same every time.
fn noise(seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % below
    };
    let mut out = Vec::new();
    for _ in 0..next(12) + 1 {
        let mut raw = bytes(&[match next(14) {
            0 => Frame::Login(login(next(3))),
            1 => Frame::Answer(b"x"),
            2 => Frame::Welcome(welcome()),
            3 => refused(next(110) as u16, RetryClass::After(next(9) as u32), next(4)),
            4 => Frame::Resume(resume(next(4), secret(next(3) as u8), next(4))),
            5 => resumed(next(4), next(3), next(3)),
            6 => Frame::Volatile(b"v"),
            7 => Frame::Ack(next(3)),
            8 => ping(next(3) as u32, next(3)),
            9 => close(next(21) as u16, next(3)),
            10 => Frame::Closed(next(3)),
            11 => Frame::Extension(0x80),
            12 => go_away(next(3_000) as u32, RetryClass::After(next(9) as u32), "b:1"),
            _ => Frame::Data(b"d"),
        }]);
        if next(6) == 0 {
            let at = next(raw.len() as u64) as usize;
            raw[at] ^= 1 << next(8);
        }
        out.extend(raw);
    }
    out
}

// [ERR-5]
#[test]
fn no_bytes_disturb_the_session_next_door() {
    let (mut scene, key, mut link) = Scene::served();
    for seed in 0..3000 {
        let mut hostile = scene.link();
        for piece in noise(seed).chunks(1 + seed as usize % 40) {
            scene.writes(&mut hostile, piece);
            scene.hears(&mut hostile);
        }
        scene.offered.clear();
        scene.cut(&mut hostile);
    }
    scene.says(&mut link, &[Frame::Data(b"fine")]);
    assert_eq!(scene.takes_all(key), ["fine"]);
}

// [ERR-5]
#[test]
fn no_bytes_of_a_server_can_stop_a_client() {
    for seed in 0..3000 {
        let (mut scene, mut link) = if seed % 2 == 0 {
            Scene::client()
        } else {
            Scene::client_open()
        };
        scene.hears(&mut link);
        for piece in noise(seed).chunks(1 + seed as usize % 40) {
            scene.writes(&mut link, piece);
            scene.hears(&mut link);
        }
        scene.pass(crate::scene::ms(1000));
    }
}

// [ERR-5]
#[test]
fn no_bytes_of_a_client_can_stop_a_server() {
    for seed in 0..3000 {
        let (mut scene, key, mut link) = Scene::served();
        scene.sends(key, "0");
        for piece in noise(seed).chunks(1 + seed as usize % 40) {
            scene.writes(&mut link, piece);
            scene.hears(&mut link);
        }
        scene.takes_all(key);
        scene.pass(crate::scene::ms(130_000));
    }
}
