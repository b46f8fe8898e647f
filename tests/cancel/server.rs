//! What a server waits for: `door.next`, `events.next`, `try_admit`, `challenge`.

use std::{collections::BTreeSet, time::Duration};

use futures::future::join_all;
use sessile::{Config, Credentials, Notice, RejectCode, Takeover};

use super::{LIMIT, poll_times, slow_pair, slow_world, trickle};
use crate::common::drain;

const PEERS: usize = 20;

#[test]
fn a_door_asked_again_and_again_shows_every_peer_once() {
    let world = slow_world();
    let (_server, mut door) = world.server(Config::new());
    let clients: Vec<_> = (0..PEERS)
        .map(|i| (i, world.client(Config::new()), world.network.dialer()))
        .collect();
    let logins = world.spawn(join_all(clients.into_iter().map(
        |(i, client, dialer)| async move {
            let session = client.connect_over(dialer).await.expect("up");
            let me = Credentials::token(&i.to_string());
            session.login(&me).await.expect("admitted").identity()
        },
    )));
    let (mut admitted, mut cancelled) = (Vec::new(), 0);
    while admitted.len() < PEERS {
        // Polled at most once, then dropped.
        match poll_times(&world, &mut door.next(), 1) {
            Some(peer) => {
                let peer = peer.expect("the door is open");
                let name = String::from_utf8(peer.offer().credentials().to_vec());
                let identity = sessile::Identity::new(name.expect("text")).expect("short");
                admitted.push(peer.admit(identity));
            }
            None => cancelled += 1,
        }
        assert!(cancelled < 10_000, "only {} came", admitted.len());
    }
    assert!(cancelled > PEERS, "there was nothing to cancel");
    let names: BTreeSet<_> = world.run_within(LIMIT, logins).into_iter().collect();
    assert_eq!(names.len(), PEERS);
}

#[test]
fn events_asked_for_again_and_again_are_the_same_as_those_asked_for_once() {
    let world = slow_world();
    let (server, mut door) = world.server(Config::new());
    let (mut patient, mut hasty) = (server.events(), server.events());
    let (mine, theirs) = slow_pair(&world, &Config::new(), &mut door);
    world.network.cut();
    let (mut seen, mut cancelled) = (Vec::new(), 0);
    for round in 0..400 {
        match poll_times(&world, &mut hasty.next(), 1) {
            Some(Some(Notice::Event(event))) => seen.push(event.kind().clone()),
            Some(other) => panic!("{other:?}"),
            None => cancelled += 1,
        }
        if round == 300 {
            break;
        }
    }
    drop((mine, theirs));
    world.pass(Duration::from_secs(10));
    seen.extend(drain(&mut hasty));
    assert!(cancelled > 100 && seen.len() >= 6, "{cancelled}, {seen:?}");
    assert_eq!(seen, drain(&mut patient));
}

#[test]
fn a_cancelled_try_admit_gives_the_newcomer_back_and_the_holder_stays() {
    for polls in 0.. {
        let world = slow_world();
        let (server, mut door) = world.server(Config::new().takeover(Takeover::Reject));
        let (mut mine, mut theirs) = slow_pair(&world, &Config::new(), &mut door);
        let newcomer = world.client(Config::new());
        let session = world
            .run_within(LIMIT, newcomer.connect_over(world.network.dialer()))
            .expect("up");
        let login = session.login(&Credentials::token("alice"));
        let peer = world.run_within(LIMIT, door.next()).expect("a peer");
        let mut admit = peer.try_admit(mine.identity());
        let done = poll_times(&world, &mut admit, polls);
        let is_done = done.is_some();
        let occupied = match done {
            Some(outcome) => outcome,
            None => {
                let again = admit.into_session().try_admit(mine.identity());
                world.run_within(LIMIT, again)
            }
        };
        occupied.expect_err("the holder is there").reject();
        let refused = world.run_within(LIMIT, login).expect_err("refused");
        assert_eq!(
            refused.rejection().map(|why| why.code()),
            Some(RejectCode::Occupied),
            "after {polls} polls"
        );
        assert_eq!(server.sessions().len(), 1);
        mine.try_send("still here").expect("room");
        let heard = world
            .run_within(LIMIT, theirs.recv())
            .expect("the same link");
        assert_eq!(&*heard, b"still here");
        if is_done {
            assert!(polls > 3, "there was nothing to cancel");
            return;
        }
    }
}

