//! Who makes room for one more session of an identity that has as many as it may.

use std::time::Duration;

use futures::future::join;
use sessile::{
    Admission, Admit, Credentials, Host, LoggedIn, Message, Offer, Phase, Reason, RejectCode,
    Rejection, Session, Takeover, Turn, transport::memory::Network,
};

use crate::common::{MINUTE, MS, SECOND, TICK, World, on_resume, soon};
use crate::{Pair, alice, login, peers, reason, two};

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
