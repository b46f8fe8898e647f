//! Who attacks: one peer, of one kind, as fast as it can.

use std::{
    hint,
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    str::FromStr,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    thread,
    time::Duration,
};

use anyhow::{Error, Result, bail};
use sessile::wire::{self, Beat, Decoder, Frame};
use sessile_benches::encode_login;

/// The credentials that are not let in.
pub(crate) const UNKNOWN: &[u8] = b"nobody";

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Spin,
    Empties,
    Pings,
    Slow,
    Mute,
    Strangers,
    Messages,
}

impl Kind {
    pub(crate) const ALL: [Self; 7] = [
        Self::Spin,
        Self::Empties,
        Self::Pings,
        Self::Slow,
        Self::Mute,
        Self::Messages,
        Self::Strangers, // last: nobody else of their network may log in for a while
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Spin => "spin",
            Self::Empties => "empties",
            Self::Pings => "pings",
            Self::Slow => "slow",
            Self::Mute => "mute",
            Self::Strangers => "strangers",
            Self::Messages => "messages",
        }
    }

    /// What is counted.
    const fn what(self) -> &'static str {
        match self {
            Self::Spin => "turns",
            Self::Empties => "empty frames written",
            Self::Pings => "pings written",
            Self::Slow => "messages of 16 KiB, of whose echoes it reads 40 KB/s,",
            Self::Mute => "messages, not one answer acknowledged",
            Self::Strangers => "refused logins",
            Self::Messages => "messages of 16 bytes, echoed",
        }
    }
}

impl FromStr for Kind {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let named = Self::ALL.into_iter().find(|kind| kind.name() == name);
        named.ok_or_else(|| Error::msg(format!("{name}: no such attack")))
    }
}

/// What it did.
static DONE: AtomicU64 = AtomicU64::new(0);
static LINKS: AtomicU64 = AtomicU64::new(0);

/// Until its input ends.
pub(crate) fn attack(kind: Kind, at: SocketAddr) -> Result<()> {
    let threads = if kind == Kind::Strangers { 8 } else { 1 };
    for number in 0..threads {
        thread::spawn(move || {
            let mut lives = number;
            loop {
                lives += threads;
                // A link that is cut is what a server does about it: the next one.
                let _ = life(kind, at, lives);
            }
        });
    }
    println!("ready");
    let began = std::fs::read_to_string("/proc/uptime")?;
    for _ in io::stdin().lines() {}
    let seconds = uptime(&std::fs::read_to_string("/proc/uptime")?)? - uptime(&began)?;
    let each = |count: &AtomicU64| count.load(Relaxed) as f64 / seconds;
    println!(
        "a second {:.0} {}, {:.1} links",
        each(&DONE),
        kind.what(),
        each(&LINKS)
    );
    Ok(())
}

fn uptime(text: &str) -> Result<f64> {
    Ok(text.split(' ').next().unwrap_or_default().parse()?)
}

/// As long as one link lasts.
fn life(kind: Kind, at: SocketAddr, number: u64) -> Result<()> {
    match kind {
        Kind::Spin => loop {
            hint::spin_loop();
            DONE.fetch_add(1, Relaxed);
        },
        Kind::Empties => flood(at, number, &Frame::Extension(0x80)),
        Kind::Pings => flood(
            at,
            number,
            &Frame::Ping(Beat {
                nonce: 1,
                clock: 0,
                tick: 0,
                echo: 0,
                held: 0,
            }),
        ),
        Kind::Slow => Peer::log_in(at, number)?.read_slowly(),
        Kind::Mute => Peer::log_in(at, number)?.ask(16, false),
        Kind::Messages => Peer::log_in(at, number)?.ask(16, true),
        Kind::Strangers => knock(at, number),
    }
}

/// The same frame, again and again, a thousand in one write.
fn flood(at: SocketAddr, number: u64, frame: &Frame<'_>) -> Result<()> {
    let mut peer = Peer::log_in(at, number)?;
    let mut frames = Vec::new();
    (0..1_000).for_each(|_| frame.encode(&mut frames));
    loop {
        peer.link.write_all(&frames)?;
        DONE.fetch_add(1_000, Relaxed);
    }
}

