//! TCP: one socket is one link.

use super::{Accept, Dial, Link};
use crate::address::{Address, Target};
use async_io::Async;
use futures::io::{AsyncRead, AsyncWrite};
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use std::{
    fmt,
    io::{self, IoSlice, IoSliceMut, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

/// Dials one address over TCP.
///
/// A host name is resolved at each dial, and its addresses are tried one after the other.
///
/// ```
/// # smol::block_on(async {
/// use sessile::transport::{Accept, Dial, Link, tcp::{TcpAcceptor, TcpDialer}};
/// use std::time::Duration;
///
/// let lease = Duration::from_secs(6);
/// let mut acceptor = TcpAcceptor::bind("127.0.0.1:0", 4096, lease).await?;
/// let dialer = TcpDialer::new(acceptor.local_addr().expect("bound"), lease);
/// let (dialed, accepted) = futures::try_join!(dialer.dial(), acceptor.accept())?;
/// assert_eq!(dialed.remote_addr(), acceptor.local_addr());
/// # std::io::Result::Ok(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct TcpDialer {
    address: Address,
    user_timeout: Duration,
}

/// Listens at one address over TCP.
///
/// ```
/// # smol::block_on(async {
/// use sessile::transport::{Accept, tcp::TcpAcceptor};
/// use std::time::Duration;
///
/// let acceptor = TcpAcceptor::bind(("localhost", 0), 4096, Duration::from_secs(6)).await?;
/// assert_ne!(acceptor.local_addr().expect("bound").port(), 0);
/// # std::io::Result::Ok(())
/// # }).unwrap();
/// ```
pub struct TcpAcceptor {
    listener: Async<TcpListener>,
    local: SocketAddr,
    user_timeout: Duration,
}

/// One TCP connection.
///
/// Small writes leave at once (no Nagle delay): a session gathers what it has into one write itself.
pub struct TcpLink {
    socket: Async<TcpStream>,
    input: Input,
}

/// What is known about bytes that wait in the kernel, so that no system call asks in vain.
#[derive(Clone, Copy)]
enum Input {
    /// There may be some: read.
    Unknown,
    /// The last read got less than it had room for, so there were none: wait to be told.
    Drained,
    /// The reactor was asked to tell, and did not yet when last looked at.
    Awaited,
}

impl TcpDialer {
    /// Will dial `address`.
    ///
    /// `user_timeout` is how long written bytes may stay unacknowledged by the other machine before the system
    /// gives the connection up (`TCP_USER_TIMEOUT`, in whole milliseconds, where the system has it). The lease
    /// is the right value: a link silent for longer is lost anyway. Zero leaves the system's default.
    pub fn new(address: impl Into<Address>, user_timeout: Duration) -> Self {
        Self {
            address: address.into(),
            user_timeout,
        }
    }
}

impl Dial for TcpDialer {
    type Link = TcpLink;

    async fn dial(&self) -> io::Result<TcpLink> {
        let mut failure = None;
        for address in resolve(&self.address).await? {
            match Async::<TcpStream>::connect(address).await {
                Ok(socket) => return TcpLink::new(socket, self.user_timeout),
                Err(error) => failure = Some(explain(error, &address)),
            }
        }
        Err(failure.unwrap_or_else(|| nothing_found(&self.address)))
    }

    fn redirected(&self, to: &str) -> Option<Self> {
        Some(Self::new(to, self.user_timeout))
    }
}

impl TcpAcceptor {
    /// Listens at `address`; port 0 lets the system choose one.
    ///
    /// `backlog` is how many connections may wait to be accepted; the system may cap it (`somaxconn`). When
    /// it is full, more are dropped in silence and come again a second later. `user_timeout`: as in
    /// [`TcpDialer::new`], for each accepted link.
    ///
    /// # Errors
    ///
    /// `InvalidInput` where the text is no address, `AddrInUse` where somebody listens there already, and
    /// whatever else the system says.
    pub async fn bind(
        address: impl Into<Address>,
        backlog: u32,
        user_timeout: Duration,
    ) -> io::Result<Self> {
        let address = address.into();
        let mut failure = None;
        for local in resolve(&address).await? {
            match listen(local, backlog) {
                Ok(listener) => {
                    return Ok(Self {
                        local: listener.get_ref().local_addr()?,
                        listener,
                        user_timeout,
                    });
                }
                Err(error) => failure = Some(explain(error, &local)),
            }
        }
        Err(failure.unwrap_or_else(|| nothing_found(&address)))
    }
}

impl Accept for TcpAcceptor {
    type Link = TcpLink;

    async fn accept(&mut self) -> io::Result<TcpLink> {
        loop {
            let (socket, _) = self.listener.accept().await?;
            if let Ok(link) = TcpLink::new(socket, self.user_timeout) {
                return Ok(link);
            }
        }
    }

    fn local_addr(&self) -> Option<SocketAddr> {
        Some(self.local)
    }
}

impl fmt::Debug for TcpAcceptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TcpAcceptor").field(&self.local).finish()
    }
}

