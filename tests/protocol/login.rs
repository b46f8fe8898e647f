//! Chapter "Login".

use sessile::{
    Reason, Rejection,
    proto::Phase,
    wire::{Frame, Login, RetryClass, Welcome},
};

use crate::{
    say::{INSTANCE, login, refused, resume, welcome},
    scene::{Scene, config, ms},
};

/// A client reads this welcome; whether it ended the link for it.
fn refuses(welcome: Welcome<'_>) -> bool {
    let (mut scene, mut link) = Scene::client();
    scene.hears(&mut link);
    scene.says(&mut link, &[Frame::Welcome(welcome)]);
    assert_eq!(link.is_closed(), scene.saw("login-failed"));
    assert_eq!(link.is_closed(), !scene.saw("logged-in"));
    link.is_closed()
}

// [LOGIN-1]
#[test]
fn versions_are_a_range_from_one_up() {
    for (version, oldest, good) in [
        (1, 1, true),
        (9, 1, true),
        (1, 0, false),
        (0, 0, false),
        (1, 2, false),
    ] {
        let mut scene = Scene::server();
        let mut link = scene.link();
        scene.says(
            &mut link,
            &[Frame::Login(Login {
                version,
                oldest,
                ..login(1)
            })],
        );
        assert_eq!(link.is_closed(), !good, "{oldest} to {version}");
        assert_eq!(scene.offered.len(), usize::from(good));
    }
}

// [LOGIN-2]
#[test]
fn no_version_in_common_is_said_before_the_host_is_asked() {
    let mut scene = Scene::server();
    let mut link = scene.link();
    scene.says(
        &mut link,
        &[Frame::Login(Login {
            version: 9,
            oldest: 2,
            ..login(1)
        })],
    );
    assert_eq!(
        scene.hears(&mut link),
        ["REFUSED 105 Never taken 0 attempt 0"]
    );
    assert!(link.is_closed() && scene.offered.is_empty());
}

// [LOGIN-3]
#[test]
fn a_welcome_in_a_version_that_was_not_offered_is_refused() {
    assert!(refuses(Welcome {
        version: 2,
        ..welcome()
    }));
    assert!(refuses(Welcome {
        version: 0,
        ..welcome()
    }));
    assert!(!refuses(welcome()));
}

// [LOGIN-4]
#[test]
fn a_welcome_with_a_feature_that_was_not_offered_is_refused() {
    assert!(refuses(Welcome {
        features: 1,
        ..welcome()
    }));
    assert!(refuses(Welcome {
        features: 1 << 31,
        ..welcome()
    }));
}

// [LOGIN-5]
#[test]
fn ids_and_secrets_are_the_acceptors_and_never_used_twice() {
    let mut scene = Scene::server_with(config().comings_a_minute(1_000));
    let mut ids = std::collections::BTreeSet::new();
    for attempt in 1..20 {
        let (key, link) = scene.welcomed(login(attempt));
        assert!(ids.insert(link.session), "{:#x} twice", link.session);
        assert!(
            ids.insert(u64::from(link.proof().as_bytes()[0])),
            "a secret twice"
        );
        scene.on(key, |machine, cx| machine.abandon(cx));
    }
    scene.pass(ms(200_000));
    let (_, link) = scene.welcomed(login(99));
    assert!(
        ids.insert(link.session),
        "a slot was used again, its id was not"
    );
}

// [LOGIN-6]
#[test]
fn an_epoch_of_zero_is_refused() {
    assert!(refuses(Welcome {
        epoch: 0,
        ..welcome()
    }));
    assert!(!refuses(Welcome {
        epoch: u64::MAX,
        ..welcome()
    }));
}

