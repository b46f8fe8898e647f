//! Chapter "Loss and reconnect".

use std::time::Duration;

use sessile::{Reason, Reconnect, proto::Phase, wire::RetryClass};

use crate::{
    say::{refused, resume, resumed},
    scene::{Scene, config, ms},
};

// [LOSS-1]
#[test]
fn a_dialer_comes_back_and_an_acceptor_waits_for_it() {
    let (mut scene, mut link) = Scene::client_open();
    let mut back = scene.resume_sent(&mut link);
    scene.says(&mut back, &[resumed(2, 0, 0)]);
    assert_eq!(scene.phase(scene.session), Phase::LoggedIn);

    let (mut scene, key, mut link) = Scene::served();
    scene.cut(&mut link);
    scene.pass(ms(119_000));
    assert_eq!(scene.phase(key), Phase::Reconnecting);
    let (_, heard) = scene.resumes(resume(link.session, link.proof(), 1));
    assert_eq!(heard, ["RESUMED epoch 2 received 0 taken 0"]);
}

// [LOSS-2]
#[test]
fn waits_double_up_to_the_cap_and_are_jittered() {
    let (mut scene, mut link) = Scene::client_open();
    scene.cut(&mut link);
    for _ in 0..7 {
        scene.fails_dial();
    }
    let waits = scene.waits();
    for (n, (attempt, wait)) in waits.iter().enumerate() {
        assert_eq!(*attempt as usize, n + 1);
        assert!(
            *wait <= Duration::from_secs(1 << n).min(Duration::from_secs(30)),
            "{waits:?}"
        );
        assert!(
            wait.subsec_micros() % 1000 != 0,
            "drawn, not computed: {waits:?}"
        );
    }
}

// [LOSS-3] [LOSS-9]
#[test]
fn a_wait_that_the_server_asks_for_is_honoured_within_bounds() {
    for (code, asked, least, most) in [(102, 7000, 7, 9), (101, u32::MAX, 300, 302)] {
        let (mut scene, mut link) = Scene::client_open();
        let mut back = scene.resume_sent(&mut link);
        scene.says(&mut back, &[refused(code, RetryClass::After(asked), 0)]);
        assert!(back.is_closed());
        assert_eq!(scene.phase(scene.session), Phase::Reconnecting);
        let (attempt, wait) = *scene.waits().last().unwrap();
        assert_eq!(attempt, 2);
        assert!((least..=most).contains(&wait.as_secs()), "{wait:?}");
    }
}

// [LOSS-4]
#[test]
fn only_a_stable_link_resets_the_count() {
    let (mut scene, mut link) = Scene::client_open();
    let mut back = scene.resume_sent(&mut link);
    scene.says(&mut back, &[resumed(2, 0, 0)]);
    scene.cut(&mut back);
    assert_eq!(scene.waits().last().unwrap().0, 2, "up for a moment");
    let mut back = scene.redialed();
    scene.hears(&mut back);
    scene.says(&mut back, &[resumed(3, 0, 0)]);
    for _ in 0..31 {
        scene.pass(ms(1000));
        scene.says(&mut back, &[sessile::wire::Frame::Ack(0)]);
    }
    scene.cut(&mut back);
    assert_eq!(scene.waits().last().unwrap().0, 1);
}

// [LOSS-4]
#[test]
fn a_link_is_stable_to_the_tick() {
    let stable = config().reconnect(Reconnect::new().stable_after(ms(2000)));
    for (short, attempt) in [(1, 2), (0, 1)] {
        let (mut scene, mut link) = Scene::client_open_with(stable.clone());
        let mut back = scene.resume_sent(&mut link);
        scene.says(&mut back, &[resumed(2, 0, 0)]);
        let up = scene.now;
        scene.pass(ms(2000) - Duration::from_micros(short));
        assert_eq!(scene.now, up + (ms(2000) - Duration::from_micros(short)));
        scene.cut(&mut back);
        assert_eq!(scene.waits().last().unwrap().0, attempt, "{short} us less");
    }
}

// [LOSS-5]
#[test]
fn a_dialer_gives_up_when_nobody_can_know_the_session_any_more() {
    let (mut scene, mut link) = Scene::client_open();
    scene.cut(&mut link);
    scene.pass(ms(125_900));
    assert_eq!(scene.phase(scene.session), Phase::Reconnecting);
    scene.pass(ms(200));
    assert_eq!(scene.reason(scene.session), Some(Reason::GaveUp));
}

// [LOSS-6]
#[test]
fn a_session_expires_with_the_resume_window() {
    let (mut scene, key, mut link) = Scene::served_with(config().resume_window(ms(10_000)));
    scene.cut(&mut link);
    scene.pass(ms(9999));
    assert_eq!(scene.phase(key), Phase::Reconnecting);
    scene.pass(ms(5));
    assert_eq!(scene.reason(key), Some(Reason::Expired));
    let (_, heard) = scene.resumes(resume(link.session, link.proof(), 1));
    assert_eq!(heard, ["REFUSED 7 Now taken 0 attempt 0"]);
}

// [LOSS-7]
#[test]
fn without_a_resume_window_a_loss_is_the_end() {
    let (mut scene, key, mut link) = Scene::served_with(config().resume_window(ms(0)));
    scene.cut(&mut link);
    assert_eq!(scene.reason(key), Some(Reason::Expired));
}

// [LOSS-8]
#[test]
fn a_resume_without_an_answer_is_given_up_for_the_next() {
    let (mut scene, mut link) = Scene::client_open();
    let mut dead = scene.resume_sent(&mut link);
    scene.pass(ms(4990));
    assert_eq!(scene.hears(&mut dead), [""; 0]);
    assert!(!dead.is_closed());
    let mut next = scene.redialed();
    assert_eq!(scene.hears(&mut next), ["RESUME 2 received 0 taken 0"]);
    scene.says(&mut dead, &[resumed(2, 0, 0)]);
    assert!(dead.is_closed());
    assert_eq!(scene.phase(scene.session), Phase::Reconnecting);
}

// [LOSS-10]
#[test]
fn a_session_does_not_expire_while_its_acceptor_slept() {
    for timers_first in [true, false] {
        let (mut scene, key, mut link) = Scene::served();
        scene.cut(&mut link);
        scene.pass(ms(60_000));
        if timers_first {
            scene.stalls(ms(90_000)); // 30 s beyond the window
        } else {
            scene.now = scene.now + ms(90_000); // what was read came first
        }
        let (_, heard) = scene.resumes(resume(link.session, link.proof(), 1));
        assert_eq!(
            heard,
            ["RESUMED epoch 2 received 0 taken 0"],
            "timers first: {timers_first}"
        );
        assert_eq!(scene.reason(key), None);
    }
    let (mut scene, key, mut link) = Scene::served();
    scene.cut(&mut link);
    scene.pass(ms(60_000));
    scene.stalls(ms(90_000));
    scene.pass(ms(29_900));
    assert_eq!(scene.reason(key), None);
    scene.pass(ms(200));
    assert_eq!(scene.reason(key), Some(Reason::Expired));
}
