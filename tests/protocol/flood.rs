//! What carries nothing, and how much of it a side bears: chapters "Limits" and "Heartbeats".

use std::collections::VecDeque;

use sessile::{
    EventKind, Lent, LossCause, SendError, Violation,
    proto::{Key, Phase},
    wire::{Beat, Frame, Login, Terms, Welcome},
};

use crate::{
    say::{TERMS, bytes, login, ping, resume, welcome},
    scene::{Link, Scene, config, ms},
};

/// Pings that an acceptor bears at once with `TERMS`: 10, and 8 for a lease of 6 s in which there may be one in 750 ms.
const PINGS: u32 = 18;

/// A PONG that nobody waits for.
fn unasked() -> Frame<'static> {
    Frame::Pong(Beat {
        nonce: u32::MAX,
        ..Beat::default()
    })
}

/// How many of these are borne one by one before the link is closed, at most `most`.
fn borne(scene: &mut Scene, link: &mut Link, frame: &Frame<'_>, most: u32) -> u32 {
    (0..most)
        .find(|_| {
            scene.says(link, std::slice::from_ref(frame));
            link.is_closed()
        })
        .unwrap_or(most)
}

fn is_too_many(scene: &Scene) -> bool {
    let lost = |kind: &EventKind| {
        matches!(
            kind,
            EventKind::LinkLost(LossCause::Protocol(Violation::TooMany))
        )
    };
    scene.events.iter().any(lost)
}

/// A server, and a dialer that is logged in with these times.
fn served(heartbeat_ms: u32, lease_ms: u32) -> (Scene, Key, Link) {
    let (beat, lease) = (ms(heartbeat_ms.into()), ms(lease_ms.into()));
    Scene::served_with(config().heartbeat_interval(beat).lease(lease))
}

// [BEAT-18] [BEAT-4] [ERR-1]
#[test]
fn a_flood_of_pings_costs_the_link_at_a_number_and_nothing_else() {
    let (mut scene, key, mut link) = Scene::served();
    scene.sends(key, "kept");
    // The ACK that proved WELCOME is a tenth of one.
    assert_eq!(borne(&mut scene, &mut link, &ping(1, 1), 1_000), PINGS - 1);
    assert!(is_too_many(&scene));
    assert_eq!(scene.phase(key), Phase::Reconnecting);
    let (mut link, heard) = scene.resumes(resume(link.session, link.proof(), 1));
    assert_eq!(heard, ["RESUMED epoch 2 received 0 taken 0", "DATA kept"]);
    // A new link, a new beginning; in one read as one by one.
    scene.says(&mut link, &vec![ping(1, 1); PINGS as usize]);
    assert!(!link.is_closed());
    scene.says(&mut link, &[ping(1, 1)]);
    assert!(link.is_closed());
}

// [BEAT-17] [BEAT-18]
#[test]
fn pings_at_the_rate_are_borne_for_ever_and_one_in_ten_more_are_not() {
    for (beat, lease, pause) in [
        (2_000, 6_000, 750),
        (2_000, 60_000, 1_000),
        (10, 15, 2),
        (600_000, 3_600_000, 300_000),
    ] {
        let (mut scene, _, mut link) = served(beat, lease);
        for n in 0..10_000 {
            scene.says(&mut link, &[ping(n, 1)]);
            scene.hears(&mut link);
            scene.now = scene.now + ms(pause);
        }
        assert!(!link.is_closed(), "{beat}, {lease}");
        let mut more = 0;
        while !link.is_closed() {
            scene.says(&mut link, &[ping(more, 1)]);
            scene.hears(&mut link);
            scene.now = scene.now + ms(pause) * 9 / 10;
            more += 1;
            assert!(more < 10_000, "{beat}, {lease}");
        }
    }
}

/// What a dialer that keeps to the chapter writes at most, link after link: a beat an interval, and where it hears nothing, a probe
/// each eighth of a lease from half a lease on. Its link holds all of it back and brings it at once, while our clock stands still.
// [BEAT-17] [BEAT-18]
#[test]
fn a_lease_of_beats_and_probes_that_come_at_once_is_borne() {
    for (beat, lease) in [
        (2_000, 6_000),
        (10, 15),
        (10, 3_600_000),
        (600_000, 900_000),
    ] {
        let (mut scene, _, mut link) = served(beat, lease);
        let beats = lease / beat + 1;
        let probes = 4 + 1;
        for n in 0..beats + probes {
            scene.says(&mut link, &[ping(n, 1)]);
            assert!(!link.is_closed(), "{n} of {beats} and {probes}");
        }
    }
}

