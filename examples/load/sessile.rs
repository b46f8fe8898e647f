//! A client of this library's protocol, by its description alone (`docs/protocol.md`): what it costs the server cannot come from
//! code that both sides share, nor can a mistake. It resumes, acknowledges and keeps its window.

use std::{
    sync::LazyLock,
    time::{Duration, Instant},
};

use anyhow::{bail, ensure};

use crate::{
    crowd::now,
    dialect::{Dialect, Fields, Heard},
};

const LOGIN: u8 = 0x01;
const WELCOME: u8 = 0x04;
const REFUSED: u8 = 0x05;
const RESUME: u8 = 0x06;
const RESUMED: u8 = 0x07;
const DATA: u8 = 0x10;
const ACK: u8 = 0x12;
const PING: u8 = 0x20;
const PONG: u8 = 0x21;
const CLOSE: u8 = 0x30;
const CLOSED: u8 = 0x31;

const MAGIC: &[u8] = b"SESL";
const FULL: u64 = 101;
const BUSY: u64 = 102;

/// Asked for in LOGIN, or more where the load needs it; the server grants what it likes of it.
const WINDOW_MESSAGES: u32 = 1_024;
const WINDOW_BYTES: usize = 1 << 20;
const MAX_MESSAGE: usize = 64 << 10;

/// Microseconds; never 0.
fn clock() -> u64 {
    static BEGIN: LazyLock<Instant> = LazyLock::new(now);
    1 + BEGIN.elapsed().as_micros() as u64
}

pub(crate) struct Session {
    instance: [u8; 16],
    /// Of the session, once there is one: its name and the newest secret.
    known: Option<(u64, [u8; 16])>,
    attempt: u64,
    epoch: u64,
    /// What is asked for: bytes on their way, and of one message; how long a message of this load is.
    wanted: [u32; 2],
    bytes: usize,
    heartbeat: Duration,
    window: usize,
    /// Messages heard; each counts as taken at once.
    taken: u64,
    stated: u64,
    acked: u64,
    /// The number of the next message to write, and one above the highest that was ever written.
    cursor: u64,
    written: u64,
    nonce: u32,
    /// The peer's clock in its last beat on this link, and when that was heard.
    beat: Option<(u64, u64)>,
}

impl Session {
    /// Of messages that are so long, so many will be on their way.
    pub(crate) fn new(bytes: usize, depth: usize) -> Self {
        // What is sent and what was sent before may both be unacknowledged.
        let window = WINDOW_BYTES.max(2 * bytes * depth);
        let wanted = [window, MAX_MESSAGE.max(bytes)];
        Self {
            wanted: wanted.map(|bytes| u32::try_from(bytes).unwrap_or(u32::MAX)),
            bytes,
            instance: fastrand::u128(..).to_be_bytes(),
            known: None,
            attempt: 0,
            epoch: 0,
            heartbeat: Duration::ZERO,
            window: 0,
            taken: 0,
            stated: 0,
            acked: 0,
            cursor: 0,
            written: 0,
            nonce: 0,
            beat: None,
        }
    }

    fn welcome(&mut self, body: &mut Fields<'_>) -> anyhow::Result<()> {
        let (version, features) = (body.number(2)?, body.number(4)?);
        ensure!((version, features) == (1, 0), "version {version}");
        let session = body.number(8)?;
        self.epoch = body.number(8)?;
        self.known = Some((session, body.bytes(16)?.try_into()?));
        self.heartbeat = Duration::from_millis(body.number(4)?);
        let (_lease, _resume_window) = (body.number(4)?, body.number(4)?);
        let messages = body.number(4)? as usize;
        let (bytes, longest) = (body.number(4)? as usize, body.number(4)? as usize);
        ensure!(self.epoch >= 1 && longest >= 1, "terms out of range");
        ensure!(
            longest >= self.bytes,
            "the server takes messages of {longest} bytes at most"
        );
        self.window = messages.min(bytes / self.bytes);
        self.attempt = 0; // from here on those of RESUME are counted
        Ok(())
    }

    fn resumed(&mut self, body: &mut Fields<'_>) -> anyhow::Result<u64> {
        let epoch = body.number(8)?;
        let secret = body.bytes(16)?.try_into()?;
        let (received, taken) = (body.number(8)?, body.number(8)?);
        ensure!(epoch > self.epoch, "RESUMED with epoch {epoch}");
        let possible = self.acked <= taken && taken <= received && received <= self.written;
        ensure!(possible, "RESUMED with a position that is not possible");
        self.epoch = epoch;
        self.acked = taken;
        self.cursor = received;
        if let Some((_, known)) = &mut self.known {
            *known = secret;
        }
        Ok(received)
    }

