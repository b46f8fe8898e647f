//! Two registries face each other, without sockets, tasks or clocks: time and bytes are values here.

// These two know the library's root alone: the fuzz target `pair` includes them, too.
mod direction;
mod pair;

mod door;
mod giving_way;
mod lives;
mod punctual;
mod returning;
mod several;
mod standing;
mod tombstones;
mod untimely;

use std::time::Duration;

use bytes::Bytes;

use self::pair::{ACCEPTOR, DIALER, Pair};
use crate::{
    Closed, Config, Ended, EventKind, Fate, Identity, LossCause, Reason, Reconnect, ReconnectMode,
    SendError,
    message::Lent,
    proto::{Cx, LoginFailure, Machine, Offer, Phase},
};

#[test]
fn a_client_logs_in_and_both_ends_talk() {
    let (mut pair, peer) = Pair::logged_in(Config::new());
    pair.send("hello");
    pair.send_back(peer, "welcome");
    pair.settle();
    assert_eq!(pair.heard_by(peer), ["hello"]);
    assert_eq!(pair.heard_by_client(), ["welcome"]);
    pair.pass(Duration::from_millis(100));
    let snapshot = pair.client.snapshot(pair.session, pair.now).unwrap();
    assert_eq!(
        (snapshot.sent, snapshot.acked, snapshot.received),
        (1, 1, 1)
    );
    assert_eq!(
        snapshot.identity,
        pair.server.snapshot(peer, pair.now).unwrap().identity
    );
}

#[test]
fn heartbeats_measure_both_ways_and_nobody_is_suspected_while_they_flow() {
    let (mut pair, peer) = Pair::logged_in(Config::new());
    pair.pass(Duration::from_secs(60));
    assert_eq!(pair.client_phase(), Phase::LoggedIn);
    assert!(!pair.events.concat().contains(&EventKind::Suspect));
    assert!(
        pair.client
            .snapshot(pair.session, pair.now)
            .unwrap()
            .round_trip
            .is_some()
    );
    assert!(
        pair.server
            .snapshot(peer, pair.now)
            .unwrap()
            .round_trip
            .is_some()
    );
}

#[test]
fn a_cut_link_loses_nothing_and_doubles_nothing_in_either_direction() {
    let (mut pair, peer) = Pair::logged_in(Config::new());
    pair.send("1");
    pair.send_back(peer, "a");
    pair.settle();
    pair.send("2"); // written, then lost with the link
    pair.write(0, DIALER);
    pair.send_back(peer, "b");
    pair.cut();
    pair.send_back(peer, "c");
    assert_eq!(pair.client_phase(), Phase::Reconnecting);
    pair.pass(Duration::from_secs(2));
    assert_eq!(pair.client_phase(), Phase::LoggedIn);
    pair.send("3");
    pair.settle();
    assert_eq!(pair.heard_by(peer), ["1", "2", "3"]);
    assert_eq!(pair.heard_by_client(), ["a", "b", "c"]);
    assert_eq!(pair.server.get(peer).unwrap().epoch(), 2);
}

#[test]
fn a_lost_resumed_locks_nobody_out() {
    let (mut pair, peer) = Pair::logged_in(Config::new());
    for _ in 0..3 {
        pair.cut();
        pair.network_up = false;
        pair.pass(Duration::from_secs(10)); // until a dial waits
        pair.network_up = true;
        assert!(pair.connect());
        let link = pair.links.len() - 1;
        assert!(
            pair.write(link, DIALER) && pair.read(link, ACCEPTOR) && pair.write(link, ACCEPTOR)
        );
        assert_eq!(pair.server.get(peer).unwrap().phase(), Phase::LoggedIn);
        // RESUMED is on its way, and is lost with the link.
    }
    pair.cut();
    pair.pass(Duration::from_secs(20));
    assert_eq!(pair.client_phase(), Phase::LoggedIn);
}

