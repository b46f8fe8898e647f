//! The collection, for operators: snapshots, groups, metadata, handles that mean one session, and why a session ended.

mod common;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use common::World;
use sessile::{
    Config, Door, Ended, Group, Identity, JoinError, LoggedIn, Multi, Peer, Phase, Reason, Runtime,
    SendError, Session,
};

const SECOND: Duration = Duration::from_secs(1);

type Pair = (Session<LoggedIn>, Session<LoggedIn, Multi>);

fn world(config: Config) -> (World, Runtime<Multi>, Door) {
    let world = World::new();
    let (server, door) = world.server(config);
    (world, server, door)
}

fn closed(error: SendError) -> Reason {
    match error {
        SendError::Ended(Ended::Closed(closed)) => closed.reason(),
        error => panic!("{error:?}"),
    }
}

#[test]
fn a_snapshot_says_since_when_and_how_full() {
    let (world, server, mut door) = world(Config::new().unacked_messages(100));
    world.pass(3 * SECOND);
    let (mut alice, mut peer) = world.pair(Config::new(), &mut door, "alice");
    world.pass(10 * SECOND);
    peer.try_send("12345").unwrap();
    alice.try_send("123").unwrap();
    peer.send_volatile("not counted").unwrap();
    world.settle();
    let now = server.sessions().snapshots().next().unwrap();
    assert_eq!(now.identity, Some(Identity::new("alice").unwrap()));
    assert_eq!((now.at, now.logged_in_at), (13 * SECOND, Some(3 * SECOND)));
    assert_eq!((now.link_since, now.phase_since), (3 * SECOND, 3 * SECOND));
    assert_eq!((now.window_messages, now.window_bytes), (100, 1 << 20));
    assert_eq!((now.unacked_messages, now.unacked_bytes), (1, 5));
    assert_eq!((now.sent_bytes, now.received_bytes), (5, 3));
    assert!(now.round_trip.is_some() && now.min_round_trip.is_some());

    world.run(peer.recv()).unwrap();
    world.network.refuse(true);
    world.network.cut();
    world.pass(4 * SECOND);
    let lost = peer.peer().snapshot().unwrap();
    assert_eq!((lost.at, lost.phase_since), (17 * SECOND, 13 * SECOND));
    assert_eq!(
        (lost.phase, lost.link_since),
        (Phase::Reconnecting, 3 * SECOND)
    );
    world.network.refuse(false);
    world.pass(60 * SECOND);
    let back = peer.peer().snapshot().unwrap();
    assert_eq!((back.phase, back.resumed), (Phase::LoggedIn, 1));
    assert!(back.link_since > 17 * SECOND && back.phase_since == back.link_since);
    assert_eq!(back.logged_in_at, Some(3 * SECOND));
}

#[test]
fn snapshots_come_in_pages_and_each_session_once() {
    let (world, server, mut door) = world(Config::new());
    let pairs: Vec<Pair> = (0..300)
        .map(|number| world.pair(Config::new(), &mut door, &number.to_string()))
        .collect();
    let mut ids: Vec<u64> = server.sessions().snapshots().map(|now| now.id).collect();
    ids.sort_unstable();
    let mut all: Vec<u64> = pairs.iter().map(|(_, peer)| peer.id()).collect();
    all.sort_unstable();
    assert_eq!(ids, all);
    assert!(
        server
            .sessions()
            .snapshots()
            .all(|now| now.at == Duration::ZERO)
    );
}

#[test]
fn a_group_reaches_its_members_and_nobody_else() {
    let (world, server, mut door) = world(Config::new());
    let sessions = server.sessions();
    let mut pairs: Vec<Pair> = (0..300)
        .map(|number| world.pair(Config::new(), &mut door, &number.to_string()))
        .collect();
    let (even, all) = (sessions.group("even"), sessions.group("all"));
    for (number, (_, peer)) in pairs.iter().enumerate() {
        all.join(&peer.peer()).unwrap();
        if number % 2 == 0 {
            even.join(&peer.peer()).unwrap();
            even.join(&peer.peer()).unwrap();
        }
    }
    assert_eq!((even.len(), all.len(), all.iter().count()), (150, 300, 300));
    assert!(even.contains(&pairs[0].1.peer()) && !even.contains(&pairs[1].1.peer()));
    assert_eq!(even.broadcast("hello").accepted, 150);
    world.settle();
    for (number, (client, _)) in pairs.iter_mut().enumerate() {
        let heard = client.try_recv().unwrap().is_some();
        assert_eq!(heard, number % 2 == 0);
    }
    assert!(even.leave(&pairs[0].1.peer()) && !even.leave(&pairs[0].1.peer()));
    assert_eq!(pairs[0].1.peer().groups(), ["all".into()]);
    let names: Vec<String> = sessions
        .groups()
        .map(|group| group.name().to_owned())
        .collect();
    assert_eq!(names, ["all", "even"]);
    drop(pairs);
    world.settle();
    assert!(even.is_empty() && sessions.groups().next().is_none());
}

