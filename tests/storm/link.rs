//! Links from an address of one's own, which all can be cut at the same instant.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream},
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
};

use async_io::Async;
use futures::{AsyncRead, AsyncWrite};
use sessile::transport::{Dial, Link};
use socket2::{Domain, SockRef, Socket, Type};

/// Addresses that the clients are spread over: 127.0.1.1 and on.
const ADDRESSES: usize = 240;

/// Cuts the links that were dialed by then.
#[derive(Default)]
pub(crate) struct Knife {
    cut: AtomicBool,
    links: Mutex<Vec<Edge>>,
}

/// What of a link the knife holds.
#[derive(Clone, Default)]
struct Edge {
    cut: Arc<AtomicBool>,
    waker: Arc<Mutex<Option<Waker>>>,
}

impl Knife {
    pub(crate) fn cut(&self) {
        self.cut.store(true, Ordering::Relaxed);
        let links = std::mem::take(&mut *self.links.lock().expect("no panic holds it"));
        for link in &links {
            link.cut.store(true, Ordering::Release);
        }
        for link in links {
            if let Some(waker) = link.waker.lock().expect("no panic holds it").take() {
                waker.wake();
            }
        }
    }
}

/// One client's way to the server.
pub(crate) struct From {
    address: IpAddr,
    to: SocketAddr,
    knife: Arc<Knife>,
    dials: Arc<AtomicUsize>,
}

impl From {
    pub(crate) fn new(
        number: usize,
        to: SocketAddr,
        knife: Arc<Knife>,
        dials: Arc<AtomicUsize>,
    ) -> Self {
        let last = u8::try_from(1 + number % ADDRESSES).expect("few addresses");
        Self {
            address: Ipv4Addr::new(127, 0, 1, last).into(),
            to,
            knife,
            dials,
        }
    }
}

impl Dial for From {
    type Link = Cuttable;

    async fn dial(&self) -> io::Result<Cuttable> {
        self.dials.fetch_add(1, Ordering::Relaxed);
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.set_nonblocking(true)?;
        socket.bind(&SocketAddr::new(self.address, 0).into())?;
        if let Err(error) = socket.connect(&self.to.into())
            && error.raw_os_error() != Some(rustix::io::Errno::INPROGRESS.raw_os_error())
        {
            return Err(error);
        }
        let socket = Async::new_nonblocking(TcpStream::from(socket))?;
        socket.writable().await?;
        if let Some(error) = socket.get_ref().take_error()? {
            return Err(error);
        }
        SockRef::from(&socket).set_tcp_nodelay(true)?;
        let link = Cuttable {
            socket,
            edge: Edge::default(),
        };
        if !self.knife.cut.load(Ordering::Relaxed) {
            let mut links = self.knife.links.lock().expect("no panic holds it");
            links.push(link.edge.clone());
        }
        Ok(link)
    }
}

/// A connection, until it is cut.
pub(crate) struct Cuttable {
    socket: Async<TcpStream>,
    edge: Edge,
}

impl Cuttable {
    fn check(&self) -> io::Result<()> {
        if self.edge.cut.load(Ordering::Acquire) {
            Err(io::ErrorKind::ConnectionReset.into())
        } else {
            Ok(())
        }
    }
}

impl Link for Cuttable {}

impl AsyncRead for Cuttable {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        *self.edge.waker.lock().expect("no panic holds it") = Some(cx.waker().clone());
        self.check()?;
        Pin::new(&mut self.socket).poll_read(cx, bytes)
    }
}

impl AsyncWrite for Cuttable {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.socket).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_close(cx)
    }
}
