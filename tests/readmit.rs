//! A server that looks at who comes back.

mod common;

use std::sync::{Arc, Mutex};

use common::{MINUTE, MS, SECOND, World, lost, names, on_resume, read, soon};
use sessile::{
    Config, Credentials, Door, Ended, LoggedIn, Multi, Phase, Reason, RejectCode, Rejection, Retry,
    Returning, Runtime, Session, Update,
};

/// What the program says of whoever comes back, one after the other; the last word again and again.
#[derive(Clone, Default)]
struct Check {
    verdicts: Arc<Mutex<Vec<Says>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

#[derive(Clone)]
enum Says {
    Yes,
    No(Rejection),
    Panics,
    Nothing,
    /// Yes, once this channel says so.
    Waits(async_channel::Receiver<()>),
}

impl Check {
    fn register(server: &Runtime<Multi>, verdicts: impl IntoIterator<Item = Says>) -> Self {
        let check = Self::default();
        check.verdicts.lock().expect("fine").extend(verdicts);
        let of_server = check.clone();
        server.readmit_with(move |returning| of_server.clone().judge(returning));
        check
    }

    async fn judge(self, returning: Returning) -> Result<(), Rejection> {
        let who = returning.identity().expect("a session");
        self.asked.lock().expect("fine").push(who.to_string());
        let says = {
            let mut verdicts = self.verdicts.lock().expect("fine");
            match verdicts.len() {
                0 | 1 => verdicts[0].clone(),
                _ => verdicts.remove(0),
            }
        };
        match says {
            Says::Yes => Ok(()),
            Says::No(why) => Err(why),
            Says::Panics => panic!("a check that panics, on purpose"),
            Says::Nothing => std::future::pending().await,
            Says::Waits(until) => {
                until.recv().await.ok();
                Ok(())
            }
        }
    }

