//! One identity, two logins: who goes, who stays, and what each of them hears.

mod common;

use common::{MINUTE, MS, SECOND, TICK, World, lost, names, on_resume, read, soon};
use futures::future::join;
use sessile::{
    AdmitError, Config, Credentials, Door, Ended, LoggedIn, Multi, Phase, Reason, RejectCode,
    Retry, Session, Takeover,
};

/// What a host does that lets nobody throw anybody out.
async fn ask(door: &mut Door, name: &str) -> Result<Session<LoggedIn, Multi>, AdmitError> {
    let peer = door.next().await.expect("a peer");
    peer.try_admit(sessile::Identity::new(name).expect("short"))
        .await
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
    let (server, mut door) = world.server(Config::new());
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
