//! The leanest server on smol: one thread, a task for each link that borrows the thread's one buffer when there is something to read.

use std::{
    cell::RefCell,
    io::{self, Read},
    net::TcpStream,
    rc::Rc,
};

use sessile_floors::{BUFFER, Long, listen, not_now, whole, write};
use smol::{Async, LocalExecutor};

thread_local!(static SHARED: RefCell<Vec<u8>> = RefCell::new(vec![0; BUFFER]));

fn main() -> anyhow::Result<()> {
    let listener = Async::new(listen()?)?;
    let executor = Rc::new(LocalExecutor::new());
    smol::block_on(executor.run(async {
        loop {
            let (socket, _) = listener.accept().await?;
            socket.get_ref().set_nodelay(true)?;
            // An end of any kind is the end of this link alone.
            executor.spawn(serve(socket)).detach();
        }
    }))
}

async fn serve(socket: Async<TcpStream>) -> io::Result<()> {
    let mut rest = Vec::new(); // what there was no room to write, and then the beginning of a frame
    loop {
        if let Some(mut long) = Long::begins(&rest)? {
            return Box::pin(serve_long(&socket, &mut long)).await; // boxed: most links do not pay for it
        }
        match SHARED.with_borrow_mut(|buffer| echo(socket.get_ref(), &mut rest, buffer)) {
            Ok(0) => {}
            Ok(mut unsent) => {
                while unsent > 0 {
                    socket.writable().await?;
                    let written = write(socket.get_ref(), &rest[..unsent])?;
                    rest.drain(..written);
                    unsent -= written;
                }
            }
            Err(error) if not_now(&error) => socket.readable().await?,
            Err(error) => return Err(error),
        }
    }
}

/// Reads once and writes once; returns how much of what was to be written is left, at the front of `rest`.
fn echo(mut socket: &TcpStream, rest: &mut Vec<u8>, buffer: &mut [u8]) -> io::Result<usize> {
    let had = rest.len();
    buffer[..had].copy_from_slice(rest);
    let have = match socket.read(&mut buffer[had..])? {
        0 => return Err(io::ErrorKind::UnexpectedEof.into()),
        length => had + length,
    };
    let whole = whole(&buffer[..have])?;
    let written = write(socket, &buffer[..whole])?;
    *rest = buffer[written..have].to_vec(); // without memory where nothing is left
    Ok(whole - written)
}

/// Whoever sends frames of such a length goes on with them.
async fn serve_long(socket: &Async<TcpStream>, long: &mut Long) -> io::Result<()> {
    loop {
        match long.read(socket.get_ref()) {
            Ok(()) => {
                while !long.write(socket.get_ref())? {
                    socket.writable().await?;
                }
            }
            Err(error) if not_now(&error) => socket.readable().await?,
            Err(error) => return Err(error),
        }
    }
}
