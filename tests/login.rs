//! Transport up is not logged in.

mod common;

use std::time::Duration;

use common::{World, names};
use sessile::{Config, Phase};

#[test]
fn transport_up_is_not_logged_in_and_no_heartbeat_flows_before_login() {
    let world = World::new();
    let (_server, mut door) = world.server(Config::new());
    let session = world.connect(Config::new());
    assert_eq!(session.phase(), Phase::Connecting);
    let mut events = session.events();
    world.pass(Duration::from_secs(4)); // two heartbeats long, and within the login deadline
    assert_eq!(names(&mut events), [] as [&str; 0]);
    let (mine, theirs) = world.log_in(session, &mut door, "alice");
    assert_eq!(
        (mine.phase(), theirs.phase()),
        (Phase::LoggedIn, Phase::LoggedIn)
    );
    assert_eq!(names(&mut events), ["login-started", "logged-in"]);
}
