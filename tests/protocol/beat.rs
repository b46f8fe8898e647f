//! Chapter "Heartbeats".

use std::time::Duration;

use sessile::{
    proto::Phase,
    wire::{Beat, Frame},
};

use crate::{
    say::{bytes, ping, resume},
    scene::{Link, Scene, config, ms},
};

fn pong(link: &Link, clock: u64, held: u32) -> Beat {
    let ping = link.beat.expect("no ping was read");
    Beat {
        nonce: ping.nonce,
        clock,
        tick: 0,
        echo: ping.clock,
        held,
    }
}

// [BEAT-1]
#[test]
fn who_wrote_nothing_for_an_interval_pings() {
    let (mut scene, mut link) = Scene::client_open();
    scene.pass(ms(1999));
    assert_eq!(scene.hears(&mut link), [""; 0]);
    scene.pass(ms(5));
    assert_eq!(scene.hears(&mut link), ["PING"]);
}

// [BEAT-1] [BEAT-16]
#[test]
fn an_acceptor_that_wrote_nothing_waits_an_eighth_longer() {
    let (mut scene, _, mut link) = Scene::served();
    scene.pass(ms(2249));
    assert_eq!(scene.hears(&mut link), [""; 0]);
    scene.pass(ms(5));
    assert_eq!(scene.hears(&mut link), ["PING"]);
    // Not where it would soon be doubted.
    let (mut scene, _, mut link) = Scene::served_with(config().lease(ms(4999)));
    scene.pass(ms(1999));
    assert_eq!(scene.hears(&mut link), [""; 0]);
    scene.pass(ms(5));
    assert_eq!(scene.hears(&mut link), ["PING"]);
}

// [BEAT-16]
#[test]
fn an_acceptor_that_answers_pings_on_time_never_pings() {
    let (mut scene, _, mut link) = Scene::served();
    for beat in 1..8 {
        scene.pass(ms(2200));
        assert_eq!(scene.hears(&mut link), [""; 0]);
        scene.says(&mut link, &[ping(beat, u64::from(beat))]);
        assert_eq!(scene.hears(&mut link), ["PONG"]);
    }
}

// [BEAT-2]
#[test]
fn who_writes_anyway_does_not_ping() {
    let (mut scene, key, mut link) = Scene::served();
    for round in 1..8 {
        scene.pass(ms(1500));
        scene.sends(key, "x");
        assert_eq!(scene.hears(&mut link), ["DATA x"]);
        scene.says(&mut link, &[Frame::Ack(round)]);
    }
}

// [BEAT-3]
#[test]
fn a_ping_is_answered_with_its_nonce_and_clock() {
    let (mut scene, _, mut link) = Scene::served();
    scene.registry.set_tick(77);
    scene.says(&mut link, &[ping(9, 555)]);
    scene.pass(ms(10));
    assert_eq!(scene.hears(&mut link), ["PONG"]);
    let Beat {
        nonce,
        clock,
        tick,
        echo,
        held,
    } = link.beat.unwrap();
    assert_eq!((nonce, tick, echo, held), (9, 77, 555, 10_000));
    assert_eq!(clock, scene.now.as_micros());
}

// [BEAT-4]
#[test]
fn of_many_pings_the_latest_is_answered() {
    let (mut scene, _, mut link) = Scene::served();
    for nonce in 1..10 {
        scene.says(&mut link, &[ping(nonce, u64::from(nonce))]);
    }
    assert_eq!(scene.hears(&mut link), ["PONG"]);
    assert_eq!(link.beat.map(|beat| (beat.nonce, beat.echo)), Some((9, 9)));
}

// [BEAT-5] [BEAT-10]
#[test]
fn every_valid_frame_is_a_sign_of_life() {
    let frames = [
        Frame::Data(b""),
        Frame::Volatile(b""),
        Frame::Ack(0),
        ping(1, 1),
        Frame::Pong(Beat::default()),
    ];
    for frame in frames {
        let (mut scene, key, mut link) = Scene::served();
        scene.pass(ms(5900));
        assert_eq!(scene.phase(key), Phase::Suspect);
        scene.says(&mut link, std::slice::from_ref(&frame));
        assert_eq!(scene.phase(key), Phase::LoggedIn, "{}", frame.name());
        scene.pass(ms(2900));
        assert_eq!(scene.phase(key), Phase::LoggedIn, "{}", frame.name());
    }
}

