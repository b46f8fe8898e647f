//! What is to be seen of a session from outside: since when, from where, and that it ended.

use super::*;
use crate::{
    proto::{Effect, Effects, Key, Time},
    registry::Registry,
};

#[test]
fn a_stranger_stands_where_it_does_since_its_link_came_whenever_it_says_something() {
    let mut pair = Pair::new(Config::new());
    assert!(pair.connect() && pair.write(0, DIALER));
    let login = std::mem::take(&mut pair.links[0].bytes[ACCEPTOR]);
    let mut server = Registry::new(Config::new().validate().unwrap(), 0);
    let came = Time::START + Duration::from_secs(1);
    let remote = Some("192.0.2.1:7".parse().unwrap());
    let (later, mut fx) = (came + Duration::from_secs(1), Effects::default());
    let mut port = server.accept(came, remote, &mut fx).unwrap();

    let mut fresh = || unreachable!("nobody resumes");
    let mut login = &login[..];
    let _ = server.read(&mut port, later, &mut login, &mut fx, &mut fresh);
    let seen = server.snapshot(port.key(), later).unwrap();
    assert_eq!(seen.phase, Phase::Connecting);
    assert_eq!(seen.phase_since, came.since_start());
    assert_eq!(seen.link_since, came.since_start());
    assert_eq!((seen.remote_addr, seen.logged_in_at), (remote, None));
    assert_eq!(server.get(port.key()).unwrap().remote(), remote);
    let told = fx.drain().find_map(|effect| match effect {
        Effect::Event(event) => Some(event.remote_addr()),
        _ => None,
    });
    assert_eq!(told, Some(remote));
}

#[test]
fn a_session_says_since_when_it_is_logged_in_and_since_when_in_its_phase() {
    let (mut pair, peer) = Pair::logged_in(Config::new());
    let began = pair.now.since_start();
    pair.network_up = false;
    pair.pass(Duration::from_secs(1));
    let lost = pair.now.since_start();
    pair.cut();
    pair.pass(Duration::from_secs(1));
    for seen in [
        pair.client.snapshot(pair.session, pair.now).unwrap(),
        pair.server.snapshot(peer, pair.now).unwrap(),
    ] {
        assert_eq!(seen.phase, Phase::Reconnecting);
        assert_eq!((seen.logged_in_at, seen.phase_since), (Some(began), lost));
    }
}

#[test]
fn an_end_is_remembered_for_those_who_were_let_in_where_ends_are_remembered_at_all() {
    let remembering = Config::new().recently_ended(1);
    let forgetful = Config::new().recently_ended(0);
    for (config, expected) in [(remembering.clone(), 1), (forgetful, 0)] {
        let (mut pair, peer) = Pair::logged_in(config);
        assert_eq!(ends(&mut pair.server, peer, pair.now), expected);
        let session = pair.session;
        assert_eq!(ends(&mut pair.client, session, pair.now), 0, "a client's");
    }
    let mut pair = Pair::new(remembering);
    pair.settle();
    let stranger = pair.offered[0];
    assert_eq!(
        ends(&mut pair.server, stranger, pair.now),
        0,
        "a stranger's"
    );
}

/// Closes a session: how often its end was handed over to be remembered.
fn ends(registry: &mut Registry, key: Key, now: Time) -> usize {
    let mut fx = Effects::default();
    registry.input(key, now, &mut fx, |machine, cx| {
        machine.close(cx, Closed::new(Reason::ClosedHere));
    });
    assert_eq!(registry.get(key).unwrap().phase(), Phase::Ended);
    fx.drain()
        .filter(|effect| matches!(effect, Effect::Ended(_)))
        .count()
}

#[test]
fn who_was_let_in_fails_no_login_when_its_session_ends() {
    let (mut pair, peer) = Pair::logged_in(Config::new());
    pair.on_server(peer, |machine, cx| machine.remove(cx, "enough"));
    pair.settle();
    assert_eq!(pair.reason(DIALER, pair.session), Some(Reason::Removed));
    let told = pair.events.concat();
    assert!(!told.iter().any(|kind| kind.name() == "login-failed"));
}
