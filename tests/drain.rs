//! A server that goes down in order: who is told what, who may still come, how everybody ends, and by when.

mod common;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use common::{MINUTE, MS, SECOND, World, lost, names, read, soon};
use sessile::{
    Admission, Admit, Closed, Config, Credentials, Ended, Event, EventKind, Fate, Host, Identity,
    Message, Offer, Phase, Reason, RejectCode, Rejection, Retry, Turn, Undelivered,
};

#[test]
fn everybody_is_told_goes_on_talking_and_is_closed_at_the_deadline() {
    let world = World::new();
    let (server, mut door) = world.server(Config::new());
    let (mut mine, mut theirs) = world.pair(Config::new(), &mut door, "alice");
    let (mut here, mut there) = (mine.events(), theirs.events());
    let began = world.clock.now();
    let drain = server
        .drain(SECOND * 10)
        .redirect("b:7000")
        .text("so long")
        .spread(SECOND * 8);
    let drain = world.spawn(drain);
    world.settle();
    assert_eq!(
        (names(&mut here), names(&mut there)),
        (vec!["draining"], vec!["draining"])
    );
    let going = mine.peer().going().expect("it was told");
    assert_eq!(going.redirect(), Some("b:7000"));
    assert_eq!(going.text(), Some("so long"));

    world.pass(SECOND * 5);
    world.run(mine.send("question")).unwrap();
    assert_eq!(&*world.run(theirs.recv()).unwrap(), b"question");
    world.run(theirs.send("answer")).unwrap();
    assert_eq!(&*world.run(mine.recv()).unwrap(), b"answer");

    let end = world.run_within(SECOND * 6, mine.recv()).unwrap_err();
    let Ended::Closed(closed) = end else {
        panic!("{end:?}")
    };
    assert_eq!(closed.reason(), Reason::Draining);
    assert_eq!(closed.redirect(), Some("b:7000"));
    assert_eq!(closed.retry(), Retry::After(Duration::ZERO));
    assert_eq!(closed.text(), Some("so long"));
    let drained = world.run_within(SECOND * 2, drain);
    assert_eq!((drained.left, drained.closed, drained.cut), (0, 1, 0));
    let took = world.clock.now() - began;
    assert!(took >= SECOND * 10 && took <= SECOND * 11, "{took:?}");
    let Err(Ended::Closed(closed)) = theirs.check() else {
        panic!("it goes on")
    };
    assert_eq!(closed.reason(), Reason::Draining);
    assert!(world.run(door.next()).is_none(), "the runtime has stopped");
}

#[test]
fn slots_are_spread_evenly_over_everybody() {
    let world = World::new();
    let (server, mut door) = world.server(Config::new());
    let pairs: Vec<_> = (0..8)
        .map(|n| world.pair(Config::new(), &mut door, &format!("peer {n}")))
        .collect();
    let _drain = world.spawn(server.drain(SECOND * 10));
    world.settle();
    let mut slots: Vec<_> = pairs
        .iter()
        .map(|(mine, _)| mine.peer().going().expect("it was told").retry())
        .map(|retry| match retry {
            Retry::After(slot) => slot,
            other => panic!("{other:?}"),
        })
        .collect();
    slots.sort_unstable();
    assert_eq!(slots, (0..8).map(|n| MS * 1_250 * n).collect::<Vec<_>>());
}

#[test]
fn a_drain_is_over_as_soon_as_nobody_is_left() {
    let world = World::new();
    let (server, mut door) = world.server(Config::new());
    let (mine, mut theirs) = world.pair(Config::new(), &mut door, "alice");
    let drain = world.spawn(server.drain(MINUTE));
    world.pass(SECOND * 2);
    let close = world.spawn(mine.close("I go elsewhere"));
    assert!(world.run(theirs.recv()).is_err());
    assert!(world.run_within(SECOND, close).is_empty());
    let drained = world.run_within(SECOND, drain);
    assert_eq!((drained.left, drained.closed, drained.cut), (1, 0, 0));
}

