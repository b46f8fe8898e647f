use super::pipe::{State, Wire};
use std::{fmt, sync::Arc, time::Duration};

/// A test's hand on one link. It keeps neither end alive.
///
/// ```
/// use sessile::transport::{Accept, Dial, memory::{Direction, Network}};
///
/// # smol::block_on(async {
/// let network = Network::new();
/// let (mut acceptor, dialer) = (network.listener(), network.dialer());
/// let (client, server) = futures::try_join!(dialer.dial(), acceptor.accept())?;
///
/// let link = network.links().pop().expect("the newest");
/// link.black_hole(Direction::ToDialer, true); // the client hears nothing any more
/// link.cut_after(100, Direction::ToAcceptor); // and the server reads 100 bytes yet
/// assert!(link.is_up());
/// link.cut();
/// assert!(!link.is_up());
/// # std::io::Result::Ok(())
/// # }).unwrap();
/// ```
#[derive(Clone)]
pub struct LinkControl(Arc<Wire>);

/// One of the two directions of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a link has two")]
pub enum Direction {
    /// What the dialer writes and the acceptor reads.
    ToAcceptor,
    /// What the acceptor writes and the dialer reads.
    ToDialer,
}

impl LinkControl {
    pub(super) const fn new(wire: Arc<Wire>) -> Self {
        Self(wire)
    }

    /// The link's number in its network, from 1 on.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.0.id
    }

    /// Whether the link was not cut, and an end of it is still held.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.0.is_up()
    }

    /// Cuts the link. What was written and not read is lost, and both ends hear
    /// [`ConnectionReset`](std::io::ErrorKind::ConnectionReset) from now on, whether they read or write.
    pub fn cut(&self) {
        self.0.update(State::cut);
    }

    /// Cuts the link when the reader of `direction` has read `bytes` more bytes, counted from now. It gets
    /// them all and not one more; 0 cuts at once.
    pub fn cut_after(&self, bytes: u64, direction: Direction) {
        self.0.update(|state| {
            state.pipe(direction).cut_after = Some(bytes);
            if bytes == 0 { state.cut() } else { Vec::new() }
        });
    }

    /// Whether what is written in `direction` vanishes from now on: writes succeed and nothing of them arrives,
    /// nor does the end of the stream. What was written before arrives. Bytes that vanished do not come back.
    pub fn black_hole(&self, direction: Direction, on: bool) {
        self.0.update(|state| {
            let pipe = state.pipe(direction);
            pipe.black_hole = on;
            pipe.wake_both()
        });
    }

    /// Whether what is written in `direction` is held back from now on, the end of the stream included. When it is held no
    /// longer, all of it arrives at once: a router that stopped for a while, or a reader that merges many writes.
    pub fn hold(&self, direction: Direction, on: bool) {
        self.0.update(|state| {
            let pipe = state.pipe(direction);
            pipe.held = on;
            pipe.wake_both()
        });
    }

    /// Whoever writes in `direction` finishes writing, although it did not ask to: the other end reads the end of the
    /// stream, and this one's writes fail from now on. It still reads.
    pub fn finish(&self, direction: Direction) {
        let now = self.0.clock.now();
        self.0.update(|state| state.finish(direction, now));
    }

    /// Leaves the link half open: whoever writes in `direction` hears a reset, and the other end hears nothing, whether it
    /// waits or writes. What the first one wrote before still arrives.
    pub fn half_open(&self, direction: Direction) {
        self.0.update(|state| {
            let mut wakers = Vec::new();
            state.pipe(direction).severed = true;
            for way in [direction, direction.opposite()] {
                state.pipe(way).black_hole = true;
                wakers.extend(state.pipe(way).wake_both());
            }
            wakers
        });
    }

    /// Whether an end that is dropped while bytes wait for it resets the link, and takes what it wrote last with it, as TCP
    /// does (RFC 1122, 4.2.2.13). Without it, what was written always arrives.
    pub fn reset_unread(&self, on: bool) {
        self.0.update(|state| {
            state.reset_unread = on;
            Vec::new()
        });
    }

    /// Lets no read or write pass more than `bytes` bytes at a time, at least 1. `usize::MAX` ends it.
    pub fn chunk(&self, bytes: usize) {
        self.0.update(|state| {
            state.chunk = bytes.max(1);
            Vec::new()
        });
    }

    /// How many bytes one direction holds that were written and not read, at least 1: a write waits where it is full. 65,536
    /// at first, as usual socket buffers do.
    pub fn capacity(&self, bytes: usize) {
        self.0.update(|state| {
            state.capacity = bytes.max(1);
            state.wake_writers()
        });
    }

    /// How long bytes travel on this link, one way. See [`Network::set_delay`](super::Network::set_delay).
    pub fn set_delay(&self, delay: Duration) {
        self.0.update(|state| {
            state.delay = delay;
            Vec::new()
        });
    }
}

impl Direction {
    pub(super) const fn opposite(self) -> Self {
        match self {
            Self::ToAcceptor => Self::ToDialer,
            Self::ToDialer => Self::ToAcceptor,
        }
    }
}

impl fmt::Debug for LinkControl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = if self.is_up() { "up" } else { "down" };
        write!(f, "LinkControl({}, {state})", self.id())
    }
}