#[test]
fn a_lost_link_is_no_end_and_an_end_leaves_every_group() {
    let (world, server, mut door) = world(Config::new());
    let (_alice, session) = world.pair(Config::new(), &mut door, "alice");
    let (room, peer) = (server.sessions().group("room"), session.peer());
    room.join(&peer).unwrap();
    peer.set_metadata(7u8).unwrap();
    world.network.refuse(true);
    world.network.cut();
    world.pass(60 * SECOND);
    assert_eq!((room.len(), peer.phase()), (1, Phase::Reconnecting));
    assert_eq!(peer.metadata::<u8>().as_deref(), Some(&7));
    world.pass(61 * SECOND);
    assert_eq!((room.len(), peer.phase()), (0, Phase::Ended));
    assert_eq!(peer.metadata::<u8>(), None);
}

#[test]
fn who_may_not_join_hears_why() {
    let (world, server, mut door) = world(Config::new().groups_per_session(2));
    let sessions = server.sessions();
    let (_bob, bob) = world.pair(Config::new(), &mut door, "bob");
    let peer = bob.peer();
    for name in ["a", "b", "b"] {
        sessions.group(name).join(&peer).unwrap();
    }
    assert_eq!(
        sessions.group("c").join(&peer),
        Err(JoinError::TooMany { max: 2 })
    );
    let long = sessions.group(&"x".repeat(Group::NAME_MAX + 1));
    assert!(matches!(long.join(&peer), Err(JoinError::NameTooLong(_))));
    assert!(long.is_empty() && !long.contains(&peer));
    sessions.group("a").leave(&peer);
    sessions.group("c").join(&peer).unwrap();

    let stranger = world.connect(Config::new());
    let login = world.spawn(async move {
        stranger
            .login(&sessile::Credentials::token("x"))
            .await
            .map(drop)
    });
    let offered = world.run(door.next()).unwrap();
    assert_eq!(
        sessions.group("d").join(&offered.peer()),
        Err(JoinError::NotLoggedIn)
    );
    drop((offered, login));

    let (other, _other_door) = World::new().server(Config::new());
    assert!(matches!(
        other.sessions().group("a").join(&peer),
        Err(JoinError::Ended(_))
    ));
    assert!(!other.sessions().group("a").contains(&peer));

    drop(bob);
    world.settle();
    let Err(JoinError::Ended(closed)) = sessions.group("a").join(&peer) else {
        panic!("the dead join nothing")
    };
    assert_eq!(closed.reason(), Reason::Dropped);
    assert_eq!((peer.groups().len(), sessions.groups().count()), (0, 0));
}

#[test]
fn ten_thousand_sessions_that_join_and_end_leave_nothing_behind() {
    let config = Config::new().resume_window(Duration::ZERO);
    let (world, server, mut door) = world(config.comings_a_minute(1_000));
    let sessions = server.sessions();
    let empty = format!("{sessions:?}");
    assert!(empty.contains("beside: (0, 0)"), "{empty}");
    for batch in 0..100 {
        let pairs: Vec<Pair> = (0..100)
            .map(|number| {
                let pair = world.pair(Config::new(), &mut door, &number.to_string());
                let peer = pair.1.peer();
                sessions.group("lobby").join(&peer).unwrap();
                sessions
                    .group(&format!("room {number}"))
                    .join(&peer)
                    .unwrap();
                peer.set_metadata(batch).unwrap();
                pair
            })
            .collect();
        assert_eq!((sessions.groups().count(), sessions.len()), (101, 100));
        drop(pairs);
        world.pass(3 * SECOND);
    }
    assert_eq!(format!("{sessions:?}"), empty);
    assert_eq!(sessions.recently_ended().count(), 1_000);
}

