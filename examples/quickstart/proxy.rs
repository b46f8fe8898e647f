//! A bad network: everything that a client says goes through here, and breaks off where it was told to.

use std::{
    io,
    net::{Shutdown, SocketAddr},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};

use futures::{AsyncReadExt, AsyncWriteExt, future::try_join};
use smol::{
    Task,
    net::{TcpListener, TcpStream},
};
use socket2::SockRef;

pub(crate) struct Proxy {
    address: SocketAddr,
    links: Links,
    _listening: Task<io::Result<()>>,
}

type Links = Arc<Mutex<Vec<Arc<Wire>>>>;

/// One link on its way through.
struct Wire {
    /// How many bytes it may still carry from the client to the server; without an end unless it is to be cut.
    left: AtomicU64,
    cut: AtomicBool,
}

impl Proxy {
    /// Listens at a port of its own, and carries everything on to `server`.
    pub(crate) async fn open(server: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let links = Links::default();
        let accepted = Arc::clone(&links);
        let listening = smol::spawn(async move {
            loop {
                let (client, _) = listener.accept().await?;
                let wire = Arc::new(Wire {
                    left: AtomicU64::new(u64::MAX),
                    cut: AtomicBool::new(false),
                });
                lock(&accepted).push(Arc::clone(&wire));
                smol::spawn(wire.carry(client, server)).detach();
            }
        });
        Ok(Self {
            address,
            links,
            _listening: listening,
        })
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The number of the newest link; the first one is 1.
    pub(crate) fn newest(&self) -> usize {
        lock(&self.links).len()
    }

    /// Cuts a link once it has carried so many more bytes to the server.
    pub(crate) fn cut_after(&self, link: usize, bytes: u64) {
        if let Some(wire) = lock(&self.links).get(link - 1) {
            wire.left.store(bytes, SeqCst);
        }
    }

    /// Whether it came to that.
    pub(crate) fn was_cut(&self, link: usize) -> bool {
        let links = lock(&self.links);
        links
            .get(link - 1)
            .is_some_and(|wire| wire.cut.load(SeqCst))
    }
}

impl Wire {
    /// Both directions, until both have ended or one broke.
    async fn carry(self: Arc<Self>, client: TcpStream, server: SocketAddr) -> io::Result<()> {
        let server = TcpStream::connect(server).await?;
        for socket in [&client, &server] {
            socket.set_nodelay(true)?;
        }
        let up = pump(client.clone(), server.clone(), |bytes| self.allow(bytes));
        let down = pump(server.clone(), client.clone(), |bytes| bytes);
        let outcome = try_join(up, down).await;
        if outcome.is_err() {
            // Closing with nothing to linger for is a reset: what was on its way is gone, as with a real one.
            for socket in [&client, &server] {
                SockRef::from(socket).set_linger(Some(Duration::ZERO))?;
            }
        }
        outcome.map(|((), ())| ())
    }

    /// How many of these bytes may still pass.
    fn allow(&self, bytes: usize) -> usize {
        let left = self.left.load(SeqCst);
        if left == u64::MAX {
            return bytes;
        }
        let passing = bytes.min(usize::try_from(left).unwrap_or(usize::MAX));
        self.left.store(left - passing as u64, SeqCst);
        if passing < bytes {
            self.cut.store(true, SeqCst);
        }
        passing
    }
}

/// One direction, to its end; it breaks where fewer bytes are allowed than came.
async fn pump(
    mut from: TcpStream,
    mut to: TcpStream,
    allow: impl Fn(usize) -> usize,
) -> io::Result<()> {
    let mut buffer = [0; 4096];
    loop {
        let read = from.read(&mut buffer).await?;
        if read == 0 {
            return to.shutdown(Shutdown::Write);
        }
        let passing = allow(read);
        to.write_all(&buffer[..passing]).await?;
        if passing < read {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
    }
}

fn lock(links: &Links) -> MutexGuard<'_, Vec<Arc<Wire>>> {
    links.lock().unwrap_or_else(PoisonError::into_inner)
}
