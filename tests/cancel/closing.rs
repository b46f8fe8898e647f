//! `close`.

use std::time::Duration;

use sessile::{
    Config, Drained, Ended, LoggedIn, Multi, Reason, Session, transport::memory::Direction,
};

use super::{LIMIT, lost_pair, number, numbered, poll_times, slow_pair, slow_world};

/// Closing goes on without its future: what was sent before arrives, then the reason.
#[test]
fn a_close_that_nobody_waits_for_delivers_what_was_sent_before_it() {
    for polls in 0.. {
        let world = slow_world();
        let (_server, mut door) = world.server(Config::new());
        let (mut mine, mut theirs) = slow_pair(&world, &Config::new(), &mut door);
        for number in 0..5 {
            mine.try_send(&numbered(number)).expect("room");
        }
        let mut close = mine.close("good night");
        let mut got = 0;
        let mut read = |theirs: &mut Session<LoggedIn, Multi>| loop {
            match theirs.try_recv() {
                Ok(Some(message)) => {
                    assert_eq!(number(&message), got);
                    got += 1;
                }
                Ok(None) => return None,
                Err(ended) => return Some((got, ended)),
            }
        };
        let mut end = None;
        let mut done = None;
        for _ in 0..polls {
            done = poll_times(&world, &mut close, 1);
            end = end.or_else(|| read(&mut theirs));
            if done.is_some() {
                break;
            }
        }
        drop(close);
        world.pass(Duration::from_secs(1));
        let (got, ended) = end.or_else(|| read(&mut theirs)).expect("the end");
        assert_eq!(got, 5, "after {polls} polls");
        let Ended::Closed(closed) = ended else {
            panic!("after {polls} polls: {ended:?}")
        };
        assert_eq!(closed.reason(), Reason::ClosedByPeer);
        assert_eq!(closed.text(), Some("good night"));
        world.pass(Duration::from_secs(5));
        assert_eq!(world.network.links().len(), 0, "after {polls} polls");
        if let Some(undelivered) = done {
            assert!(polls > 3, "there was nothing to cancel");
            assert!(undelivered.is_empty(), "{undelivered:?}");
            return;
        }
    }
}

/// What peers were told cannot be taken back; who waits anew hears the counts all the same.
#[test]
fn a_drain_that_nobody_waits_for_goes_on_to_its_end() {
    for polls in 0.. {
        let world = slow_world();
        let (server, mut door) = world.server(Config::new());
        let (mut mine, theirs) = slow_pair(&world, &Config::new(), &mut door);
        let mut drain = server.drain(Duration::from_secs(3));
        let done = poll_times(&world, &mut drain, polls);
        drop(drain);
        if polls == 0 {
            world.pass(Duration::from_secs(5));
            assert!(mine.check().is_ok(), "it never began");
            drop((mine, theirs));
            continue;
        }
        let end = world.run_within(LIMIT, mine.recv()).expect_err("the end");
        let Ended::Closed(closed) = end else {
            panic!("after {polls} polls: {end:?}")
        };
        assert_eq!(closed.reason(), Reason::Draining, "after {polls} polls");
        world.pass(Duration::from_secs(2));
        assert!(world.run(door.next()).is_none(), "the runtime has stopped");
        let again = world.run(server.drain(Duration::from_secs(60)));
        assert_eq!(again.closed + again.left + again.cut, 1);
        assert_eq!(again.closed, 1, "after {polls} polls: {again:?}");
        if done.is_some_and(|done: Drained| done == again) || polls > 40 {
            assert!(polls > 1, "there was nothing to cancel");
            return;
        }
    }
}

#[test]
fn a_close_over_a_lost_link_still_tells_the_peer_when_nobody_waits_for_it() {
    for polls in 0.. {
        let world = slow_world();
        let (_server, mut door) = world.server(Config::new());
        let (mine, theirs) = lost_pair(&world, &Config::new(), &mut door);
        let mut close = mine.close("never mind");
        let done = poll_times(&world, &mut close, polls).is_some();
        drop(close);
        world.pass(Duration::from_secs(5));
        let end = match world.run_within(LIMIT, theirs.resume()) {
            Ok(mut theirs) => loop {
                match world.run(theirs.recv()) {
                    Ok(_) => {}
                    Err(Ended::Closed(closed)) => break closed,
                    Err(Ended::Lost(lost)) => panic!("{lost}"),
                }
            },
            Err(gone) => gone.closed().clone(),
        };
        assert_eq!(end.reason(), Reason::ClosedByPeer, "after {polls} polls");
        assert_eq!(end.text(), Some("never mind"), "after {polls} polls");
        assert_eq!(world.network.links().len(), 0);
        if done {
            assert!(polls > 3, "there was nothing to cancel");
            return;
        }
    }
}

#[test]
fn a_server_may_stop_waiting_for_its_close_too() {
    for polls in 0.. {
        let world = slow_world();
        let (server, mut door) = world.server(Config::new());
        let (mut mine, mut theirs) = slow_pair(&world, &Config::new(), &mut door);
        theirs.try_send("first").expect("room");
        let mut close = theirs.close("closing time");
        let done = poll_times(&world, &mut close, polls).is_some();
        drop(close);
        let message = world.run_within(LIMIT, mine.recv());
        assert_eq!(&*message.expect("sent before the close"), b"first");
        let end = world.run_within(LIMIT, mine.recv()).expect_err("the end");
        let Ended::Closed(closed) = end else {
            panic!("after {polls} polls: {end:?}")
        };
        assert_eq!(closed.text(), Some("closing time"));
        assert!(server.sessions().is_empty());
        if done || polls > 40 {
            return; // it completes only where the client reads
        }
    }
}

/// While a goodbye waits for its answer, time has to pass: nothing may be due in the meantime, whatever the limits are.
#[test]
fn a_goodbye_that_is_never_answered_keeps_nobody_busy() {
    let configs = [
        Config::new().resume_window(Duration::ZERO),
        Config::new()
            .login_deadline(Duration::from_millis(100))
            .close_linger(Duration::from_secs(10)),
    ];
    for config in configs {
        let world = slow_world();
        let (server, mut door) = world.server(config.clone());
        let (mine, theirs) = slow_pair(&world, &config, &mut door);
        for link in world.network.links() {
            link.black_hole(Direction::ToAcceptor, true);
            link.black_hole(Direction::ToDialer, true);
        }
        drop(theirs);
        drop(mine);
        world.pass(Duration::from_secs(20));
        assert!(server.sessions().is_empty());
        assert_eq!(world.network.links().len(), 0);

        // The same for a client whose goodbye needs a new link, and whose server does not answer it.
        let (mine, theirs) = slow_pair(&world, &config, &mut door);
        world.network.cut();
        world.settle();
        drop(mine);
        world.step();
        for _ in 0..50 {
            for link in world.network.links() {
                link.black_hole(Direction::ToDialer, true);
            }
            world.step();
        }
        drop(theirs);
        world.pass(Duration::from_secs(20));
        assert_eq!(world.network.links().len(), 0);
    }
}
