//! A listener that cannot accept: it neither spins nor gives up, and ends only where the system says that it is none.

mod common;

use std::{
    collections::VecDeque,
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use common::World;
use futures::FutureExt;
use sessile::{
    Config,
    transport::{
        Accept, Dial,
        memory::{MemoryAcceptor, MemoryLink},
    },
};

const EMFILE: i32 = 24;
const EBADF: i32 = 9;
const ECONNABORTED: i32 = 103;

/// Accepts what a network brings, unless it is told to fail.
struct Failing {
    inner: MemoryAcceptor,
    orders: Arc<Orders>,
}

#[derive(Default)]
struct Orders {
    calls: AtomicUsize,
    /// The next errors, by number.
    next: Mutex<VecDeque<i32>>,
    /// What every call fails with after those.
    always: Mutex<Option<i32>>,
}

impl Accept for Failing {
    type Link = MemoryLink;

    async fn accept(&mut self) -> io::Result<MemoryLink> {
        let fails = || {
            let next = self.orders.next.lock().unwrap().pop_front();
            next.or_else(|| *self.orders.always.lock().unwrap())
        };
        let count = || self.orders.calls.fetch_add(1, Ordering::Relaxed);
        if let Some(error) = fails() {
            count();
            return Err(io::Error::from_raw_os_error(error));
        }
        let link = self.inner.accept().await;
        count();
        link
    }
}

impl Orders {
    fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }

    fn always(&self, error: Option<i32>) {
        *self.always.lock().unwrap() = error;
    }
}

fn server(world: &World) -> (sessile::Runtime<sessile::Multi>, sessile::Door, Arc<Orders>) {
    let (server, door) = world.server(Config::new());
    drop(door);
    let orders = Arc::new(Orders::default());
    let inner = world.network.listener();
    let failing = Failing {
        inner,
        orders: Arc::clone(&orders),
    };
    let door = server.listen_over(failing);
    (server, door, orders)
}

fn second() -> Duration {
    Duration::from_secs(1)
}

/// Somebody logs in, and says how long it took.
fn comes_in(world: &World, door: &mut sessile::Door, name: &str) {
    let (mine, theirs) = world.pair(Config::new(), door, name);
    drop((mine, theirs));
    world.settle();
}

#[test]
fn a_lack_of_open_files_is_asked_about_less_than_a_hundred_times_a_second_and_noticed_when_it_is_over()
 {
    let world = World::new();
    let (server, mut door, orders) = server(&world);
    let (mut mine, mut theirs) = world.pair(Config::new(), &mut door, "inside");
    orders.always(Some(EMFILE));
    comes_in(&world, &mut door, "the accept that was under way");
    let begin = orders.calls();
    let mut before = begin;
    for n in 0..60 {
        world.pass(second());
        let calls = orders.calls() - before;
        before += calls;
        assert!((1..=100).contains(&calls), "{calls} in second {n}");
        // Those who are in notice nothing.
        world.run(mine.send("still there")).expect("the first link");
        assert_eq!(
            &*world.run(theirs.recv()).expect("the first link"),
            b"still there"
        );
    }
    assert!(before - begin >= 119, "rests of more than half a second");
    orders.always(None);
    world.pass(second() / 2);
    comes_in(&world, &mut door, "after");
    assert_eq!(
        (server.sessions().len(), door.failure().is_none()),
        (1, true)
    );
}

#[test]
fn errors_of_single_links_hold_nobody_up_and_are_no_way_to_keep_it_busy() {
    let world = World::new();
    let (_server, mut door, orders) = server(&world);
    orders.next.lock().unwrap().extend([ECONNABORTED; 10]);
    comes_in(&world, &mut door, "the accept that was under way");
    comes_in(&world, &mut door, "at once");
    orders.always(Some(ECONNABORTED));
    comes_in(&world, &mut door, "the accept that was under way");
    let before = orders.calls();
    world.pass(second());
    let calls = orders.calls() - before;
    assert!((1..=100).contains(&calls), "{calls} in a second");
}

#[test]
fn a_listener_that_is_none_any_more_ends_once_and_sessions_go_on() {
    let world = World::new();
    let (server, mut door, orders) = server(&world);
    let (mut mine, mut theirs) = world.pair(Config::new(), &mut door, "inside");
    orders.always(Some(EBADF));
    let under_way = world.run(world.network.dialer().dial());
    world.settle();
    drop(under_way);
    assert!(world.run(door.next()).is_none());
    let failure = door.failure().expect("it says why");
    assert!(failure.to_string().contains("os error 9"), "{failure}");
    assert!(door.next().now_or_never().expect("fused").is_none());
    let calls = orders.calls();
    world.pass(second() * 30);
    assert_eq!(orders.calls(), calls, "it was asked again");
    world.run(mine.send("still there")).expect("the first link");
    assert_eq!(
        &*world.run(theirs.recv()).expect("the first link"),
        b"still there"
    );
    assert_eq!(server.sessions().len(), 1);
}
