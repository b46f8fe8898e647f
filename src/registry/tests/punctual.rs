//! What is due happens then: not at a timeout before, not at one after.

use super::*;
use crate::{
    proto::{Effects, Time},
    registry::Registry,
    wire::{Frame, Refused, RetryClass, decode},
};

/// Lets everything happen that is due, and moves no bytes.
fn time(registry: &mut Registry, now: Time) {
    let mut fx = Effects::default();
    while registry.handle_due(now, &mut fx) {}
}

#[test]
fn a_timeout_that_comes_early_ends_no_login() {
    let mut pair = Pair::new(Config::new());
    pair.settle();
    let peer = pair.offered[0];
    pair.on_client(Machine::handle_timeout);
    pair.on_server(peer, Machine::handle_timeout);
    pair.admit_next();
    pair.settle();
    assert_eq!(pair.client_phase(), Phase::LoggedIn);
}

#[test]
fn a_session_is_over_at_the_end_of_its_resume_window_and_not_a_microsecond_before() {
    let window = Duration::from_secs(10);
    for (early, reason) in [(1, None), (0, Some(Reason::Expired))] {
        let (mut pair, peer) = Pair::logged_in(Config::new().resume_window(window));
        pair.cut();
        let until = pair.now + (window - Duration::from_micros(early));
        while let Some(next) = pair.server.next_deadline().filter(|&next| next < until) {
            time(&mut pair.server, next);
        }
        pair.now = until; // the RESUME is read before the clock is looked at
        pair.on_client(Machine::retry_now);
        pair.settle();
        assert_eq!(pair.reason(ACCEPTOR, peer), reason);
    }
}

#[test]
fn a_peer_that_closes_too_is_given_a_lease_to_hear_our_answer_and_no_more() {
    let (lease, linger) = (Duration::from_secs(6), Duration::from_secs(60));
    let (mut pair, peer) = Pair::logged_in(Config::new().lease(lease).close_linger(linger));
    let close =
        |machine: &mut Machine, cx: &mut Cx<'_>| machine.close(cx, Closed::new(Reason::ClosedHere));
    pair.on_server(peer, close);
    pair.write(0, ACCEPTOR);
    // Timers of the open link have gone off: the one that is left is for the linger.
    pair.now = pair.now + lease;
    time(&mut pair.server, pair.now);
    pair.on_client(close);
    pair.write(0, DIALER);
    pair.read(0, ACCEPTOR);
    assert!(!pair.server.get(peer).unwrap().is_settled());
    pair.now = pair.now + lease;
    time(&mut pair.server, pair.now);
    assert!(pair.server.get(peer).unwrap().is_settled());
}

#[test]
fn a_close_that_nobody_answers_on_its_second_link_waits_as_long_as_a_resume_does() {
    let deadline = Duration::from_secs(5);
    let config = Config::new()
        .login_deadline(deadline)
        .close_linger(Duration::from_secs(60));
    let (mut pair, _) = Pair::logged_in(config);
    pair.cut();
    pair.on_client(|machine, cx| machine.close(cx, Closed::new(Reason::ClosedHere)));
    assert!(pair.connect() && pair.write(1, DIALER), "RESUME");
    pair.on_client(Machine::handle_timeout);
    pair.now = pair.now + (deadline - Duration::from_micros(1));
    time(&mut pair.client, pair.now);
    assert!(!pair.client.get(pair.session).unwrap().is_settled());
    pair.now = pair.now + Duration::from_micros(1);
    time(&mut pair.client, pair.now);
    assert!(pair.client.get(pair.session).unwrap().is_settled());
}

#[test]
fn last_words_that_a_link_does_not_take_are_given_up_like_any_others() {
    let (stalled, linger) = (Duration::from_secs(15), Duration::from_secs(60));
    let config = Config::new().stalled_write(stalled).close_linger(linger);
    let (mut pair, peer) = Pair::logged_in(config);
    pair.on_server(peer, |machine, cx| {
        machine.close(cx, Closed::new(Reason::ClosedHere));
        let link = machine.current_link().unwrap();
        machine.blocked(cx, link, true);
    });
    pair.now = pair.now + stalled;
    time(&mut pair.server, pair.now);
    assert!(pair.server.get(peer).unwrap().is_settled());
}

