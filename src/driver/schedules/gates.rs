//! Who comes in while nobody is let in any more.

use futures::AsyncReadExt;
use shuttle::{future::block_on, thread};

use super::{in_any_schedule, world::World};
use crate::{Config, Credentials, transport::Dial};

#[test]
fn a_link_that_comes_while_the_runtime_stops_is_closed() {
    in_any_schedule(entering);
}

pub(super) fn entering() {
    let world = World::new();
    let server = world.server(Config::new());
    let door = server.listen_over(world.network.listener());
    let dialer = world.network.dialer();
    let stranger = thread::spawn(move || {
        let Ok(mut link) = block_on(dialer.dial()) else {
            return;
        };
        // It says nothing, and time stands still: nothing but the stop ends this.
        let read = block_on(link.read(&mut [0; 8]));
        assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");
    });
    drop(door);
    drop(server);
    stranger.join().unwrap();
    world.ends();
}

#[test]
fn a_login_that_comes_while_its_listener_closes_is_answered_at_once() {
    in_any_schedule(|| {
        let world = World::new();
        let server = world.server(Config::new());
        let door = server.listen_over(world.network.listener());
        let session = world.connect(Config::new());
        let login = thread::spawn(move || {
            let login = session.login(&Credentials::token("me"));
            assert!(block_on(login).is_err(), "nobody admits it");
        });
        drop(door);
        login.join().unwrap();
        drop(server);
        world.ends();
    });
}