#[test]
fn nobody_new_is_let_in_and_who_comes_back_is() {
    let world = World::new();
    let (server, mut door) = world.server(Config::new());
    let (mut mine, mut theirs) = world.pair(soon(), &mut door, "alice");
    let waiting = world.spawn(
        world
            .connect(Config::new())
            .login(&Credentials::token("early")),
    );
    world.settle();
    let _drain = world.spawn(server.drain(SECOND * 30).redirect("b:7000").text("so long"));
    let late = world.connect(Config::new());
    let late = world.spawn(late.login(&Credentials::token("late")));
    for login in [waiting, late] {
        let error = world.run_within(SECOND, login).unwrap_err();
        let rejection = error.rejection().expect("the server said no");
        assert_eq!(rejection.code(), RejectCode::Draining);
        assert_eq!(rejection.redirect_to(), Some("b:7000"));
        assert_eq!(rejection.explanation(), Some("so long"));
        let Retry::After(slot) = rejection.retry() else {
            panic!("{rejection}")
        };
        assert!(slot < SECOND * 30, "{slot:?}");
    }
    world.cut();
    theirs.try_send("said meanwhile").unwrap_err();
    let mut events = mine.events();
    let loss = lost(&mut mine);
    let mut mine = world
        .run_within(SECOND * 5, mine.reconnect(loss).resume())
        .expect("it may come back");
    let loss = lost(&mut theirs);
    let mut theirs = world
        .run(theirs.reconnect(loss).resume())
        .expect("it is back");
    mine.try_send("flushed").unwrap();
    assert_eq!(&*world.run(theirs.recv()).unwrap(), b"flushed");
    assert!(!names(&mut events).contains(&"draining"), "once is enough");
}

#[test]
fn a_peer_that_is_being_judged_when_it_begins_is_not_let_in() {
    let world = World::new();
    let (server, mut door) = world.server(Config::new());
    let login = world.spawn(
        world
            .connect(Config::new())
            .login(&Credentials::token("alice")),
    );
    let peer = world.run(door.next()).expect("a peer");
    let drained = world.spawn(server.drain(SECOND * 30));
    world.settle();
    let mut refused = peer.admit(7u64);
    assert!(matches!(refused.try_recv(), Err(Ended::Closed(_))));
    let error = world.run_within(SECOND, login).unwrap_err();
    assert!(error.rejection().is_some(), "{error:?}");
    let drained = world.run_within(SECOND, drained);
    assert_eq!((drained.left, drained.closed, drained.cut), (0, 0, 0));
}

#[test]
fn a_client_without_a_link_is_cut_and_neither_side_hopes_for_longer() {
    let world = World::new();
    let (server, mut door) = world.server(Config::new());
    let (mut mine, _theirs) = world.pair(soon(), &mut door, "alice");
    let drain = world.spawn(server.drain(SECOND * 5).redirect("b:7000"));
    world.settle();
    mine.try_send("never written").unwrap();
    world.network.refuse(true);
    world.network.cut();
    world.settle();
    let loss = lost(&mut mine);
    let resume = world.spawn(mine.reconnect(loss).resume());
    let drained = world.run_within(SECOND * 6, drain);
    assert_eq!((drained.left, drained.closed, drained.cut), (0, 0, 1));
    let mut gone = world.run_within(SECOND * 2, resume).unwrap_err();
    assert_eq!(gone.closed().reason(), Reason::Draining);
    assert_eq!(gone.closed().redirect(), Some("b:7000"));
    let fates: Vec<_> = gone
        .take_undelivered()
        .iter()
        .map(Undelivered::fate)
        .collect();
    assert!(
        matches!(fates[..], [Fate::NeverSent | Fate::Unknown]),
        "{fates:?}"
    );
}

/// A host that records what it is told.
#[derive(Clone, Default)]
struct Record(Arc<Mutex<Vec<String>>>);

impl Record {
    fn note(&self, line: String) {
        self.0.lock().unwrap().push(line);
    }
}

