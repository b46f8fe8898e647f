//! Chapter "Going away".

use std::time::Duration;

use sessile::{
    Fate, LossCause, Phase, Reason, Retry, Violation,
    proto::{Effects, Key},
    registry::Farewell,
    wire::{Frame, RetryClass},
};

use crate::{
    say::{close, go_away, login, resume, resumed},
    scene::{Link, Scene, ms},
};

/// The server goes down within 10 s; whoever it knows comes back over 4 s.
fn drains(scene: &mut Scene) {
    let farewell = Farewell {
        by: scene.now + ms(10_000),
        spread: ms(4_000),
        redirect: "b:7000".to_owned(),
        text: "so long".to_owned(),
    };
    let mut fx = Effects::default();
    scene.registry.drain(farewell, scene.now, &mut fx);
    scene.performs(fx);
}

fn served_and_draining() -> (Scene, Key, Link) {
    let (mut scene, key, link) = Scene::served();
    drains(&mut scene);
    (scene, key, link)
}

/// Time passes, and the peer shows that it is there.
fn lives(scene: &mut Scene, link: &mut Link, time: Duration, taken: u64) {
    let until = scene.now + time;
    while scene.now < until {
        scene.pass(until.since(scene.now).min(ms(1_000)));
        if scene.now < until {
            scene.says(link, &[Frame::Ack(taken)]);
        }
    }
}

const TOLD: &str = r#"GOAWAY within 10000 After(0) to "b:7000" "so long""#;

/// A client that has read GOAWAY.
fn told(within_ms: u32, retry: RetryClass) -> (Scene, Link) {
    let (mut scene, mut link) = Scene::client_open();
    scene.says(&mut link, &[go_away(within_ms, retry, "b:7000")]);
    assert!(!link.is_closed());
    (scene, link)
}

// [AWAY-1]
#[test]
fn go_away_is_said_to_a_dialer_on_an_open_link_and_nowhere_else() {
    let (mut scene, key, mut link) = served_and_draining();
    assert_eq!(scene.hears(&mut link), [TOLD]);
    assert!(scene.saw("draining"));
    assert_eq!(scene.hears(&mut link), [""; 0], "once");
    scene.says(&mut link, &[go_away(1, RetryClass::Now, "")]);
    assert!(link.is_closed());
    assert_eq!(scene.phase(key), Phase::Reconnecting);

    let (mut scene, mut link) = Scene::client();
    scene.hears(&mut link);
    scene.says(&mut link, &[go_away(1, RetryClass::Now, "")]);
    assert!(link.is_closed() && !scene.saw("draining"), "before WELCOME");

    let (mut scene, mut link) = Scene::client_open();
    let mut back = scene.resume_sent(&mut link);
    scene.says(&mut back, &[go_away(1, RetryClass::Now, "")]);
    assert!(back.is_closed() && !scene.saw("draining"), "before RESUMED");
}

// [AWAY-2]
#[test]
fn nobody_goes_away_within_more_than_an_hour() {
    told(3_600_000, RetryClass::Now);
    let (mut scene, mut link) = Scene::client_open();
    scene.says(&mut link, &[go_away(3_600_001, RetryClass::Now, "")]);
    assert!(link.is_closed() && !scene.saw("draining"));
    let violated = sessile::EventKind::LinkLost(LossCause::Protocol(Violation::BadValue));
    assert!(scene.events.contains(&violated), "{:?}", scene.events);
}

// [AWAY-3]
#[test]
fn messages_flow_as_before() {
    let (mut scene, key, mut link) = served_and_draining();
    scene.hears(&mut link);
    scene.says(&mut link, &[Frame::Data(b"question")]);
    assert_eq!(scene.takes_message(key).as_deref(), Some("question"));
    scene.sends(key, "answer");
    assert_eq!(scene.hears(&mut link), ["ACK 1", "DATA answer"]);

    let (mut scene, mut link) = told(10_000, RetryClass::Now);
    scene.says(&mut link, &[Frame::Data(b"question")]);
    assert_eq!(
        scene.takes_message(scene.session).as_deref(),
        Some("question")
    );
    scene.sends(scene.session, "answer");
    assert_eq!(scene.hears(&mut link), ["ACK 1", "DATA answer"]);
}

// [AWAY-4]
#[test]
fn every_later_link_is_told_with_what_is_left() {
    let (mut scene, _, mut link) = served_and_draining();
    scene.pass(ms(1_000));
    assert!(scene.hears(&mut link)[0].starts_with("GOAWAY within 9000 After(0)"));
    scene.cut(&mut link);
    scene.pass(ms(2_000));
    let (mut back, heard) = scene.resumes(resume(link.session, link.proof(), 1));
    let left = r#"GOAWAY within 7000 After(0) to "b:7000" "so long""#;
    assert_eq!(heard[1..], [left], "{heard:?}");
    assert_eq!(scene.hears(&mut back), [""; 0]);
}

