//! Chapters "Closing" and "Codes".

use std::time::Duration;

use sessile::{
    Fate, Reason, Retry,
    proto::closed,
    wire::{Close, Frame, RetryClass},
};

use crate::{
    say::{close, ping, refused, resume, resumed},
    scene::{Link, Scene, config, ms},
};

fn closes(scene: &mut Scene, key: sessile::proto::Key) {
    scene.on(key, |machine, cx| {
        machine.close(cx, closed(Reason::ClosedHere))
    });
}

fn close_client(scene: &mut Scene) {
    closes(scene, scene.session);
}

fn is_settled(scene: &Scene, key: sessile::proto::Key) -> bool {
    scene
        .registry
        .get(key)
        .is_none_or(|machine| machine.is_settled())
}

fn undelivered(scene: &mut Scene) -> Vec<Fate> {
    let list = scene.on(scene.session, |machine, _| machine.take_undelivered());
    list.iter().map(|one| one.fate()).collect()
}

// [CLOSE-1]
#[test]
fn close_comes_after_all_that_was_accepted() {
    let (mut scene, mut link) = Scene::client_open();
    scene.sends(scene.session, "last");
    close_client(&mut scene);
    assert_eq!(
        scene.hears(&mut link),
        ["DATA last", "CLOSE 1 Never taken 0"]
    );
    scene.pass(ms(1900));
    assert_eq!(scene.hears(&mut link), [""; 0], "once, and no pings");
}

// [CLOSE-2]
#[test]
fn close_is_answered_once_the_mailbox_is_read() {
    let (mut scene, key, mut link) = Scene::served();
    scene.says(
        &mut link,
        &[Frame::Data(b"0"), Frame::Data(b"1"), close(1, 0)],
    );
    assert_eq!(scene.takes_message(key).as_deref(), Some("0"));
    scene.pass(ms(30));
    assert_eq!(scene.hears(&mut link), ["ACK 1"]);
    assert_eq!(scene.takes_message(key).as_deref(), Some("1"));
    let heard = scene.hears(&mut link);
    assert_eq!(heard.last().map(String::as_str), Some("CLOSED 2"));
    assert!(link.is_closed());
}

// [CLOSE-3]
#[test]
fn an_answer_waits_for_a_reader_no_longer_than_a_lease() {
    let (mut scene, key, mut link) = Scene::served();
    scene.says(&mut link, &[Frame::Data(b"unread"), close(1, 0)]);
    scene.pass(ms(5990));
    assert!(!is_settled(&scene, key));
    scene.pass(ms(14));
    assert!(is_settled(&scene, key));
    assert_eq!(scene.hears(&mut link), [""; 0]);
    assert!(link.is_closed());
    assert_eq!(scene.takes_all(key), ["unread"], "it can still be read");
}

// [CLOSE-4]
#[test]
fn a_closer_drops_its_mailbox_and_skips_what_still_comes() {
    let (mut scene, key, mut link) = Scene::served();
    scene.says(&mut link, &[Frame::Data(b"0"), Frame::Data(b"1")]);
    scene.takes_message(key);
    closes(&mut scene, key);
    assert_eq!(scene.hears(&mut link), ["CLOSE 1 Never taken 1"]);
    scene.says(&mut link, &[Frame::Data(b"2")]);
    assert!(!link.is_closed());
    assert_eq!(scene.takes_all(key), [""; 0]);
    scene.says(&mut link, &[Frame::Closed(0)]);
    assert!(link.is_closed() && is_settled(&scene, key));
}

// [CLOSE-15]
#[test]
fn who_has_read_close_writes_no_message_any_more() {
    let (mut scene, key, mut link) = Scene::served();
    scene.says(&mut link, &[Frame::Data(b"unread")]);
    scene.sends(key, "queued");
    scene.says(&mut link, &[close(1, 0)]);
    scene.pass(ms(30));
    assert_eq!(scene.hears(&mut link), [""; 0]);
    assert_eq!(scene.takes_message(key).as_deref(), Some("unread"));
    assert_eq!(scene.hears(&mut link), ["CLOSED 1"]);
    assert!(link.is_closed());
    let list = scene.on(key, |machine, _| machine.take_undelivered());
    let fates: Vec<Fate> = list.iter().map(|one| one.fate()).collect();
    assert_eq!(fates, [Fate::NeverSent]);
}

// [CLOSE-5]
#[test]
fn a_closer_waits_for_the_linger_time_and_no_longer() {
    let (mut scene, mut link) = Scene::client_open();
    close_client(&mut scene);
    scene.hears(&mut link);
    scene.pass(ms(1990));
    assert!(!is_settled(&scene, scene.session));
    scene.pass(ms(14));
    assert!(is_settled(&scene, scene.session));
    assert!(scene.dials.is_empty());
}