#[test]
fn a_lost_welcome_is_replaced_by_the_next_login_and_nobody_hears_of_a_takeover() {
    let mut pair = Pair::new(Config::new());
    pair.settle();
    let ghost = pair.admit_next();
    pair.write(0, ACCEPTOR); // WELCOME is on its way …
    pair.cut(); // … and lost
    let outcome = pair.on_client(|machine, _| machine.login_outcome());
    assert!(
        matches!(outcome, Some(Err(LoginFailure { ref closed, .. })) if closed.reason() == Reason::LinkLost)
    );
    pair.on_client(|machine, cx| machine.login(cx, Bytes::from_static(b"me")));
    pair.settle();
    let peer = pair.admit_next();
    pair.settle();
    assert_eq!(pair.client_phase(), Phase::LoggedIn);
    assert_eq!(pair.reason(ACCEPTOR, ghost), Some(Reason::Superseded));
    assert_eq!(pair.server.len(), 1);
    assert!(!pair.events.concat().contains(&EventKind::TakenOver));
    assert_eq!(pair.server.get(peer).unwrap().epoch(), 2);
}

#[test]
fn silence_makes_suspect_then_times_out_then_comes_back() {
    let (mut pair, peer) = Pair::logged_in(Config::new());
    let from = pair.events[DIALER].len();
    pair.links[0].ends = [None, None]; // the link is a black hole: both ends still believe in it
    pair.pass(Duration::from_secs(3));
    assert_eq!(pair.client_phase(), Phase::Suspect);
    pair.pass(Duration::from_secs(6));
    let names: Vec<_> = pair.events[DIALER][from..]
        .iter()
        .map(EventKind::name)
        .collect();
    assert_eq!(
        names,
        [
            "suspect",
            "timed-out",
            "reconnect-scheduled",
            "reconnect-started",
            "resumed"
        ]
    );
    assert_eq!(pair.server.get(peer).unwrap().phase(), Phase::LoggedIn);
}

#[test]
fn a_close_delivers_what_was_sent_before_and_both_sides_know() {
    let (mut pair, peer) = Pair::logged_in(Config::new());
    pair.send("last");
    pair.on_client(|machine, cx| machine.close(cx, Closed::new(Reason::ClosedHere)));
    pair.settle();
    assert_eq!(pair.reason(ACCEPTOR, peer), Some(Reason::ClosedByPeer));
    assert!(
        !pair.client.get(pair.session).unwrap().is_settled(),
        "CLOSED must wait for the reader"
    );
    assert_eq!(pair.heard_by(peer), ["last"]);
    pair.settle();
    assert!(pair.client.get(pair.session).unwrap().is_settled());
    assert_eq!(pair.on_client(|machine, _| machine.take_undelivered()), []);
}

#[test]
fn a_close_while_the_link_is_down_comes_back_once_to_say_so() {
    let (mut pair, peer) = Pair::logged_in(Config::new());
    pair.send("unread");
    pair.cut();
    pair.on_client(|machine, cx| machine.close(cx, Closed::new(Reason::ClosedHere)));
    pair.settle();
    assert_eq!(pair.reason(ACCEPTOR, peer), Some(Reason::ClosedByPeer));
    assert_eq!(pair.heard_by(peer), ["unread"]);
    pair.settle();
    assert_eq!(pair.on_client(|machine, _| machine.take_undelivered()), []);
}

#[test]
fn an_expired_session_says_so_and_hands_back_exactly_what_did_not_arrive() {
    let config = Config::new().resume_window(Duration::from_secs(10));
    let (mut pair, peer) = Pair::logged_in(config);
    pair.send("taken");
    pair.settle();
    assert_eq!(pair.heard_by(peer), ["taken"]);
    pair.pass(Duration::from_millis(100));
    pair.send("written");
    pair.write(0, DIALER);
    pair.network_up = false;
    pair.cut();
    let never = pair.on_client(|machine, _| machine.post(Lent::Slice(b"never written")));
    never.unwrap();
    pair.pass(Duration::from_secs(12));
    assert_eq!(pair.reason(ACCEPTOR, peer), Some(Reason::Expired));
    pair.network_up = true;
    pair.pass(Duration::from_secs(30));
    assert_eq!(pair.client_phase(), Phase::Ended);
    let fates: Vec<_> = pair
        .on_client(|machine, _| machine.take_undelivered())
        .into_iter()
        .map(|one| (one.fate(), one.into_message()))
        .collect();
    assert_eq!(
        fates,
        [
            (Fate::Unknown, Bytes::from_static(b"written")),
            (Fate::NeverSent, Bytes::from_static(b"never written"))
        ]
    );
}