    fn asked(&self) -> usize {
        self.asked.lock().expect("fine").len()
    }
}

fn alice(
    config: Config,
) -> (
    World,
    Runtime<Multi>,
    Door,
    Session<LoggedIn>,
    Session<LoggedIn, Multi>,
) {
    let world = World::new();
    let (server, mut door) = world.server(Config::new());
    let (mine, theirs) = world.pair(config, &mut door, "alice");
    (world, server, door, mine, theirs)
}

#[test]
fn who_was_banned_meanwhile_hears_so_and_is_out_and_does_not_come_again() {
    let (world, server, _door, mut mine, mut theirs) = alice(soon());
    let no = Rejection::banned().text("until Monday");
    let check = Check::register(&server, [Says::No(no.clone())]);
    mine.try_send("unread").expect("room");
    world.settle();
    world.cut();
    let lost = lost(&mut mine);
    let gone = world
        .run_within(MINUTE, mine.reconnect(lost).resume())
        .expect_err("banned");
    let closed = gone.closed();
    assert_eq!(
        (closed.reason(), closed.retry()),
        (Reason::Removed, Retry::Never)
    );
    assert_eq!(closed.rejection(), Some(&no));
    assert_eq!(gone.undelivered().len(), 1, "nobody took it");

    world.settle();
    assert_eq!(read(&mut theirs), [""; 0], "nothing is handed on any more");
    let Err(Ended::Closed(closed)) = theirs.try_recv() else {
        panic!("it goes on");
    };
    assert_eq!(
        (closed.reason(), closed.rejection()),
        (Reason::Removed, Some(&no))
    );
    assert!(server.sessions().is_empty());
    let dials = world.network.dials();
    world.pass(5 * MINUTE);
    assert_eq!((world.network.dials(), check.asked()), (dials, 1));
}

#[test]
fn a_supervised_client_takes_never_for_an_answer() {
    let world = World::new();
    let (server, mut door) = world.server(Config::new());
    let mut client = world.supervise(soon(), "alice");
    let admitting = async { door.next().await.expect("a peer").admit(1u64) };
    let login = async {
        while !matches!(client.next().await, Some(Update::Event(event)) if event.kind().name() == "logged-in")
        {
        }
    };
    let (_, _theirs) = world.run(futures::future::join(login, admitting));
    Check::register(
        &server,
        [Says::No(Rejection::other(1_234).text("the season is over"))],
    );
    world.cut();
    let ended = world.run_within(MINUTE, async {
        loop {
            match client.next().await {
                Some(Update::Ended(why)) => return why,
                Some(_) => {}
                None => panic!("no end"),
            }
        }
    });
    let code = ended.rejection().expect("the host's").code();
    assert_eq!(
        (code, ended.retry()),
        (RejectCode::Other(1_234), Retry::Never)
    );
    let dials = world.network.dials();
    world.pass(5 * MINUTE);
    assert_eq!(world.network.dials(), dials);
}

#[test]
fn who_may_comes_back_and_notices_nothing() {
    let (world, server, _door, mut mine, mut theirs) = alice(soon());
    let check = Check::register(&server, [Says::Yes]);
    let mut events = theirs.events();
    for round in 1..=3 {
        world.cut();
        mine = world.back(mine);
        theirs = world.back(theirs);
        mine.try_send(&round.to_string()).expect("room");
        theirs.try_send(&round.to_string()).expect("room");
        world.settle();
        assert_eq!(read(&mut theirs), [round.to_string()]);
        assert_eq!(read(&mut mine), [round.to_string()]);
        assert_eq!(check.asked(), round);
    }
    assert_eq!(*check.asked.lock().expect("fine"), ["alice"; 3]);
    let told = names(&mut events);
    assert_eq!(told, ["link-lost", "link-up", "resumed"].repeat(3));
}

#[test]
fn until_the_program_has_answered_the_session_is_as_it_was_and_its_peer_hears_nothing() {
    let (world, server, _door, mut mine, mut theirs) = alice(soon());
    let (answer, until) = async_channel::bounded(1);
    let _check = Check::register(&server, [Says::Waits(until)]);
    theirs.try_send("before").expect("room");
    world.cut();
    server
        .sessions()
        .get("alice")
        .expect("kept")
        .try_send("meanwhile")
        .expect("room");
    world.pass(2 * SECOND);
    let snapshot = theirs.snapshot().expect("kept");
    assert_eq!((snapshot.phase, snapshot.epoch), (Phase::Reconnecting, 1));
    assert_eq!(mine.phase(), Phase::Reconnecting);
    answer.try_send(()).expect("it waits");
    world.settle();
    assert_eq!(
        (mine.phase(), theirs.phase()),
        (Phase::LoggedIn, Phase::LoggedIn)
    );
    assert_eq!(read(&mut mine), ["before"], "it came before the loss");
    mine = world.back(mine);
    assert_eq!(read(&mut mine), ["meanwhile"]);
    mine.try_send("after").expect("room");
    world.settle();
    theirs = world.back(theirs);
    assert_eq!(read(&mut theirs), ["after"]);
}

#[test]
fn a_program_that_is_busy_or_panics_is_asked_again_and_the_session_stays() {
    let (world, server, _door, mut mine, mut theirs) = alice(soon());
    let later = Rejection::busy(3 * SECOND);
    let check = Check::register(&server, [Says::No(later), Says::Panics, Says::Yes]);
    world.cut();
    let at = world.clock.now();
    mine = world.back(mine);
    let waited = world.clock.now() - at;
    assert!(waited >= 4 * SECOND && waited < 6 * SECOND, "{waited:?}");
    assert_eq!((check.asked(), mine.epoch()), (3, 2));
    theirs = world.back(theirs);
    theirs.try_send("still here").expect("room");
    world.settle();
    assert_eq!(read(&mut mine), ["still here"]);
}

#[test]
fn a_program_that_never_answers_costs_the_link_and_not_the_session() {
    let (world, server, _door, mut mine, theirs) = alice(soon());
    let check = Check::register(&server, [Says::Nothing, Says::Yes]);
    world.cut();
    let at = world.clock.now();
    mine = world.back(mine);
    let waited = world.clock.now() - at;
    assert!(waited >= 5 * SECOND && waited < 7 * SECOND, "{waited:?}");
    assert_eq!(check.asked(), 2);
    assert_eq!(
        (mine.phase(), theirs.phase()),
        (Phase::LoggedIn, Phase::LoggedIn)
    );
}

#[test]
fn who_comes_back_is_asked_about_before_who_is_new_and_no_more_than_so_many_at_once() {
    let world = World::new();
    let (server, mut door) = world.server(Config::new().admits_at_once(1));
    let (mut mine, theirs) = world.pair(on_resume(), &mut door, "alice");
    let (mut yours, bobs) = world.pair(on_resume(), &mut door, "bob");
    let (answer, until) = async_channel::unbounded();
    let check = Check::register(&server, [Says::Waits(until.clone())]);
    // One who is new is being judged, and one waits for it.
    let order: Arc<Mutex<Vec<String>>> = Arc::default();
    let (told, permits) = (Arc::clone(&order), until);
    let admit = sessile::admit_with(move |offer: sessile::Offer| {
        let (told, permits) = (Arc::clone(&told), permits.clone());
        async move {
            let name = String::from_utf8(offer.credentials().to_vec()).expect("text");
            told.lock().expect("fine").push(name.clone());
            permits.recv().await.expect("open");
            Ok(sessile::Identity::new(name).expect("short").into())
        }
    });
    drop(door);
    world.cut();
    let _inbox: sessile::Inbox<()> = server.intake_over(world.network.listener(), admit);
    let logins = ["carol", "dave"].map(|name| {
        let login = world
            .connect(Config::new())
            .login(&Credentials::token(name));
        let login = world.spawn(login);
        world.settle();
        login
    });
    let (gone, left) = (lost(&mut mine), lost(&mut yours));
    let back = world.spawn(mine.reconnect(gone).resume());
    let other = world.spawn(yours.reconnect(left).resume());
    world.pass(SECOND);
    assert_eq!(*order.lock().expect("fine"), ["carol"]);
    assert_eq!(check.asked(), 0);
    let mut asked = Vec::new();
    for _ in 0..4 {
        answer.try_send(()).expect("open");
        world.settle();
        asked.push((check.asked(), order.lock().expect("fine").len()));
    }
    assert_eq!(asked, [(1, 1), (2, 1), (2, 2), (2, 2)]);
    let back = [back, other].map(|back| world.run_within(10 * MS, back).expect("back"));
    let new = logins.map(|login| world.run_within(10 * MS, login).expect("admitted"));
    assert_eq!(server.sessions().len(), back.len() + new.len());
    assert_eq!([theirs.phase(), bobs.phase()], [Phase::LoggedIn; 2]);
}

#[test]
fn a_session_is_asked_about_for_its_newest_link_alone() {
    let world = World::new();
    let (server, mut door) = world.server(Config::new().admits_at_once(1));
    let (mut mine, _theirs) = world.pair(soon(), &mut door, "alice");
    let check = Check::register(&server, [Says::Nothing, Says::Nothing, Says::Yes]);
    let at = world.clock.now();
    for asked in 1..=2 {
        world.cut();
        world.pass(200 * MS); // it is on a link again, and is being asked about
        assert_eq!(check.asked(), asked);
    }
    world.cut();
    mine = world.back(mine);
    let waited = world.clock.now() - at;
    assert!(
        waited < SECOND,
        "{waited:?}: a link that was left holds the only place"
    );
    assert_eq!((check.asked(), mine.epoch()), (3, 2));
}

#[test]
fn a_runtime_that_stops_leaves_nothing_of_its_check() {
    let (world, server, door, mine, theirs) = alice(Config::new());
    let sessions = server.sessions();
    let held = Arc::new(());
    let watched = Arc::downgrade(&held);
    server.readmit_with(move |_| {
        let _ = (&held, &sessions); // which points to the runtime
        async { Ok(()) }
    });
    drop((server, door, mine, theirs));
    world.pass(10 * SECOND);
    assert!(
        watched.upgrade().is_none(),
        "the check is kept by what it keeps"
    );
}
