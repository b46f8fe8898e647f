use bytes::Bytes;

use super::{
    Beat, Close, Frame, GoAway, HEADER_BYTES, IDENTITY_BYTES, Login, MAGIC, REDIRECT_BYTES,
    Refused, Resume, Resumed, RetryClass, Secret, TEXT_BYTES, Terms, Welcome, kind,
};

impl Frame<'_> {
    /// Appends the whole frame, length field and all, to `out`.
    ///
    /// Texts beyond their limit are cut at a character; the limits of payloads and credentials are the caller's.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let total = self.encoded_len();
        out.reserve(total);
        let start = out.len();
        out.extend_from_slice(&frame_header(self.kind(), total - PREFIX));
        match self {
            Self::Login(body) => body.encode(out),
            Self::Welcome(body) => body.encode(out),
            Self::Refused(body) => body.encode(out),
            Self::Resume(body) => body.encode(out),
            Self::Resumed(body) => body.encode(out),
            Self::Ping(body) | Self::Pong(body) => body.encode(out),
            Self::Close(body) => body.encode(out),
            Self::GoAway(body) => body.encode(out),
            Self::Ack(taken) | Self::Closed(taken) => out.extend_from_slice(&taken.to_be_bytes()),
            Self::Challenge(body)
            | Self::Answer(body)
            | Self::Data(body)
            | Self::Volatile(body) => {
                out.extend_from_slice(body);
            }
            Self::Extension(_) => {}
        }
        debug_assert_eq!(
            out.len() - start,
            total,
            "{} says another length than it writes",
            self.name()
        );
    }

    /// Bytes that [`Frame::encode`] appends.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        PREFIX
            + match self {
                Self::Login(body) => 60 + body.credentials.len(),
                Self::Welcome(body) => 63 + identity(body).len(),
                Self::Refused(body) => {
                    25 + redirect(body.redirect).len() + cut(body.text, TEXT_BYTES).len()
                }
                Self::Resume(_) => 54,
                Self::Resumed(_) => 40,
                Self::Ping(_) | Self::Pong(_) => 32,
                Self::Close(body) => 16 + cut(body.text, TEXT_BYTES).len(),
                Self::GoAway(body) => {
                    11 + redirect(body.redirect).len() + cut(body.text, TEXT_BYTES).len()
                }
                Self::Ack(_) | Self::Closed(_) => 8,
                Self::Challenge(body)
                | Self::Answer(body)
                | Self::Data(body)
                | Self::Volatile(body) => body.len(),
                Self::Extension(_) => 0,
            }
    }
}

/// Appends one reliable message as a frame.
pub fn encode_data(payload: &[u8], out: &mut Vec<u8>) {
    encode_payload(false, payload, out);
}

/// Appends one volatile message as a frame.
pub fn encode_volatile(payload: &[u8], out: &mut Vec<u8>) {
    encode_payload(true, payload, out);
}

fn encode_payload(volatile: bool, payload: &[u8], out: &mut Vec<u8>) {
    let header = payload_header(volatile, payload.len());
    out.reserve(header.len() + payload.len());
    out.extend_from_slice(&header);
    out.extend_from_slice(payload);
}

/// A long message that is written from where it lies, between what was put together.
#[derive(Clone, Debug)]
pub struct LongPayload {
    /// How many of the bytes that were put together go before it.
    pub at: usize,
    /// The message.
    pub payload: Bytes,
}

/// What stands before a message of `len` bytes: for writers that send the payload from where it lies.
#[must_use]
pub fn payload_header(volatile: bool, len: usize) -> [u8; HEADER_BYTES + 1] {
    frame_header(if volatile { kind::VOLATILE } else { kind::DATA }, len)
}

/// Length field and type.
const PREFIX: usize = HEADER_BYTES + 1;

fn frame_header(kind: u8, body_len: usize) -> [u8; PREFIX] {
    let len = u32::try_from(body_len.saturating_add(1));
    debug_assert!(
        len.is_ok(),
        "a payload of {body_len} bytes is beyond every limit"
    );
    let [a, b, c, d] = len.unwrap_or(u32::MAX).to_be_bytes();
    [a, b, c, d, kind]
}

