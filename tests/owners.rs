//! Who keeps a runtime going, what is left when nobody does, and whose panic hurts whom.

mod common;

use common::{MINUTE, SECOND, World, on_resume, read, soon};
use sessile::{
    Admission, Admit, Closed, Config, Credentials, Ended, Host, Message, Offer, Phase, Reason,
    Rejection, Turn, Undelivered,
};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex},
};

#[test]
fn when_the_last_owners_are_gone_no_task_and_no_link_is_left() {
    let world = World::new();
    let (server, mut door) = world.server(Config::new());
    let pairs: Vec<_> = (0..5)
        .map(|n| world.pair(soon(), &mut door, &n.to_string()))
        .collect();
    let stranger = world.connect(soon());
    // Observers keep nothing alive, and go on answering.
    let sessions = server.sessions();
    let peer = sessions.get("3").expect("here");
    let (mut all, mut one) = (server.events(), peer.events());
    let mine = pairs[0].0.peer();
    assert!(!world.is_empty());

    drop((server, door));
    world.pass(SECOND);
    assert_eq!(
        (peer.phase(), sessions.len()),
        (Phase::LoggedIn, 5),
        "sessions keep it going"
    );
    drop((pairs, stranger));
    world.pass(5 * SECOND);
    assert!(world.is_empty(), "tasks are left");
    assert_eq!(world.network.links().len(), 0);
    assert_eq!(
        (peer.phase(), mine.phase(), sessions.len()),
        (Phase::Ended, Phase::Ended, 0)
    );
    world.run(async {
        while all.next().await.is_some() {}
        while one.next().await.is_some() {}
    });
    assert!(peer.try_send("x").is_err());
    assert!(sessions.iter().next().is_none() && !sessions.remove("3", "x"));
    assert_eq!(world.clock.next_deadline(), None, "no timer is left");
}

#[test]
fn a_client_that_was_dropped_while_it_reconnects_leaves_nothing_behind() {
    let world = World::new();
    let (server, mut door) = world.server(Config::new());
    let (mine, theirs) = world.pair(soon(), &mut door, "alice");
    world.network.refuse(true);
    world.cut();
    world.pass(SECOND);
    drop(mine);
    world.pass(5 * SECOND);
    let dials = world.network.dials();
    world.pass(MINUTE);
    assert_eq!(world.network.dials(), dials);
    drop((theirs, door, server));
    world.pass(5 * SECOND);
    assert!(world.is_empty() && world.network.links().is_empty());
}

#[test]
fn a_runtime_that_was_never_used_and_a_connection_that_was_dropped_leave_nothing_behind() {
    let world = World::new();
    let runtime = world.client(Config::new());
    world.settle();
    drop(runtime);
    world.settle();
    assert!(world.is_empty());
    let (server, door) = world.server(Config::new());
    world.network.set_delay(SECOND);
    let connect = world
        .client(Config::new())
        .connect_over(world.network.dialer());
    let mut connect = std::pin::pin!(connect);
    assert!(world.try_run(connect.as_mut()).is_none());
    world.pass(100 * common::MS);
    drop((server, door));
    world.pass(MINUTE);
    assert!(world.run(connect).is_err(), "nobody listens any more");
    world.pass(MINUTE);
    assert!(world.is_empty() && world.network.links().is_empty());
}

#[test]
fn a_door_that_is_dropped_stops_listening_and_its_sessions_go_on() {
    let world = World::new();
    let (server, mut door) = world.server(Config::new());
    let (mine, mut theirs) = world.pair(soon(), &mut door, "alice");
    drop(door);
    world.settle();
    let refused = world.run(world.client(soon()).connect_over(world.network.dialer()));
    assert!(refused.is_err());
    let mut mine = mine;
    mine.try_send("still here").expect("room");
    world.pass(MINUTE);
    assert_eq!(read(&mut theirs), ["still here"]);
    // A new door lets those back in who lost their link.
    world.cut();
    world.pass(SECOND);
    let door = server.listen_over(world.network.listener());
    world.pass(SECOND);
    assert_eq!(
        (mine.phase(), theirs.phase()),
        (Phase::LoggedIn, Phase::LoggedIn)
    );
    drop(door);
}

