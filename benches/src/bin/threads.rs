//! How much more two threads do than one: `threads [--sessions N] [--depth N] [--seconds S] [--threads N]`, for release builds.
//!
//! Echoes of a whole server, and beside it of bare tasks that do the same, over links without a network: what is read is made on the
//! spot, what is written is counted. So nothing of the machine goes to a load generator or the kernel, and what a lock costs shows
//! as much as it can: with sockets the most of an echo is the kernel's, which no lock of ours holds up.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    task::{Context, Poll, Waker},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use futures::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use lexopt::{Arg, ValueExt};
use sessile::{
    Admission, Admit, Config, Host, Message, Multi, Offer, Rejection, Runtime, Turn,
    transport::{Accept, Link},
    wire::{self, Decoder, Frame},
};
use sessile_benches::{encode_login, processor_time};
use smol::Executor;

const PAYLOAD: [u8; 64] = [7; 64];

fn main() -> Result<()> {
    let (mut sessions, mut depth, mut time, mut most) = (64, 8, Duration::from_secs(3), 2);
    let mut arguments = lexopt::Parser::from_env();
    while let Some(argument) = arguments.next()? {
        match argument {
            Arg::Long("sessions") => sessions = arguments.value()?.parse()?,
            Arg::Long("depth") => depth = arguments.value()?.parse()?,
            Arg::Long("seconds") => time = Duration::from_secs(arguments.value()?.parse()?),
            Arg::Long("threads") => most = arguments.value()?.parse()?,
            other => return Err(other.unexpected().into()),
        }
    }
    ensure!(sessions > 0 && depth > 0 && most > 0, "nothing to do");
    println!("{sessions} sessions, {depth} messages of 64 bytes of each on their way");
    for (name, is_bare) in [("bare tasks", true), ("sessile", false)] {
        let mut one = None;
        for threads in 1..=most {
            let course = Course {
                sessions,
                depth,
                time,
            };
            let (rate, cpu) = course.run(threads, is_bare)?;
            let one = *one.get_or_insert(rate);
            println!(
                "{name:>10}, {threads} threads: {rate:>9.0} echoes/s, {:.2} x one; {:.0} ns of CPU each, {:.2} cores",
                rate / one,
                cpu * 1e9 / rate,
                cpu
            );
        }
    }
    Ok(())
}

struct Course {
    sessions: usize,
    depth: usize,
    time: Duration,
}

impl Course {
    /// Echoes a second, and how many cores they took.
    fn run(&self, threads: usize, is_bare: bool) -> Result<(f64, f64)> {
        let counts: Vec<_> = (0..self.sessions)
            .map(|_| Arc::<Count>::default())
            .collect();
        let executor = Arc::new(Executor::new());
        let taps = counts.iter().enumerate();
        let taps = taps.map(|(number, count)| Tap::new(number, self.depth, count, !is_bare));
        let taps: Vec<Tap> = taps.collect();
        let mut server = None;
        if is_bare {
            for tap in taps {
                executor.spawn(echo(tap)).detach();
            }
        } else {
            let config = Config::new()
                .pending_logins(65_536)
                .early_drop(100)
                .admission_rate(100_000)
                .admission_burst(1_000_000);
            let runtime = Runtime::<Multi>::start_on(config, Arc::clone(&executor))?;
            let serving = runtime.serve_over(Taps(taps), Echo);
            server = Some((runtime, serving));
        }
        let (stop, stopped) = smol::channel::bounded::<()>(1);
        let workers: Vec<_> = (0..threads)
            .map(|_| {
                let (executor, stopped) = (Arc::clone(&executor), stopped.clone());
                thread::spawn(move || smol::block_on(executor.run(stopped.recv())))
            })
            .collect();
        let echoes = || {
            counts
                .iter()
                .map(|count| count.0.load(Relaxed))
                .sum::<u64>()
        };
        thread::sleep(Duration::from_millis(300));
        let (before, began, cpu) = (echoes(), now(), processor_time()?);
        thread::sleep(self.time);
        let (done, wall) = (echoes() - before, began.elapsed().as_secs_f64());
        let cpu = (processor_time()? - cpu).as_secs_f64();
        let all = counts.iter().all(|count| count.0.load(Relaxed) > 0);
        drop(stop);
        for worker in workers {
            let _ = worker.join();
        }
        drop(server);
        ensure!(all, "some session had no echo at all");
        Ok((done as f64 / wall, cpu / wall))
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the library's clock is its own; this one measures it"
)]
fn now() -> Instant {
    Instant::now()
}

