//! What servers of any protocol are asked for: to let somebody in, to echo, to answer a heartbeat.

use std::time::Duration;

use anyhow::{bail, ensure};

use crate::{others, sessile};

/// How one session speaks: what it writes, and what it makes of what it reads. It outlives its links where the protocol does.
pub(crate) trait Dialect {
    /// The first bytes on a link: a login, or a resume where there is a session already.
    fn hello(&mut self, out: &mut Vec<u8>);

    /// The first whole frame in `bytes`: how long it is, and what it says. What must be answered at once is answered.
    fn hear<'a>(
        &mut self,
        bytes: &'a [u8],
        out: &mut Vec<u8>,
    ) -> anyhow::Result<Option<(usize, Heard<'a>)>>;

    /// A message that is to come back.
    fn say(&mut self, message: &[u8], out: &mut Vec<u8>);

    /// A heartbeat that is to be answered.
    fn beat(&mut self, out: &mut Vec<u8>);

    /// The heartbeat that was agreed on, where that is part of the protocol.
    fn agreed_heartbeat(&self) -> Option<Duration> {
        None
    }

    /// How many messages may be on their way.
    fn window(&self) -> usize {
        usize::MAX
    }

    /// Acknowledges what was heard, if that was not done yet.
    fn acknowledge(&mut self, _: &mut Vec<u8>) {}

    /// Whether there is anything to acknowledge.
    fn owes(&self) -> bool {
        false
    }

    /// Says goodbye, where that is answered ([`Heard::Left`]). Elsewhere the link just ends.
    fn leave(&mut self, _: &mut Vec<u8>) -> bool {
        false
    }
}

/// What a frame says.
pub(crate) enum Heard<'a> {
    Admitted,
    /// The session goes on; whatever was said from this message on is to be said again.
    Resumed(u64),
    /// Not now; how long to wait at least.
    Busy(Duration),
    /// A heartbeat was answered.
    Pong,
    /// A heartbeat of the server, which is answered by now.
    Ping,
    Message(&'a [u8]),
    Left,
    Nothing,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    Sessile,
    Raw,
    Mqtt,
    Nats,
}

impl Protocol {
    pub(crate) fn named(name: &str) -> Result<Self, String> {
        Ok(match name {
            "sessile" => Self::Sessile,
            "raw" => Self::Raw,
            "mqtt" => Self::Mqtt,
            "nats" => Self::Nats,
            _ => return Err(format!("{name}: neither sessile nor raw, mqtt or nats")),
        })
    }

    /// The session of this number. `echoes` if it is going to speak, not only to be there: messages of so many bytes, of which so many
    /// are on their way.
    pub(crate) fn dialect(
        self,
        number: usize,
        echoes: bool,
        bytes: usize,
        depth: usize,
    ) -> Box<dyn Dialect> {
        match self {
            Self::Sessile => Box::new(sessile::Session::new(bytes, depth)),
            Self::Raw => Box::new(others::Raw::default()),
            Self::Mqtt => Box::new(others::Mqtt::new(number, echoes)),
            Self::Nats => Box::new(others::Nats::new(number, echoes)),
        }
    }
}

/// Reads numbers from the front of bytes.
pub(crate) struct Fields<'a>(pub(crate) &'a [u8]);

impl<'a> Fields<'a> {
    pub(crate) fn bytes(&mut self, length: usize) -> anyhow::Result<&'a [u8]> {
        let Some((taken, rest)) = self.0.split_at_checked(length) else {
            bail!("a frame that ends too early");
        };
        self.0 = rest;
        Ok(taken)
    }

    pub(crate) fn number(&mut self, length: usize) -> anyhow::Result<u64> {
        ensure!(length <= 8, "no number is that long");
        let bytes = self.bytes(length)?.iter();
        Ok(bytes.fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }
}
