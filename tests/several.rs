//! Several sessions of one identity: somebody's phone and laptop, each with a life of its own.

mod common;

use std::time::Duration;

use common::{MINUTE, MS, SECOND, TICK, World, names, observed, on_resume, read, soon};
use futures::future::join;
use sessile::{
    Admission, Admit, AdmitError, Closed, Config, Connecting, Credentials, Door, Ended, Host,
    Identity, LoggedIn, LoginError, Message, Mode, Multi, Offer, Peer, Phase, Reason, RejectCode,
    Rejection, Session, Takeover, Turn, transport::memory::Network,
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

#[test]
fn the_one_too_many_takes_the_place_of_who_has_no_link_and_else_of_who_logged_in_first() {
    let world = World::new();
    let config = two().takeover_pause(Duration::ZERO);
    let (server, mut door) = world.server(config);
    let mut first = world.pair(on_resume(), &mut door, "alice");
    let its_link = world.link();
    let mut second = world.pair(on_resume(), &mut door, "alice");
    its_link.cut();
    world.settle();
    // It came back, and is no newer for that.
    first = (world.back(first.0), world.back(first.1));
    let mut third = world.pair(on_resume(), &mut door, "alice");
    world.settle();
    assert_eq!(reason(&mut first.0), Some(Reason::TakenOver));
    assert_eq!(reason(&mut first.1), Some(Reason::TakenOver));
    assert_eq!(server.sessions().all_of("alice"), peers([&third, &second]));

    // The newest loses its link: nobody sits there.
    world.link().cut();
    world.settle();
    assert_eq!(third.1.phase(), Phase::Reconnecting);
    let fourth = world.pair(on_resume(), &mut door, "alice");
    world.settle();
    assert_eq!(reason(&mut third.1), Some(Reason::TakenOver));
    assert_eq!(reason(&mut second.0), None);
    assert_eq!(server.sessions().all_of("alice"), peers([&fourth, &second]));
}

#[test]
fn while_there_is_room_nobody_is_probed_and_the_newcomer_waits_for_nothing() {
    for policy in [Takeover::Replace, Takeover::Reject, Takeover::Ask] {
        let world = World::new();
        let (server, mut door) = world.server(two().takeover(policy));
        let _first = world.pair(soon(), &mut door, "alice");
        world.black_hole(&world.link(), true);
        let session = world.connect(soon());
        let second = world.run(login(session, &mut door));
        assert!(second.is_ok(), "no time has passed");
        assert_eq!(server.sessions().len(), 2, "{policy:?}");
    }
}

#[test]
fn a_holder_without_a_link_gives_way_at_once_and_the_other_one_is_not_asked() {
    for policy in [Takeover::Reject, Takeover::Ask] {
        let world = World::new();
        let (server, mut door) = world.server(two().takeover(policy));
        let mut stays = world.pair(on_resume(), &mut door, "alice");
        let its_link = world.link();
        let mut goes = world.pair(on_resume(), &mut door, "alice");
        world.link().cut();
        world.black_hole(&its_link, true);
        let session = world.connect(on_resume());
        let new = world.run(login(session, &mut door));
        let new = new.expect("no time has passed");
        assert_eq!(reason(&mut goes.1), Some(Reason::TakenOver));
        assert_eq!(reason(&mut stays.1), None);
        assert_eq!(server.sessions().all_of("alice"), peers([&new, &stays]));
    }
}

#[test]
fn where_all_holders_answer_the_newcomer_hears_occupied() {
    for policy in [Takeover::Reject, Takeover::Ask] {
        let world = World::new();
        let (server, mut door) = world.server(two().takeover(policy));
        let mut both = [
            world.pair(soon(), &mut door, "alice"),
            world.pair(soon(), &mut door, "alice"),
        ];
        world.pass(500 * MS);
        world.network.set_delay(50 * MS);
        let client = world.client(soon());
        let connect = client.connect_over(world.network.dialer());
        let session = world.run_within(SECOND, connect).expect("up");
        let refused = world
            .run_within(SECOND, login(session, &mut door))
            .expect_err("both are there");
        let code = refused.rejection().map(Rejection::code);
        assert_eq!(code, Some(RejectCode::Occupied));
        for one in &mut both {
            assert_eq!(reason(&mut one.0), None, "it goes on");
        }
        assert_eq!(server.sessions().len(), 2);
    }
}

#[test]
fn the_holder_that_does_not_answer_makes_room_whichever_it_is() {
    for silent in [0, 1] {
        let world = World::new();
        let (server, mut door) = world.server(two().takeover(Takeover::Reject));
        let mut links = Vec::new();
        let mut both: Vec<Pair> = Vec::new();
        for _ in 0..2 {
            both.push(world.pair(on_resume(), &mut door, "alice"));
            links.push(world.link());
        }
        world.pass(500 * MS);
        world.black_hole(&links[silent], true);
        let session = world.connect(on_resume());
        let asked = world.clock.now();
        let new = world
            .run_within(MINUTE, login(session, &mut door))
            .expect("a ghost keeps nobody out");
        let waited = world.clock.now() - asked;
        assert!(waited >= SECOND && waited <= SECOND + TICK, "{waited:?}");
        world.settle();
        assert_eq!(reason(&mut both[silent].1), Some(Reason::TakenOver));
        let stays = &mut both[1 - silent];
        assert_eq!((reason(&mut stays.0), reason(&mut stays.1)), (None, None));
        let all = server.sessions().all_of("alice");
        assert_eq!(all, peers([&new, &both[1 - silent]]));
    }
}

#[test]
fn a_host_that_is_asked_sees_all_holders_and_says_which_goes() {
    for chosen in [Some(0), Some(1), None] {
        let world = World::new();
        let (server, mut door) = world.server(two().takeover(Takeover::Ask));
        let mut both = [
            world.pair(soon(), &mut door, "alice"),
            world.pair(soon(), &mut door, "alice"),
        ];
        let (newest_first, oldest) = (peers([&both[1], &both[0]]), both[0].1.peer());
        let wish = chosen.map(|at: usize| both[at].1.peer());
        let session = world.connect(soon());
        let me = Credentials::token("alice");
        let judge = async {
            let peer = door.next().await.expect("a peer");
            assert_eq!(peer.offer().holders("alice"), newest_first);
            assert_eq!(peer.offer().holder("alice"), Some(oldest.clone()));
            let held = peer.try_admit(alice()).await.expect_err("both are there");
            assert_eq!(held.holders(), newest_first);
            assert_eq!(held.holder(), Some(oldest));
            match &wish {
                Some(wish) => held.take_over_from(wish),
                None => held.take_over(),
            }
        };
        let (mine, theirs) = world.run(join(session.login(&me), judge));
        let new = (mine.expect("admitted"), theirs);
        world.settle();
        let goes = chosen.unwrap_or(0);
        assert_eq!(reason(&mut both[goes].0), Some(Reason::TakenOver));
        assert_eq!(reason(&mut both[1 - goes].0), None);
        let all = server.sessions().all_of("alice");
        assert_eq!(all, peers([&new, &both[1 - goes]]));
    }
}

#[test]
fn an_offer_names_nobody_who_would_have_to_go_while_there_is_room() {
    let world = World::new();
    let (_server, mut door) = world.server(two());
    let first = world.pair(soon(), &mut door, "alice");
    let session = world.connect(soon());
    let me = Credentials::token("alice");
    let judge = async {
        let peer = door.next().await.expect("a peer");
        assert_eq!(peer.offer().holder("alice"), None);
        assert_eq!(peer.offer().holders("alice"), peers([&first]));
        peer.admit(alice())
    };
    let (mine, _theirs) = world.run(join(session.login(&me), judge));
    assert!(mine.is_ok());
}

/// The second device is the one that goes.
struct FirstStays;

impl Admit for FirstStays {
    type Peer = ();

    async fn admit(&self, offer: &Offer) -> Result<Admission<()>, Rejection> {
        let admission = Admission::from(alice());
        Ok(match offer.holders("alice").as_slice() {
            [newest, _] => admission.replace_one(newest),
            _ => admission,
        })
    }
}

impl Host for FirstStays {
    fn on_message(&self, _: &mut Turn<'_, ()>, _: Message<'_>) {}
}

#[test]
fn a_host_that_admits_says_with_its_answer_which_goes() {
    let world = World::new();
    let (server, _door) = world.server(two().takeover(Takeover::Ask));
    let network = Network::with_clock(world.clock.clone());
    let _serving = server.serve_over(network.listener(), FirstStays);
    let mut all: Vec<Session<LoggedIn>> = (0..4)
        .map(|_| {
            let client = world.client(soon());
            let session = world.run(client.connect_over(network.dialer()));
            let me = Credentials::token("x");
            let login = session.expect("up").login(&me);
            world.run_within(SECOND, login).expect("admitted")
        })
        .collect();
    world.settle();
    let reasons: Vec<_> = all.iter_mut().map(reason).collect();
    let gone = Some(Reason::TakenOver);
    assert_eq!(reasons, [None, gone, gone, None]);
    assert_eq!(server.sessions().len(), 2);
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