#[test]
fn a_refused_resume_leads_to_where_the_server_said() {
    let (mut pair, _) = Pair::logged_in(Config::new());
    pair.cut();
    pair.on_client(Machine::retry_now);
    assert!(pair.connect() && pair.write(1, DIALER), "RESUME");
    let refused = Refused {
        code: Reason::Gone.code(),
        retry: RetryClass::Now,
        taken: 0,
        attempt: 0,
        redirect: "elsewhere.example:7",
        text: "",
    };
    pair.on_client(|machine, cx| {
        let link = machine.current_link().unwrap();
        let _ = machine.handle_frame(cx, link, &Frame::Refused(refused));
    });
    let ended = pair.client.get(pair.session).unwrap().ended().unwrap();
    assert_eq!(
        (ended.reason(), ended.redirect()),
        (Reason::Gone, Some("elsewhere.example:7"))
    );
}

#[test]
fn what_was_sent_again_is_counted_over_all_links() {
    let (mut pair, peer) = Pair::logged_in(Config::new());
    for (text, replayed) in [("one", 1), ("another", 2)] {
        pair.send(text);
        pair.network_up = false;
        pair.write(pair.links.len() - 1, DIALER);
        pair.cut();
        pair.network_up = true;
        pair.pass(Duration::from_secs(2));
        let seen = pair.client.snapshot(pair.session, pair.now).unwrap();
        assert_eq!(seen.replayed, replayed, "what did not arrive is sent again");
    }
    assert_eq!(pair.heard_by(peer), ["one", "another"]);
}

#[test]
fn a_turn_counts_what_it_writes_and_not_what_was_there_before() {
    let (mut pair, _) = Pair::logged_in(Config::new().turn_bytes(1024));
    pair.send("one");
    pair.send("two");
    let before = vec![0; 1024];
    let mut out = before.clone();
    let transmit = pair.on_client(|machine, cx| {
        let link = machine.current_link().unwrap();
        machine.transmit(cx, link, &mut out)
    });
    assert!(!transmit.more);
    assert!(out.starts_with(&before) && out.ends_with(b"two"));
}

#[test]
fn a_probe_goes_out_whatever_else_there_is_to_write() {
    let (mut pair, peer) = Pair::logged_in(Config::new());
    let wants = |machine: &mut Machine, cx: &mut Cx<'_>| machine.wants_transmit(cx);
    assert!(!pair.on_server(peer, wants));
    assert!(pair.on_server(peer, |machine, _| machine.probe()));
    assert!(pair.on_server(peer, wants), "for the probe alone");
    pair.send_back(peer, "and a message");
    pair.write(0, ACCEPTOR);
    let mut rest = &pair.links[0].bytes[DIALER][..];
    let mut written = Vec::new();
    while let Some((frame, used)) = decode(rest, 4096).unwrap() {
        written.push(frame.name());
        rest = &rest[used..];
    }
    assert_eq!(written, ["DATA", "PING"]);
}

#[test]
fn a_link_wants_to_write_its_first_frame_until_it_has() {
    let mut pair = Pair::new(Config::new());
    assert!(pair.connect());
    let wants = |machine: &mut Machine, cx: &mut Cx<'_>| machine.wants_transmit(cx);
    assert!(pair.on_client(wants), "LOGIN");
    pair.write(0, DIALER);
    assert!(!pair.on_client(wants));
    pair.read(0, ACCEPTOR);
    let peer = pair.admit_next();
    assert!(pair.on_server(peer, wants), "WELCOME");
    pair.write(0, ACCEPTOR);
    assert!(!pair.on_server(peer, wants));
}
