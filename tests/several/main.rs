//! Several sessions of one identity: somebody's phone and laptop, each with a life of its own.

#[path = "../common/mod.rs"]
mod common;
mod room;

use common::{MINUTE, SECOND, World, names, observed, on_resume, read, soon};
use futures::future::join;
use sessile::{
    AdmitError, Closed, Config, Connecting, Credentials, Door, Ended, Identity, LoggedIn,
    LoginError, Mode, Multi, Peer, Phase, Reason, RejectCode, Rejection, Session, Takeover,
};

type Pair = (Session<LoggedIn>, Session<LoggedIn, Multi>);

fn two() -> Config {
    Config::new().sessions_per_identity(2)
}

fn alice() -> Identity {
    Identity::new("alice").expect("short")
}

/// Why a session is over.
fn reason<M: Mode>(session: &mut Session<LoggedIn, M>) -> Option<Reason> {
    match session.try_recv() {
        Err(Ended::Closed(closed)) => Some(closed.reason()),
        _ => None,
    }
}

fn peers<const N: usize>(sessions: [&Pair; N]) -> Vec<Peer> {
    sessions.map(|(_, theirs)| theirs.peer()).into()
}

/// One more client logs in as alice; the host asks first where the config says so.
fn knock(world: &World, door: &mut Door) -> Result<Pair, LoginError> {
    let session = world.connect(soon());
    world.run_within(MINUTE, login(session, door))
}

async fn login(session: Session<Connecting>, door: &mut Door) -> Result<Pair, LoginError> {
    let me = Credentials::token("alice");
    let judge = async {
        let peer = door.next().await.expect("a peer");
        peer.try_admit(alice()).await.map_err(AdmitError::reject)
    };
    let (mine, theirs) = join(session.login(&me), judge).await;
    let mine = mine?;
    Ok((mine, theirs.expect("it was let in")))
}

#[test]
fn a_phone_and_a_laptop_live_side_by_side_and_what_happens_to_one_is_nothing_to_the_other() {
    let world = World::new();
    let (server, mut door) = world.server(two());
    let mut phone = world.pair(soon(), &mut door, "alice");
    let its_link = world.link();
    let mut laptop = world.pair(soon(), &mut door, "alice");
    let sessions = server.sessions();
    assert_eq!((sessions.len(), sessions.iter().count()), (2, 2));
    assert_eq!(sessions.all_of("alice"), peers([&laptop, &phone]));
    assert_eq!(sessions.get("alice"), Some(laptop.1.peer()));
    assert_eq!(sessions.all_of("bob"), []);

    let mut beside = laptop.1.events();
    its_link.cut();
    world.settle();
    let (mine, theirs) = (world.back(phone.0), world.back(phone.1));
    phone = (mine, theirs);
    world.pass(MINUTE);
    assert_eq!(names(&mut beside), [] as [&str; 0]);
    for (index, one) in [&mut phone, &mut laptop].into_iter().enumerate() {
        one.0.try_send(&format!("up {index}")).expect("room");
        one.1.try_send(&format!("down {index}")).expect("room");
        world.settle();
        assert_eq!(read(&mut one.1), [format!("up {index}")]);
        assert_eq!(read(&mut one.0), [format!("down {index}")]);
    }
    // Who came back is no newer for that.
    assert_eq!(sessions.get("alice"), Some(laptop.1.peer()));

    world.run_within(SECOND, laptop.0.close("bye"));
    assert_eq!(reason(&mut laptop.1), Some(Reason::ClosedByPeer));
    assert_eq!(sessions.all_of("alice"), peers([&phone]));
    assert_eq!(sessions.get("alice"), Some(phone.1.peer()));
    assert_eq!((phone.0.phase(), sessions.len()), (Phase::LoggedIn, 1));
}

#[test]
fn one_session_an_identity_is_the_default_and_the_second_login_is_a_takeover() {
    let world = World::new();
    let (server, mut door) = world.server(Config::new());
    let mut old = world.pair(soon(), &mut door, "alice");
    let new = world.pair(soon(), &mut door, "alice");
    world.settle();
    assert_eq!(reason(&mut old.0), Some(Reason::TakenOver));
    assert_eq!(server.sessions().all_of("alice"), peers([&new]));
}

