//! One session of the crowd, and the link it has at present.

use std::{
    collections::VecDeque,
    io::{self, Read as _, Write},
    time::{Duration, Instant},
};

use anyhow::ensure;
use mio::net::TcpStream;

use crate::{
    crowd::now,
    dialect::{Dialect, Heard},
    tally::Tally,
};

/// The number in front of each message.
const NUMBER: usize = 8;

pub(crate) struct Member {
    dialect: Box<dyn Dialect>,
    socket: Option<TcpStream>,
    connected: bool,
    /// Admitted or resumed on this link.
    up: bool,
    links: u32,
    /// Attempts since the last loss.
    tries: u32,
    /// Of this so much was read and is no whole frame yet; the rest is memory that is kept where frames are long.
    inbox: Vec<u8>,
    have: usize,
    outbox: Vec<u8>,
    /// So much of it went out.
    written: usize,
    said: Instant,
    /// Whether a timer for its heartbeat is set.
    pub(crate) beats: bool,
    /// The numbers of the next message to send, and of the next one to come back.
    next: u64,
    expected: u64,
    sent_at: VecDeque<Instant>,
}

/// A beginning of a frame that is longer is not put into the crowd's buffer any more, but read on where it lies.
const LONG: usize = 64 << 10;

/// What was read in one go.
#[derive(Default)]
pub(crate) struct Read {
    pub(crate) messages: usize,
    pub(crate) admitted: bool,
    pub(crate) resumed: Option<u64>,
    pub(crate) busy: Option<Duration>,
    pub(crate) left: bool,
    pub(crate) ended: Option<io::Error>,
}

impl Member {
    pub(crate) fn new(dialect: Box<dyn Dialect>, now: Instant) -> Self {
        Self {
            dialect,
            socket: None,
            connected: false,
            up: false,
            links: 0,
            tries: 0,
            inbox: Vec::new(),
            have: 0,
            outbox: Vec::new(),
            written: 0,
            said: now,
            beats: false,
            next: 0,
            expected: 0,
            sent_at: VecDeque::new(),
        }
    }

    pub(crate) fn up(&self) -> bool {
        self.up
    }

    /// When it last wrote.
    pub(crate) fn said(&self) -> Instant {
        self.said
    }

    pub(crate) fn on_their_way(&self) -> u64 {
        self.next - self.expected
    }

    pub(crate) fn window(&self) -> usize {
        self.dialect.window()
    }

    pub(crate) fn agreed_heartbeat(&self) -> Option<Duration> {
        self.dialect.agreed_heartbeat()
    }

    /// Whether the hello of the link of this number is still not answered.
    pub(crate) fn waits_on(&self, link: u32) -> bool {
        self.links == link && self.socket.is_some() && !self.up
    }

    /// Begins a link; returns its number.
    pub(crate) fn dialed(&mut self, socket: TcpStream) -> u32 {
        self.socket = Some(socket);
        self.dialect.hello(&mut self.outbox);
        self.links += 1;
        self.links
    }

    /// Whether there is a link to read and write on.
    pub(crate) fn connected(&mut self) -> io::Result<bool> {
        let Some(socket) = &self.socket else {
            return Ok(false);
        };
        if !self.connected {
            if let Some(error) = socket.take_error()? {
                return Err(error);
            }
            self.connected = socket.peer_addr().is_ok();
        }
        Ok(self.connected)
    }

    /// Its hello was answered well.
    pub(crate) fn open(&mut self) {
        self.up = true;
        self.tries = 0;
    }

    /// Ends the link without a word; returns how many attempts there were since the last one was open.
    pub(crate) fn hang_up(&mut self) -> u32 {
        let tries = if self.up { 0 } else { self.tries };
        self.tries = tries + 1;
        self.socket = None;
        (self.connected, self.up) = (false, false);
        self.inbox.clear();
        self.have = 0;
        self.outbox.clear();
        self.written = 0;
        self.sent_at.clear();
        tries
    }

    pub(crate) fn say_next(&mut self, payload: &mut [u8], now: Instant) {
        payload[..NUMBER].copy_from_slice(&self.next.to_be_bytes());
        self.dialect.say(payload, &mut self.outbox);
        self.next += 1;
        self.sent_at.push_back(now);
    }

    /// Says again what the server does not have; returns how many those were.
    pub(crate) fn say_again(&mut self, from: u64, payload: &mut [u8]) -> anyhow::Result<u64> {
        ensure!(from <= self.next, "it has messages that nobody sent");
        for number in from..self.next {
            payload[..NUMBER].copy_from_slice(&number.to_be_bytes());
            self.dialect.say(payload, &mut self.outbox);
        }
        Ok(self.next - from)
    }

