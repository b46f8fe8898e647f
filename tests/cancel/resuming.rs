//! `resume`, on both sides.

use std::time::Duration;

use sessile::{AnySession, Config, Ended, LoggedIn, Mode, Multi, Reason, ReconnectMode, Session};

use crate::common::World;

use super::{LIMIT, expect, lost_pair, numbered, poll_times, slow_world};

/// Sends three more each way and expects all six, in order and once.
fn goes_on(world: &World, mut mine: Session<LoggedIn>, mut theirs: Session<LoggedIn, Multi>) {
    for number in 3..6 {
        world
            .run_within(LIMIT, mine.send(&numbered(number)))
            .expect("sent");
        world
            .run_within(LIMIT, theirs.send(&numbered(number)))
            .expect("sent");
    }
    let mine = world.run_within(LIMIT, expect(mine, 0, 6));
    let theirs = world.run_within(LIMIT, expect(theirs, 0, 6));
    assert_eq!(world.run_within(LIMIT, mine.close("")).len(), 0);
    drop(theirs);
}

fn configs() -> [Config; 2] {
    [ReconnectMode::AtOnce, ReconnectMode::OnResume].map(|mode| Config::new().reconnect(mode))
}

#[test]
fn a_client_that_stopped_waiting_anywhere_resumes_later_and_nothing_is_lost() {
    for config in configs() {
        for polls in 0.. {
            let world = slow_world();
            let (_server, mut door) = world.server(Config::new());
            let (mine, theirs) = lost_pair(&world, &config, &mut door);
            let mut resume = mine.resume();
            let done = poll_times(&world, &mut resume, polls);
            let is_done = done.is_some();
            let mine = match done {
                Some(mine) => mine.expect("it resumes"),
                None => {
                    let idle = resume.into_session();
                    // At once, and after a while in which nobody waited.
                    world.pass(Duration::from_secs(polls as u64 % 3));
                    world.run_within(LIMIT, idle.resume()).expect("it resumes")
                }
            };
            let theirs = world.run_within(LIMIT, theirs.resume());
            goes_on(&world, mine, theirs.expect("it is back"));
            if is_done {
                assert!(polls > 5, "there was nothing to cancel");
                break;
            }
        }
    }
}

#[test]
fn a_server_that_stopped_waiting_anywhere_resumes_later_and_nothing_is_lost() {
    for polls in 0.. {
        let world = slow_world();
        let (_server, mut door) = world.server(Config::new());
        let (mine, theirs) = lost_pair(&world, &Config::new(), &mut door);
        let mut resume = theirs.resume();
        let done = poll_times(&world, &mut resume, polls);
        let is_done = done.is_some();
        let theirs = match done {
            Some(theirs) => theirs.expect("it is back"),
            None => {
                let waits = resume.into_session().resume();
                world.run_within(LIMIT, waits).expect("it is back")
            }
        };
        let mine = world.run_within(LIMIT, mine.resume()).expect("it resumes");
        goes_on(&world, mine, theirs);
        if is_done {
            assert!(polls > 5, "there was nothing to cancel");
            return;
        }
    }
}

#[test]
fn both_ends_may_stop_waiting_again_and_again() {
    for (mine_polls, their_polls) in [(0, 0), (1, 3), (3, 1), (2, 2), (5, 4)] {
        let world = slow_world();
        let (_server, mut door) = world.server(Config::new());
        let (mine, theirs) = lost_pair(&world, &Config::new(), &mut door);
        let (mut mine, mut theirs) = (AnySession::from(mine), AnySession::from(theirs));
        for _ in 0..20 {
            mine = wait_a_little(&world, mine, mine_polls);
            theirs = wait_a_little(&world, theirs, their_polls);
        }
        let (mine, theirs) = (back(&world, mine), back(&world, theirs));
        goes_on(&world, mine, theirs);
    }
}

fn wait_a_little<M: Mode>(world: &World, session: AnySession<M>, polls: usize) -> AnySession<M> {
    let AnySession::Reconnecting(session) = session else {
        return session;
    };
    let mut resume = session.resume();
    match poll_times(world, &mut resume, polls) {
        Some(back) => back.expect("it resumes").into(),
        None => resume.into_session().into(),
    }
}

fn back<M: Mode>(world: &World, session: AnySession<M>) -> Session<LoggedIn, M> {
    match session {
        AnySession::LoggedIn(session) => session,
        AnySession::Reconnecting(session) => world
            .run_within(LIMIT, session.resume())
            .expect("it resumes"),
        AnySession::Connecting(_) => unreachable!("it was logged in"),
    }
}

/// Under `OnResume` nobody dials for a session that nobody waits for.
#[test]
fn a_client_that_stopped_waiting_under_on_resume_stops_dialing() {
    for polls in 0.. {
        let world = slow_world();
        let (_server, mut door) = world.server(Config::new());
        let config = Config::new().reconnect(ReconnectMode::OnResume);
        let (mine, theirs) = lost_pair(&world, &config, &mut door);
        world.network.refuse(true);
        let before = world.network.dials();
        let mut resume = mine.resume();
        assert!(poll_times(&world, &mut resume, polls).is_none());
        let idle = resume.into_session();
        world.pass(Duration::from_secs(1)); // an attempt that was under way ends
        let dials = world.network.dials();
        world.pass(Duration::from_secs(60));
        assert_eq!(world.network.dials(), dials, "after {polls} polls");
        world.network.refuse(false);
        let mine = world.run_within(LIMIT, idle.resume()).expect("it resumes");
        let theirs = world.run_within(LIMIT, theirs.resume());
        goes_on(&world, mine, theirs.expect("it is back"));
        if dials > before + 2 {
            return;
        }
    }
}

#[test]
fn a_dropped_resume_closes_its_session_and_the_peer_hears_of_it() {
    for polls in 0.. {
        let world = slow_world();
        let (server, mut door) = world.server(Config::new());
        let (mine, theirs) = lost_pair(&world, &Config::new(), &mut door);
        let mut resume = mine.resume();
        let done = poll_times(&world, &mut resume, polls);
        drop(resume);
        if done.is_some() {
            return;
        }
        world.pass(Duration::from_secs(10));
        let end = match world.run_within(LIMIT, theirs.resume()) {
            // It came back to say goodbye.
            Ok(mut theirs) => loop {
                match world.run_within(LIMIT, theirs.recv()) {
                    Ok(_) => {}
                    Err(Ended::Closed(closed)) => break closed,
                    Err(Ended::Lost(lost)) => panic!("after {polls} polls: {lost}"),
                }
            },
            Err(gone) => gone.closed().clone(),
        };
        assert_eq!(end.reason(), Reason::ClosedByPeer, "after {polls} polls");
        assert!(server.sessions().is_empty());
        assert_eq!(world.network.links().len(), 0, "after {polls} polls");
    }
}