/// On a cache line of its own.
#[derive(Default)]
#[repr(align(128))]
struct Count(AtomicU64);

/// A link and its client: each echo that is written to it is counted, and answered by the next message.
struct Tap {
    to_read: Vec<u8>,
    written: Decoder,
    depth: usize,
    count: Arc<Count>,
    /// It was read to its end: as a socket does, it has its task woken for what came meanwhile.
    is_drained: bool,
    waits: Option<Waker>,
}

impl Tap {
    fn new(number: usize, depth: usize, count: &Arc<Count>, logs_in: bool) -> Self {
        let mut tap = Self {
            to_read: Vec::new(),
            written: Decoder::new(),
            depth,
            count: Arc::clone(count),
            is_drained: false,
            waits: None,
        };
        tap.written.set_max(1 << 20);
        if logs_in {
            let number = number as u64;
            encode_login(number, &number.to_be_bytes(), &mut tap.to_read);
        } else {
            tap.begin();
        }
        tap
    }

    fn begin(&mut self) {
        for _ in 0..self.depth {
            wire::encode_data(&PAYLOAD, &mut self.to_read);
        }
    }

    fn wake(&mut self) {
        if !self.to_read.is_empty()
            && let Some(waker) = self.waits.take()
        {
            waker.wake();
        }
    }

    fn hear(&mut self, mut bytes: &[u8]) {
        let (mut echoes, mut is_welcome) = (0, false);
        while let Some(frame) = self.written.next(&mut bytes).expect("frames") {
            match frame {
                Frame::Data(_) => echoes += 1,
                Frame::Welcome(_) => is_welcome = true,
                _ => {}
            }
        }
        if is_welcome {
            Frame::Ack(0).encode(&mut self.to_read);
            self.begin();
        }
        if echoes > 0 {
            let taken = self.count.0.fetch_add(echoes, Relaxed) + echoes;
            Frame::Ack(taken).encode(&mut self.to_read);
            for _ in 0..echoes {
                wire::encode_data(&PAYLOAD, &mut self.to_read);
            }
        }
    }
}

impl AsyncRead for Tap {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        if std::mem::take(&mut self.is_drained) || self.to_read.is_empty() {
            self.waits = Some(cx.waker().clone());
            self.wake();
            return Poll::Pending;
        }
        let count = bytes.len().min(self.to_read.len());
        bytes[..count].copy_from_slice(&self.to_read[..count]);
        self.to_read.drain(..count);
        self.is_drained = true;
        Poll::Ready(Ok(count))
    }
}

impl AsyncWrite for Tap {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.hear(bytes);
        self.wake();
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl Link for Tap {}

struct Taps(Vec<Tap>);

impl Accept for Taps {
    type Link = Tap;

    async fn accept(&mut self) -> io::Result<Tap> {
        match self.0.pop() {
            Some(tap) => Ok(tap),
            None => std::future::pending().await,
        }
    }
}

/// What the bare servers of `benches/floors` do: whole frames go back, acknowledgements with them.
async fn echo(mut tap: Tap) {
    let (mut bytes, mut decoder) = (vec![0; 64 << 10], Decoder::new());
    decoder.set_max(1 << 20);
    let mut out = Vec::new();
    while let Ok(read) = tap.read(&mut bytes).await {
        let mut rest = &bytes[..read];
        out.clear();
        while let Ok(Some(frame)) = decoder.next(&mut rest) {
            if let Frame::Data(payload) = frame {
                wire::encode_data(payload, &mut out);
            }
        }
        if tap.write_all(&out).await.is_err() {
            return;
        }
    }
}

struct Echo;

impl Admit for Echo {
    type Peer = ();

    async fn admit(&self, offer: &Offer) -> Result<Admission<()>, Rejection> {
        let number = offer.credentials().try_into().map(u64::from_be_bytes);
        Ok(number.map_err(|_| Rejection::bad_credentials())?.into())
    }
}

impl Host for Echo {
    fn on_message(&self, peer: &mut Turn<'_, ()>, message: Message<'_>) {
        peer.send(&message).expect("the first answer goes");
    }
}