#[test]
fn what_ends_an_identity_ends_all_its_sessions_and_what_ends_a_peer_ends_one() {
    type End = fn(&sessile::Sessions) -> bool;
    let ways: [End; 3] = [
        |sessions| sessions.remove("alice", "enough"),
        |sessions| sessions.kick("alice", &Rejection::other(1_000)),
        |sessions| {
            let why = Rejection::banned();
            sessions.ban(alice(), None, &why).expect("room") == 2
        },
    ];
    for end in ways {
        let world = World::new();
        let (server, mut door) = world.server(two());
        let mut phone = world.pair(soon(), &mut door, "alice");
        let mut laptop = world.pair(soon(), &mut door, "alice");
        let bob = world.pair(soon(), &mut door, "bob");
        let sessions = server.sessions();
        assert!(end(&sessions));
        world.settle();
        for one in [&mut phone, &mut laptop] {
            assert_eq!(reason(&mut one.0), Some(Reason::Removed));
            assert_eq!(reason(&mut one.1), Some(Reason::Removed));
        }
        assert_eq!((sessions.len(), bob.0.phase()), (1, Phase::LoggedIn));
        assert!(!sessions.contains("alice") && !sessions.remove("alice", "twice"));
        // Each end is remembered by itself.
        let ended = sessions.recently_ended();
        let mut ended: Vec<u64> = ended.map(|past| past.id()).collect();
        ended.sort_unstable();
        let mut both = [phone.1.id(), laptop.1.id()];
        both.sort_unstable();
        assert_eq!(ended, both);
    }
    let world = World::new();
    let (server, mut door) = world.server(two());
    let mut phone = world.pair(soon(), &mut door, "alice");
    let laptop = world.pair(soon(), &mut door, "alice");
    phone.1.peer().remove("this one");
    world.settle();
    assert_eq!(reason(&mut phone.0), Some(Reason::Removed));
    assert_eq!(server.sessions().all_of("alice"), peers([&laptop]));
    let why = server.sessions().why("alice").expect("remembered");
    assert_eq!(why.id(), phone.1.id());
}

#[test]
fn broadcasts_groups_and_events_know_sessions_and_not_identities() {
    let world = World::new();
    let (server, mut door) = world.server(two());
    let mut events = server.events();
    let mut phone = world.pair(soon(), &mut door, "alice");
    let mut laptop = world.pair(soon(), &mut door, "alice");
    let (sessions, room) = (server.sessions(), server.sessions().group("room"));
    room.join(&laptop.1.peer()).expect("room");
    assert!(!room.contains(&phone.1.peer()));
    assert_eq!(sessions.broadcast("all").accepted, 2);
    assert_eq!(room.broadcast("some").accepted, 1);
    world.settle();
    assert_eq!(read(&mut phone.0), ["all"]);
    assert_eq!(read(&mut laptop.0), ["all", "some"]);

    let logged_in: Vec<u64> = observed(&mut events)
        .iter()
        .filter(|event| event.kind().name() == "logged-in")
        .inspect(|event| assert_eq!(event.identity(), Some(&alice())))
        .map(|event| event.session())
        .collect();
    assert_eq!(logged_in, [phone.1.id(), laptop.1.id()]);
    world.run_within(SECOND, laptop.0.close("bye"));
    assert!(reason(&mut laptop.1).is_some() && room.is_empty());
    assert_eq!(names(&mut events), ["ended"]);
}

