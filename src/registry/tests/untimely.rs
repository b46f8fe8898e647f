//! Calls and frames that come at an odd time.

use super::*;

#[test]
fn before_the_first_login_no_message_is_accepted() {
    let mut pair = Pair::new(Config::new());
    let posted = pair.on_client(|machine, _| machine.post(Lent::Slice(b"early")));
    assert!(matches!(posted, Err(SendError::Ended(Ended::Lost(_)))));
    pair.settle();
    let peer = pair.admit_next();
    pair.settle();
    assert_eq!(pair.heard_by(peer), [""; 0]);
}

#[test]
fn a_full_window_holds_messages_back_only_from_a_host_that_would_answer_them() {
    let (mut pair, peer) = Pair::logged_in(Config::new().unacked_messages(1));
    pair.send_back(peer, "fills the window");
    pair.send("hello");
    pair.settle();
    let answering = pair.on_server(peer, |machine, cx| machine.next_for_host(cx, true));
    assert_eq!(answering, None);
    let listening = pair.on_server(peer, |machine, cx| machine.next_for_host(cx, false));
    assert_eq!(&listening.unwrap().payload[..], b"hello");
}

#[test]
fn only_a_server_probes_and_only_where_an_answer_can_come() {
    let mut pair = Pair::new(Config::new());
    pair.settle();
    let peer = pair.admit_next();
    assert!(
        !pair.on_server(peer, |machine, _| machine.probe()),
        "WELCOME was not written yet"
    );
    pair.settle();
    assert!(pair.on_server(peer, |machine, _| machine.probe()));
    assert!(!pair.on_client(|machine, _| machine.probe()));
    pair.on_server(peer, |machine, cx| {
        machine.close(cx, Closed::new(Reason::ClosedHere));
    });
    assert!(
        !pair.on_server(peer, |machine, _| machine.probe()),
        "it is over"
    );
}

#[test]
fn a_login_can_be_called_off_until_it_has_succeeded() {
    let mut pair = Pair::new(Config::new());
    pair.settle();
    assert!(pair.on_client(Machine::cancel_login));
    let (mut pair, _) = Pair::logged_in(Config::new());
    assert!(!pair.on_client(Machine::cancel_login));
    assert_eq!(pair.client_phase(), Phase::LoggedIn);
}

#[test]
fn who_is_let_in_too_late_has_a_name_and_a_living_session_keeps_its_own() {
    let mut pair = Pair::new(Config::new());
    pair.settle();
    let key = pair.offered[0];
    pair.on_server(key, |machine, _| machine.claim());
    pair.cut();
    assert_eq!(pair.admit_next(), key);
    let machine = pair.server.get(key).unwrap();
    assert_eq!(machine.phase(), Phase::Ended);
    assert_eq!(machine.identity(), Some(&Identity::new(42u64).unwrap()));

    let mut pair = Pair::new(Config::new());
    pair.settle();
    let alive = pair.offered[0];
    pair.on_server(alive, |machine, _| {
        machine.name_the_dead(Identity::new(1u64).unwrap());
    });
    assert_eq!(pair.server.get(alive).unwrap().identity(), None);
}

#[test]
fn a_peer_that_was_let_in_before_it_answered_is_welcomed_when_its_answer_comes() {
    let mut pair = Pair::new(Config::new());
    pair.settle();
    let key = pair.offered[0];
    let ask = Bytes::from_static(b"who?");
    assert!(pair.on_server(key, |machine, _| machine.challenge(ask)));
    pair.settle();
    pair.admit_next();
    pair.settle();
    assert_eq!(pair.client_phase(), Phase::Connecting);
    let asked = pair.on_client(|machine, _| machine.take_challenge());
    assert_eq!(asked.as_deref(), Some(&b"who?"[..]));
    pair.on_client(|machine, cx| machine.answer(cx, Some(Bytes::from_static(b"me"))));
    pair.settle();
    assert_eq!(pair.client_phase(), Phase::LoggedIn);
}

#[test]
fn whoever_stops_waiting_stops_no_dial_that_is_planned_without_him() {
    let (mut pair, _) = Pair::logged_in(Config::new());
    pair.cut();
    pair.on_client(|machine, cx| machine.want(cx, true));
    pair.on_client(|machine, cx| machine.want(cx, false));
    pair.pass(Duration::from_secs(2));
    assert_eq!(pair.client_phase(), Phase::LoggedIn);
}

#[test]
fn whoever_waits_before_the_first_login_plans_no_dial() {
    let waiting = Reconnect::new().mode(ReconnectMode::OnResume);
    let mut pair = Pair::new(Config::new().reconnect(waiting));
    pair.on_client(Machine::cancel_login);
    pair.dials.clear();
    pair.on_client(|machine, cx| machine.want(cx, true));
    pair.pass(Duration::from_secs(60));
    assert_eq!(pair.links.len(), 0);
    let told = pair.events.concat();
    assert!(!told.iter().any(|kind| kind.name() == "reconnect-scheduled"));
}

#[test]
fn bytes_that_are_no_frame_lose_the_link_at_once_and_say_why() {
    let (mut pair, peer) = Pair::logged_in(Config::new());
    pair.links[0].bytes[ACCEPTOR] = vec![0; 4]; // a frame of no bytes
    pair.read(0, ACCEPTOR);
    assert_eq!(pair.server.get(peer).unwrap().phase(), Phase::Reconnecting);
    let why = LossCause::Protocol(crate::Violation::Empty);
    assert!(pair.events[ACCEPTOR].contains(&EventKind::LinkLost(why)));
}