/// A client that is logged in with these times.
fn client(heartbeat_ms: u32, lease_ms: u32) -> (Scene, Link) {
    let (mut scene, mut link) = Scene::client();
    scene.hears(&mut link);
    let terms = Terms {
        heartbeat_ms,
        lease_ms,
        ..TERMS
    };
    let welcome = Welcome { terms, ..welcome() };
    scene.says(&mut link, &[Frame::Welcome(welcome)]);
    assert_eq!(scene.hears(&mut link), ["ACK 0"]);
    (scene, link)
}

/// The slowest answers that a link can live with: every silence is a suspicion, and every suspicion is probed until the first answer.
// [BEAT-8] [BEAT-17]
#[test]
fn our_own_dialer_is_borne_where_answers_take_half_a_lease() {
    for (beat, lease) in [(2_000, 6_000), (1_000, 1_500), (200, 12_000)] {
        let (mut dialer, mut up) = client(beat, lease);
        let (mut acceptor, _, mut down) = served(beat, lease);
        let delay = u64::from(lease / 4 - 10);
        let (mut to_acceptor, mut to_dialer) = (VecDeque::new(), VecDeque::new());
        for at in (0..u64::from(lease) * 20).step_by(10) {
            to_acceptor.push_back((at + delay, dialer.takes(&mut up)));
            to_dialer.push_back((at + delay, acceptor.takes(&mut down)));
            if to_acceptor.front().is_some_and(|one| one.0 <= at) {
                let (_, bytes) = to_acceptor.pop_front().expect("there");
                acceptor.writes(&mut down, &bytes);
            }
            if to_dialer.front().is_some_and(|one| one.0 <= at) {
                let (_, bytes) = to_dialer.pop_front().expect("there");
                dialer.writes(&mut up, &bytes);
            }
            dialer.pass(ms(10));
            acceptor.pass(ms(10));
            let fair = !is_too_many(&acceptor) && !is_too_many(&dialer);
            assert!(fair, "{beat}, {lease}, after {at} ms");
        }
        assert!(!up.is_closed() && !down.is_closed(), "{beat}, {lease}");
    }
}

// [BEAT-17] [TAKE-9]
#[test]
fn an_acceptor_may_ping_at_any_rate() {
    let (mut scene, mut link) = Scene::client_open();
    assert_eq!(borne(&mut scene, &mut link, &ping(1, 1), 10_000), 10_000);
}

// [LIMIT-13] [LIMIT-14]
#[test]
fn a_flood_of_frames_that_carry_nothing_costs_the_link_at_a_number() {
    for frame in [Frame::Ack(0), unasked(), Frame::Extension(0x80)] {
        for at_the_dialer in [false, true] {
            let (mut scene, mut link) = match at_the_dialer {
                true => Scene::client_open(),
                false => {
                    let (scene, _, link) = Scene::served();
                    (scene, link)
                }
            };
            let borne = borne(&mut scene, &mut link, &frame, 1_000);
            // The ACK that proves WELCOME is the first of an acceptor's.
            assert!((179..=180).contains(&borne), "{} {borne}", frame.name());
            assert!(is_too_many(&scene));
        }
    }
}

// [LIMIT-13]
#[test]
fn a_hundred_frames_that_carry_nothing_are_borne_with_any_times() {
    for (beat, lease) in [(10, 15), (2_000, 6_000), (600_000, 3_600_000)] {
        let (mut scene, _, mut link) = served(beat, lease);
        for _ in 0..3 {
            scene.says(&mut link, &vec![Frame::Ack(0); 99]);
            assert!(!link.is_closed(), "{beat}, {lease}");
            scene.now = scene.now + ms(u64::from(beat) * 10);
        }
    }
}

