//! Transport up is not logged in.

mod common;

use std::{
    io,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use common::{World, names};
use sessile::{
    Config, Credentials, Phase, Reason, Retry,
    transport::{
        Dial,
        memory::{MemoryLink, Network},
    },
};

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

#[test]
fn a_login_whose_dial_can_never_succeed_says_so() {
    /// Text that is no address, once the network is gone.
    struct Once(Network, AtomicBool);

    impl Dial for Once {
        type Link = MemoryLink;

        async fn dial(&self) -> io::Result<MemoryLink> {
            match self.1.swap(true, Ordering::SeqCst) {
                false => self.0.dialer().dial().await,
                true => Err(io::ErrorKind::InvalidInput.into()),
            }
        }
    }

    let world = World::new();
    let _listener = world.network.listener();
    let dialer = Once(world.network.clone(), false.into());
    let session = world
        .run(world.client(Config::new()).connect_over(dialer))
        .unwrap();
    world.network.cut();
    world.settle();
    let failed = world
        .run(session.login(&Credentials::token("alice")))
        .unwrap_err();
    assert_eq!(
        (failed.closed().reason(), failed.retry()),
        (Reason::LinkLost, Retry::Never)
    );
}