// [BEAT-6]
#[test]
fn trickling_bytes_are_no_life() {
    let (mut scene, key, mut link) = Scene::served();
    for byte in &bytes(&[Frame::Data(&[0; 100])])[..60] {
        scene.writes(&mut link, &[*byte]);
        scene.pass(ms(100));
    }
    scene.pass(ms(4));
    assert_eq!(scene.phase(key), Phase::Reconnecting);
}

// [BEAT-7] [BEAT-9]
#[test]
fn what_we_write_is_no_life() {
    let (mut scene, key, mut link) = Scene::served();
    for _ in 0..6 {
        assert!(scene.phase(key).is_up());
        scene.sends(key, "x");
        scene.hears(&mut link);
        scene.pass(ms(1000));
    }
    scene.pass(ms(4));
    assert_eq!(scene.phase(key), Phase::Reconnecting);
    assert!(scene.saw("timed-out"));
    assert_eq!(scene.hears(&mut link), [""; 0]);
    assert!(link.is_closed());
}

// [BEAT-8]
#[test]
fn a_suspect_is_probed_at_once_and_every_eighth_of_a_lease() {
    let (mut scene, _, mut link) = Scene::served();
    scene.pass(ms(2254));
    assert_eq!(scene.hears(&mut link), ["PING"]);
    scene.pass(ms(740));
    assert_eq!(scene.hears(&mut link), [""; 0]);
    scene.pass(ms(10));
    assert_eq!(scene.hears(&mut link), ["PING"], "half a lease of silence");
    for _ in 0..3 {
        scene.pass(ms(740));
        assert_eq!(scene.hears(&mut link), [""; 0]);
        scene.pass(ms(14));
        assert_eq!(scene.hears(&mut link), ["PING"]);
    }
}

// [BEAT-9]
#[test]
fn a_lease_of_silence_loses_the_link_and_not_a_moment_before() {
    let (mut scene, mut link) = Scene::client_open();
    scene.pass(ms(5999));
    assert_eq!(scene.phase(scene.session), Phase::Suspect);
    assert!(!link.is_closed());
    scene.pass(ms(5));
    assert_eq!(scene.phase(scene.session), Phase::Reconnecting);
    scene.says(&mut link, &[Frame::Data(b"late")]);
    assert!(link.is_closed());
}

// [BEAT-10]
#[test]
fn a_sign_of_life_ends_the_suspicion() {
    let (mut scene, mut link) = Scene::client_open();
    scene.pass(ms(3004));
    assert!(scene.saw("suspect"));
    scene.says(&mut link, &[Frame::Ack(0)]);
    assert!(scene.saw("recovered"));
    assert_eq!(scene.phase(scene.session), Phase::LoggedIn);
}

// [BEAT-11]
#[test]
fn who_slept_pings_before_it_declares_anybody_dead() {
    let (mut scene, key, mut link) = Scene::served();
    scene.pass(ms(500));
    scene.stalls(ms(18_000));
    assert_eq!(scene.phase(key), Phase::Suspect);
    assert_eq!(scene.hears(&mut link), ["PING"]);
    scene.pass(ms(2900));
    assert_eq!(scene.phase(key), Phase::Suspect);
    scene.pass(ms(104));
    assert_eq!(
        scene.phase(key),
        Phase::Reconnecting,
        "half a lease later it is"
    );
}

// [BEAT-11]
#[test]
fn who_slept_hears_what_waited_meanwhile() {
    let (mut scene, key, mut link) = Scene::served();
    scene.stalls(ms(18_000));
    scene.says(&mut link, &[Frame::Data(b"waited")]);
    assert_eq!(scene.phase(key), Phase::LoggedIn);
    assert!(!scene.saw("timed-out"));
}

