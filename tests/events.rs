//! What observers see: who, in what order, and how much they missed.

mod common;

use common::{MINUTE, SECOND, World, lost, names, observed, on_resume, soon};
use futures::future::join;
use sessile::{Config, Credentials, Event, EventKind, Events, Notice, Reason, Rejection};

/// Everything that comes until the stream ends.
fn until_the_end(world: &World, mut events: Events) -> Vec<Event> {
    world.run(async move {
        let mut all = Vec::new();
        while let Some(notice) = events.next().await {
            match notice {
                Notice::Event(event) => all.push(event),
                Notice::Lagged(missed) => panic!("{missed} events missed"),
            }
        }
        all
    })
}

fn kinds(events: &[Event]) -> Vec<&'static str> {
    events.iter().map(|event| event.kind().name()).collect()
}

#[test]
fn every_event_says_who_from_login_on_and_when() {
    let world = World::new();
    let (server, mut door) = world.server(Config::new());
    let session = world.connect(soon());
    let (mut here, mut there) = (session.events(), server.events());
    let (mine, theirs) = world.log_in(session, &mut door, "alice");
    let ids = [mine.id(), theirs.id()];
    world.cut();
    world.pass(MINUTE);
    world.black_hole(&world.link(), true);
    world.pass(MINUTE);
    drop(mine);
    world.pass(SECOND);
    for (events, id) in [&mut here, &mut there].into_iter().zip(ids) {
        let events = observed(events);
        let login = events
            .iter()
            .position(|event| *event.kind() == EventKind::LoggedIn);
        let (before, after) = events.split_at(login.expect("a login"));
        assert!(
            before
                .iter()
                .all(|event| event.identity().is_none() && event.epoch() == 0)
        );
        for event in after {
            assert_eq!(
                event.identity().and_then(|who| who.as_str()),
                Some("alice"),
                "{event}"
            );
            assert_eq!(event.session(), id, "{event}");
        }
        let epochs: Vec<u64> = after.iter().map(Event::epoch).collect();
        assert!(
            epochs.is_sorted() && epochs[0] == 1 && epochs.last() == Some(&3),
            "{epochs:?}"
        );
        assert!(events.is_sorted_by_key(Event::at));
        assert!(after.len() > 8);
    }
}

#[test]
fn the_streams_of_one_session_and_of_all_show_the_same_in_the_same_order() {
    let world = World::new();
    let (server, mut door) = world.server(Config::new());
    let mut all = server.events();
    let mut lives = Vec::new();
    for name in ["alice", "bob"] {
        let session = world.connect(soon());
        let me = Credentials::token(name);
        let admit = async {
            let peer = door.next().await.expect("a peer");
            let events = [peer.events(), peer.peer().events()];
            (peer.admit(name.len() as u64), events)
        };
        let (mine, (theirs, events)) = world.run(join(session.login(&me), admit));
        lives.push((mine.expect("admitted"), theirs, events));
    }
    for _ in 0..3 {
        world.cut();
        world.pass(MINUTE);
    }
    for (n, (mine, theirs, _)) in lives.iter().enumerate() {
        assert!(server.sessions().remove(theirs.identity(), "enough"), "{n}");
        world.pass(SECOND);
        assert!(mine.check().is_err());
    }
    let all = observed(&mut all);
    for (_mine, theirs, events) in lives {
        let id = theirs.id();
        let mut of_one: Vec<Event> = all
            .iter()
            .filter(|event| event.session() == id)
            .cloned()
            .collect();
        assert_eq!(kinds(&of_one)[..2], ["link-up", "login-started"]);
        of_one.drain(..2); // before anybody could subscribe to this one
        assert_eq!(
            kinds(&of_one)[..4],
            ["logged-in", "link-lost", "link-up", "resumed"]
        );
        assert_eq!(of_one.len(), 1 + 3 * 3 + 1);
        for events in events {
            assert_eq!(until_the_end(&world, events), of_one);
        }
    }
}