#[test]
fn a_takeover_tells_the_old_end_and_fences_it() {
    let (mut pair, old) = Pair::logged_in(Config::new());
    let other = pair.client.dialer([8; 16], 0, 2);
    let first = std::mem::replace(&mut pair.session, other);
    pair.on_client(|machine, cx| machine.login(cx, Bytes::from_static(b"me too")));
    pair.settle();
    let new = pair.admit_next();
    pair.settle();
    assert_eq!(pair.reason(ACCEPTOR, old), Some(Reason::TakenOver));
    assert_eq!(pair.reason(DIALER, first), Some(Reason::TakenOver));
    assert_eq!(pair.client_phase(), Phase::LoggedIn);
    assert_eq!(
        pair.server.holder(&Identity::new(42u64).unwrap()),
        Some(new)
    );
    assert_eq!(pair.server.get(new).unwrap().epoch(), 2);
}

#[test]
fn a_full_window_refuses_and_opens_again_when_the_peer_takes() {
    let (mut pair, peer) = Pair::logged_in(Config::new().unacked_messages(2));
    pair.send("1");
    pair.send("2");
    let third =
        |machine: &mut Machine, _: &mut Cx<'_>| machine.send(machine.epoch(), Lent::Slice(b"3"));
    assert!(matches!(pair.on_client(third), Err(SendError::Full)));
    pair.settle();
    assert!(
        matches!(pair.on_client(third), Err(SendError::Full)),
        "arrived is not taken"
    );
    assert_eq!(pair.heard_by(peer), ["1", "2"]);
    pair.settle();
    pair.on_client(third).unwrap();
}

#[test]
fn with_reconnect_never_a_loss_is_the_end() {
    let config = Config::new().reconnect(Reconnect::new().mode(ReconnectMode::Never));
    let (mut pair, _) = Pair::logged_in(config);
    pair.cut();
    assert_eq!(pair.reason(DIALER, pair.session), Some(Reason::LinkLost));
    let ended = pair.on_client(|machine, cx| machine.recv(cx, machine.epoch()));
    assert!(matches!(ended, Err(Ended::Closed(_))));
}

#[test]
fn our_own_stall_of_three_leases_declares_nobody_dead() {
    let (mut pair, peer) = Pair::logged_in(Config::new());
    pair.pass(Duration::from_millis(500));
    let from = pair.events[ACCEPTOR].len();
    pair.now = pair.now + Duration::from_secs(18); // the process was stopped: nothing ran, nothing was read
    pair.time();
    pair.settle();
    pair.pass(Duration::from_secs(5));
    let since: Vec<_> = pair.events[ACCEPTOR][from..]
        .iter()
        .map(EventKind::name)
        .collect();
    assert_eq!(since, ["suspect", "recovered"]);
    assert_eq!(pair.server.get(peer).unwrap().epoch(), 1);
}

#[test]
fn strangers_are_counted_and_gone_at_the_login_deadline() {
    let mut pair = Pair::new(Config::new());
    assert!(pair.connect());
    assert_eq!((pair.server.strangers(), pair.server.occupied()), (1, 1));
    pair.links.clear();
    pair.pass(Duration::from_secs(5));
    assert_eq!((pair.server.strangers(), pair.server.occupied()), (0, 0));
    assert_eq!(pair.events[ACCEPTOR], []);
}

#[test]
fn nothing_is_left_once_a_session_is_closed_and_forgotten() {
    let (mut pair, peer) = Pair::logged_in(Config::new());
    pair.on_client(|machine, cx| machine.abandon(cx));
    pair.settle();
    pair.on_server(peer, |machine, cx| machine.abandon(cx));
    pair.settle();
    assert_eq!(pair.client.occupied(), 0);
    pair.pass(Duration::from_secs(121));
    assert_eq!((pair.server.occupied(), pair.server.len()), (0, 0));
    assert_eq!(pair.server.next_deadline(), None);
}

#[test]
fn offers_are_shown_as_presented() {
    let mut pair = Pair::new(Config::new());
    pair.settle();
    let Offer {
        credentials,
        remote,
    } = pair.server.get(pair.offered[0]).unwrap().offer().unwrap();
    assert_eq!((&credentials[..], remote), (&b"me"[..], None));
}