// [AWAY-4]
#[test]
fn a_link_that_was_gone_is_told_when_it_is_back() {
    let (mut scene, key, mut link) = Scene::served();
    scene.cut(&mut link);
    drains(&mut scene);
    assert_eq!(scene.phase(key), Phase::Reconnecting);
    let (_, heard) = scene.resumes(resume(link.session, link.proof(), 1));
    assert_eq!(heard[1..], [TOLD], "{heard:?}");
}

// [AWAY-5]
#[test]
fn the_newest_counts_and_is_told_once() {
    let (mut scene, mut link) = told(10_000, RetryClass::After(3_000));
    scene.says(&mut link, &[go_away(2_000, RetryClass::Never, "c:7000")]);
    let machine = scene.registry.get(scene.session).unwrap();
    let going = machine.going().unwrap();
    assert_eq!(
        (going.reason(), going.retry(), going.redirect()),
        (Reason::Draining, Retry::Never, Some("c:7000"))
    );
    let told = scene.events.iter().filter(|kind| kind.name() == "draining");
    assert_eq!(told.count(), 1);
}

// [AWAY-6] [AWAY-7]
#[test]
fn the_session_is_closed_when_the_time_has_passed() {
    let (mut scene, key, mut link) = served_and_draining();
    scene.hears(&mut link);
    scene.says(
        &mut link,
        &[Frame::Data(b"taken"), Frame::Data(b"not taken")],
    );
    assert_eq!(scene.takes_message(key).as_deref(), Some("taken"));
    lives(&mut scene, &mut link, ms(9_900), 0);
    let heard = scene.hears(&mut link);
    assert!(!heard.iter().any(|line| line.starts_with("CLOSE")));
    scene.sends(key, "last");
    scene.pass(ms(100));
    assert_eq!(
        scene.hears(&mut link),
        ["DATA last", "CLOSE 20 After(0) taken 1"]
    );
    assert_eq!(scene.reason(key), Some(Reason::Draining));
    assert_eq!(scene.registry.drained(), None, "CLOSED is waited for");
    scene.says(&mut link, &[Frame::Closed(1)]);
    let drained = scene.registry.drained().expect("nobody is left");
    assert_eq!((drained.left, drained.closed, drained.cut), (0, 1, 0));
}

// [AWAY-7]
#[test]
fn nobody_waits_for_an_answer_for_longer_than_a_second() {
    let (mut scene, key, mut link) = served_and_draining();
    lives(&mut scene, &mut link, ms(10_000), 0);
    let heard = scene.hears(&mut link);
    assert_eq!(
        heard.last().map(String::as_str),
        Some("CLOSE 20 After(0) taken 0")
    );
    scene.pass(ms(890));
    assert_eq!(scene.registry.drained(), None);
    scene.pass(ms(109));
    let drained = scene.registry.drained().expect("nobody is left");
    assert_eq!((drained.left, drained.closed, drained.cut), (0, 0, 1));
    assert_eq!(scene.reason(key), Some(Reason::Draining));
}

/// Not even for a host that reads the mailbox of a session that its peer has closed.
// [AWAY-7]
#[test]
fn a_peer_that_left_is_not_waited_for_either() {
    let (mut scene, _, mut link) = served_and_draining();
    lives(&mut scene, &mut link, ms(9_990), 0);
    scene.says(&mut link, &[Frame::Data(b"unread"), close(1, 0)]);
    scene.pass(ms(900));
    assert_eq!(scene.registry.drained(), None);
    scene.pass(ms(109));
    let drained = scene.registry.drained().expect("nobody is left");
    assert_eq!((drained.left, drained.closed, drained.cut), (1, 0, 0));
}

/// Who comes back later than that learns why, and where to go.
// [AWAY-6] [AWAY-8]
#[test]
fn a_session_without_a_link_ends_in_time_too_and_its_dialer_is_told() {
    let (mut scene, key, mut link) = Scene::served();
    scene.cut(&mut link);
    drains(&mut scene);
    scene.pass(ms(10_000));
    assert_eq!(scene.reason(key), Some(Reason::Draining));
    let drained = scene.registry.drained().expect("nobody is left");
    assert_eq!((drained.left, drained.closed, drained.cut), (0, 0, 1));
    let (_, heard) = scene.resumes(resume(link.session, link.proof(), 1));
    assert_eq!(heard, ["REFUSED 20 After(0) taken 0 attempt 0"]);
}