// [CLOSE-6]
#[test]
fn a_close_that_meets_a_lost_link_comes_back_once() {
    let (mut scene, mut link) = Scene::client_open();
    scene.sends(scene.session, "0");
    close_client(&mut scene);
    scene.hears(&mut link);
    scene.cut(&mut link);
    let mut back = scene.dialed();
    assert_eq!(scene.hears(&mut back), ["RESUME 1 received 0 taken 0"]);
    scene.says(&mut back, &[resumed(2, 1, 0)]);
    assert_eq!(scene.hears(&mut back), ["ACK 0", "CLOSE 1 Never taken 0"]);
    scene.cut(&mut back);
    assert!(
        scene.dials.is_empty() && is_settled(&scene, scene.session),
        "once is enough"
    );
}

// [CLOSE-6]
#[test]
fn a_close_without_a_link_gives_up_where_nobody_answers() {
    let long = config().close_linger(ms(60_000)).login_deadline(ms(1000));
    let (mut scene, mut link) = Scene::client_open_with(long);
    scene.cut(&mut link);
    close_client(&mut scene);
    let mut back = scene.dialed();
    scene.hears(&mut back);
    scene.pass(ms(60_010));
    assert!(is_settled(&scene, scene.session));
}

// [CLOSE-7]
#[test]
fn an_acceptor_that_closes_leaves_word_for_who_comes_back() {
    let (mut scene, key, mut link) = Scene::served();
    scene.cut(&mut link);
    closes(&mut scene, key);
    let (_, heard) = scene.resumes(resume(link.session, link.proof(), 1));
    assert_eq!(heard, ["REFUSED 1 Never taken 0 attempt 0"]);

    let (mut scene, key, mut link) = Scene::served();
    closes(&mut scene, key);
    assert_eq!(scene.hears(&mut link), ["CLOSE 1 Never taken 0"]);
    scene.cut(&mut link);
    let (_, heard) = scene.resumes(resume(link.session, link.proof(), 1));
    assert_eq!(heard, ["REFUSED 1 Never taken 0 attempt 0"]);
}

// [CLOSE-8]
#[test]
fn closed_without_a_close_ends_the_link_only() {
    let (mut scene, key, mut link) = Scene::served();
    scene.says(&mut link, &[Frame::Closed(0)]);
    assert!(link.is_closed());
    assert_eq!(scene.reason(key), None);
}

// [CLOSE-9]
#[test]
fn the_last_taken_counts_before_what_was_undelivered_is_listed() {
    type Say = fn(&mut Scene, Link);
    let by_close: Say = |scene, mut link| scene.says(&mut link, &[close(1, 2)]);
    let by_closed: Say = |scene, mut link| {
        close_client(scene);
        scene.hears(&mut link);
        scene.says(&mut link, &[Frame::Closed(2)]);
    };
    let by_refused: Say = |scene, mut link| {
        let mut back = scene.resume_sent(&mut link);
        scene.says(&mut back, &[refused(6, RetryClass::Never, 2)]);
    };
    let beyond: Say = |scene, mut link| scene.says(&mut link, &[close(1, 4)]);
    for (say, left) in [(by_close, 1), (by_closed, 1), (by_refused, 1), (beyond, 3)] {
        let (mut scene, mut link) = Scene::client_open();
        for text in ["0", "1", "2"] {
            scene.sends(scene.session, text);
        }
        assert_eq!(scene.hears(&mut link).len(), 3);
        say(&mut scene, link);
        assert_eq!(undelivered(&mut scene), vec![Fate::Unknown; left]);
    }
}

// [CLOSE-10]
#[test]
fn closes_that_cross_are_both_answered() {
    let (mut scene, key, mut link) = Scene::served();
    closes(&mut scene, key);
    assert_eq!(scene.hears(&mut link), ["CLOSE 1 Never taken 0"]);
    scene.says(&mut link, &[close(1, 0)]);
    assert_eq!(scene.hears(&mut link), ["CLOSED 0"]);
    assert!(link.is_closed() && is_settled(&scene, key));
}

// [CLOSE-10]
#[test]
fn closes_that_cross_are_both_answered_though_the_peers_answer_comes_with_its_close() {
    let (mut scene, key, mut link) = Scene::served();
    scene.sends(key, "written");
    closes(&mut scene, key);
    assert_eq!(
        scene.hears(&mut link),
        ["DATA written", "CLOSE 1 Never taken 0"]
    );
    scene.says(&mut link, &[close(1, 0), Frame::Closed(1)]);
    assert_eq!(scene.hears(&mut link), ["CLOSED 0"]);
    assert!(link.is_closed() && is_settled(&scene, key));
    let left = scene.on(key, |machine, _| machine.take_undelivered());
    assert!(left.is_empty(), "it was taken: {left:?}");
}