/// A message between them buys nothing back, and nothing is used up by what carries something.
// [LIMIT-14]
#[test]
fn what_carries_something_is_free_and_hides_nothing() {
    let (mut scene, key, mut link) = Scene::served();
    for n in 0..10_000 {
        scene.says(&mut link, &[Frame::Data(b""), Frame::Volatile(b"")]);
        scene.takes_all(key);
        scene.sends(key, "x");
        scene.hears(&mut link);
        scene.says(&mut link, &[Frame::Ack(n + 1)]);
        assert!(!link.is_closed(), "{n}");
    }
    let mixed = bytes(&[Frame::Volatile(b"x"), Frame::Extension(0xFF)]);
    for n in 0.. {
        scene.writes(&mut link, &mixed);
        if link.is_closed() {
            assert!((179..=180).contains(&n), "{n}");
            break;
        }
    }
}

/// However often a side asks, whoever answers at once has said nothing too much.
// [LIMIT-13] [TAKE-9]
#[test]
fn the_answer_to_a_ping_is_free() {
    let (mut scene, key, mut link) = Scene::served();
    for n in 0..10_000 {
        scene.on(key, |machine, _| machine.probe());
        assert_eq!(scene.hears(&mut link), ["PING"]);
        let beat = link.beat.expect("a ping");
        scene.says(&mut link, &[Frame::Pong(beat)]);
        assert!(!link.is_closed(), "{n}");
    }
    assert_eq!(borne(&mut scene, &mut link, &unasked(), 1_000) / 10, 17);
}

/// A link that never pings for years, and one that stood still for days: what was used up long ago is not in the future.
#[test]
fn nothing_is_used_up_after_any_time() {
    let day = ms(24 * 60 * 60 * 1_000);
    let (mut scene, key, mut link) = served(600_000, 3_600_000);
    for days in 0..400u64 {
        for _ in 0..48 {
            scene.pass(day / 48);
            scene.says(&mut link, &[Frame::Volatile(b"")]);
            scene.takes_all(key);
            scene.hears(&mut link);
        }
        if days.is_multiple_of(7) {
            scene.says(&mut link, &[ping(1, 1)]);
        }
        assert!(!link.is_closed(), "after {days} days");
    }
}

/// Threat T7: whatever a peer says that does not read, one PONG and one ACK wait for it, and no more.
// [BEAT-4] [ACK-2]
#[test]
fn one_pong_and_one_ack_wait_for_who_does_not_read() {
    let (mut scene, key, mut link) = Scene::served();
    let mut nonce = 0;
    for _ in 0..1_000 {
        nonce += 1;
        scene.says(
            &mut link,
            &[ping(nonce, u64::from(nonce)), Frame::Volatile(b"x")],
        );
        scene.takes_all(key);
        scene.now = scene.now + ms(750);
    }
    // As many messages as the window lets unacknowledged.
    for _ in 0..TERMS.window_messages {
        scene.says(&mut link, &[Frame::Data(b"x")]);
        scene.takes_message(key);
    }
    assert!(!link.is_closed());
    let waits = scene.clone().takes(&mut link.clone());
    // And our own beat, which is long due.
    assert_eq!(waits.len(), (5 + 32) + (5 + 8) + (5 + 32));
    assert_eq!(scene.hears(&mut link), ["PONG", "ACK 8", "PING"]);
}

/// Threat T9: of a peer that never acknowledges a window is kept, to the byte, and who sends is told.
// [DATA-3]
#[test]
fn a_window_is_kept_for_who_never_acknowledges_and_the_sender_is_told() {
    let mut scene = Scene::server_with(config().unacked_messages(100));
    let terms = Terms {
        window_messages: 100,
        ..TERMS
    };
    let (key, mut link) = scene.welcomed(Login { terms, ..login(1) });
    scene.says(&mut link, &[Frame::Ack(0)]);
    let mut refused = 0;
    for _ in 0..1_000 {
        let said = scene.on(key, |machine, _| machine.post(Lent::Slice(&[b'x'; 1_000])));
        refused += u32::from(matches!(said, Err(SendError::Full)));
        scene.takes(&mut link);
        scene.now = scene.now + ms(1);
    }
    let stands = scene.registry.snapshot(key, scene.now).expect("a session");
    assert_eq!((stands.unacked_messages, stands.unacked_bytes), (4, 4_000));
    assert_eq!(
        (stands.sent, refused),
        (4, 996),
        "each is accepted or refused"
    );
    let last = scene.on(key, |machine, _| machine.post(Lent::Slice(&[b'x'; 96])));
    assert!(last.is_ok(), "to the last byte");
    let stands = scene.registry.snapshot(key, scene.now).expect("a session");
    assert_eq!(stands.unacked_bytes, TERMS.window_bytes as usize);
}