// [BEAT-12] [BEAT-13]
#[test]
fn the_worked_example_of_one_exchange() {
    let (mut scene, mut link) = Scene::client_open();
    scene.pass(ms(2004));
    assert_eq!(scene.hears(&mut link), ["PING"]);
    let hour = 3_600_000_000;
    let clock = link.beat.unwrap().clock + hour + 40_000; // 30 ms on its way, 10 ms held
    scene.pass(ms(90));
    let answer = pong(&link, clock, 10_000);
    scene.says(&mut link, &[Frame::Pong(answer)]);
    let snapshot = scene.registry.snapshot(scene.session, scene.now).unwrap();
    assert_eq!(snapshot.round_trip, Some(ms(80)));
    assert_eq!(snapshot.clock_offset_micros, Some(hour as i64 - 10_000));
}

// [BEAT-12]
#[test]
fn one_exchange_tells_the_answerer_too() {
    let (mut scene, key, mut link) = Scene::served();
    scene.says(&mut link, &[ping(1, 1000)]);
    scene.hears(&mut link);
    let clock = link.beat.unwrap().clock;
    scene.pass(ms(1500));
    let next = Beat {
        nonce: 2,
        clock: 1_501_000,
        tick: 0,
        echo: clock,
        held: 1_460_000,
    };
    scene.says(&mut link, &[Frame::Ping(next)]);
    assert_eq!(
        scene.registry.snapshot(key, scene.now).unwrap().round_trip,
        Some(ms(40))
    );
}

// [BEAT-12]
#[test]
fn an_echo_of_another_clock_measures_nothing() {
    let (mut scene, mut link) = Scene::client_open();
    scene.pass(ms(2004));
    scene.hears(&mut link);
    let good = pong(&link, 5, 0);
    for beat in [
        Beat {
            echo: good.echo - 1,
            ..good
        },
        Beat { echo: 0, ..good },
        Beat {
            held: u32::MAX,
            ..good
        },
    ] {
        scene.says(&mut link, &[Frame::Pong(beat)]);
        assert_eq!(
            scene
                .registry
                .snapshot(scene.session, scene.now)
                .unwrap()
                .round_trip,
            None
        );
    }
}

// [BEAT-13]
#[test]
fn the_offset_is_that_of_the_fastest_exchange() {
    let (mut scene, mut link) = Scene::client_open();
    for (away, ahead) in [(20, 1_000_000), (200, 9_000_000)] {
        scene.pass(ms(2004));
        scene.hears(&mut link);
        let clock = link.beat.unwrap().clock + ahead + away * 500;
        scene.pass(ms(away));
        let answer = pong(&link, clock, 0);
        scene.says(&mut link, &[Frame::Pong(answer)]);
    }
    let snapshot = scene.registry.snapshot(scene.session, scene.now).unwrap();
    assert_eq!(snapshot.min_round_trip, Some(ms(20)));
    assert_eq!(snapshot.clock_offset_micros, Some(1_000_000));
    assert_eq!(
        snapshot.round_trip,
        Some(Duration::from_micros(20_000 - 2500 + 25_000))
    );
}

// [BEAT-14]
#[test]
fn a_pong_with_another_nonce_is_life_and_no_more() {
    let (mut scene, mut link) = Scene::client_open();
    scene.pass(ms(3004));
    scene.hears(&mut link);
    let other = Beat {
        nonce: link.beat.unwrap().nonce + 1,
        ..pong(&link, 5, 0)
    };
    scene.says(&mut link, &[Frame::Pong(other)]);
    assert!(scene.saw("recovered"));
    assert_eq!(
        scene
            .registry
            .snapshot(scene.session, scene.now)
            .unwrap()
            .round_trip,
        None
    );
}

// [BEAT-15]
#[test]
fn a_new_link_has_heard_nothing_yet() {
    let (mut scene, _, mut link) = Scene::served();
    scene.says(&mut link, &[ping(1, 1234)]);
    scene.pass(ms(2004));
    scene.hears(&mut link);
    assert_eq!(link.beat.unwrap().echo, 1234);
    scene.cut(&mut link);
    let (mut link, _) = scene.resumes(resume(link.session, link.proof(), 1));
    scene.pass(ms(2254));
    assert_eq!(scene.hears(&mut link), ["PING"]);
    assert_eq!(link.beat.map(|beat| (beat.echo, beat.held)), Some((0, 0)));
}