impl Login<'_> {
    fn encode(&self, out: &mut Vec<u8>) {
        debug_assert!(
            self.credentials.len() <= super::CREDENTIALS_BYTES,
            "credentials are checked before they come here"
        );
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&self.version.to_be_bytes());
        out.extend_from_slice(&self.oldest.to_be_bytes());
        out.extend_from_slice(&self.features.to_be_bytes());
        out.extend_from_slice(&self.instance);
        out.extend_from_slice(&self.attempt.to_be_bytes());
        self.terms.encode(out);
        out.extend_from_slice(self.credentials);
    }
}

impl Welcome<'_> {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.version.to_be_bytes());
        out.extend_from_slice(&self.features.to_be_bytes());
        out.extend_from_slice(&self.session.to_be_bytes());
        out.extend_from_slice(&self.epoch.to_be_bytes());
        self.secret.encode(out);
        self.terms.encode(out);
        short(identity(self), out);
    }
}

impl Refused<'_> {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.code.to_be_bytes());
        self.retry.encode(out);
        out.extend_from_slice(&self.taken.to_be_bytes());
        out.extend_from_slice(&self.attempt.to_be_bytes());
        short(redirect(self.redirect).as_bytes(), out);
        short(cut(self.text, TEXT_BYTES).as_bytes(), out);
    }
}

impl Resume {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&self.version.to_be_bytes());
        out.extend_from_slice(&self.session.to_be_bytes());
        self.secret.encode(out);
        out.extend_from_slice(&self.attempt.to_be_bytes());
        out.extend_from_slice(&self.received.to_be_bytes());
        out.extend_from_slice(&self.taken.to_be_bytes());
    }
}

impl Resumed {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.epoch.to_be_bytes());
        self.secret.encode(out);
        out.extend_from_slice(&self.received.to_be_bytes());
        out.extend_from_slice(&self.taken.to_be_bytes());
    }
}

impl Beat {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.nonce.to_be_bytes());
        out.extend_from_slice(&self.clock.to_be_bytes());
        out.extend_from_slice(&self.tick.to_be_bytes());
        out.extend_from_slice(&self.echo.to_be_bytes());
        out.extend_from_slice(&self.held.to_be_bytes());
    }
}

impl Close<'_> {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.code.to_be_bytes());
        self.retry.encode(out);
        out.extend_from_slice(&self.taken.to_be_bytes());
        short(cut(self.text, TEXT_BYTES).as_bytes(), out);
    }
}

impl GoAway<'_> {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.within_ms.to_be_bytes());
        self.retry.encode(out);
        short(redirect(self.redirect).as_bytes(), out);
        short(cut(self.text, TEXT_BYTES).as_bytes(), out);
    }
}

impl Terms {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.heartbeat_ms.to_be_bytes());
        out.extend_from_slice(&self.lease_ms.to_be_bytes());
        out.extend_from_slice(&self.resume_window_ms.to_be_bytes());
        out.extend_from_slice(&self.window_messages.to_be_bytes());
        out.extend_from_slice(&self.window_bytes.to_be_bytes());
        out.extend_from_slice(&self.max_message.to_be_bytes());
    }
}

impl RetryClass {
    fn encode(self, out: &mut Vec<u8>) {
        let (class, ms) = match self {
            Self::Now => (0, 0),
            Self::After(ms) => (1, ms),
            Self::Never => (2, 0_u32),
        };
        out.push(class);
        out.extend_from_slice(&ms.to_be_bytes());
    }
}

impl Secret {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.as_bytes());
    }
}

fn identity<'a>(body: &Welcome<'a>) -> &'a [u8] {
    debug_assert!(
        body.identity.len() <= IDENTITY_BYTES,
        "an identity is checked where it is made"
    );
    body.identity.get(..IDENTITY_BYTES).unwrap_or(body.identity)
}

/// A cut address leads nowhere: too long is none.
const fn redirect(to: &str) -> &str {
    if to.len() <= REDIRECT_BYTES { to } else { "" }
}

/// The longest beginning of `text` with at most `max` bytes and no torn character.
fn cut(text: &str, max: usize) -> &str {
    let end = (0..=max.min(text.len()))
        .rev()
        .find(|&end| text.is_char_boundary(end));
    end.and_then(|end| text.get(..end)).unwrap_or_default()
}

/// A length byte and the bytes, of which the caller has no more than 255.
fn short(bytes: &[u8], out: &mut Vec<u8>) {
    let len = u8::try_from(bytes.len());
    debug_assert!(len.is_ok(), "a short field of {} bytes", bytes.len());
    out.push(len.unwrap_or(u8::MAX));
    out.extend_from_slice(bytes);
}
