//! What observers hear, and in which order.

use shuttle::{future::block_on, thread};

use super::{in_any_schedule, world::World};
use crate::{Config, Events, Notice};

#[test]
fn all_observers_of_a_session_hear_the_same_in_the_same_order_and_the_end() {
    in_any_schedule(observing);
}

pub(super) fn observing() {
    let world = World::new();
    let server = world.server(Config::new());
    let mut door = server.listen_over(world.network.listener());
    let (mine, theirs) = world.pair(&mut door, Config::new());
    let peer = theirs.peer();
    let (of_one, of_all) = (peer.events(), server.events());
    let listeners = [of_one, of_all].map(|events| thread::spawn(move || heard(events)));
    let cutter = {
        let network = world.network.clone();
        thread::spawn(move || network.cut())
    };
    let remover = thread::spawn(move || peer.remove("enough"));
    cutter.join().unwrap();
    remover.join().unwrap();
    drop((door, theirs, server));
    let [of_one, of_all] = listeners.map(|listener| listener.join().unwrap());
    assert_eq!(of_one, of_all);
    assert_eq!(of_one.last(), Some(&"ended"), "{of_one:?}");
    drop(mine);
    world.ends();
}

/// Names of all events, to the end of the stream.
fn heard(mut events: Events) -> Vec<&'static str> {
    let mut heard = Vec::new();
    while let Some(notice) = block_on(events.next()) {
        let Notice::Event(event) = notice else {
            panic!("{notice:?}")
        };
        heard.push(event.kind().name());
    }
    heard
}
