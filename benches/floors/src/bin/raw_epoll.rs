//! Near the physical limit: one thread, level-triggered epoll, neither runtime nor tasks.

use std::{
    io::{self, Read},
    mem::MaybeUninit,
    net::{TcpListener, TcpStream},
    os::fd::OwnedFd,
};

use rustix::{
    event::epoll::{self, CreateFlags, Event, EventData, EventFlags},
    io::Errno,
};
use sessile_floors::{BUFFER, Long, listen, not_now, whole, write};

const LISTENER: u64 = u64::MAX;

/// What epoll is asked to tell of a link that has room, and of one that has none.
const READS: EventFlags = EventFlags::IN;
const WRITES: EventFlags = EventFlags::OUT;

fn main() -> anyhow::Result<()> {
    let mut server = Server::new(listen()?)?;
    loop {
        server.turn()?;
    }
}

struct Server {
    epoll: OwnedFd,
    listener: TcpListener,
    events: Vec<MaybeUninit<Event>>,
    links: Vec<Option<Link>>,
    free: Vec<usize>,
    buffer: Vec<u8>,
}

struct Link {
    socket: TcpStream,
    /// What there was no room to write, and then the beginning of a frame.
    rest: Vec<u8>,
    unsent: usize,
    /// Where its frames are longer than the buffer.
    long: Option<Box<Long>>,
}

impl Server {
    fn new(listener: TcpListener) -> io::Result<Self> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        epoll::add(&epoll, &listener, EventData::new_u64(LISTENER), READS)?;
        Ok(Self {
            epoll,
            listener,
            events: vec![MaybeUninit::uninit(); 1_024],
            links: Vec::new(),
            free: Vec::new(),
            buffer: vec![0; BUFFER],
        })
    }

    fn turn(&mut self) -> io::Result<()> {
        let mut events = std::mem::take(&mut self.events);
        let ready = match epoll::wait(&self.epoll, &mut events[..], None) {
            Ok((ready, _)) => ready,
            Err(Errno::INTR) => &mut [],
            Err(error) => return Err(error.into()),
        };
        for event in ready {
            match event.data.u64() {
                LISTENER => self.accept()?,
                number => self.serve(number as usize),
            }
        }
        self.events = events;
        Ok(())
    }

    fn accept(&mut self) -> io::Result<()> {
        loop {
            let socket = match self.listener.accept() {
                Ok((socket, _)) => socket,
                Err(error) if not_now(&error) => return Ok(()),
                Err(error) => return Err(error),
            };
            socket.set_nonblocking(true)?;
            socket.set_nodelay(true)?;
            let number = self.free.pop().unwrap_or_else(|| {
                self.links.push(None);
                self.links.len() - 1
            });
            epoll::add(
                &self.epoll,
                &socket,
                EventData::new_u64(number as u64),
                READS,
            )?;
            self.links[number] = Some(Link {
                socket,
                rest: Vec::new(),
                unsent: 0,
                long: None,
            });
        }
    }

    fn serve(&mut self, number: usize) {
        let Some(link) = &mut self.links[number] else {
            return;
        };
        let was_full = link.unsent > 0;
        let served = if let Some(long) = &mut link.long {
            echo_long(long, &link.socket, &mut link.unsent)
        } else if was_full {
            link.write_rest()
        } else {
            link.echo(&mut self.buffer)
        };
        let changed = (link.unsent > 0) != was_full;
        let served = served.and_then(|()| {
            if changed {
                let wanted = if link.unsent > 0 { WRITES } else { READS };
                let data = EventData::new_u64(number as u64);
                epoll::modify(&self.epoll, &link.socket, data, wanted)?;
            }
            Ok(())
        });
        if served.is_err() {
            self.links[number] = None;
            self.free.push(number);
        }
    }
}

impl Link {
    fn echo(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        let had = self.rest.len();
        buffer[..had].copy_from_slice(&self.rest);
        let have = match self.socket.read(&mut buffer[had..]) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(length) => had + length,
            Err(error) if not_now(&error) => return Ok(()),
            Err(error) => return Err(error),
        };
        let whole = whole(&buffer[..have])?;
        let written = write(&mut self.socket, &buffer[..whole])?;
        self.unsent = whole - written;
        self.rest = buffer[written..have].to_vec(); // without memory where nothing is left
        self.begin_long()
    }

    fn begin_long(&mut self) -> io::Result<()> {
        if self.unsent == 0
            && let Some(long) = Long::begins(&self.rest)?
        {
            self.long = Some(long);
            self.rest = Vec::new();
        }
        Ok(())
    }

    fn write_rest(&mut self) -> io::Result<()> {
        let written = write(&mut self.socket, &self.rest[..self.unsent])?;
        self.rest.drain(..written);
        self.unsent -= written;
        self.begin_long()
    }
}

/// One write where the socket was full, else one read and one write. `unsent` says whether it is full now.
fn echo_long(long: &mut Long, mut socket: &TcpStream, unsent: &mut usize) -> io::Result<()> {
    if *unsent == 0 {
        match long.read(&mut socket) {
            Err(error) if not_now(&error) => return Ok(()),
            read => read?,
        }
    }
    *unsent = usize::from(!long.write(&mut socket)?);
    Ok(())
}