    fn refused(&self, body: &mut Fields<'_>) -> anyhow::Result<Heard<'static>> {
        let (code, _retry, after) = (body.number(2)?, body.number(1)?, body.number(4)?);
        ensure!(matches!(code, FULL | BUSY), "refused with code {code}");
        Ok(Heard::Busy(Duration::from_millis(after)))
    }

    fn write_beat(&mut self, kind: u8, nonce: u32, out: &mut Vec<u8>) {
        self.acknowledge(out);
        let now = clock();
        let (echo, held) = match self.beat {
            Some((echo, heard)) => (echo, u32::try_from(now - heard).unwrap_or(u32::MAX)),
            None => (0, 0),
        };
        begin(kind, 32, out);
        out.extend(nonce.to_be_bytes());
        out.extend(now.to_be_bytes());
        out.extend(0_u64.to_be_bytes()); // no ticks here
        out.extend(echo.to_be_bytes());
        out.extend(held.to_be_bytes());
    }

    fn write_ack(&mut self, out: &mut Vec<u8>) {
        self.stated = self.taken;
        begin(ACK, 8, out);
        out.extend(self.taken.to_be_bytes());
    }
}

impl Dialect for Session {
    fn hello(&mut self, out: &mut Vec<u8>) {
        self.attempt += 1;
        self.beat = None;
        if let Some((session, secret)) = self.known {
            self.stated = self.taken;
            begin(RESUME, 54, out);
            out.extend(MAGIC);
            out.extend(1_u16.to_be_bytes());
            out.extend(session.to_be_bytes());
            out.extend(secret);
            for position in [self.attempt, self.taken, self.taken] {
                out.extend(position.to_be_bytes());
            }
        } else {
            let credentials = b"user:pass";
            begin(LOGIN, 60 + credentials.len(), out);
            out.extend(MAGIC);
            out.extend([0, 1, 0, 1]); // version 1, and no older one
            out.extend(0_u32.to_be_bytes());
            out.extend(self.instance);
            out.extend(self.attempt.to_be_bytes());
            let times = [2_000, 6_000, 120_000];
            let asked = times.into_iter().chain([WINDOW_MESSAGES]);
            for term in asked.chain(self.wanted) {
                out.extend(term.to_be_bytes());
            }
            out.extend(credentials);
        }
    }

    fn hear<'a>(
        &mut self,
        bytes: &'a [u8],
        out: &mut Vec<u8>,
    ) -> anyhow::Result<Option<(usize, Heard<'a>)>> {
        let Some((length, rest)) = bytes.split_first_chunk() else {
            return Ok(None);
        };
        let length = u32::from_be_bytes(*length) as usize;
        ensure!(
            (1..=self.wanted[1] as usize + 1).contains(&length),
            "a frame of {length} bytes"
        );
        let Some(frame) = rest.get(..length) else {
            return Ok(None);
        };
        let (kind, mut body) = (frame[0], Fields(&frame[1..]));
        let heard = match kind {
            DATA => {
                self.taken += 1;
                Heard::Message(body.0)
            }
            ACK => {
                let taken = body.number(8)?;
                ensure!(
                    (self.acked..=self.cursor).contains(&taken),
                    "ACK {taken} is out of range"
                );
                self.acked = taken;
                Heard::Nothing
            }
            PING => {
                let (nonce, theirs) = (body.number(4)? as u32, body.number(8)?);
                self.beat = Some((theirs, clock()));
                self.write_beat(PONG, nonce, out);
                Heard::Ping
            }
            PONG => {
                let (nonce, theirs) = (body.number(4)?, body.number(8)?);
                ensure!(nonce <= u64::from(self.nonce), "a PONG that nobody asked");
                self.beat = Some((theirs, clock()));
                Heard::Pong
            }
            WELCOME if self.known.is_none() => {
                self.welcome(&mut body)?;
                self.write_ack(out); // proves that the welcome arrived
                Heard::Admitted
            }
            RESUMED => {
                let from = self.resumed(&mut body)?;
                self.write_ack(out);
                Heard::Resumed(from)
            }
            REFUSED => self.refused(&mut body)?,
            CLOSED => Heard::Left,
            CLOSE => bail!("the server ends a session, code {}", body.number(2)?),
            0x80.. => Heard::Nothing,
            other => bail!("a frame of type {other:#04x} is out of place"),
        };
        Ok(Some((4 + length, heard)))
    }

    fn say(&mut self, message: &[u8], out: &mut Vec<u8>) {
        self.acknowledge(out);
        begin(DATA, message.len(), out);
        out.extend(message);
        self.cursor += 1;
        self.written = self.written.max(self.cursor);
    }

    fn beat(&mut self, out: &mut Vec<u8>) {
        self.nonce += 1;
        self.write_beat(PING, self.nonce, out);
    }

    fn agreed_heartbeat(&self) -> Option<Duration> {
        self.known.map(|_| self.heartbeat)
    }

    fn window(&self) -> usize {
        self.window
    }

    fn acknowledge(&mut self, out: &mut Vec<u8>) {
        if self.owes() {
            self.write_ack(out);
        }
    }

    fn owes(&self) -> bool {
        self.stated < self.taken
    }

    fn leave(&mut self, out: &mut Vec<u8>) -> bool {
        begin(CLOSE, 16, out);
        out.extend([0, 1, 2, 0, 0, 0, 0]); // closed here, never to be tried again
        out.extend(self.taken.to_be_bytes());
        out.push(0);
        true
    }
}

/// Length and type of a frame.
fn begin(kind: u8, body: usize, out: &mut Vec<u8>) {
    out.extend((1 + body as u32).to_be_bytes());
    out.push(kind);
}
