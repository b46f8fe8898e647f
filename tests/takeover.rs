//! One identity, two logins: who goes, who stays, and what each of them hears.

mod common;

use std::time::Duration;

use common::{MINUTE, MS, SECOND, TICK, World, lost, names, on_resume, read, soon};
use futures::future::join;
use sessile::{
    Admission, Admit, AdmitError, Config, Credentials, Door, Ended, Host, Identity, LoggedIn,
    LoginError, Message, Multi, Offer, Phase, Reason, RejectCode, Rejection, Retry, Session,
    Takeover, Turn, transport::memory::Network,
};

/// What a host does that lets nobody throw anybody out.
async fn ask(door: &mut Door, name: &str) -> Result<Session<LoggedIn, Multi>, AdmitError> {
    let peer = door.next().await.expect("a peer");
    peer.try_admit(Identity::new(name).expect("short")).await
}

#[test]
fn the_old_end_hears_that_it_was_taken_over_and_does_not_come_back_by_itself() {
    let world = World::new();
    let (server, mut door) = world.server(Config::new());
    let (mut old, mut old_peer) = world.pair(soon(), &mut door, "alice");
    let (mut here, mut there) = (old.events(), old_peer.events());
    old.try_send("unread").expect("room");
    world.settle();
    let (mut new, mut new_peer) = world.pair(soon(), &mut door, "alice");
    world.settle();

    for ended in [old.try_recv(), old_peer.try_recv()] {
        let Err(Ended::Closed(closed)) = ended else {
            panic!("it goes on");
        };
        assert_eq!(
            (closed.reason(), closed.retry()),
            (Reason::TakenOver, Retry::Never)
        );
    }
    assert_eq!(names(&mut here), ["taken-over", "ended"]);
    assert_eq!(names(&mut there), ["taken-over", "ended"]);
    let dials = world.network.dials();
    world.pass(5 * MINUTE);
    assert_eq!(world.network.dials(), dials);
    assert_eq!(world.network.links().len(), 1);

    assert_eq!(server.sessions().get("alice"), Some(new_peer.peer()));
    assert!(new_peer.epoch() > 1, "epochs grow for an identity");
    new.try_send("fresh").expect("room");
    world.settle();
    assert_eq!(read(&mut new_peer), ["fresh"]);
    assert_eq!((new.phase(), server.sessions().len()), (Phase::LoggedIn, 1));
}

#[test]
fn who_was_taken_over_while_it_was_away_hears_it_when_it_comes_back_and_cannot_log_in_by_reflex() {
    let world = World::new();
    let (_server, mut door) = world.server(Config::new());
    let (mut old, _old_peer) = world.pair(on_resume(), &mut door, "alice");
    old.try_send("once").expect("room");
    world.cut();
    let (new, _new_peer) = world.pair(on_resume(), &mut door, "alice");
    let lost = lost(&mut old);
    let gone = world
        .run_within(MINUTE, old.reconnect(lost).resume())
        .expect_err("taken over");
    assert_eq!(
        (gone.closed().reason(), gone.retry()),
        (Reason::TakenOver, Retry::Never)
    );
    assert_eq!(gone.undelivered().len(), 1);
    let dials = world.network.dials();
    let refused = gone
        .into_connecting()
        .expect_err("two would throw each other out");
    assert_eq!(refused.reason(), Reason::TakenOver);
    world.pass(5 * MINUTE);
    assert_eq!(
        (world.network.dials(), new.phase()),
        (dials, Phase::LoggedIn)
    );
}