// [LOGIN-7]
#[test]
fn an_acceptor_may_ask_back_as_often_as_it_likes() {
    let mut scene = Scene::server();
    let mut link = scene.link();
    scene.says(&mut link, &[Frame::Login(login(1))]);
    let key = scene.offered[0];
    for answer in ["one", "two"] {
        scene.on(key, |machine, _| {
            machine.challenge(bytes::Bytes::from_static(b"?"))
        });
        assert_eq!(scene.hears(&mut link), ["CHALLENGE ?"]);
        scene.says(&mut link, &[Frame::Answer(answer.as_bytes())]);
        assert_eq!(
            scene.on(key, |machine, _| machine.take_answer()).unwrap(),
            answer
        );
    }
    scene.admit();
    assert_eq!(scene.hears(&mut link), ["WELCOME epoch 1"]);
}

// [LOGIN-7]
#[test]
fn a_dialer_answers_each_challenge_once() {
    let (mut scene, mut link) = Scene::client();
    scene.hears(&mut link);
    for (asked, answer) in [("a", "A"), ("b", "B")] {
        scene.says(&mut link, &[Frame::Challenge(asked.as_bytes())]);
        assert_eq!(
            scene
                .on(scene.session, |machine, _| machine.take_challenge())
                .unwrap(),
            asked
        );
        assert_eq!(scene.hears(&mut link), [""; 0]);
        let bytes = bytes::Bytes::from_static(answer.as_bytes());
        scene.on(scene.session, |machine, cx| machine.answer(cx, Some(bytes)));
        assert_eq!(scene.hears(&mut link), [format!("ANSWER {answer}")]);
    }
    scene.says(&mut link, &[Frame::Challenge(b"")]);
    assert!(link.is_closed(), "a question of no bytes");
}

// [LOGIN-8] [LOGIN-9]
#[test]
fn a_dialer_acks_at_once_on_welcome_and_counts_from_zero() {
    let (mut scene, mut link) = Scene::client();
    scene.hears(&mut link);
    scene.says(&mut link, &[Frame::Welcome(welcome())]);
    assert_eq!(scene.hears(&mut link), ["ACK 0"]);
    scene.says(&mut link, &[Frame::Data(b"zero")]);
    let mut link = scene.resume_sent(&mut link);
    assert_eq!(link.resume.take().unwrap().received, 1);
}

// [LOGIN-9]
#[test]
fn a_new_session_counts_anew() {
    let (mut scene, key, mut link) = Scene::served();
    scene.says(&mut link, &[Frame::Data(b"old")]);
    assert_eq!(scene.takes_all(key), ["old"]);
    let (key, mut link) = scene.welcomed(login(2));
    scene.says(&mut link, &[Frame::Ack(0), Frame::Data(b"new")]);
    assert_eq!(scene.takes_all(key), ["new"]);
    scene.pass(ms(25));
    scene.pass(ms(4));
    assert_eq!(scene.hears(&mut link), ["ACK 1"]);
}

// [LOGIN-10]
#[test]
fn refused_is_the_last_word() {
    let mut scene = Scene::server();
    let mut link = scene.link();
    scene.says(&mut link, &[Frame::Login(login(1))]);
    let key = scene.offered[0];
    scene.on(key, |machine, cx| {
        machine.reject(cx, &Rejection::bad_credentials())
    });
    assert_eq!(
        scene.hears(&mut link),
        ["REFUSED 100 Never taken 0 attempt 0"]
    );
    assert!(link.is_closed());
}

// [LOGIN-11]
#[test]
fn every_login_of_a_client_has_its_instance_and_a_higher_attempt() {
    let (mut scene, mut link) = Scene::client();
    for attempt in 1..4 {
        assert_eq!(scene.hears(&mut link), [format!("LOGIN {attempt} me")]);
        assert_eq!(link.instance, INSTANCE);
        scene.says(&mut link, &[refused(102, RetryClass::After(5), 0)]);
        assert!(link.is_closed());
        let outcome = scene.on(scene.session, |machine, _| machine.login_outcome());
        assert_eq!(
            outcome.unwrap().unwrap_err().closed.reason(),
            Reason::Refused
        );
        scene.log_in();
        link = scene.dialed();
    }
}

