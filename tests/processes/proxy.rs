//! The network between one client and the server, in user space: it carries bytes, or does what networks do instead.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_channel::{Receiver, Sender, unbounded};
use futures::{
    AsyncReadExt, AsyncWriteExt,
    future::{Either, select, try_join},
};
use smol::{
    Task, Timer,
    net::{TcpListener, TcpStream},
};
use socket2::SockRef;

/// What a link is asked before it carries on, where it is to wait.
const PAUSE: Duration = Duration::from_millis(2);

/// Little is kept by the kernel: what a link does not carry is soon felt by who writes.
const KERNEL_BUFFER: usize = 8 * 1024;

pub(crate) struct Proxy {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    _listening: Task<()>,
}

/// From the client to the server is up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Up,
    Down,
}

/// What becomes of bytes, on links that are there and on those to come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Air {
    #[default]
    Clear,
    /// They wait. All of them arrive when it is over.
    Clogged,
    /// They are gone, and so is everything that follows them on the same link, its end included.
    Hole,
    /// So many milliseconds later, and so many bytes a second.
    Slow { delay: u64, rate: u64 },
}

/// What becomes of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Blow {
    /// Both its ends are closed, in good order.
    Close,
    /// Both hear a reset; what was on its way is gone.
    Reset,
    /// Only who is at the end of this way hears that it was closed. The other way goes on.
    HalfClose(Way),
    /// After so many more bytes this way, a reset.
    CutAfter(Way, usize),
}

#[derive(Default)]
struct State {
    upstream: Option<SocketAddr>,
    refuses: bool,
    air: [Air; 2],
    links: Vec<Sender<Blow>>,
}

/// One link on its way through.
struct Link {
    state: Arc<Mutex<State>>,
    /// [up, down]
    ways: [Mutex<Passage>; 2],
}

struct Passage {
    /// Bytes of it were swallowed: what came after them would make no sense.
    holed: bool,
    /// How many bytes may still pass.
    left: usize,
}

impl Proxy {
    /// Listens at a port of its own.
    pub(crate) fn open() -> Self {
        let state = Arc::<Mutex<State>>::default();
        let listener = smol::block_on(TcpListener::bind("127.0.0.1:0")).expect("a free port");
        SockRef::from(&listener)
            .set_recv_buffer_size(KERNEL_BUFFER) // those that it accepts have it, too
            .expect("a socket has a buffer");
        let address = listener.local_addr().expect("it is bound");
        Self {
            address,
            _listening: smol::spawn(listen(listener, Arc::clone(&state))),
            state,
        }
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where links lead from now on; nowhere without a server.
    pub(crate) fn lead_to(&self, server: Option<SocketAddr>) {
        lock(&self.state).upstream = server;
    }

    pub(crate) fn set_air(&self, ways: &[Way], air: Air) {
        let mut state = lock(&self.state);
        for &way in ways {
            state.air[way as usize] = air;
        }
    }

    /// Whether new links are refused.
    pub(crate) fn refuse(&self, refuses: bool) {
        lock(&self.state).refuses = refuses;
    }

    /// Strikes all links that are there.
    pub(crate) fn strike(&self, blow: Blow) {
        let mut state = lock(&self.state);
        state.links.retain(|link| link.try_send(blow).is_ok());
    }
}

async fn listen(listener: TcpListener, state: Arc<Mutex<State>>) {
    while let Ok((client, _)) = listener.accept().await {
        let (upstream, refuses) = {
            let state = lock(&state);
            (state.upstream, state.refuses)
        };
        let (Some(upstream), false) = (upstream, refuses) else {
            let _ = reset(&client);
            continue;
        };
        let (sender, blows) = unbounded();
        lock(&state).links.push(sender);
        let passage = || {
            Mutex::new(Passage {
                holed: false,
                left: usize::MAX,
            })
        };
        let link = Link {
            state: Arc::clone(&state),
            ways: [passage(), passage()],
        };
        smol::spawn(async move {
            // Whatever ends it: both sockets close here, since nobody else has them.
            link.carry(client, upstream, blows).await.ok();
        })
        .detach();
    }
}

impl Link {
    async fn carry(
        &self,
        client: TcpStream,
        upstream: SocketAddr,
        blows: Receiver<Blow>,
    ) -> io::Result<()> {
        let Ok(server) = TcpStream::connect(upstream).await else {
            return reset(&client);
        };
        for end in [&client, &server] {
            end.set_nodelay(true)?;
        }
        let up = self.pump(client.clone(), server.clone(), Way::Up);
        let down = self.pump(server.clone(), client.clone(), Way::Down);
        let mut both = Box::pin(try_join(up, down));
        loop {
            let blow = Box::pin(blows.recv());
            let cut = match select(both, blow).await {
                Either::Left((outcome, _)) => outcome.is_err(),
                Either::Right((Ok(Blow::HalfClose(way)), rest)) => {
                    lock(&self.ways[way as usize]).holed = true;
                    let end = [&server, &client][way as usize];
                    end.shutdown(std::net::Shutdown::Write)?;
                    both = rest;
                    continue;
                }
                Either::Right((Ok(Blow::CutAfter(way, bytes)), rest)) => {
                    lock(&self.ways[way as usize]).left = bytes;
                    both = rest;
                    continue;
                }
                Either::Right((Ok(Blow::Close) | Err(_), _)) => false,
                Either::Right((Ok(Blow::Reset), _)) => true,
            };
            if cut {
                reset(&client)?;
                reset(&server)?;
            }
            return Ok(());
        }
    }

    /// One way, to its end.
    async fn pump(&self, mut from: TcpStream, mut to: TcpStream, way: Way) -> io::Result<()> {
        let mut buffer = [0; 2_048];
        loop {
            let read = from.read(&mut buffer).await?;
            let passing = self.pass(way, read).await;
            let Some(passing) = passing else {
                if read == 0 {
                    return Ok(()); // nor does its end get through
                }
                continue;
            };
            if read == 0 {
                return to.shutdown(std::net::Shutdown::Write);
            }
            let written = to.write_all(&buffer[..passing]).await;
            if lock(&self.ways[way as usize]).holed {
                continue; // it was half-closed meanwhile
            }
            written?;
            if passing < read {
                return Err(io::ErrorKind::ConnectionReset.into());
            }
        }
    }

    /// Waits for as long as the air says, and says how many of these bytes get through. `None` where they are swallowed.
    async fn pass(&self, way: Way, bytes: usize) -> Option<usize> {
        let mut delayed = false;
        loop {
            let air = lock(&self.state).air[way as usize];
            match air {
                Air::Clogged => {
                    Timer::after(PAUSE).await;
                }
                Air::Slow { delay, rate } if !delayed => {
                    let transfer = bytes as u64 * 1_000 / rate;
                    Timer::after(Duration::from_millis(delay + transfer)).await;
                    delayed = true;
                }
                Air::Hole => lock(&self.ways[way as usize]).holed = true,
                Air::Clear | Air::Slow { .. } => {}
            }
            if matches!(air, Air::Clear | Air::Hole) || delayed {
                break;
            }
        }
        let mut passage = lock(&self.ways[way as usize]);
        if passage.holed {
            return None;
        }
        let passing = bytes.min(passage.left);
        if passage.left != usize::MAX {
            passage.left -= passing;
        }
        Some(passing)
    }
}

/// Closing it will be a reset.
fn reset(end: &TcpStream) -> io::Result<()> {
    SockRef::from(end).set_linger(Some(Duration::ZERO))
}

fn lock<T>(it: &Mutex<T>) -> MutexGuard<'_, T> {
    it.lock().unwrap_or_else(PoisonError::into_inner)
}
