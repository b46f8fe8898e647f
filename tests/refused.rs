//! Links whose stranger was refused wait a moment for it to close, and hold nobody up meanwhile.

mod common;

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use common::{On, SECOND, World};
use futures::{AsyncRead, AsyncWrite};
use sessile::{
    Config, Door, Multi, Runtime,
    transport::{Accept, Link},
    wire::{Frame, Resume, Secret, VERSION},
};

/// As many strangers as the server lets wait.
const PLACES: usize = 4;

/// What all links together did.
#[derive(Default)]
struct Counts {
    reads: AtomicUsize,
    alive: AtomicUsize,
}

/// A link whose peer presents a secret that is not its, and then goes on talking for so many reads.
struct Talker {
    first: Vec<u8>,
    more: usize,
    counts: Arc<Counts>,
}

/// Accepts so many of them, and then none.
struct Talkers {
    left: usize,
    more: usize,
    counts: Arc<Counts>,
}

impl Accept for Talkers {
    type Link = Talker;

    async fn accept(&mut self) -> io::Result<Talker> {
        if self.left == 0 {
            std::future::pending::<()>().await;
        }
        self.left -= 1;
        self.counts.alive.fetch_add(1, Ordering::Relaxed);
        let mut first = Vec::new();
        Frame::Resume(Resume {
            version: VERSION,
            session: 7,
            secret: Secret::new([7; 16]),
            attempt: 1,
            received: 0,
            taken: 0,
        })
        .encode(&mut first);
        Ok(Talker {
            first,
            more: self.more,
            counts: Arc::clone(&self.counts),
        })
    }
}

impl Link for Talker {}

impl AsyncRead for Talker {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        if !self.first.is_empty() {
            let first = std::mem::take(&mut self.first);
            bytes[..first.len()].copy_from_slice(&first);
            return Poll::Ready(Ok(first.len()));
        }
        if self.more == 0 {
            return Poll::Pending;
        }
        self.more -= 1;
        self.counts.reads.fetch_add(1, Ordering::Relaxed);
        Poll::Ready(Ok(bytes.len()))
    }
}

impl AsyncWrite for Talker {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl Drop for Talker {
    fn drop(&mut self) {
        self.counts.alive.fetch_sub(1, Ordering::Relaxed);
    }
}

fn server(world: &World, left: usize, more: usize) -> (Runtime<Multi>, Door, Arc<Counts>) {
    let config = Config::new().pending_logins(PLACES).early_drop(100);
    let (server, door) = world.server(config);
    drop(door);
    let counts = Arc::new(Counts::default());
    let door = server.listen_over(Talkers {
        left,
        more,
        counts: Arc::clone(&counts),
    });
    (server, door, counts)
}

#[test]
fn of_the_links_of_refused_strangers_no_more_linger_than_strangers_may_wait() {
    let world = World::new();
    let (_server, _door, counts) = server(&world, 10 * PLACES, 0);
    world.settle();
    let alive = counts.alive.load(Ordering::Relaxed);
    assert!((1..=PLACES).contains(&alive), "{alive} links linger");
    world.pass(SECOND + SECOND / 10);
    assert_eq!(counts.alive.load(Ordering::Relaxed), 0);
}

#[test]
fn a_refused_stranger_that_talks_on_keeps_no_thread() {
    const TALK: usize = 1_000;
    let world = World::new();
    let (_server, _door, counts) = server(&world, 1, TALK);
    let executor = world.executor(On::Server);
    let mut turns = 0;
    let mut before = 0;
    while executor.try_tick() {
        let reads = counts.reads.load(Ordering::Relaxed);
        assert!(reads - before <= 2, "{} reads in one turn", reads - before);
        before = reads;
        turns += 1;
        assert!(turns < 10 * TALK, "it never ends");
    }
    assert_eq!(before, TALK, "all of it is read and dropped");
    world.pass(SECOND + SECOND / 10);
    assert_eq!(counts.alive.load(Ordering::Relaxed), 0);
}
