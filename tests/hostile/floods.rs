//! Who was let in and floods, or does not read, or does not acknowledge: what is kept for it, and how long its turns are.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    task::{Context, Poll},
    time::Duration,
};

use futures::io::{AsyncRead, AsyncWrite};
use sessile::{
    Config, Ended, Identity, SendError,
    transport::{
        Accept, Link,
        memory::{MemoryAcceptor, MemoryLink},
    },
    wire::{Beat, Decoder, Frame},
};

use super::{Arena, Raw, login_frame};
use crate::common::{On, SECOND, World};

const MS: Duration = Duration::from_millis(1);

fn ping(nonce: u32) -> Frame<'static> {
    Frame::Ping(Beat {
        nonce,
        clock: u64::MAX,
        tick: u64::MAX,
        echo: u64::MAX,
        held: u32::MAX,
    })
}

/// Nothing of a flood is answered with more than the flood may use, and it costs the link.
#[test]
fn a_flood_of_pings_costs_the_link() {
    let mut arena = Arena::new();
    let mut member = arena.member("pinger");
    let mut pings = Vec::new();
    (0..1_000).for_each(|nonce| ping(nonce).encode(&mut pings));
    for _ in 0..20 {
        member.raw.send(&pings);
        arena.witness_talks();
    }
    assert!(
        member.raw.frames().is_empty(),
        "it was read at once, and cut"
    );
    assert!(!member.raw.is_up());
    drop(member);
    arena.assert_unharmed();
}

/// Threat T7: it asks and asks, as often as it may, and reads nothing. What waits for it is the rest of the answer that its link took
/// a part of, and one more.
#[test]
fn for_who_asks_and_does_not_read_one_answer_waits() {
    for reads_in_time in [true, false] {
        let arena = Arena::new();
        let mut deaf = arena.member("deaf").raw;
        let peer = arena.server.sessions().get("deaf").expect("it is in");
        // One PONG and a part of the next.
        deaf.control().capacity(64);
        deaf.say(&ping(0));
        deaf.say(&ping(1));
        for nonce in 2..14 {
            arena.world.pass(MS * 770);
            deaf.say(&ping(nonce));
        }
        assert!(peer.phase().is_up(), "9.3 s are borne");
        if reads_in_time {
            let mut heard = Vec::new();
            deaf.decoder.set_max(1 << 20);
            let mut bytes = deaf.read().0;
            arena.world.settle();
            bytes.extend(deaf.read().0);
            let mut rest = bytes.as_slice();
            while let Some(frame) = deaf.decoder.next(&mut rest).expect("ours are valid") {
                match frame {
                    Frame::Pong(beat) => heard.push(beat.nonce),
                    Frame::Ping(_) => {} // a beat of its own
                    other => panic!("{other:?}"),
                }
            }
            assert_eq!(heard, [0, 1, 13]);
            assert!(peer.phase().is_up());
        } else {
            arena.world.pass(MS * 700);
            assert!(peer.phase().is_up(), "not a moment before");
            arena.world.pass(MS * 100);
            assert!(!peer.phase().is_up(), "the stalled write is given up");
        }
        drop((deaf, peer));
        arena.assert_unharmed();
    }
}

/// Threat T9, and what a program is told: every message is accepted or refused, and what is kept is a window.
#[test]
fn whoever_sends_to_a_peer_that_never_acknowledges_is_told_each_time() {
    let mut arena = Arena::new();
    let mut mute = arena.member("mute");
    let peer = arena.server.sessions().get("mute").expect("it is in");
    let mut told = [0, 0];
    for n in 0..1_000 {
        match peer.try_send(&[n as u8; 1_000]) {
            Ok(()) => told[0] += 1,
            Err(SendError::Full) => told[1] += 1,
            Err(other) => panic!("{other}"),
        }
        mute.raw.frames();
        arena.world.pass(MS);
    }
    assert_eq!(told, [8, 992], "the window of this server is 8 messages");
    let stands = peer.snapshot().expect("it lives");
    assert_eq!((stands.unacked_messages, stands.unacked_bytes), (8, 8_000));
    arena.witness_talks();
    // It does acknowledge, at last.
    mute.raw.say(&Frame::Ack(8));
    peer.try_send(b"again").expect("room");
    drop((mute, peer));
    arena.assert_unharmed();
}

