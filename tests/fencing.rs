//! The epoch fences a host's own writes: who was replaced writes late, and nothing of it is kept.

mod common;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use common::{MINUTE, SECOND, World, soon};
use sessile::{
    Admission, Admit, Closed, Config, Credentials, Host, Identity, Incoming, LoggedIn, Message,
    Offer, Peer, Rejection, Session, Turn, Undelivered, What, admit_with,
    transport::memory::Network,
};

/// A table of accounts, each with the epoch of whoever wrote it last.
#[derive(Clone, Default)]
struct Table(Arc<Mutex<HashMap<Identity, (u64, String)>>>);

impl Table {
    /// `UPDATE account SET value = ?, epoch = ? WHERE name = ? AND epoch <= ?`, and whether a row was changed.
    fn update(&self, name: &Identity, epoch: u64, value: &str) -> bool {
        let mut rows = self.0.lock().expect("no panic");
        let row = rows.entry(name.clone()).or_default();
        let is_newest = row.0 <= epoch;
        if is_newest {
            *row = (epoch, value.to_owned());
        }
        is_newest
    }

    fn value(&self, name: &Identity) -> String {
        let rows = self.0.lock().expect("no panic");
        rows.get(name).map(|row| row.1.clone()).unwrap_or_default()
    }
}

fn alice() -> Identity {
    Identity::new("alice").expect("short")
}

#[test]
fn a_task_of_a_session_that_was_taken_over_writes_late_and_in_vain() {
    let world = World::new();
    let (_server, mut door) = world.server(Config::new());
    let table = Table::default();
    let (_old, old_peer) = world.pair(soon(), &mut door, "alice");
    assert!(table.update(&alice(), old_peer.epoch(), "old"));
    let (_new, new_peer) = world.pair(soon(), &mut door, "alice");
    assert!(table.update(&alice(), new_peer.epoch(), "new"));
    // It has not looked at its session since, and has computed something.
    assert!(!table.update(&alice(), old_peer.epoch(), "late"));
    assert_eq!(table.value(&alice()), "new");
}

#[test]
fn a_session_fences_its_own_earlier_links_and_whoever_comes_after_its_end_fences_it() {
    let world = World::new();
    let (_server, mut door) = world.server(Config::new());
    let table = Table::default();
    let (mine, theirs) = world.pair(soon(), &mut door, "alice");
    let first = theirs.epoch();
    world.cut();
    let (mine, theirs) = (world.back(mine), world.back(theirs));
    assert!(table.update(&alice(), theirs.epoch(), "after the resume"));
    assert!(!table.update(&alice(), first, "before it"));
    let last = theirs.epoch();
    world.run_within(MINUTE, mine.close("bye"));
    drop(theirs);
    // Others come and go meanwhile.
    drop(world.pair(soon(), &mut door, "bob"));
    world.pass(10 * MINUTE);
    let (_mine, theirs) = world.pair(soon(), &mut door, "alice");
    assert!(table.update(&alice(), theirs.epoch(), "the next session"));
    assert!(!table.update(&alice(), last, "late"));
    assert_eq!(table.value(&alice()), "the next session");
}

/// A host whose writes go to a slow table: a queue that the test empties when it likes.
#[derive(Clone, Default)]
struct Shop {
    writes: Arc<Mutex<Vec<(u64, String)>>>,
}

/// What is kept for one peer.
#[derive(Default)]
struct Basket {
    epoch: u64,
    what: String,
}

impl Admit for Shop {
    type Peer = Basket;

    async fn admit(&self, _: &Offer) -> Result<Admission<Basket>, Rejection> {
        Ok(Admission::new(alice(), Basket::default()))
    }
}

impl Host for Shop {
    fn on_message(&self, peer: &mut Turn<'_, Basket>, message: Message<'_>) {
        let epoch = peer.epoch();
        let basket = peer.state();
        basket.epoch = epoch;
        basket.what = String::from_utf8_lossy(&message).into_owned();
    }

    fn on_end(&self, basket: Basket, _: Closed, _: Vec<Undelivered>) {
        let mut writes = self.writes.lock().expect("no panic");
        writes.push((basket.epoch, basket.what));
    }
}

/// A client of its own, with the network that leads to what is tested.
fn log_in(world: &World, network: &Network) -> Session<LoggedIn> {
    let client = world.client(Config::new());
    let session = world
        .run(client.connect_over(network.dialer()))
        .expect("up");
    world
        .run(session.login(&Credentials::token("x")))
        .expect("admitted")
}

#[test]
fn a_host_writes_at_the_end_with_the_epoch_of_its_last_turn() {
    let world = World::new();
    let (server, _door) = world.server(Config::new());
    let network = Network::with_clock(world.clock.clone());
    let shop = Shop::default();
    let _serving = server.serve_over(network.listener(), shop.clone());
    let table = Table::default();
    let mut old = log_in(&world, &network);
    old.try_send("old").expect("room");
    world.settle();
    let mut new = log_in(&world, &network);
    new.try_send("new").expect("room");
    world.settle();
    // The end of the old one was told when it was taken over; its write is slow, and the new one's is faster.
    let late = shop
        .writes
        .lock()
        .expect("no panic")
        .pop()
        .expect("it ended");
    assert_eq!(late.1, "old");
    world.run_within(SECOND, new.close("bye"));
    world.settle();
    let fast = shop
        .writes
        .lock()
        .expect("no panic")
        .pop()
        .expect("it ended");
    assert_eq!(fast.1, "new");
    assert!(table.update(&alice(), fast.0, &fast.1));
    assert!(!table.update(&alice(), late.0, &late.1));
    assert_eq!(table.value(&alice()), "new");
}

#[test]
fn an_inbox_knows_the_epoch_of_whoever_sent_also_when_it_asks_late() {
    let world = World::new();
    let (server, _door) = world.server(Config::new());
    let network = Network::with_clock(world.clock.clone());
    let admit = admit_with(|_| async { Ok(Admission::from(alice())) });
    let mut inbox = server.intake_over(network.listener(), admit);
    let table = Table::default();
    let mut write = |told: &mut Vec<(Peer, String)>| {
        for Incoming { peer, what, .. } in inbox.drain() {
            if let What::Message(message) = what {
                told.push((peer, String::from_utf8_lossy(&message).into_owned()));
            }
        }
    };
    let mut told = Vec::new();
    let mut old = log_in(&world, &network);
    old.try_send("old").expect("room");
    world.settle();
    write(&mut told);
    let mut new = log_in(&world, &network);
    new.try_send("new").expect("room");
    world.settle();
    write(&mut told);
    // The newer one is written first.
    told.reverse();
    let kept: Vec<_> = told
        .iter()
        .map(|(peer, text)| (table.update(&alice(), peer.epoch(), text), text.as_str()))
        .collect();
    assert_eq!(kept, [(true, "new"), (false, "old")]);
    assert_eq!(table.value(&alice()), "new");
}