#[test]
fn a_panic_in_a_hosts_task_ends_only_its_own_session() {
    let world = World::new();
    let (server, mut door) = world.server(Config::new());
    let (mut alice, mut alices_peer) = world.pair(soon(), &mut door, "alice");
    let (mut bob, mut bobs_peer) = world.pair(on_resume(), &mut door, "bob");
    let host = world.spawn(async move {
        let message = alices_peer.recv().await.expect("up");
        panic!("a host that cannot take {message:?}");
    });
    alice.try_send("poison").expect("room");
    world.settle();
    catch_unwind(AssertUnwindSafe(|| world.run(host))).expect_err("it panics");

    let Err(Ended::Closed(closed)) = alice.try_recv() else {
        panic!("it goes on");
    };
    assert_eq!(closed.reason(), Reason::ClosedByPeer);
    assert_eq!((server.sessions().len(), bob.check()), (1, Ok(())));
    world.pass(MINUTE);
    bob.try_send("all is well").expect("room");
    world.settle();
    assert_eq!(read(&mut bobs_peer), ["all is well"]);
    let (carol, _peer) = world.pair(soon(), &mut door, "carol");
    assert_eq!(
        (carol.phase(), server.sessions().len()),
        (Phase::LoggedIn, 2)
    );
}

#[test]
fn an_answer_that_panics_ends_only_its_own_login() {
    let world = World::new();
    let (server, mut door) = world.server(Config::new());
    let (bob, bobs_peer) = world.pair(soon(), &mut door, "bob");
    let session = world.connect(soon());
    let me = Credentials::token("alice").answer_with(|_| panic!("no key"));
    let mut login = Box::pin(session.login(&me));
    assert!(world.try_run(login.as_mut()).is_none());
    let peer = world.run(door.next()).expect("a peer");
    let mut answer = Box::pin(peer.offer().challenge(b"nonce"));
    assert!(world.try_run(answer.as_mut()).is_none());
    let outcome = catch_unwind(AssertUnwindSafe(|| drop(world.run(login))));
    outcome.expect_err("it panics");
    assert!(world.run(answer).is_err(), "there is no answer");
    world.pass(MINUTE);
    assert_eq!(
        (bob.phase(), bobs_peer.phase()),
        (Phase::LoggedIn, Phase::LoggedIn)
    );
    assert_eq!(server.sessions().len(), 1);
}

/// Lets everybody in, but not before it is told to.
struct Slow {
    go: async_channel::Receiver<()>,
    ends: Arc<Mutex<Vec<Reason>>>,
}

impl Admit for Slow {
    type Peer = ();

    async fn admit(&self, _: &Offer) -> Result<Admission<()>, Rejection> {
        self.go.recv().await.ok();
        Ok(Admission::new(7u64, ()))
    }
}

impl Host for Slow {
    fn on_message(&self, _: &mut Turn<'_, ()>, _: Message<'_>) {}

    fn on_end(&self, (): (), why: Closed, _: Vec<Undelivered>) {
        self.ends.lock().unwrap().push(why.reason());
    }
}

#[test]
fn whoever_is_let_in_after_serving_stopped_is_closed_and_the_host_hears_of_it() {
    let world = World::new();
    let (server, _) = world.server(Config::new());
    let (tell, go) = async_channel::bounded(1);
    let ends = Arc::<Mutex<Vec<Reason>>>::default();
    let host = Slow {
        go,
        ends: Arc::clone(&ends),
    };
    let serving = server.serve_over(world.network.listener(), host);
    let session = world.connect(Config::new());
    let login = world.spawn(async move { session.login(&Credentials::token("me")).await });
    world.settle(); // it is being judged
    drop(serving);
    world.settle();
    tell.try_send(()).unwrap();
    let mut mine = world.run(login).expect("it was judged good");
    let Err(Ended::Closed(why)) = world.run(mine.recv()) else {
        panic!("nobody serves it")
    };
    assert_eq!(why.reason(), Reason::ClosedByPeer);
    drop(mine);
    world.settle();
    assert_eq!(*ends.lock().unwrap(), [Reason::Dropped]);
    assert_eq!(server.sessions().len(), 0);
    drop(server);
    world.pass(5 * SECOND);
    assert!(world.is_empty(), "tasks are left");
}