/// What the server's end of a link is given to write, and how much it reads in one poll of its task.
#[derive(Default)]
struct Meter {
    offered: AtomicUsize,
    read: AtomicUsize,
    reads: AtomicUsize,
    interrupted: AtomicUsize,
}

struct Metered {
    inner: MemoryAcceptor,
    meter: Arc<Meter>,
    /// Takes nothing once so many bytes were written.
    deaf_after: usize,
    interrupts: bool,
}

struct MeteredLink {
    inner: MemoryLink,
    meter: Arc<Meter>,
    takes: usize,
    interrupts: bool,
}

impl Accept for Metered {
    type Link = MeteredLink;

    async fn accept(&mut self) -> io::Result<MeteredLink> {
        Ok(MeteredLink {
            inner: self.inner.accept().await?,
            meter: Arc::clone(&self.meter),
            takes: self.deaf_after,
            interrupts: self.interrupts,
        })
    }
}

impl Link for MeteredLink {}

impl AsyncRead for MeteredLink {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.meter.reads.fetch_add(1, SeqCst);
        if self.interrupts && self.takes == 0 {
            self.meter.interrupted.fetch_add(1, SeqCst);
            return Poll::Ready(Err(io::ErrorKind::Interrupted.into()));
        }
        let read = Pin::new(&mut self.inner).poll_read(cx, bytes);
        if let Poll::Ready(Ok(read)) = read {
            self.meter.read.fetch_add(read, SeqCst);
        }
        read
    }
}

impl AsyncWrite for MeteredLink {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.takes == 0 {
            self.meter.offered.fetch_max(bytes.len(), SeqCst);
            return Poll::Pending;
        }
        let some = bytes.len().min(self.takes);
        let written = Pin::new(&mut self.inner).poll_write(cx, &bytes[..some]);
        if let Poll::Ready(Ok(written)) = written {
            self.takes -= written;
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_close(cx)
    }
}

/// A member by hand at a server whose links are metered.
fn metered(config: Config, deaf_after: usize, interrupts: bool) -> (World, Arc<Meter>, Raw, Peers) {
    let world = World::new();
    let meter = Arc::new(Meter::default());
    let executor = Arc::clone(world.executor(On::Server));
    let server =
        sessile::Runtime::<sessile::Multi>::start_on(config.clock(world.clock.clone()), executor);
    let server = server.expect("a config that starts");
    let mut door = server.listen_over(Metered {
        inner: world.network.listener(),
        meter: Arc::clone(&meter),
        deaf_after,
        interrupts,
    });
    let mut raw = Raw::dial(&world);
    let mut login = Vec::new();
    login_frame(b"metered").encode(&mut login);
    raw.send(&login);
    let session = world.run(door.next()).expect("a peer");
    let session = session.admit(Identity::new("metered").expect("short"));
    world.settle();
    raw.say(&Frame::Ack(0));
    raw.read();
    (world, meter, raw, (server, door, session))
}

type Peers = (
    sessile::Runtime<sessile::Multi>,
    sessile::Door,
    sessile::Session<sessile::LoggedIn, sessile::Multi>,
);

/// How long WELCOME is to who is called so.
const WELCOME: usize = 5 + 63 + 7;

/// Threat T8: what waits for a link that takes nothing is a turn, and what the turn's last frame has more; beside it, the window.
#[test]
fn for_who_does_not_read_a_window_waits_and_one_turn() {
    for size in [1, 100, 1_000, 65_536, 100_000] {
        let config = Config::new().unacked_bytes(1 << 20);
        let (world, meter, _raw, (_server, _door, mut session)) = metered(config, WELCOME, false);
        let mut accepted = 0;
        loop {
            match session.try_send(&vec![7; size]) {
                Ok(()) => accepted += size,
                Err(SendError::Full) => break,
                Err(other) => panic!("{other}"),
            }
            world.settle();
        }
        for _ in 0..100 {
            assert!(matches!(
                session.try_send(&vec![7; size]),
                Err(SendError::Full)
            ));
            session.send_volatile(&vec![7; size]).expect("it lives");
        }
        world.pass(SECOND * 5);
        let stands = session.snapshot().expect("it lives");
        assert!(
            accepted <= 1 << 20 && stands.unacked_bytes == accepted,
            "{accepted}"
        );
        assert!(stands.unacked_messages <= 1_024);
        let offered = meter.offered.load(SeqCst);
        assert!(
            offered > 0 && offered < 64 * 1_024 + 5 + size,
            "{offered} with {size}"
        );
        // Nothing more is given to a link that has not taken what it was given.
        assert!(offered <= accepted + 1_024 * 5 + 37, "{offered}");
    }
}