/// A client whose WELCOME was lost finds its own ghost, although others of its identity are there and there is no room.
#[test]
fn a_client_that_logs_in_again_replaces_its_own_session_and_counts_once() {
    for policy in [Takeover::Replace, Takeover::Reject, Takeover::Ask] {
        let world = World::new();
        let (server, mut door) = world.server(two().takeover(policy));
        let mut laptop = world.pair(soon(), &mut door, "alice");
        let mut events = server.events();
        let session = world.connect(soon());
        let link = world.link();
        let me = Credentials::token("alice");
        let judge = async {
            let peer = door.next().await.expect("a peer");
            link.black_hole(sessile::transport::memory::Direction::ToDialer, true);
            let ghost = peer.admit(alice());
            link.cut();
            ghost
        };
        let (outcome, mut ghost) = world.run(join(session.login(&me), judge));
        let session = outcome.expect_err("the welcome is lost").into_session();
        world.settle();
        assert_eq!(server.sessions().len(), 2, "{policy:?}");
        let again = world
            .run_within(MINUTE, login(session, &mut door))
            .expect("its own ghost keeps nobody out");
        world.settle();
        assert_eq!(reason(&mut ghost), Some(Reason::Superseded));
        assert_eq!(reason(&mut laptop.0), None, "nobody else has to go");
        assert!(!names(&mut events).contains(&"taken-over"));
        let all = server.sessions().all_of("alice");
        assert_eq!(all, peers([&again, &laptop]));
    }
}

#[test]
fn the_number_of_a_link_is_above_that_of_every_link_that_the_identity_ever_had() {
    let world = World::new();
    let (server, mut door) = world.server(two().comings_a_minute(1_000));
    let mut both: Vec<(Pair, sessile::transport::memory::LinkControl)> = Vec::new();
    let mut epochs = Vec::new();
    for _ in 0..2 {
        let pair = world.pair(on_resume(), &mut door, "alice");
        epochs.push(pair.1.epoch());
        both.push((pair, world.link()));
    }
    for round in [0, 0, 1, 0, 1, 1] {
        let ((mine, theirs), link) = both.remove(round);
        link.cut();
        world.settle();
        let pair = (world.back(mine), world.back(theirs));
        assert_eq!(pair.0.epoch(), pair.1.epoch());
        epochs.push(pair.1.epoch());
        both.insert(round, (pair, world.link()));
    }
    // One ends with the highest number that there is; the other one's next link is above it.
    let ((mine, theirs), _) = both.remove(1);
    world.run_within(SECOND, mine.close("bye"));
    drop(theirs);
    world.settle();
    let ((mine, theirs), link) = both.remove(0);
    link.cut();
    world.settle();
    let last = (world.back(mine), world.back(theirs));
    epochs.push(last.1.epoch());
    assert!(epochs.is_sorted_by(|a, b| a < b), "{epochs:?}");
    let first_of_it = last.1.peer().snapshot().expect("it lives").first_epoch;
    assert_eq!(first_of_it, epochs[0]);
    // What is remembered of it knows when it began.
    world.run_within(SECOND, last.0.close("bye"));
    drop(last.1);
    world.settle();
    let past = server.sessions().why("alice").expect("remembered");
    let began = past.events().next().expect("its login");
    assert_eq!((began.kind.name(), began.epoch), ("logged-in", epochs[0]));
}

#[test]
fn a_full_server_counts_sessions_and_not_identities() {
    let world = World::new();
    let (_server, mut door) = world.server(two().max_sessions(2));
    let _bob = world.pair(soon(), &mut door, "bob");
    let _phone = world.pair(soon(), &mut door, "alice");
    let refused = knock(&world, &mut door).expect_err("there is no third place");
    let code = refused.rejection().map(Rejection::code);
    assert_eq!(code, Some(RejectCode::Full));
}

#[test]
fn sessions_side_by_side_are_no_duel_and_one_too_many_of_them_is() {
    let world = World::new();
    let (server, mut door) = world.server(Config::new().sessions_per_identity(64));
    let mut all: Vec<Pair> = Vec::new();
    for number in 0..64 {
        let pair = knock(&world, &mut door);
        all.push(pair.unwrap_or_else(|why| panic!("{number}: {why}")));
    }
    assert_eq!(server.sessions().all_of("alice").len(), 64);
    // All of them lose their link at once, and come back.
    world.cut();
    world.pass(MINUTE);
    assert!(all.iter().all(|(mine, _)| mine.phase() == Phase::LoggedIn));
    all.push(knock(&world, &mut door).expect("the first takeover is free"));
    let refused = knock(&world, &mut door).expect_err("and the next one waits");
    let told: Option<&Closed> = Some(refused.closed());
    let code = refused.rejection().map(Rejection::code);
    assert_eq!(code, Some(RejectCode::Occupied), "{told:?}");
    assert_eq!(server.sessions().len(), 64);
}
