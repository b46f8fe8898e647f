//! Silence, loss and the way back, to the instant.

mod common;

use common::{
    MINUTE, MS, SECOND, TICK, World, drain, lost, names, observed, on_resume, read, soon,
};
use sessile::{
    Config, Ended, Event, EventKind, Events, LossCause, Phase, Reason, ReconnectMode, Retry,
    SendError, transport::memory::Direction,
};
use std::time::Duration;

const LEASE: Duration = Duration::from_secs(6);

/// What happened, and how long after the first of it.
fn timeline(events: &mut Events) -> Vec<(Duration, Event)> {
    let observed = observed(events);
    let first = observed.first().map(Event::at).unwrap_or_default();
    let since = |event: Event| (event.at() - first, event);
    observed.into_iter().map(since).collect()
}

#[track_caller]
fn assert_at(at: Duration, planned: Duration) {
    let late = at.checked_sub(planned);
    let late = late.unwrap_or_else(|| panic!("{at:?} is before {planned:?}"));
    assert!(late <= TICK, "{late:?} after {planned:?}");
}

#[test]
fn silence_becomes_suspicion_at_half_the_lease_and_loss_at_the_lease_and_the_session_comes_back() {
    let world = World::new();
    let (server, mut door) = world.server(Config::new());
    let session = world.connect(Config::new());
    let (mut here, mut there) = (session.events(), server.events());
    let (mine, _theirs) = world.log_in(session, &mut door, "alice");
    world.black_hole(&world.link(), true); // nothing was heard since the login
    drain(&mut there);
    world.pass(MINUTE);

    let mut here = timeline(&mut here).into_iter().skip(1); // login-started
    let mut next = |name| {
        let (at, event) = here.next().expect(name);
        assert_eq!(event.kind().name(), name);
        (at, event)
    };
    assert_eq!(next("logged-in").0, Duration::ZERO);
    assert_at(next("suspect").0, LEASE / 2);
    let timed_out = next("timed-out").0;
    assert_at(timed_out, LEASE);
    let (scheduled, event) = next("reconnect-scheduled");
    assert_eq!(scheduled, timed_out);
    let EventKind::ReconnectScheduled { attempt: 1, after } = *event.kind() else {
        panic!("{event}");
    };
    let (started, event) = next("reconnect-started");
    assert_at(started, scheduled + after);
    assert_eq!(*event.kind(), EventKind::ReconnectStarted { attempt: 1 });
    let (resumed, event) = next("resumed");
    assert_eq!((resumed, event.epoch()), (started, 2));
    assert_eq!(here.next(), None);
    assert_eq!(mine.phase(), Phase::LoggedIn);

    let there = timeline(&mut there);
    let kinds: Vec<_> = there.iter().map(|(_, event)| event.kind().name()).collect();
    assert_eq!(kinds, ["suspect", "timed-out", "link-up", "resumed"]);
    assert_at(there[1].0, LEASE / 2 - TICK); // since the suspicion, which may have been late
}

#[test]
fn the_resumed_session_of_a_lost_link_reports_its_loss_once_on_either_side() {
    let world = World::new();
    let (_server, mut door) = world.server(soon());
    let (mut mine, mut theirs) = world.pair(soon(), &mut door, "alice");
    world.cut();
    world.pass(SECOND); // back beneath both handles
    assert_eq!((mine.phase(), mine.peer().epoch()), (Phase::LoggedIn, 2));
    assert_eq!(mine.epoch(), 1);

    let here = lost(&mut mine);
    assert_eq!(here.epoch(), 1);
    assert!(matches!(here.cause(), LossCause::Io(_)));
    assert!(matches!(
        theirs.try_send("x"),
        Err(SendError::Ended(Ended::Lost(_)))
    ));
    let there = lost(&mut theirs);
    let mut mine = world
        .run(mine.reconnect(here).resume())
        .expect("up already");
    let mut theirs = world
        .run(theirs.reconnect(there).resume())
        .expect("up already");
    assert_eq!((mine.epoch(), theirs.epoch()), (2, 2));
    assert_eq!((mine.check(), theirs.check()), (Ok(()), Ok(())));
    mine.try_send("again").expect("it is well");
    world.settle();
    assert_eq!(read(&mut theirs), ["again"]);
}

/// Nothing arrives in this direction for four seconds.
fn goes_and_comes_back(
    world: &World,
    direction: Direction,
    mut events: Events,
    phase: impl Fn() -> Phase,
) {
    let link = world.link();
    link.black_hole(direction, true);
    world.pass(4 * SECOND);
    assert_eq!(phase(), Phase::Suspect);
    link.black_hole(direction, false);
    world.pass(SECOND); // a suspect is probed every 750 ms
    assert_eq!(phase(), Phase::LoggedIn);
    world.pass(MINUTE);
    assert_eq!(names(&mut events), ["suspect", "recovered"]);
}

#[test]
fn a_suspect_server_that_is_heard_again_has_recovered() {
    let world = World::new();
    let (_server, mut door) = world.server(Config::new());
    let (mine, _theirs) = world.pair(Config::new(), &mut door, "alice");
    goes_and_comes_back(&world, Direction::ToDialer, mine.events(), || mine.phase());
}