// [CLOSE-14]
#[test]
fn whoever_reads_close_before_writing_its_own_answers_and_has_said_enough() {
    let (mut scene, key, mut link) = Scene::served();
    closes(&mut scene, key);
    scene.says(&mut link, &[close(1, 0)]);
    assert_eq!(scene.hears(&mut link), ["CLOSED 0"]);
    assert!(link.is_closed() && is_settled(&scene, key));

    let (mut scene, key, mut link) = Scene::served();
    scene.on(key, |machine, cx| machine.take_over(cx));
    scene.says(&mut link, &[close(1, 0)]);
    assert_eq!(scene.hears(&mut link), ["CLOSED 0"]);
    assert!(link.is_closed() && is_settled(&scene, key));
    assert_eq!(scene.reason(key), Some(Reason::TakenOver));
}

// [CLOSE-11]
#[test]
fn a_tombstone_lasts_for_the_resume_window() {
    let (mut scene, key, mut link) = Scene::served_with(config().resume_window(ms(10_000)));
    scene.says(&mut link, &[close(1, 0)]);
    assert_eq!(scene.hears(&mut link), ["CLOSED 0"]);
    scene.on(key, |machine, cx| machine.abandon(cx));
    scene.pass(ms(9990));
    let (_, heard) = scene.resumes(resume(link.session, link.proof(), 1));
    assert_eq!(heard, ["REFUSED 2 Never taken 0 attempt 0"]);
    scene.pass(ms(14));
    let (_, heard) = scene.resumes(resume(link.session, link.proof(), 2));
    assert_eq!(heard, ["REFUSED 8 Now taken 0 attempt 0"]);
}

// [CLOSE-11]
#[test]
fn a_session_without_a_resume_window_is_closed_and_forgotten_in_peace() {
    let (mut scene, key, mut link) = Scene::served_with(config().resume_window(ms(0)));
    scene.on(key, |machine, cx| machine.abandon(cx));
    scene.pass(ms(100));
    assert_eq!(scene.hears(&mut link), ["CLOSE 3 After(1000) taken 0"]);
    scene.says(&mut link, &[Frame::Closed(0)]);
    assert!(scene.registry.get(key).is_none());
}

// [CLOSE-12]
#[test]
fn only_what_was_never_written_to_any_link_was_never_sent() {
    let (mut scene, mut link) = Scene::client_open();
    scene.sends(scene.session, "written");
    scene.hears(&mut link);
    scene.sends(scene.session, "never");
    let mut back = scene.resume_sent(&mut link);
    scene.says(&mut back, &[resumed(2, 0, 0), close(1, 0)]);
    assert_eq!(undelivered(&mut scene), [Fate::Unknown, Fate::NeverSent]);
}

// [CLOSE-13]
#[test]
fn a_ping_is_answered_while_a_close_waits() {
    let (mut scene, key, mut link) = Scene::served();
    closes(&mut scene, key);
    scene.hears(&mut link);
    scene.says(&mut link, &[ping(3, 3)]);
    assert_eq!(scene.hears(&mut link), ["PONG"]);
}

// [CODE-2] [CODE-3] [SEC-3]
#[test]
fn an_unknown_code_is_an_end_with_a_bounded_wait_and_a_harmless_text() {
    let (mut scene, mut link) = Scene::client_open();
    let text = "\x1b[2Jforged\n";
    let wait = RetryClass::After(u32::MAX);
    scene.says(
        &mut link,
        &[Frame::Close(Close {
            code: 4711,
            retry: wait,
            taken: 0,
            text,
        })],
    );
    assert!(!link.is_closed());
    let closed = scene
        .registry
        .get(scene.session)
        .unwrap()
        .ended()
        .cloned()
        .unwrap();
    assert_eq!(closed.reason(), Reason::Removed);
    let code = closed.rejection().map(|why| why.code().code());
    assert_eq!(code, Some(4711), "what a host has said");
    assert_eq!(closed.retry(), Retry::After(Duration::from_secs(300)));
    assert_eq!(closed.text(), Some("\\u{1b}[2Jforged\\n"));
}

// [CODE-3]
#[test]
fn a_refused_login_asks_for_five_minutes_at_most() {
    let (mut scene, mut link) = Scene::client();
    scene.hears(&mut link);
    scene.says(&mut link, &[refused(1234, RetryClass::After(u32::MAX), 0)]);
    let outcome = scene.on(scene.session, |machine, _| machine.login_outcome());
    let failure = outcome.unwrap().unwrap_err();
    assert_eq!(
        failure.closed.retry(),
        Retry::After(Duration::from_secs(300))
    );
}
