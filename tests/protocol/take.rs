//! Chapter "Takeover".

use sessile::{
    Reason,
    proto::Phase,
    wire::{Frame, Login, RetryClass},
};

use crate::{
    say::{close, login, ping, refused, resume},
    scene::{Scene, ms},
};

fn another(attempt: u64) -> Login<'static> {
    Login {
        instance: [9; 16],
        ..login(attempt)
    }
}

// [TAKE-1] [TAKE-2]
#[test]
fn a_takeover_tells_the_holder_and_closes_its_link() {
    let (mut scene, holder, mut old) = Scene::served();
    scene.says(&mut old, &[Frame::Data(b"0"), Frame::Data(b"1")]);
    scene.takes_message(holder);
    let (key, _link) = scene.welcomed(another(1));
    assert_eq!(scene.hears(&mut old), ["CLOSE 4 Never taken 1"]);
    assert!(old.is_closed());
    assert_eq!(scene.reason(holder), Some(Reason::TakenOver));
    assert_eq!(scene.phase(key), Phase::LoggedIn);
    assert_eq!(scene.registry.len(), 1);
    assert_eq!(
        scene.takes_all(holder),
        [""; 0],
        "what was not read before is not read after"
    );
}

// [TAKE-3]
#[test]
fn the_same_client_replaces_its_own_ghost_silently() {
    let (mut scene, ghost, mut old) = Scene::served();
    let (_, _link) = scene.welcomed(login(2));
    assert_eq!(scene.hears(&mut old), [""; 0]);
    assert!(old.is_closed());
    assert_eq!(scene.reason(ghost), Some(Reason::Superseded));
    assert!(!scene.saw("taken-over"));
}

// [TAKE-4]
#[test]
fn an_older_login_of_the_same_client_is_refused() {
    for attempt in [4, 5] {
        let mut scene = Scene::server();
        let (holder, _kept) = scene.welcomed(login(5));
        let mut late = scene.link();
        scene.says(&mut late, &[Frame::Login(login(attempt))]);
        scene.admit();
        assert_eq!(
            scene.hears(&mut late),
            ["REFUSED 106 Now taken 0 attempt 0"]
        );
        assert!(late.is_closed());
        assert_eq!(scene.phase(holder), Phase::LoggedIn);
    }
}

// [TAKE-5]
#[test]
fn the_epoch_goes_on_growing_over_a_takeover() {
    let (mut scene, _, link) = Scene::served();
    scene.resumes(resume(link.session, link.proof(), 1));
    let (key, _) = scene.welcomed(another(1));
    assert_eq!(scene.registry.get(key).unwrap().epoch(), 3);
}

// [TAKE-6]
#[test]
fn nothing_of_the_holders_link_is_applied_after_the_switch() {
    let (mut scene, holder, mut old) = Scene::served();
    let (key, _link) = scene.welcomed(another(1));
    scene.sends(key, "new");
    scene.says(&mut old, &[Frame::Ack(0), Frame::Data(b"late"), ping(1, 1)]);
    assert_eq!(scene.takes_all(holder), [""; 0]);
    assert_eq!(scene.takes_all(key), [""; 0]);
    assert_eq!(scene.registry.snapshot(key, scene.now).unwrap().acked, 0);
}

// [TAKE-7]
#[test]
fn who_was_taken_over_stays_away() {
    let (mut scene, mut link) = Scene::client_open();
    scene.says(&mut link, &[close(4, 0)]);
    scene.pass(ms(600_000));
    assert_eq!(scene.reason(scene.session), Some(Reason::TakenOver));
    assert!(scene.dials.is_empty());

    let (mut scene, mut link) = Scene::client_open();
    let mut back = scene.resume_sent(&mut link);
    scene.says(&mut back, &[refused(4, RetryClass::Never, 0)]);
    scene.pass(ms(600_000));
    assert_eq!(scene.reason(scene.session), Some(Reason::TakenOver));
    assert!(scene.dials.is_empty());
}

// [TAKE-8]
#[test]
fn a_holder_without_a_link_hears_of_it_when_it_comes_back() {
    for (newcomer, heard) in [
        (another(1), "REFUSED 4 Never taken 0 attempt 0"),
        (login(2), "REFUSED 5 Never taken 0 attempt 0"),
    ] {
        let (mut scene, _, mut old) = Scene::served();
        scene.cut(&mut old);
        let (key, _link) = scene.welcomed(newcomer);
        assert_eq!(
            scene.resumes(resume(old.session, old.proof(), 1)).1,
            [heard]
        );
        assert_eq!(scene.phase(key), Phase::LoggedIn);
    }
}

// [TAKE-9]
#[test]
fn a_holder_is_pinged_at_once_when_somebody_asks() {
    let (mut scene, key, mut link) = Scene::served();
    scene.sends(key, "just now");
    scene.hears(&mut link);
    assert!(scene.on(key, |machine, _| machine.probe()));
    assert_eq!(scene.hears(&mut link), ["PING"]);
    let asked = scene.now;
    scene.pass(ms(10));
    assert!(!scene.registry.get(key).unwrap().heard_since(asked));
    scene.says(&mut link, &[Frame::Ack(0)]);
    assert!(scene.registry.get(key).unwrap().heard_since(asked));
}