// [LOGIN-12]
#[test]
fn a_dialer_gives_an_unanswered_login_up() {
    let (mut scene, mut link) = Scene::client();
    scene.hears(&mut link);
    scene.pass(ms(4999));
    assert!(!scene.saw("login-failed"));
    scene.pass(ms(5));
    assert!(scene.saw("login-failed"));
    scene.says(&mut link, &[Frame::Welcome(welcome())]);
    assert!(
        link.is_closed() && !scene.saw("logged-in"),
        "its link is abandoned"
    );
}

// [LOGIN-13] [LOGIN-16]
#[test]
fn a_login_is_dropped_whose_link_has_ended() {
    let mut scene = Scene::server();
    let before = scene.registry.occupied();
    let mut link = scene.link();
    scene.says(&mut link, &[Frame::Login(login(1))]);
    scene.cut(&mut link);
    assert_eq!(
        (scene.registry.occupied(), scene.registry.strangers()),
        (before, 0)
    );
    assert!(scene.registry.get(scene.offered[0]).is_none());
}

// [LOGIN-14]
#[test]
fn a_login_is_dropped_that_is_decided_too_late() {
    let (mut scene, holder, _link) = Scene::served();
    let mut late = scene.link();
    scene.says(
        &mut late,
        &[Frame::Login(Login {
            instance: [9; 16],
            ..login(1)
        })],
    );
    let key = scene.offered.pop_front().unwrap();
    scene.now = scene.now + ms(5000); // no timer has fired yet
    scene.admit_key(key);
    assert_eq!(scene.reason(holder), None, "nobody was replaced");
    assert!(
        !scene
            .hears(&mut late)
            .contains(&"WELCOME epoch 2".to_owned())
    );
}

// [LOGIN-15]
#[test]
fn a_welcome_that_is_never_proven_ends_the_session_at_the_login_deadline() {
    let mut scene = Scene::server();
    let (key, mut link) = scene.welcomed(login(1));
    scene.pass(ms(4996));
    assert_eq!(scene.phase(key), Phase::Suspect);
    scene.pass(ms(8));
    assert_eq!(scene.reason(key), Some(Reason::NeverProven));
    assert_eq!(scene.hears(&mut link), [""; 0]);
    assert!(link.is_closed());
}

// [LOGIN-15]
#[test]
fn an_unproven_session_is_gone_at_the_login_deadline_without_a_link_too() {
    let mut scene = Scene::server();
    let (key, mut link) = scene.welcomed(login(1));
    scene.cut(&mut link);
    scene.pass(ms(4996));
    assert_eq!(scene.phase(key), Phase::Reconnecting);
    scene.pass(ms(8));
    assert_eq!(scene.reason(key), Some(Reason::NeverProven));
    let (_, heard) = scene.resumes(resume(link.session, link.proof(), 1));
    assert_eq!(heard, ["REFUSED 13 Now taken 0 attempt 0"]);
}

// [LOGIN-15]
#[test]
fn an_accepted_resume_proves_the_welcome() {
    let mut scene = Scene::server();
    let (key, mut link) = scene.welcomed(login(1));
    scene.cut(&mut link);
    scene.pass(ms(4000));
    let (mut back, heard) = scene.resumes(resume(link.session, link.proof(), 1));
    assert_eq!(heard, ["RESUMED epoch 2 received 0 taken 0"]);
    scene.cut(&mut back); // RESUMED is lost
    scene.pass(ms(60_000));
    assert_eq!(scene.reason(key), None);
}

// [LOGIN-16]
#[test]
fn a_refused_login_leaves_nothing_behind() {
    let mut scene = Scene::server();
    let before = scene.registry.occupied();
    let mut link = scene.link();
    scene.says(&mut link, &[Frame::Login(login(1))]);
    let key = scene.offered.pop_front().unwrap();
    scene.on(key, |machine, cx| machine.reject(cx, &Rejection::banned()));
    scene.hears(&mut link);
    assert_eq!(scene.registry.occupied(), before);
    assert!(scene.registry.is_empty());
}
