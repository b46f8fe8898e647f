//! Servers to compare with: bare ones that echo frames, and brokers, where a session subscribes to what it publishes itself.

use anyhow::{bail, ensure};

use crate::dialect::{Dialect, Heard};

/// A frame is four bytes of length and what they count. The first logs in, an empty one is a heartbeat; each comes back.
#[derive(Default)]
pub(crate) struct Raw {
    admitted: bool,
}

impl Dialect for Raw {
    fn hello(&mut self, out: &mut Vec<u8>) {
        self.say(b"user:pass", out);
    }

    fn hear<'a>(
        &mut self,
        bytes: &'a [u8],
        _: &mut Vec<u8>,
    ) -> anyhow::Result<Option<(usize, Heard<'a>)>> {
        let Some((length, rest)) = bytes.split_first_chunk() else {
            return Ok(None);
        };
        let Some(frame) = rest.get(..u32::from_be_bytes(*length) as usize) else {
            return Ok(None);
        };
        let heard = if !self.admitted {
            self.admitted = true;
            Heard::Admitted
        } else if frame.is_empty() {
            Heard::Pong
        } else {
            Heard::Message(frame)
        };
        Ok(Some((4 + frame.len(), heard)))
    }

    fn say(&mut self, message: &[u8], out: &mut Vec<u8>) {
        out.extend((message.len() as u32).to_be_bytes());
        out.extend(message);
    }

    fn beat(&mut self, out: &mut Vec<u8>) {
        self.say(b"", out);
    }
}

/// MQTT 3.1.1 at quality 0: the broker keeps nothing for who is away.
pub(crate) struct Mqtt {
    name: String,
    topic: Vec<u8>,
    echoes: bool,
}

impl Mqtt {
    pub(crate) fn new(number: usize, echoes: bool) -> Self {
        Self {
            name: format!("c{number:06}"),
            topic: string(&format!("t/{number:06}")),
            echoes,
        }
    }
}

impl Dialect for Mqtt {
    fn hello(&mut self, out: &mut Vec<u8>) {
        let mut connect = string("MQTT");
        connect.extend([4, 0b1100_0010, 0, 60]); // user, password, clean session; silent for a minute at most
        for text in [&self.name, "user", "pass"] {
            connect.extend(string(text));
        }
        packet(0x10, &[&connect], out);
        if self.echoes {
            packet(0x82, &[&[0, 1], &self.topic, &[0]], out);
        }
    }

    fn hear<'a>(
        &mut self,
        bytes: &'a [u8],
        _: &mut Vec<u8>,
    ) -> anyhow::Result<Option<(usize, Heard<'a>)>> {
        let (mut length, mut at) = (0_usize, 1);
        loop {
            let Some(digit) = bytes.get(at) else {
                return Ok(None);
            };
            ensure!(at <= 4, "a length of more than four bytes");
            length |= usize::from(digit & 0x7f) << (7 * (at - 1));
            at += 1;
            if digit & 0x80 == 0 {
                break;
            }
        }
        let Some(body) = bytes.get(at..at + length) else {
            return Ok(None);
        };
        let heard = match bytes[0] >> 4 {
            2 => {
                ensure!(body == [0, 0], "the broker refused: {body:?}");
                Heard::Admitted
            }
            3 => match body.get(self.topic.len()..) {
                Some(payload) => Heard::Message(payload),
                None => bail!("a message that ends in its topic"),
            },
            13 => Heard::Pong,
            _ => Heard::Nothing,
        };
        Ok(Some((at + length, heard)))
    }

    fn say(&mut self, message: &[u8], out: &mut Vec<u8>) {
        packet(0x30, &[&self.topic, message], out);
    }

    fn beat(&mut self, out: &mut Vec<u8>) {
        packet(0xc0, &[], out);
    }
}

/// Text as MQTT has it.
fn string(text: &str) -> Vec<u8> {
    let length = text.len() as u16;
    [&length.to_be_bytes(), text.as_bytes()].concat()
}

fn packet(kind: u8, parts: &[&[u8]], out: &mut Vec<u8>) {
    out.push(kind);
    let mut length: usize = parts.iter().map(|part| part.len()).sum();
    while length >= 0x80 {
        out.push(length as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
    for part in parts {
        out.extend(*part);
    }
}

pub(crate) struct Nats {
    subject: String,
    echoes: bool,
    admitted: bool,
}

impl Nats {
    pub(crate) fn new(number: usize, echoes: bool) -> Self {
        Self {
            subject: format!("t.{number:06}"),
            echoes,
            admitted: false,
        }
    }
}

impl Dialect for Nats {
    fn hello(&mut self, out: &mut Vec<u8>) {
        out.extend(b"CONNECT {\"verbose\":false,\"user\":\"user\",\"pass\":\"pass\"}\r\n");
        if self.echoes {
            out.extend(format!("SUB {} 1\r\n", self.subject).into_bytes());
        }
        out.extend(b"PING\r\n"); // its answer says that all this was good
    }

    fn hear<'a>(
        &mut self,
        bytes: &'a [u8],
        out: &mut Vec<u8>,
    ) -> anyhow::Result<Option<(usize, Heard<'a>)>> {
        let Some(end) = bytes.windows(2).position(|two| two == b"\r\n") else {
            return Ok(None);
        };
        let (line, rest) = (&bytes[..end], &bytes[end + 2..]);
        let heard = if line.starts_with(b"MSG ") {
            let length = line.rsplit(|byte| *byte == b' ').next().unwrap_or_default();
            let length: usize = str::from_utf8(length)?.parse()?;
            if rest.len() < length + 2 {
                return Ok(None);
            }
            return Ok(Some((end + length + 4, Heard::Message(&rest[..length]))));
        } else if line == b"PONG" && self.admitted {
            Heard::Pong
        } else if line == b"PONG" {
            self.admitted = true;
            Heard::Admitted
        } else if line == b"PING" {
            out.extend(b"PONG\r\n");
            Heard::Ping
        } else if line.starts_with(b"-ERR") {
            bail!("the broker refused: {}", line.escape_ascii());
        } else {
            Heard::Nothing
        };
        Ok(Some((end + 2, heard)))
    }

    fn say(&mut self, message: &[u8], out: &mut Vec<u8>) {
        out.extend(format!("PUB {} {}\r\n", self.subject, message.len()).into_bytes());
        out.extend(message);
        out.extend(b"\r\n");
    }

    fn beat(&mut self, out: &mut Vec<u8>) {
        out.extend(b"PING\r\n");
    }
}