impl Admit for Record {
    type Peer = ();

    async fn admit(&self, offer: &Offer) -> Result<Admission<()>, Rejection> {
        let name = std::str::from_utf8(offer.credentials()).expect("text");
        Ok(Admission::new(Identity::new(name).expect("short"), ()))
    }
}

impl Host for Record {
    fn on_message(&self, peer: &mut Turn<'_, ()>, message: Message<'_>) {
        peer.send(&message).expect("an answer");
    }

    fn on_event(&self, event: &Event) {
        if matches!(event.kind(), EventKind::Draining) {
            self.note("draining".to_owned());
        }
    }

    fn on_end(&self, (): (), why: Closed, undelivered: Vec<Undelivered>) {
        self.note(format!("{:?} {}", why.reason(), undelivered.len()));
    }
}

#[test]
fn a_host_goes_on_answering_and_has_heard_of_every_end_when_it_is_over() {
    let world = World::new();
    let host = Record::default();
    let (server, _) = world.server(Config::new());
    let _serving = server.serve_over(world.network.listener(), host.clone());
    let session = world.connect(Config::new());
    let mut mine = world
        .run(session.login(&Credentials::token("alice")))
        .expect("admitted");
    let drain = world.spawn(server.drain(SECOND * 3));
    world.pass(SECOND);
    mine.try_send("still there?").unwrap();
    world.settle();
    assert_eq!(read(&mut mine), ["still there?"]);
    let drained = world.run_within(SECOND * 4, drain);
    assert_eq!((drained.left, drained.closed, drained.cut), (0, 1, 0));
    assert_eq!(*host.0.lock().unwrap(), ["draining", "Draining 0"]);
    assert_eq!(mine.peer().phase(), Phase::Ended);
}

/// What was accepted on either side before the end is delivered, or handed back: nothing is lost and nothing comes twice.
#[test]
fn what_was_not_taken_at_the_deadline_comes_back_to_whoever_sent_it() {
    let world = World::new();
    let (server, mut door) = world.server(Config::new());
    let (mut mine, mut theirs) = world.pair(Config::new(), &mut door, "alice");
    let drain = world.spawn(server.drain(SECOND * 2));
    for n in 0..10 {
        mine.try_send(&format!("up {n}")).unwrap();
        theirs.try_send(&format!("down {n}")).unwrap();
    }
    world.settle();
    for n in 0..4 {
        assert_eq!(
            &*world.run(theirs.recv()).unwrap(),
            format!("up {n}").as_bytes()
        );
    }
    world.pass(SECOND * 2 + MS * 10);
    let down = read(&mut mine);
    assert_eq!(
        down,
        (0..10).map(|n| format!("down {n}")).collect::<Vec<_>>()
    );
    let undelivered = world.run_within(SECOND, mine.close(""));
    let back: Vec<_> = undelivered
        .iter()
        .map(|one| one.message().clone())
        .collect();
    let expected: Vec<_> = (4..10)
        .map(|n| bytes::Bytes::from(format!("up {n}")))
        .collect();
    assert_eq!(back, expected);
    assert!(world.run_within(SECOND, theirs.close("")).is_empty());
    let drained = world.run_within(SECOND, drain);
    assert_eq!((drained.left, drained.closed, drained.cut), (0, 1, 0));
}

#[test]
fn a_second_drain_changes_nothing_and_ends_with_the_first() {
    let world = World::new();
    let (server, mut door) = world.server(Config::new());
    let (mine, _theirs) = world.pair(Config::new(), &mut door, "alice");
    let first = world.spawn(server.drain(SECOND * 2).redirect("b:7000"));
    world.settle();
    let second = world.spawn(server.drain(MINUTE).redirect("c:7000"));
    world.settle();
    let going = mine.peer().going().expect("it was told");
    assert_eq!(going.redirect(), Some("b:7000"));
    let drained = world.run_within(SECOND * 3, first);
    assert_eq!(world.run(second), drained);
}
