use std::{
    collections::VecDeque,
    fmt, io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures::io::{AsyncRead, AsyncWrite};

use super::world::World;
use crate::transport::{
    Dial, Link,
    memory::{Direction, LinkControl, MemoryDialer, MemoryLink},
};

/// Dials another process of a simulation.
#[derive(Clone)]
pub struct SimDialer {
    world: Arc<World>,
    from: Arc<str>,
    to: Arc<str>,
    dialer: MemoryDialer,
}

/// The dialer's end of a link between two processes of a simulation.
pub struct SimLink {
    link: MemoryLink,
    /// Of a dial that made two: never used, and dropped with the other.
    _spare: Option<MemoryLink>,
    world: Arc<World>,
    tape: u64,
}

/// A link between two processes.
#[derive(Clone)]
pub(super) struct Known {
    pub(super) from: Arc<str>,
    pub(super) to: Arc<str>,
    pub(super) control: LinkControl,
}

/// What dialers wrote first on the last links, for strangers to replay.
#[derive(Default)]
pub(super) struct Tapes {
    tapes: VecDeque<(u64, Arc<str>, Vec<u8>)>,
    made: u64,
}

/// Links that are remembered, and bytes of each: more than any handshake.
const TAPES: usize = 32;
const TAPE_BYTES: usize = 512;

impl SimDialer {
    pub(super) fn new(world: Arc<World>, from: Arc<str>, to: &str) -> Self {
        let dialer = world.network(to).dialer();
        Self {
            world,
            from,
            to: to.into(),
            dialer,
        }
    }

    fn know(&self, link: &MemoryLink) {
        let mut state = self.world.state();
        state.links.retain(|known| known.control.is_up());
        state.links.push(Known {
            from: Arc::clone(&self.from),
            to: Arc::clone(&self.to),
            control: link.control(),
        });
    }

    /// What is wrong with the next link.
    fn spoil(&self, link: &MemoryLink) {
        let mut state = self.world.state();
        if state.jitter {
            let millis = state.rng.u64(..50);
            link.control().set_delay(Duration::from_millis(millis));
        }
        let Some(left) = state.doomed.get_mut(&self.to).filter(|left| **left > 0) else {
            return;
        };
        *left -= 1;
        let bytes = state.rng.u64(..60);
        let way = match state.rng.bool() {
            true => Direction::ToAcceptor,
            false => Direction::ToDialer,
        };
        link.control().cut_after(bytes, way);
    }
}

impl Dial for SimDialer {
    type Link = SimLink;

    async fn dial(&self) -> io::Result<SimLink> {
        let twice = std::mem::take(&mut self.world.state().dial_twice);
        let spare = match twice {
            true => Some(self.dialer.dial().await?),
            false => None,
        };
        let link = self.dialer.dial().await?;
        spare.iter().chain([&link]).for_each(|link| self.know(link));
        self.spoil(&link);
        let mut state = self.world.state();
        if state.rogue_networks.contains(&self.to) {
            let from = self.from.to_string();
            state.rogues.insert(from);
        }
        let tape = state.tapes.start(&self.to);
        drop(state);
        Ok(SimLink {
            link,
            _spare: spare,
            world: Arc::clone(&self.world),
            tape,
        })
    }
}

impl Link for SimLink {}

impl AsyncRead for SimLink {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.link).poll_read(cx, bytes)
    }
}

impl AsyncWrite for SimLink {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.link).poll_write(cx, bytes);
        if let Poll::Ready(Ok(count)) = written {
            let tape = self.tape;
            self.world.state().tapes.record(tape, &bytes[..count]);
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.link).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.link).poll_close(cx)
    }
}

impl Tapes {
    fn start(&mut self, to: &Arc<str>) -> u64 {
        self.made += 1;
        self.tapes
            .push_back((self.made, Arc::clone(to), Vec::new()));
        if self.tapes.len() > TAPES {
            self.tapes.pop_front();
        }
        self.made
    }

    fn record(&mut self, tape: u64, bytes: &[u8]) {
        let found = self.tapes.iter_mut().rev().find(|(id, ..)| *id == tape);
        if let Some((_, _, recorded)) = found {
            let room = TAPE_BYTES - recorded.len();
            recorded.extend_from_slice(&bytes[..bytes.len().min(room)]);
        }
    }

    /// What was recorded of links to one server, the newest last.
    pub(super) fn of(&self, to: &str) -> Vec<Vec<u8>> {
        let to_it = self.tapes.iter().filter(|(_, name, _)| **name == *to);
        to_it
            .map(|(_, _, bytes)| bytes.clone())
            .filter(|bytes| !bytes.is_empty())
            .collect()
    }
}

impl fmt::Debug for SimDialer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SimDialer({} to {})", self.from, self.to)
    }
}

impl fmt::Debug for SimLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.link.fmt(f)
    }
}