#[test]
fn nothing_follows_the_one_ended_of_each_side_and_the_sessions_own_stream_ends_there() {
    type Way = (&'static str, fn(&World, Life));
    struct Life {
        mine: sessile::Session<sessile::LoggedIn>,
        theirs: sessile::Session<sessile::LoggedIn, sessile::Multi>,
        sessions: sessile::Sessions,
    }
    let ways: [Way; 6] = [
        ("closed here", |world, life| {
            drop(world.run(join(life.mine.close("bye"), life.theirs.close("bye"))))
        }),
        ("closed there", |world, life| {
            let _kept = life.mine;
            let close = life.theirs.close("bye");
            world.pass(MINUTE);
            drop(world.run(close));
        }),
        ("dropped", |_, life| drop((life.mine, life.theirs))),
        ("removed", |world, life| {
            life.sessions.remove("alice", "kicked");
            world.pass(MINUTE);
        }),
        ("expired", |world, life| {
            world.network.refuse(true);
            world.cut();
            world.pass(5 * MINUTE);
            drop(life);
        }),
        ("given up", |world, mut life| {
            world.cut();
            let lost = lost(&mut life.mine);
            drop(life.mine.reconnect(lost).give_up());
            world.pass(5 * MINUTE);
            drop(life.theirs);
        }),
    ];
    for (way, end) in ways {
        let world = World::new();
        let (server, mut door) = world.server(Config::new());
        let (mine, theirs) = world.pair(Config::new(), &mut door, "alice");
        let mut all = server.events();
        let (here, there, late) = (mine.events(), theirs.events(), theirs.peer());
        end(
            &world,
            Life {
                mine,
                theirs,
                sessions: server.sessions(),
            },
        );
        world.pass(5 * MINUTE);
        for events in [
            until_the_end(&world, here),
            until_the_end(&world, there),
            observed(&mut all),
        ] {
            let kinds = kinds(&events);
            let ended = kinds.iter().filter(|kind| **kind == "ended").count();
            assert_eq!(
                (ended, kinds.last()),
                (1, Some(&"ended")),
                "{way}: {kinds:?}"
            );
        }
        assert_eq!(
            until_the_end(&world, late.events()),
            [],
            "{way}: it is over"
        );
    }
}

#[test]
fn a_login_that_failed_ends_its_servers_session_and_not_the_clients() {
    let world = World::new();
    let (server, mut door) = world.server(Config::new());
    let session = world.connect(soon());
    let (mut here, mut there) = (session.events(), server.events());
    let me = Credentials::token("alice");
    let judge = async {
        door.next()
            .await
            .expect("a peer")
            .reject(Rejection::banned())
    };
    let (outcome, ()) = world.run(join(session.login(&me), judge));
    world.pass(MINUTE);
    assert_eq!(names(&mut here), ["login-started", "login-failed"]);
    assert_eq!(
        names(&mut there),
        ["link-up", "login-started", "login-failed", "ended"]
    );
    drop(outcome);
    world.pass(MINUTE);
    assert_eq!(names(&mut here), ["ended"]);
}

#[test]
fn a_subscriber_that_is_too_slow_hears_exactly_how_much_it_missed() {
    let world = World::new();
    let (server, mut door) = world.server(Config::new().event_buffer(3));
    let (mine, theirs) = world.pair(soon().event_buffer(5), &mut door, "alice");
    // Slow: of all, of one, and on the client. Quick: reads all the time.
    let mut slow = [server.events(), theirs.events(), mine.events()];
    let mut quick = [server.events(), theirs.events(), mine.events()];
    let mut seen = [const { Vec::<Event>::new() }; 3];
    for _ in 0..4 {
        world.settle();
        world.network.cut();
        for _ in 0..400 {
            world.pass(SECOND / 400);
            for (events, seen) in quick.iter_mut().zip(&mut seen) {
                seen.extend(observed(events));
            }
        }
    }
    assert_eq!(seen[0].len(), 4 * 3, "{:?}", kinds(&seen[0]));
    assert_eq!(seen[2].len(), 4 * 4, "{:?}", kinds(&seen[2]));
    for ((events, seen), buffer) in slow.iter_mut().zip(&seen).zip([3, 3, 5]) {
        let notices: Vec<Notice> = std::iter::from_fn(|| events.try_next()).collect();
        let missed = seen.len() - buffer;
        let newest = seen[missed..].iter().cloned().map(Notice::Event);
        let expected: Vec<Notice> = [Notice::Lagged(missed as u64)]
            .into_iter()
            .chain(newest)
            .collect();
        assert_eq!(notices, expected);
    }
    // Who caught up misses nothing more, and the end comes through a full buffer.
    drop(mine);
    world.pass(SECOND);
    let last: Vec<_> = std::iter::from_fn(|| slow[1].try_next()).collect();
    assert!(
        matches!(&last[..], [Notice::Event(event)] if matches!(event.kind(), EventKind::Ended(_)))
    );
}

#[test]
fn the_stream_of_a_runtime_ends_when_it_stopped_with_every_end_told() {
    let world = World::new();
    let (server, mut door) = world.server(Config::new());
    let (mine, theirs) = world.pair(on_resume(), &mut door, "alice");
    let all = server.events();
    drop((server, door, theirs));
    let events = until_the_end(&world, all);
    let [event] = &events[..] else {
        panic!("{:?}", kinds(&events));
    };
    assert!(matches!(event.kind(), EventKind::Ended(closed) if closed.reason() == Reason::Dropped));
    drop(mine);
}

#[test]
fn who_subscribes_late_sees_what_happens_from_then_on() {
    let world = World::new();
    let (_server, mut door) = world.server(Config::new());
    let (mine, _theirs) = world.pair(soon(), &mut door, "alice");
    let mut early = mine.events();
    world.cut();
    let mut late = mine.events();
    world.pass(SECOND);
    let early = observed(&mut early);
    let late = observed(&mut late);
    assert_eq!(early[early.len() - late.len()..], late);
    assert_eq!(kinds(&late), ["reconnect-started", "resumed"]);
}