#[test]
fn a_live_holder_keeps_its_place_after_a_probe_and_the_newcomer_hears_occupied() {
    for policy in [Takeover::Reject, Takeover::Ask] {
        let world = World::new();
        let (server, mut door) = world.server(Config::new().takeover(policy));
        let (mut old, mut old_peer) = world.pair(Config::new(), &mut door, "alice");
        let mut events = old_peer.events();
        world.pass(500 * MS);
        world.network.set_delay(50 * MS);
        let session = world.run_within(SECOND, async {
            world
                .client(Config::new())
                .connect_over(world.network.dialer())
                .await
        });
        let me = Credentials::token("alice");
        let judge = async {
            let refused = ask(&mut door, "alice").await.expect_err("held");
            let holder = refused.holder();
            refused.reject();
            holder
        };
        let login = session.expect("a network that works").login(&me);
        let (outcome, holder) = world.run_within(SECOND, join(login, judge));
        assert_eq!(holder, server.sessions().get("alice"));
        let error = outcome.expect_err("occupied");
        let code = error.rejection().expect("a rejection").code();
        assert_eq!(
            (code, error.retry()),
            (RejectCode::Occupied, Retry::After(6 * SECOND))
        );

        old.try_send("mine").expect("room");
        world.pass(SECOND);
        assert_eq!(read(&mut old_peer), ["mine"]);
        assert_eq!(
            names(&mut events),
            [] as [&str; 0],
            "a probe is not suspicion"
        );
    }
}

#[test]
fn a_dead_holder_gives_way_when_the_probes_patience_is_over() {
    let world = World::new();
    let (server, mut door) = world.server(Config::new().takeover(Takeover::Reject));
    let (_old, mut old_peer) = world.pair(on_resume(), &mut door, "alice");
    world.pass(500 * MS);
    world.black_hole(&world.link(), true);
    let session = world.connect(Config::new());
    let me = Credentials::token("alice");
    let asked = world.clock.now();
    let (mine, theirs) =
        world.run_within(MINUTE, join(session.login(&me), ask(&mut door, "alice")));
    let waited = world.clock.now() - asked;
    assert!(waited >= SECOND && waited <= SECOND + TICK, "{waited:?}");
    assert_eq!(mine.expect("admitted").phase(), Phase::LoggedIn);
    let theirs = theirs.expect("admitted");
    assert_eq!(server.sessions().get("alice"), Some(theirs.peer()));
    let Err(Ended::Closed(closed)) = old_peer.try_recv() else {
        panic!("it goes on");
    };
    assert_eq!(closed.reason(), Reason::TakenOver);
}

#[test]
fn a_holder_without_a_link_gives_way_at_once() {
    let world = World::new();
    let (_server, mut door) = world.server(Config::new().takeover(Takeover::Reject));
    let (_old, old_peer) = world.pair(on_resume(), &mut door, "alice");
    world.cut();
    assert_eq!(old_peer.phase(), Phase::Reconnecting);
    let session = world.connect(Config::new());
    let me = Credentials::token("alice");
    let (mine, theirs) = world.run(join(session.login(&me), ask(&mut door, "alice")));
    assert!(mine.is_ok() && theirs.is_ok());
    assert_eq!(old_peer.phase(), Phase::Ended);
}

#[test]
fn who_is_asked_may_let_the_newcomer_in_all_the_same() {
    let world = World::new();
    let (server, mut door) = world.server(Config::new().takeover(Takeover::Ask));
    let (mut old, _old_peer) = world.pair(Config::new(), &mut door, "alice");
    let session = world.connect(Config::new());
    let me = Credentials::token("alice");
    let judge = async {
        let held = ask(&mut door, "alice").await.expect_err("held");
        held.take_over()
    };
    let (mine, theirs) = world.run(join(session.login(&me), judge));
    assert_eq!(mine.expect("admitted").phase(), Phase::LoggedIn);
    assert_eq!(server.sessions().get("alice"), Some(theirs.peer()));
    let Err(Ended::Closed(closed)) = old.try_recv() else {
        panic!("it goes on");
    };
    assert_eq!(closed.reason(), Reason::TakenOver);
}