/// Threat T26: a turn ends after 64 frames or 64 KiB, be they in one piece or in a thousand.
#[test]
fn a_turn_is_as_long_whatever_pieces_a_flood_comes_in() {
    for (payload, chunk) in [
        (0, 1),
        (0, 5),
        (0, 7),
        (0, 4_096),
        (1, 64),
        (9_000, 1_000),
        (9_000, 1 << 20),
    ] {
        let (world, meter, mut raw, peers) = metered(Config::new(), usize::MAX, false);
        raw.control().chunk(chunk);
        raw.control().capacity(1 << 20);
        let mut flood = Vec::new();
        while flood.len() < 400_000 {
            Frame::Volatile(&vec![1; payload]).encode(&mut flood);
        }
        let frame = 5 + payload;
        // A chunk at a time goes in, too: all of it is there before anybody reads.
        let mut rest = flood.as_slice();
        while !rest.is_empty() {
            let written = smol::block_on(futures::AsyncWriteExt::write(&mut raw.link, rest));
            rest = &rest[written.expect("room")..];
        }
        let executor = world.executor(On::Server);
        let (mut polls, mut most) = (0, 0);
        loop {
            let before = meter.read.load(SeqCst);
            if !executor.try_tick() {
                break;
            }
            most = most.max(meter.read.load(SeqCst) - before);
            polls += 1;
        }
        assert_eq!(
            meter.read.load(SeqCst) % 1_000_000,
            flood.len() + LOGIN,
            "all was read"
        );
        assert!(polls >= flood.len() / (64 * 1_024), "{polls} turns");
        assert!(most <= 64 * 1_024, "{most} bytes in a turn");
        // What one read brings is applied in several turns, where it is more.
        let allowed = (64 * frame).max(chunk.min(64 * 1_024)) + frame.min(chunk);
        assert!(
            most <= allowed,
            "{most} bytes of {frame} in pieces of {chunk}"
        );
        let heard = peers.2.check();
        assert!(!matches!(heard, Err(Ended::Closed(_))), "{heard:?}");
    }
}

/// LOGIN of who is called so, and the ACK that proves WELCOME.
const LOGIN: usize = 5 + 60 + 7 + 13;

/// Threat T26: what a piece costs does not depend on how much came before it.
#[test]
fn reads_and_moves_are_in_proportion_to_the_bytes() {
    for len in [1, 100, 1_000, 30_000, 65_000] {
        let mut bytes = Vec::new();
        Frame::Data(&vec![3; len]).encode(&mut bytes);
        let mut decoder = Decoder::new();
        decoder.set_max(1 << 20);
        let (mut moved, mut whole, mut reserved) = (0, 0, 0);
        for piece in bytes.chunks(1) {
            let mut piece = piece;
            moved += 1;
            whole += usize::from(decoder.next(&mut piece).expect("valid").is_some());
            if decoder.reserved() != reserved {
                moved += decoder.partial_len(); // the allocator may have to
                reserved = decoder.reserved();
            }
        }
        assert_eq!(whole, 1);
        assert!(
            moved <= 3 * bytes.len(),
            "{moved} bytes moved of {}",
            bytes.len()
        );
    }
    // The same through a link's task: one read for each piece, and one that finds nothing for each that was looked for in vain.
    let (world, meter, mut raw, _peers) = metered(Config::new(), usize::MAX, false);
    raw.control().chunk(1);
    let before = meter.reads.load(SeqCst);
    let mut bytes = Vec::new();
    Frame::Volatile(&[5; 30_000]).encode(&mut bytes);
    let mut rest = bytes.as_slice();
    while !rest.is_empty() {
        let written = smol::block_on(futures::AsyncWriteExt::write(&mut raw.link, rest));
        rest = &rest[written.expect("room")..];
    }
    world.settle();
    let reads = meter.reads.load(SeqCst) - before;
    assert!(reads <= bytes.len() + 2, "{reads} reads");
}

/// Threat T27: a transport that is interrupted for ever is given up, and not asked for ever.
#[test]
fn a_link_that_is_always_interrupted_is_lost() {
    let (_world, meter, _raw, (_server, _door, session)) = metered(Config::new(), WELCOME, true);
    assert_eq!(meter.interrupted.load(SeqCst), 4);
    assert!(!session.phase().is_up());
}