#[test]
fn a_suspect_client_that_is_heard_again_has_recovered() {
    let world = World::new();
    let (_server, mut door) = world.server(Config::new());
    let (_mine, theirs) = world.pair(Config::new(), &mut door, "alice");
    goes_and_comes_back(&world, Direction::ToAcceptor, theirs.events(), || {
        theirs.phase()
    });
}

#[test]
fn a_client_that_never_reconnects_ends_at_the_lease_and_dials_no_more() {
    let world = World::new();
    let (_server, mut door) = world.server(Config::new());
    let never = Config::new().reconnect(ReconnectMode::Never);
    let (mut mine, theirs) = world.pair(never, &mut door, "alice");
    let mut here = mine.events();
    world.black_hole(&world.link(), true);
    world.pass(MINUTE);
    assert_eq!(names(&mut here), ["suspect", "timed-out", "ended"]);
    let Err(Ended::Closed(closed)) = mine.try_recv() else {
        panic!("it goes on");
    };
    assert_eq!(
        (closed.reason(), closed.retry()),
        (Reason::LinkLost, Retry::Now)
    );
    assert_eq!(world.network.dials(), 1);
    assert_eq!(
        theirs.phase(),
        Phase::Reconnecting,
        "the server keeps its end"
    );
}

#[test]
fn on_resume_dials_only_while_resume_is_awaited() {
    let world = World::new();
    let (_server, mut door) = world.server(Config::new());
    let (mut mine, _theirs) = world.pair(on_resume(), &mut door, "alice");
    let mut here = mine.events();
    world.cut();
    world.pass(10 * SECOND);
    assert_eq!(
        (world.network.dials(), mine.phase()),
        (1, Phase::Reconnecting)
    );
    assert_eq!(names(&mut here), ["link-lost"]);

    let lost = lost(&mut mine);
    let mine = mine.reconnect(lost);
    world.pass(10 * SECOND);
    assert_eq!(world.network.dials(), 1, "turning is not waiting");

    world.network.refuse(true);
    let resume = mine.resume();
    world.pass(SECOND);
    let dialed = world.network.dials();
    assert!(dialed > 1, "awaited and not dialed");
    let mine = resume.into_session();
    world.pass(10 * SECOND);
    assert_eq!(world.network.dials(), dialed, "nobody waits any more");

    world.network.refuse(false);
    let mine = world
        .run_within(SECOND, mine.resume())
        .expect("it comes back");
    assert_eq!(
        (mine.phase(), world.network.dials()),
        (Phase::LoggedIn, dialed + 1)
    );
    world.cut();
    world.pass(10 * SECOND);
    assert_eq!(
        world.network.dials(),
        dialed + 1,
        "the next loss is for the next resume"
    );
}

#[test]
fn what_comes_on_the_next_link_is_read_after_the_loss_was_reported() {
    let world = World::new();
    let (server, mut door) = world.server(soon());
    let (mut mine, mut theirs) = world.pair(soon(), &mut door, "alice");
    theirs.try_send("one").expect("room");
    world.settle();
    world.cut();
    let peer = server.sessions().get("alice").expect("kept");
    peer.try_send("two").expect("a lost link refuses nothing");
    world.pass(SECOND);
    assert_eq!(mine.snapshot().expect("alive").received, 2);

    assert_eq!(read(&mut mine), ["one"]);
    let lost = lost(&mut mine);
    let mut mine = world
        .run(mine.reconnect(lost).resume())
        .expect("up already");
    assert_eq!(read(&mut mine), ["two"]);
}

#[test]
fn a_loss_on_one_side_alone_is_heard_by_the_other_as_a_loss() {
    let world = World::new();
    let (_server, mut door) = world.server(soon());
    let (mut mine, mut theirs) = world.pair(soon(), &mut door, "alice");
    let mut here = mine.events();
    world.link().black_hole(Direction::ToAcceptor, true);
    world.pass(LEASE + SECOND); // only the server hears nothing, and cuts
    assert_eq!(lost(&mut theirs).cause(), LossCause::Silence);
    assert_eq!(lost(&mut mine).cause(), LossCause::ClosedByPeer);
    assert_eq!(
        names(&mut here),
        [
            "link-lost",
            "reconnect-scheduled",
            "reconnect-started",
            "resumed"
        ]
    );
}

#[test]
fn a_lease_of_milliseconds_is_kept_as_well() {
    let world = World::new();
    let quick = Config::new().heartbeat_interval(20 * MS).lease(60 * MS);
    let (_server, mut door) = world.server(quick);
    let (mine, theirs) = world.pair(on_resume(), &mut door, "alice");
    let mut here = mine.events();
    world.pass(MINUTE);
    assert_eq!(names(&mut here), [] as [&str; 0]);
    let heard = world.clock.now();
    world.black_hole(&world.link(), true);
    while mine.phase() != Phase::Reconnecting {
        world.pass(MS);
    }
    let after = world.clock.now() - heard;
    assert!(after <= 60 * MS + TICK && after >= 40 * MS, "{after:?}");
    world.pass(10 * MS);
    assert_eq!(theirs.phase(), Phase::Reconnecting);
}