    pub(crate) fn beat(&mut self) {
        self.dialect.beat(&mut self.outbox);
    }

    pub(crate) fn acknowledge(&mut self) {
        if self.up && self.dialect.owes() {
            self.dialect.acknowledge(&mut self.outbox);
        }
    }

    pub(crate) fn leave(&mut self) -> bool {
        self.dialect.leave(&mut self.outbox)
    }

    /// Writes what there is to write, as far as there is room.
    pub(crate) fn flush(&mut self, now: Instant) -> io::Result<()> {
        let Some(socket) = self.socket.as_mut().filter(|_| self.connected) else {
            return Ok(());
        };
        let before = self.written;
        while self.written < self.outbox.len() {
            match socket.write(&self.outbox[self.written..]) {
                Ok(length) => self.written += length,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        if self.written > before {
            self.said = now;
        }
        // What is left moves to the front once that is less than what went.
        if 2 * self.written >= self.outbox.len() {
            self.outbox.drain(..self.written);
            self.written = 0;
        }
        Ok(())
    }

    /// Reads what is there. A violation fails; an end does not.
    pub(crate) fn read(&mut self, buffer: &mut [u8], tally: &mut Tally) -> anyhow::Result<Read> {
        let mut read = Read::default();
        if self.inbox.len() <= LONG {
            self.have = self.inbox.len();
            buffer[..self.have].copy_from_slice(&self.inbox);
            let all = self.read_into(buffer, &mut read, tally)?;
            self.inbox.clear();
            self.inbox.extend(&buffer[..self.have]);
            if all {
                return Ok(read);
            }
        }
        let mut own = std::mem::take(&mut self.inbox);
        loop {
            if own.len() < self.have + buffer.len() {
                own.resize(2 * own.len() + buffer.len(), 0);
            }
            if self.read_into(&mut own, &mut read, tally)? {
                break;
            }
        }
        self.inbox = own;
        Ok(read)
    }

    /// Until nothing is there any more, which is true, or the buffer is full.
    fn read_into(
        &mut self,
        buffer: &mut [u8],
        read: &mut Read,
        tally: &mut Tally,
    ) -> anyhow::Result<bool> {
        loop {
            let Some(socket) = self.socket.as_mut().filter(|_| read.ended.is_none()) else {
                return Ok(true);
            };
            match socket.read(&mut buffer[self.have..]) {
                Ok(0) => read.ended = Some(io::ErrorKind::UnexpectedEof.into()),
                Ok(length) => {
                    self.have += length;
                    let full = self.have == buffer.len();
                    let at = self.hear(&buffer[..self.have], read, tally)?;
                    if at > 0 {
                        buffer.copy_within(at..self.have, 0);
                        self.have -= at;
                    }
                    if !full {
                        return Ok(true); // what comes now is told again
                    }
                    if self.have == buffer.len() {
                        return Ok(false);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(true),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => read.ended = Some(error),
            }
        }
    }

    /// Reads the whole frames in `bytes`; returns how long they are.
    fn hear(&mut self, bytes: &[u8], read: &mut Read, tally: &mut Tally) -> anyhow::Result<usize> {
        let mut at = 0;
        while let Some((length, heard)) = self.dialect.hear(&bytes[at..], &mut self.outbox)? {
            at += length;
            match heard {
                Heard::Admitted => read.admitted = true,
                Heard::Resumed(from) => read.resumed = Some(from),
                Heard::Busy(after) => read.busy = Some(after),
                Heard::Pong => tally.pongs += 1,
                Heard::Ping => tally.pinged += 1,
                Heard::Message(message) => {
                    read.messages += 1;
                    tally.messages += 1;
                    if let Some(sent) = self.sent_at.pop_front() {
                        tally.took(now() - sent);
                    }
                    judge(message, &mut self.expected, self.next, tally)?;
                }
                Heard::Left => read.left = true,
                Heard::Nothing => {}
            }
        }
        Ok(at)
    }
}

/// Each comes back once, in order.
fn judge(message: &[u8], expected: &mut u64, next: u64, tally: &mut Tally) -> anyhow::Result<()> {
    let number = message.first_chunk().copied().map(u64::from_be_bytes);
    let Some(number) = number.filter(|number| *number < next) else {
        anyhow::bail!("a message came that nobody sent");
    };
    if number < *expected {
        tally.duplicated += 1;
    } else {
        tally.lost += number - *expected;
        *expected = number + 1;
    }
    Ok(())
}