impl TcpLink {
    fn new(socket: Async<TcpStream>, user_timeout: Duration) -> io::Result<Self> {
        let options = SockRef::from(&socket);
        options.set_tcp_nodelay(true)?;
        #[cfg(any(target_os = "linux", target_os = "android"))]
        if !user_timeout.is_zero() {
            options.set_tcp_user_timeout(Some(user_timeout))?;
        }
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        let _ = user_timeout;
        Ok(Self {
            socket,
            input: Input::Unknown,
        })
    }
}

impl Link for TcpLink {
    fn remote_addr(&self) -> Option<SocketAddr> {
        let remote = self.socket.get_ref().peer_addr().ok()?;
        // An IPv4 peer of an IPv6 listener: limits by address must know it under one name.
        Some(SocketAddr::new(remote.ip().to_canonical(), remote.port()))
    }
}

impl AsyncRead for TcpLink {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let room = bytes.len();
        self.get_mut()
            .poll_by(context, room, |mut socket| socket.read(bytes))
    }

    fn poll_read_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &mut [IoSliceMut<'_>],
    ) -> Poll<io::Result<usize>> {
        let room = parts.iter().map(|part| part.len()).sum();
        self.get_mut()
            .poll_by(context, room, |mut socket| socket.read_vectored(parts))
    }
}

impl TcpLink {
    /// Reads once where there may be something, as `read` does, which has room for so many bytes.
    fn poll_by(
        &mut self,
        context: &mut Context<'_>,
        room: usize,
        mut read: impl FnMut(&TcpStream) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        loop {
            match self.input {
                Input::Unknown => {}
                Input::Drained => {
                    self.input = Input::Awaited;
                    ready!(self.socket.poll_readable(context))?;
                    self.input = Input::Unknown;
                }
                // Where another thread runs the reactor, it can have woken this task while `poll_readable` does
                // not say so yet. So a second look reads in any case; the waker is in place already.
                Input::Awaited => match self.socket.poll_readable(context) {
                    Poll::Ready(ready) => {
                        self.input = Input::Unknown;
                        ready?;
                    }
                    Poll::Pending => {}
                },
            }
            match read(self.socket.get_ref()) {
                Ok(read) => {
                    // The end, 0, can be read again at once.
                    let short = 0 < read && read < room;
                    self.input = if short {
                        Input::Drained
                    } else {
                        Input::Unknown
                    };
                    return Poll::Ready(Ok(read));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => match self.input {
                    Input::Awaited => return Poll::Pending,
                    _ => self.input = Input::Drained,
                },
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }

    /// Tries first, then waits: a socket that can take no more is rare.
    fn poll_with(
        &self,
        context: &mut Context<'_>,
        mut write: impl FnMut(&TcpStream) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        loop {
            match write(self.socket.get_ref()) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    ready!(self.socket.poll_writable(context))?;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return Poll::Ready(result),
            }
        }
    }
}

impl AsyncWrite for TcpLink {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_with(context, |mut socket| socket.write(bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_with(context, |mut socket| socket.write_vectored(parts))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(match self.socket.get_ref().shutdown(Shutdown::Write) {
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
            result => result,
        })
    }
}

impl fmt::Debug for TcpLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.remote_addr() {
            Some(remote) => f.debug_tuple("TcpLink").field(&remote).finish(),
            None => f.write_str("TcpLink(disconnected)"),
        }
    }
}

async fn resolve(address: &Address) -> io::Result<Vec<SocketAddr>> {
    match address.target()? {
        Target::Socket(address) => Ok(vec![address]),
        Target::Name(host, port) => async_net::resolve((host, port))
            .await
            .map_err(|error| explain(error, address)),
    }
}

fn listen(local: SocketAddr, backlog: u32) -> io::Result<Async<TcpListener>> {
    let socket = Socket::new(
        Domain::for_address(local),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    // So that a restart need not wait for the old links' TIME_WAIT. Elsewhere than on Unix the option means
    // something else: that two may listen at one address.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.bind(&local.into())?;
    socket.listen(i32::try_from(backlog).unwrap_or(i32::MAX))?;
    Async::new(socket.into())
}

/// The same kind of error, with the address it is about.
fn explain(error: io::Error, address: &dyn fmt::Display) -> io::Error {
    io::Error::new(error.kind(), format!("{address}: {error}"))
}

fn nothing_found(address: &Address) -> io::Error {
    let text = format!("{address}: the name has no address");
    io::Error::new(io::ErrorKind::NotFound, text)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    /// Threat T19: a peer of whom the network says nothing more is given up by the system, too, at either end.
    #[test]
    fn the_system_gives_a_link_up_whose_bytes_nobody_acknowledges_for_a_lease() {
        let lease = Duration::from_secs(6);
        let links = smol::block_on(async {
            let mut acceptor = TcpAcceptor::bind("127.0.0.1:0", 16, lease).await?;
            let dialer = TcpDialer::new(acceptor.local_addr().expect("bound"), lease);
            futures::try_join!(dialer.dial(), acceptor.accept())
        });
        let (dialed, accepted) = links.expect("the loopback interface");
        for link in [dialed, accepted] {
            let options = SockRef::from(&link.socket);
            let given_up = options.tcp_user_timeout().expect("Linux has it");
            assert_eq!(given_up, Some(lease));
        }
    }
}
