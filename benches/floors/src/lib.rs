//! What both floors do: a frame is four bytes of length and what they count, and every frame goes back to whoever sent it, the first
//! one (a login) and empty ones (heartbeats) included.

mod long;

use std::{
    env,
    io::{self, Write},
    net::{SocketAddr, TcpListener},
};

use anyhow::Context;
use socket2::{Domain, Socket, Type};

pub use long::Long;

/// The one buffer of a thread: as many frames as are echoed by one write. A frame that is longer needs a [`Long`].
pub const BUFFER: usize = 256 << 10;

/// A longer frame is a mistake.
const LONGEST: usize = 16 << 20;

/// Listens where the only argument says, with a backlog for a whole crowd. Nothing it accepts blocks.
pub fn listen() -> anyhow::Result<TcpListener> {
    let address = env::args().nth(1).context("where to listen?")?;
    let address: SocketAddr = address.parse().context(address)?;
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(4_096)?;
    Ok(socket.into())
}

/// How many bytes at the front of these are whole frames. A frame that can never be whole is an error.
pub fn whole(bytes: &[u8]) -> io::Result<usize> {
    let mut whole = 0;
    while let Some(length) = needed(&bytes[whole..])? {
        if length > bytes.len() - whole {
            break;
        }
        whole += length;
    }
    Ok(whole)
}

/// How long the frame that begins here is, with its length.
fn needed(bytes: &[u8]) -> io::Result<Option<usize>> {
    let Some((length, _)) = bytes.split_first_chunk() else {
        return Ok(None);
    };
    let length = u32::from_be_bytes(*length) as usize;
    if length > LONGEST {
        return Err(io::ErrorKind::InvalidData.into());
    }
    Ok(Some(4 + length))
}

/// Writes once; how much of it was taken.
pub fn write(mut socket: impl Write, bytes: &[u8]) -> io::Result<usize> {
    if bytes.is_empty() {
        return Ok(0);
    }
    match socket.write(bytes) {
        Err(error) if not_now(&error) => Ok(0),
        written => written,
    }
}

/// Whether it is only that there is nothing to do now.
pub fn not_now(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
    )
}

#[cfg(test)]
mod tests {
    use super::whole;

    #[test]
    fn only_whole_frames_go_back() {
        let two = [0, 0, 0, 1, 7, 0, 0, 0, 0];
        assert_eq!(whole(&two).unwrap(), 9);
        assert_eq!(whole(&two[..8]).unwrap(), 5);
        assert_eq!(whole(&two[..4]).unwrap(), 0);
        assert_eq!(whole(&[]).unwrap(), 0);
        assert!(whole(&[1, 0, 0, 1]).is_err());
    }
}
