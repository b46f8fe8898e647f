//! Chapter "Frames".

use sessile::wire::Frame;

use crate::{
    say::{bytes, login},
    scene::{Scene, ms},
};

/// Writes raw bytes on an open link of a server; whether the link was ended for it.
fn ends(raw: &[u8]) -> bool {
    let (mut scene, key, mut link) = Scene::served();
    scene.writes(&mut link, raw);
    assert_eq!(
        scene.reason(key),
        None,
        "a violation ends a link, no session"
    );
    link.is_closed()
}

/// Type and body with a true length before them.
fn framed(unit: &[u8]) -> Vec<u8> {
    [&(unit.len() as u32).to_be_bytes()[..], unit].concat()
}

// [FRAME-1] [FRAME-2]
#[test]
fn the_first_frames_of_a_client_are_these_bytes() {
    let (mut scene, mut link) = Scene::client();
    let out = scene.takes(&mut link);
    assert_eq!(out[..5], [0, 0, 0, 61 + 2, 0x01]);
    assert_eq!(out[5..13], *b"SESL\0\x01\0\x01");
    assert_eq!(out[33..41], [0, 0, 0, 0, 0, 0, 0, 1], "the attempt");
    assert_eq!(out[41..45], [0, 0, 0x07, 0xD0], "2,000 ms");
    assert_eq!(out[65..], *b"me");
    scene.says(&mut link, &[Frame::Welcome(crate::say::welcome())]);
    assert_eq!(
        scene.takes(&mut link),
        [0, 0, 0, 9, 0x12, 0, 0, 0, 0, 0, 0, 0, 0]
    );
}

// [FRAME-2]
#[test]
fn a_frame_of_length_zero_ends_the_link() {
    assert!(ends(&[0, 0, 0, 0]));
    assert!(!ends(&[0, 0, 0, 1, 0x10]), "an empty message is a frame");
}

// [FRAME-4]
#[test]
fn a_length_is_judged_before_anything_follows_it() {
    assert!(ends(&[0, 0, 0x10, 1]), "above 4,096 and above max_message");
    assert!(!ends(&[0, 0, 0x10, 0]), "a control frame may be so long");
    assert!(
        ends(&[0, 0, 0x10, 0, 0x10]),
        "a message may not: known from the type byte on"
    );
}

// [FRAME-5]
#[test]
fn an_unknown_type_below_0x80_ends_the_link_at_once() {
    for kind in
        (0x00..0x80).filter(|kind| !matches!(kind, 1..=7 | 0x10..=0x12 | 0x20 | 0x21 | 0x30..=0x32))
    {
        assert!(ends(&[0, 0, 0, 9, kind]), "{kind:#x}");
    }
}

// [FRAME-6]
#[test]
fn an_extension_is_skipped_in_every_state() {
    let extension = [
        framed(&[0x80]),
        framed(b"\xFFwhatever"),
        framed(&[0xAB; 4096]),
    ]
    .concat();
    let mut scene = Scene::server();
    let mut link = scene.link();
    scene.writes(&mut link, &extension);
    scene.says(&mut link, &[Frame::Login(login(1))]);
    scene.writes(&mut link, &extension);
    let key = scene.admit();
    scene.hears(&mut link);
    scene.writes(&mut link, &extension);
    scene.says(&mut link, &[Frame::Data(b"after")]);
    assert_eq!(scene.takes_all(key), ["after"]);

    let (mut scene, mut link) = Scene::client();
    scene.hears(&mut link);
    scene.writes(&mut link, &extension);
    scene.says(&mut link, &[Frame::Welcome(crate::say::welcome())]);
    assert_eq!(scene.hears(&mut link), ["ACK 0"]);
}

// [FRAME-6]
#[test]
fn an_extension_is_a_sign_of_life() {
    let (mut scene, key, mut link) = Scene::served();
    scene.pass(ms(3000));
    assert!(scene.saw("suspect"));
    scene.writes(&mut link, &framed(&[0x80]));
    assert!(scene.saw("recovered"));
    assert_eq!(scene.phase(key), sessile::proto::Phase::LoggedIn);
}

// [FRAME-7]
#[test]
fn a_body_cut_short_ends_the_link() {
    assert!(ends(&framed(&[0x12, 0, 0, 0, 0, 0, 0, 0])));
    assert!(
        ends(&framed(&[
            0x30, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5, b'a'
        ])),
        "five announced"
    );
}

// [FRAME-8]
#[test]
fn bytes_behind_a_body_end_the_link() {
    assert!(ends(&framed(&[0x12, 0, 0, 0, 0, 0, 0, 0, 0, 0])));
    assert!(!ends(&framed(&[0x12, 0, 0, 0, 0, 0, 0, 0, 0])));
}

// [FRAME-9]
#[test]
fn text_that_is_not_utf8_ends_the_link() {
    let close = |byte| framed(&[0x30, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, byte]);
    let (mut scene, _, mut link) = Scene::served();
    scene.writes(&mut link, &close(0xFF));
    assert!(link.is_closed() && !scene.saw("ended"));
    let (mut scene, _, mut link) = Scene::served();
    scene.writes(&mut link, &close(b'a'));
    assert!(!link.is_closed() && scene.saw("ended"));
}

// [FRAME-10]
#[test]
fn a_retry_class_has_one_form() {
    for (class, wait, good) in [
        (0, 0, true),
        (0, 1, false),
        (1, 0, true),
        (1, 1, true),
        (2, 0, true),
        (2, 1, false),
        (3, 0, false),
    ] {
        let (mut scene, _, mut link) = Scene::served();
        scene.writes(
            &mut link,
            &framed(&[0x30, 0, 1, class, 0, 0, 0, wait, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
        );
        assert_eq!(scene.saw("ended"), good, "{class} {wait}");
        assert_eq!(link.is_closed(), !good, "{class} {wait}");
    }
}

// [FRAME-11]
#[test]
fn whoever_does_not_say_sesl_speaks_another_protocol() {
    for frame in [
        Frame::Login(login(1)),
        Frame::Resume(crate::say::resume(1, crate::say::secret(1), 1)),
    ] {
        let mut raw = bytes(&[frame]);
        raw[5] = b'T';
        let mut scene = Scene::server();
        let mut link = scene.link();
        scene.writes(&mut link, &raw);
        assert!(link.is_closed());
        assert!(scene.offered.is_empty());
    }
}

// [FRAME-12]
#[test]
fn frames_are_the_same_in_pieces_of_one_byte() {
    let mut scene = Scene::server();
    let mut link = scene.link();
    for byte in bytes(&[Frame::Login(login(1))]) {
        scene.writes(&mut link, &[byte]);
    }
    let key = scene.admit();
    scene.hears(&mut link);
    for byte in bytes(&[
        Frame::Ack(0),
        Frame::Data(b"one"),
        Frame::Data(b""),
        Frame::Data(b"three"),
    ]) {
        scene.writes(&mut link, &[byte]);
    }
    assert_eq!(scene.takes_all(key), ["one", "", "three"]);
}

// [FRAME-13]
#[test]
fn half_a_frame_has_no_effect() {
    let (mut scene, key, mut link) = Scene::served();
    let raw = bytes(&[Frame::Data(b"whole"), Frame::Data(b"half")]);
    scene.writes(&mut link, &raw[..raw.len() - 1]);
    let (_, heard) = {
        scene.cut(&mut link);
        scene.resumes(crate::say::resume(link.session, link.proof(), 1))
    };
    assert_eq!(heard, ["RESUMED epoch 2 received 1 taken 0"]);
    assert_eq!(scene.takes_all(key), ["whole"]);
}
