//! Sockets for a crowd.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

use mio::{Interest, Poll, Token, net::TcpStream};
use socket2::{Domain, Socket, Type};

/// An address has no more than about 28,000 ports to connect from.
const PER_ADDRESS: usize = 20_000;

/// The connection of this number, of so many, on its way.
pub(crate) fn connect(server: SocketAddr, number: usize, of: usize) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::for_address(server), Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.set_tcp_nodelay(true)?;
    // It ends at once and keeps no port: a crowd that comes back needs them.
    socket.set_linger(Some(std::time::Duration::ZERO))?;
    if of > PER_ADDRESS && server.is_ipv4() && server.ip().is_loopback() {
        let host = u8::try_from(1 + number / PER_ADDRESS).unwrap_or(u8::MAX);
        let from = IpAddr::V4(Ipv4Addr::new(127, 0, 0, host));
        socket.bind(&SocketAddr::new(from, 0).into())?;
    }
    match socket.connect(&server.into()) {
        Err(error) if !under_way(&error) => Err(error),
        _ => Ok(TcpStream::from_std(socket.into())),
    }
}

pub(crate) fn register(poll: &Poll, socket: &mut TcpStream, token: Token) -> io::Result<()> {
    let both = Interest::READABLE | Interest::WRITABLE;
    poll.registry().register(socket, token, both)
}

/// EINPROGRESS, for which the standard library has no stable name. This program needs Linux anyway, for `/proc`.
fn under_way(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock || error.raw_os_error() == Some(115)
}