/// Looks at the server when it is let go of, which a lock that is held would not survive.
struct Nosy(Peer, Arc<AtomicBool>);

impl Drop for Nosy {
    fn drop(&mut self) {
        let _ = self.0.phase();
        self.1.store(true, Ordering::SeqCst);
    }
}

#[test]
fn metadata_is_typed_replaced_and_let_go_of_outside_the_lock() {
    let (world, _server, mut door) = world(Config::new());
    let (_alice, session) = world.pair(Config::new(), &mut door, "alice");
    let peer = session.peer();
    assert_eq!(peer.metadata::<u32>(), None);
    peer.set_metadata(7u32).unwrap();
    assert_eq!(peer.metadata::<u32>().as_deref(), Some(&7));
    assert_eq!(peer.metadata::<u64>(), None, "another type");
    for end in [false, true] {
        let dropped = Arc::new(AtomicBool::new(false));
        let nosy = Nosy(peer.clone(), Arc::clone(&dropped));
        peer.set_metadata(nosy).unwrap();
        match end {
            false => peer.set_metadata("replaced").unwrap(),
            true => peer.remove("enough"),
        }
        assert!(dropped.load(Ordering::SeqCst));
    }
    assert!(peer.metadata::<Nosy>().is_none());
    let dropped = Arc::new(AtomicBool::new(false));
    let refused = peer.set_metadata(Nosy(peer.clone(), Arc::clone(&dropped)));
    assert_eq!(refused.unwrap_err().reason(), Reason::Removed);
    assert!(dropped.load(Ordering::SeqCst), "refused, and let go of");
}

/// Every verb of a peer whose session is over.
fn assert_over(peer: &Peer, reason: Reason) {
    assert_eq!(peer.ended().map(|closed| closed.reason()), Some(reason));
    assert_eq!(peer.phase(), Phase::Ended);
    assert_eq!(closed(peer.try_send("x").unwrap_err()), reason);
    assert_eq!(closed(peer.send_volatile("x").unwrap_err()), reason);
    assert_eq!(peer.set_metadata(1u8).unwrap_err().reason(), reason);
    peer.remove("again");
    assert_eq!((peer.metadata::<u8>(), peer.groups().len()), (None, 0));
    let mut events = peer.events();
    assert_eq!(events.try_next(), None);
    assert!(
        smol::block_on(events.next()).is_none(),
        "the stream is over"
    );
}

#[test]
fn a_peer_of_a_session_that_ended_never_means_its_successor() {
    for remembered in [true, false] {
        let config = Config::new().recently_ended(usize::from(remembered));
        let (world, server, mut door) = world(config.resume_window(5 * SECOND));
        let (old_client, old) = world.pair(Config::new(), &mut door, "old");
        let peer = old.peer();
        assert_eq!(peer.ended(), None);
        peer.remove("too loud");
        drop(old);
        world.settle();
        assert_over(&peer, Reason::Removed);
        assert_eq!(peer.snapshot().unwrap().identity, Identity::new("old").ok());
        drop(old_client);
        world.pass(10 * SECOND);

        // Its place is used again.
        let (mut client, new) = world.pair(Config::new(), &mut door, "new");
        let successor = new.peer();
        assert_eq!((successor.index(), successor.ended()), (peer.index(), None));
        assert!(successor.id() != peer.id() && successor != peer);
        let mut events = successor.events();
        server.sessions().group("room").join(&successor).unwrap();
        let reason = if remembered {
            Reason::Removed
        } else {
            Reason::Gone
        };
        assert_over(&peer, reason);
        let last = peer.snapshot();
        assert_eq!(last.is_some(), remembered);
        assert!(last.is_none_or(|last| last.id == peer.id() && last.phase == Phase::Ended));
        assert!(!server.sessions().group("room").contains(&peer));
        assert!(!server.sessions().group("room").leave(&peer));
        world.settle();
        assert_eq!(
            (successor.phase(), events.try_next()),
            (Phase::LoggedIn, None)
        );
        assert!(client.try_recv().unwrap().is_none(), "nothing came for it");
        assert_eq!(successor.metadata::<u8>(), None);

        // Somebody else ends: the last of the old one is forgotten.
        successor.remove("me too");
        world.settle();
        assert_over(&peer, Reason::Gone);
    }
}