/// A login that is refused.
fn knock(at: SocketAddr, number: u64) -> Result<()> {
    let mut link = TcpStream::connect(at)?;
    LINKS.fetch_add(1, Relaxed);
    link.write_all(&login(number, UNKNOWN))?;
    let mut answer = Vec::new();
    link.read_to_end(&mut answer)?;
    DONE.fetch_add(1, Relaxed);
    Ok(())
}

fn login(number: u64, credentials: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_login(number, credentials, &mut bytes);
    bytes
}

/// Somebody who is let in, each time as somebody else.
struct Peer {
    link: TcpStream,
    decoder: Decoder,
    buffer: Vec<u8>,
    echoed: u64,
    /// Of what it sent, the server's host has taken so many.
    acked: u64,
}

/// As many messages as the window of the server has.
const WINDOW: u64 = 1_024;

impl Peer {
    fn log_in(at: SocketAddr, number: u64) -> Result<Self> {
        let link = TcpStream::connect(at)?;
        link.set_nodelay(true)?;
        LINKS.fetch_add(1, Relaxed);
        let mut peer = Self {
            link,
            decoder: Decoder::new(),
            buffer: vec![0; 1 << 16],
            echoed: 0,
            acked: 0,
        };
        peer.decoder.set_max(1 << 20);
        let name = format!("attacker {} {number}", std::process::id());
        peer.link.write_all(&login(number, name.as_bytes()))?;
        while !peer.hear()? {}
        let mut ack = Vec::new();
        Frame::Ack(0).encode(&mut ack);
        peer.link.write_all(&ack)?;
        Ok(peer)
    }

    /// Reads once. True where it was welcomed.
    fn hear(&mut self) -> Result<bool> {
        let read = self.link.read(&mut self.buffer)?;
        if read == 0 {
            bail!("cut");
        }
        let (mut bytes, mut is_welcome) = (&self.buffer[..read], false);
        while let Some(frame) = self
            .decoder
            .next(&mut bytes)
            .map_err(|_| Error::msg("no frame"))?
        {
            match frame {
                Frame::Welcome(_) => is_welcome = true,
                Frame::Refused(_) => bail!("refused"),
                Frame::Data(_) => self.echoed += 1,
                Frame::Ack(taken) => self.acked = self.acked.max(taken),
                _ => {}
            }
        }
        Ok(is_welcome)
    }

    /// Requests, half a window of them on their way. Who does not acknowledge is told nothing more after a window's worth, goes, and comes
    /// back as another.
    fn ask(&mut self, bytes: usize, acknowledges: bool) -> Result<()> {
        let (payload, mut sent, mut out) = (vec![7; bytes], 0, Vec::new());
        loop {
            out.clear();
            while sent - self.echoed < WINDOW / 2 && sent - self.acked < WINDOW - 1 {
                wire::encode_data(&payload, &mut out);
                sent += 1;
                DONE.fetch_add(1, Relaxed);
            }
            if acknowledges {
                Frame::Ack(self.echoed).encode(&mut out);
            } else if self.echoed == WINDOW {
                return Ok(());
            }
            self.link.write_all(&out)?;
            self.hear()?;
        }
    }

    /// Asks for much, and takes little.
    fn read_slowly(&mut self) -> Result<()> {
        let (payload, mut out) = (vec![7; 16 << 10], Vec::new());
        let mut asking = self.link.try_clone()?;
        wire::encode_data(&payload, &mut out);
        thread::spawn(move || {
            for _ in 0..60 {
                if asking.write_all(&out).is_err() {
                    return; // before the window of a megabyte is used up
                }
                DONE.fetch_add(1, Relaxed);
            }
        });
        self.buffer.truncate(400);
        loop {
            thread::sleep(Duration::from_millis(10));
            self.hear()?;
        }
    }
}
