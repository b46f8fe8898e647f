//! The clock of tests, and the one timer of a runtime.

use std::{future::poll_fn, sync::Arc, time::Duration};

use shuttle::{future::block_on, thread};

use super::{in_any_schedule, world::World};
use crate::{
    Config, Credentials, Reason,
    driver::{Clock, Handle, Owner},
    proto::Time,
    testing::ManualClock,
    transport::DynDial,
};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_sleeper_is_woken_whenever_the_clock_moves() {
    in_any_schedule(|| {
        let manual = ManualClock::new();
        let clock = Clock::manual(manual.clone());
        let sleepers = [1, 2].map(|seconds| {
            let clock = clock.clone();
            thread::spawn(move || block_on(clock.sleep_until(Time::START + SECOND * seconds)))
        });
        let mover = {
            let manual = manual.clone();
            thread::spawn(move || manual.advance(SECOND))
        };
        manual.advance(SECOND);
        mover.join().unwrap();
        for sleeper in sleepers {
            sleeper.join().unwrap();
        }
        assert_eq!(manual.next_deadline(), None, "a sleeper that is not there");
    });
}

#[test]
fn a_deadline_is_met_whoever_arms_it_while_the_timer_goes_to_sleep() {
    in_any_schedule(|| {
        let world = World::new();
        // It accepts links in its own time, which never comes: a login ends by its deadline or not at all.
        let listener = world.network.listener();
        let owner = world.owner(Config::new().login_deadline(5 * SECOND));
        let logins = [(); 2].map(|()| {
            let handle = connected(&owner, &world);
            let clock = world.clock.clone();
            thread::spawn(move || {
                let me = Credentials::token("me");
                handle.login(&me);
                clock.advance(6 * SECOND);
                let failed = block_on(poll_fn(|cx| handle.poll_login(&me, cx))).unwrap_err();
                assert_eq!(failed.closed.reason(), Reason::LoginTimedOut);
            })
        });
        for login in logins {
            login.join().unwrap();
        }
        drop(listener);
        drop(owner);
        world.ends();
    });
}

fn connected(owner: &Owner, world: &World) -> Handle {
    let dialer: Arc<dyn DynDial> = Arc::new(world.network.dialer());
    let link = block_on(owner.dial(&dialer)).expect("somebody listens");
    owner.connected(dialer, link)
}