#[test]
fn the_newcomer_may_be_admitted_as_somebody_else() {
    let world = World::new();
    let (server, mut door) = world.server(Config::new().takeover(Takeover::Reject));
    let (old, _old_peer) = world.pair(Config::new(), &mut door, "alice");
    world.network.set_delay(10 * MS);
    let runtime = world.client(Config::new());
    let session = world
        .run_within(SECOND, runtime.connect_over(world.network.dialer()))
        .expect("a network that works");
    let me = Credentials::token("alice");
    let judge = async {
        let held = ask(&mut door, "alice").await.expect_err("held");
        held.into_session().admit(2u64)
    };
    let (mine, _theirs) = world.run_within(2 * SECOND, join(session.login(&me), judge));
    assert_eq!(mine.expect("admitted").identity().as_u64(), Some(2));
    assert_eq!((old.phase(), server.sessions().len()), (Phase::LoggedIn, 2));
}

#[test]
fn at_most_one_link_of_an_identity_is_live_however_often_it_logs_in() {
    let world = World::new();
    // As often as it likes: tests/duels.rs has what is done about that.
    let config = Config::new().takeover_pause(Duration::ZERO);
    let (server, mut door) = world.server(config.comings_a_minute(1_000));
    let mut all = Vec::new();
    for _ in 0..20 {
        all.push(world.pair(soon(), &mut door, "alice"));
        world.pass(100 * MS);
        let up = all.iter().filter(|(mine, _)| mine.phase().is_up()).count();
        let up_there = all
            .iter()
            .filter(|(_, theirs)| theirs.phase().is_up())
            .count();
        assert_eq!((up, up_there, server.sessions().len()), (1, 1, 1));
    }
    world.pass(MINUTE);
    assert_eq!(world.network.dials(), 20, "no duel");
}

/// Whoever says so with its name takes over.
struct Polite;

impl Admit for Polite {
    type Peer = ();

    async fn admit(&self, offer: &Offer) -> Result<Admission<()>, Rejection> {
        let said = String::from_utf8_lossy(offer.credentials()).into_owned();
        let name = Identity::new(said.trim_end_matches('!')).expect("short");
        let admission = Admission::from(name);
        Ok(match said.ends_with('!') {
            true => admission.replace(),
            false => admission,
        })
    }
}

impl Host for Polite {
    fn on_message(&self, _: &mut Turn<'_, ()>, _: Message<'_>) {}
}

fn knock(world: &World, network: &Network, says: &str) -> Result<Session<LoggedIn>, LoginError> {
    let client = world.client(Config::new());
    let session = world
        .run(client.connect_over(network.dialer()))
        .expect("up");
    // The holder is asked, and the network has no delay: nobody waits for anything but its answer.
    world.run_within(SECOND, session.login(&Credentials::token(says)))
}

#[test]
fn a_host_and_an_inbox_are_asked_too_who_stays() {
    for (policy, obeyed) in [(Takeover::Ask, true), (Takeover::Reject, false)] {
        for face in ["serve", "intake"] {
            let world = World::new();
            let (server, _door) = world.server(Config::new().takeover(policy));
            let network = Network::with_clock(world.clock.clone());
            let (mut serving, mut inbox) = (None, None);
            match face {
                "serve" => serving = Some(server.serve_over(network.listener(), Polite)),
                _ => inbox = Some(server.intake_over(network.listener(), Polite)),
            }
            let mut first = knock(&world, &network, "alice").expect("nobody was there");
            let refused = knock(&world, &network, "alice").expect_err("alice is there");
            let code = refused.rejection().map(Rejection::code);
            assert_eq!(code, Some(RejectCode::Occupied), "{policy:?}, {face}");
            assert!(matches!(first.try_recv(), Ok(None)), "it goes on");

            let second = knock(&world, &network, "alice!");
            assert_eq!(second.is_ok(), obeyed, "{policy:?}, {face}");
            world.settle();
            match first.try_recv() {
                Err(Ended::Closed(closed)) if obeyed => {
                    assert_eq!(closed.reason(), Reason::TakenOver);
                }
                Ok(None) if !obeyed => {}
                other => panic!("{other:?}: {policy:?}, {face}"),
            }
            assert_eq!(server.sessions().len(), 1);
            drop((serving, inbox));
        }
    }
}
