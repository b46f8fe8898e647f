//! What both floors do: a frame is four bytes of length and what they count, and every frame goes back to whoever sent it, the first
//! one (a login) and empty ones (heartbeats) included.

use std::{
    env, io,
    net::{SocketAddr, TcpListener},
};

use anyhow::Context;
use socket2::{Domain, Socket, Type};

/// As many frames as are echoed by one write.
pub const BUFFER: usize = 64 << 10;

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
    let mut rest = bytes;
    while let Some((length, frames)) = rest.split_first_chunk() {
        let length = u32::from_be_bytes(*length) as usize;
        if length > BUFFER - 4 {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let Some(after) = frames.get(length..) else {
            break;
        };
        rest = after;
    }
    Ok(bytes.len() - rest.len())
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
        assert!(whole(&[1, 0, 0, 0]).is_err());
    }
}