#[test]
fn a_dropped_try_admit_turns_the_newcomer_away_and_the_holder_stays() {
    for polls in 0.. {
        let world = slow_world();
        let (server, mut door) = world.server(Config::new().takeover(Takeover::Reject));
        let (mut mine, mut theirs) = slow_pair(&world, &Config::new(), &mut door);
        let newcomer = world.client(Config::new());
        let session = world
            .run_within(LIMIT, newcomer.connect_over(world.network.dialer()))
            .expect("up");
        let login = session.login(&Credentials::token("alice"));
        let peer = world.run_within(LIMIT, door.next()).expect("a peer");
        let mut admit = peer.try_admit(mine.identity());
        let done = poll_times(&world, &mut admit, polls).is_some();
        drop(admit);
        world.run_within(LIMIT, login).expect_err("turned away");
        assert_eq!(server.sessions().len(), 1);
        mine.try_send("still here").expect("room");
        let heard = world
            .run_within(LIMIT, theirs.recv())
            .expect("the same link");
        assert_eq!(&*heard, b"still here");
        if done {
            return;
        }
    }
}

#[test]
fn a_ghost_gives_way_however_often_the_question_was_cancelled() {
    let world = slow_world();
    let (_server, mut door) = world.server(Config::new().takeover(Takeover::Reject));
    let (ghost, _theirs) = slow_pair(&world, &Config::new(), &mut door);
    for link in world.network.links() {
        link.black_hole(sessile::transport::memory::Direction::ToAcceptor, true);
    }
    let identity = ghost.identity();
    let newcomer = world.client(Config::new());
    let session = world
        .run_within(LIMIT, newcomer.connect_over(world.network.dialer()))
        .expect("up");
    let login = session.login(&Credentials::token("alice"));
    let mut peer = world.run_within(LIMIT, door.next()).expect("a peer");
    for polls in 0..4 {
        let mut admit = peer.try_admit(identity.clone());
        assert!(poll_times(&world, &mut admit, polls).is_none());
        peer = admit.into_session();
    }
    let admitted = world.run_within(LIMIT, peer.try_admit(identity));
    let _admitted = admitted.expect("a ghost does not answer");
    let _mine = world.run_within(LIMIT, login).expect("admitted");
}

/// A client that answers by turning the question round.
fn answering() -> Credentials {
    Credentials::token("alice").answer_with(|ask| ask.iter().rev().copied().collect())
}

#[test]
fn a_cancelled_challenge_can_be_asked_again_once_its_answer_came() {
    for polls in 0.. {
        let world = slow_world();
        let (_server, mut door) = world.server(Config::new());
        let client = world.client(Config::new());
        let session = world
            .run_within(LIMIT, client.connect_over(world.network.dialer()))
            .expect("up");
        let login = session.login(&answering());
        let login = world.spawn(login);
        let peer = world.run_within(LIMIT, door.next()).expect("a peer");
        let mut challenge = peer.offer().challenge(b"abc");
        let done = poll_times(&world, &mut challenge, polls);
        drop(challenge);
        let is_done = done.is_some();
        if let Some(answer) = done {
            assert_eq!(&*answer.expect("an answer"), b"cba");
        }
        trickle(&world);
        world.pass(Duration::from_millis(100)); // the answer comes, for nobody
        let again = world.run_within(LIMIT, peer.offer().challenge(b"xyz"));
        assert_eq!(&*again.expect("an answer"), b"zyx", "after {polls} polls");
        let _theirs = peer.admit(7u64);
        let _mine = world.run_within(LIMIT, login).expect("admitted");
        if is_done {
            assert!(polls > 3, "there was nothing to cancel");
            return;
        }
    }
}

/// A host that no longer waits for the answer lets the peer in all the same: the answer that is on its way harms nobody.
#[test]
fn a_peer_is_admitted_while_a_question_is_open_and_keeps_its_link() {
    for polls in 0.. {
        let world = slow_world();
        let (_server, mut door) = world.server(Config::new());
        let client = world.client(Config::new());
        let session = world
            .run_within(LIMIT, client.connect_over(world.network.dialer()))
            .expect("up");
        let login = world.spawn(session.login(&answering()));
        let peer = world.run_within(LIMIT, door.next()).expect("a peer");
        let mut challenge = peer.offer().challenge(b"abc");
        let done = poll_times(&world, &mut challenge, polls).is_some();
        drop(challenge);
        let mut theirs = peer.admit(7u64);
        theirs.try_send("hello").expect("room");
        let mut mine = world
            .run_within(LIMIT, login)
            .unwrap_or_else(|error| panic!("after {polls} polls: {error}"));
        let hello = world.run_within(LIMIT, mine.recv());
        assert_eq!(&*hello.expect("the first link"), b"hello", "{polls} polls");
        mine.try_send("hello").expect("room");
        let hello = world.run_within(LIMIT, theirs.recv());
        assert_eq!(&*hello.expect("the first link"), b"hello", "{polls} polls");
        if done {
            return;
        }
    }
}