// [AWAY-8]
#[test]
fn logins_are_refused_each_with_a_slot_and_resumes_are_not() {
    let (mut scene, key, mut link) = served_and_draining();
    scene.cut(&mut link);
    let mut slots = Vec::new();
    for attempt in 2..10 {
        let mut stranger = scene.link();
        let login = sessile::wire::Login {
            instance: [attempt; 16],
            ..login(1)
        };
        scene.says(&mut stranger, &[Frame::Login(login)]);
        scene.admit();
        let heard = scene.hears(&mut stranger);
        let slot = heard[0].strip_prefix("REFUSED 107 After(");
        let slot = slot.and_then(|rest| rest.strip_suffix(") taken 0 attempt 0"));
        slots.push(slot.expect("a slot").parse::<u64>().unwrap());
    }
    slots.sort_unstable();
    let gaps: Vec<_> = slots.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(slots.iter().all(|&slot| slot < 4_000), "{slots:?}");
    assert!(gaps.iter().all(|&gap| gap > 200), "spread: {slots:?}");
    let (_, heard) = scene.resumes(resume(link.session, link.proof(), 1));
    assert!(heard[0].starts_with("RESUMED"), "{heard:?}");
    assert_eq!(scene.phase(key), Phase::LoggedIn);
}

// [AWAY-9]
#[test]
fn a_dialer_without_a_link_gives_up_when_nobody_keeps_its_session_any_more() {
    let (mut scene, mut link) = told(2_000, RetryClass::After(700));
    scene.sends(scene.session, "unwritten");
    scene.cut(&mut link);
    scene.pass(ms(2_990));
    assert_eq!(scene.phase(scene.session), Phase::Reconnecting);
    scene.pass(ms(20));
    let machine = scene.registry.get(scene.session).unwrap();
    let closed = machine.ended().cloned().expect("it ended");
    assert_eq!(closed.reason(), Reason::Draining);
    assert_eq!(closed.retry(), Retry::After(ms(700)));
    assert_eq!(closed.redirect(), Some("b:7000"));
    let list = scene.on(scene.session, |machine, _| machine.take_undelivered());
    let fates: Vec<_> = list.iter().map(|one| one.fate()).collect();
    assert_eq!(fates, [Fate::NeverSent]);
}

/// What the end says itself counts, and what GOAWAY said counts where the end says nothing.
// [AWAY-5] [CODE-1] [CODE-3]
#[test]
fn the_end_of_a_session_says_where_to_go_and_when() {
    let end = Frame::Close(sessile::wire::Close {
        code: 20,
        retry: RetryClass::After(u32::MAX),
        taken: 0,
        text: "bye",
    });
    let (mut scene, mut link) = told(2_000, RetryClass::Now);
    scene.says(&mut link, &[Frame::Data(b"unread"), end]);
    let machine = scene.registry.get(scene.session).unwrap();
    let closed = machine.ended().cloned().expect("it ended");
    assert_eq!(closed.reason(), Reason::Draining);
    assert_eq!(closed.retry(), Retry::After(Duration::from_secs(300)));
    assert_eq!(
        (closed.redirect(), closed.text()),
        (Some("b:7000"), Some("bye"))
    );
    assert_eq!(
        scene.takes_message(scene.session).as_deref(),
        Some("unread"),
        "what arrived before is read first"
    );

    // REFUSED of a RESUME has a redirect of its own.
    let (mut scene, mut link) = told(60_000, RetryClass::Now);
    let mut back = scene.resume_sent(&mut link);
    let refused = Frame::Refused(sessile::wire::Refused {
        code: 20,
        retry: RetryClass::After(5),
        taken: 0,
        attempt: 0,
        redirect: "c:7000",
        text: "",
    });
    scene.says(&mut back, &[refused]);
    let machine = scene.registry.get(scene.session).unwrap();
    let closed = machine.ended().cloned().expect("it ended");
    assert_eq!(closed.reason(), Reason::Draining);
    assert_eq!(closed.redirect(), Some("c:7000"));
    assert_eq!(closed.retry(), Retry::After(ms(5)));
}

/// The newest GOAWAY comes with every link, so nothing of it need be remembered but for the end.
// [AWAY-3] [AWAY-5]
#[test]
fn a_session_that_is_told_to_go_is_resumed_as_before() {
    let (mut scene, mut link) = told(60_000, RetryClass::Now);
    scene.sends(scene.session, "one");
    scene.hears(&mut link);
    let mut back = scene.resume_sent(&mut link);
    scene.says(
        &mut back,
        &[resumed(2, 0, 0), go_away(50_000, RetryClass::Now, "c:7000")],
    );
    assert_eq!(scene.hears(&mut back), ["ACK 0", "DATA one"]);
    assert_eq!(scene.phase(scene.session), Phase::LoggedIn);
}

/// Found by a fuzzer: the link was lost later than that, and the end was due in the past.
// [AWAY-9]
#[test]
fn a_link_that_is_lost_when_the_acceptor_has_gone_already_ends_the_session_at_once() {
    let (mut scene, mut link) = told(1_000, RetryClass::Now);
    scene.hears(&mut link);
    scene.pass(ms(6_100));
    assert!(scene.saw("timed-out"));
    assert_eq!(scene.reason(scene.session), Some(Reason::Draining));
}
