use std::fmt;

use super::{Secret, kind};

/// One frame, in the order of the type bytes. Payloads and texts are borrowed from the bytes that were read.
///
/// `Debug` shows lengths in place of payloads and of whatever proves an identity.
#[derive(Clone)]
pub enum Frame<'a> {
    /// Dialer: log in anew. First frame of its link.
    Login(Login<'a>),
    /// Acceptor: prove more; opaque to the protocol.
    Challenge(&'a [u8]),
    /// Dialer: the reply to a challenge.
    Answer(&'a [u8]),
    /// Acceptor: logged in, on these terms.
    Welcome(Welcome<'a>),
    /// Acceptor: no. Answers a login or a resume; the link ends after it.
    Refused(Refused<'a>),
    /// Dialer: back on a new link. First frame of that link.
    Resume(Resume),
    /// Acceptor: the session goes on.
    Resumed(Resumed),
    /// One reliable message; its sequence number is its place in the order.
    Data(&'a [u8]),
    /// One message outside the order, never replayed.
    Volatile(&'a [u8]),
    /// So many reliable messages were taken by the application, all told.
    Ack(u64),
    /// Sign of life that wants a [`Frame::Pong`].
    Ping(Beat),
    /// The answer to a [`Frame::Ping`].
    Pong(Beat),
    /// The session ends; wants a [`Frame::Closed`].
    Close(Close<'a>),
    /// The end is seen; carries the final count of messages taken.
    Closed(u64),
    /// Acceptor: it goes away, and closes the session soon.
    GoAway(GoAway<'a>),
    /// A type from 0x80 up that this version skips. Counts as life, its body was dropped.
    Extension(u8),
}

impl Frame<'_> {
    /// The type byte.
    #[must_use]
    pub const fn kind(&self) -> u8 {
        match self {
            Self::Login(_) => kind::LOGIN,
            Self::Challenge(_) => kind::CHALLENGE,
            Self::Answer(_) => kind::ANSWER,
            Self::Welcome(_) => kind::WELCOME,
            Self::Refused(_) => kind::REFUSED,
            Self::Resume(_) => kind::RESUME,
            Self::Resumed(_) => kind::RESUMED,
            Self::Data(_) => kind::DATA,
            Self::Volatile(_) => kind::VOLATILE,
            Self::Ack(_) => kind::ACK,
            Self::Ping(_) => kind::PING,
            Self::Pong(_) => kind::PONG,
            Self::Close(_) => kind::CLOSE,
            Self::Closed(_) => kind::CLOSED,
            Self::GoAway(_) => kind::GOAWAY,
            Self::Extension(kind) => *kind,
        }
    }

    /// The name in the protocol's description, such as `WELCOME`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Login(_) => "LOGIN",
            Self::Challenge(_) => "CHALLENGE",
            Self::Answer(_) => "ANSWER",
            Self::Welcome(_) => "WELCOME",
            Self::Refused(_) => "REFUSED",
            Self::Resume(_) => "RESUME",
            Self::Resumed(_) => "RESUMED",
            Self::Data(_) => "DATA",
            Self::Volatile(_) => "VOLATILE",
            Self::Ack(_) => "ACK",
            Self::Ping(_) => "PING",
            Self::Pong(_) => "PONG",
            Self::Close(_) => "CLOSE",
            Self::Closed(_) => "CLOSED",
            Self::GoAway(_) => "GOAWAY",
            Self::Extension(_) => "EXTENSION",
        }
    }
}

/// Body of LOGIN: who the dialer is and what it would like.
#[derive(Clone)]
pub struct Login<'a> {
    /// Highest protocol version the dialer speaks.
    pub version: u16,
    /// Lowest protocol version the dialer speaks, at least 1 and at most `version`.
    pub oldest: u16,
    /// Optional features the dialer knows, one bit each.
    pub features: u32,
    /// The client instance: the same in every login of one program that runs.
    pub instance: [u8; 16],
    /// Number of this attempt of this instance, growing.
    pub attempt: u64,
    /// What the dialer would like; the acceptor decides.
    pub terms: Terms,
    /// Opaque to the protocol, judged by the host; at most [`CREDENTIALS_BYTES`].
    pub credentials: &'a [u8],
}

/// Body of WELCOME: the session and what was agreed.
#[derive(Clone, Debug)]
pub struct Welcome<'a> {
    /// The protocol version that both speak from here on.
    pub version: u16,
    /// The features that both use from here on.
    pub features: u32,
    /// Number of the session, made by the acceptor.
    pub session: u64,
    /// Number of this link within the session.
    pub epoch: u64,
    /// Proves the session at the next resume.
    pub secret: Secret,
    /// What holds on this session.
    pub terms: Terms,
    /// Who the dialer is to the host, at most [`IDENTITY_BYTES`].
    pub identity: &'a [u8],
}

/// Body of REFUSED.
#[derive(Clone, Debug)]
pub struct Refused<'a> {
    /// Why, as a code.
    pub code: u16,
    /// Whether another attempt makes sense.
    pub retry: RetryClass,
    /// Final count of messages taken, for a dialer that proved an ended session; else 0.
    pub taken: u64,
    /// Highest attempt accepted so far, for a dialer whose attempt was too old; else 0.
    pub attempt: u64,
    /// Where to go instead, empty for nowhere; at most [`REDIRECT_BYTES`].
    pub redirect: &'a str,
    /// For people, may be empty; at most [`TEXT_BYTES`].
    pub text: &'a str,
}

/// Body of RESUME: the proof and the dialer's position.
#[derive(Clone, Debug)]
pub struct Resume {
    /// The version agreed at login.
    pub version: u16,
    /// The session to go on with.
    pub session: u64,
    /// Its newest secret that reached the dialer.
    pub secret: Secret,
    /// Number of this attempt within the session, growing.
    pub attempt: u64,
    /// Reliable messages received so far: the acceptor replays from here.
    pub received: u64,
    /// Reliable messages taken by the application so far.
    pub taken: u64,
}

/// Body of RESUMED: the acceptor's position.
#[derive(Clone, Debug)]
pub struct Resumed {
    /// Number of this link within the session, above every earlier one.
    pub epoch: u64,
    /// Replaces the secret that was just used.
    pub secret: Secret,
    /// Reliable messages received so far: the dialer replays from here.
    pub received: u64,
    /// Reliable messages taken by the application so far.
    pub taken: u64,
}

/// Body of PING and PONG. Both ends learn the round trip from one exchange (as with LSR and DLSR in RFC 3550).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Beat {
    /// Chosen by who pings, returned by who pongs.
    pub nonce: u32,
    /// The sender's monotonic clock in microseconds, from an origin of its own.
    pub clock: u64,
    /// The sender's application tick.
    pub tick: u64,
    /// `clock` of the last beat heard from the peer, 0 if none.
    pub echo: u64,
    /// Microseconds between hearing that beat and writing this one.
    pub held: u32,
}

/// Body of CLOSE.
#[derive(Clone, Debug)]
pub struct Close<'a> {
    /// Why, as a code.
    pub code: u16,
    /// Whether logging in again makes sense.
    pub retry: RetryClass,
    /// Final count of reliable messages taken.
    pub taken: u64,
    /// For people, may be empty; at most [`TEXT_BYTES`].
    pub text: &'a str,
}

/// Body of GOAWAY.
#[derive(Clone, Debug)]
pub struct GoAway<'a> {
    /// The session is closed after so many milliseconds at the latest; at most [`AWAY_WITHIN_MS`].
    pub within_ms: u32,
    /// When to log in again, here or where `redirect` says.
    pub retry: RetryClass,
    /// Where to go instead, empty for nowhere; at most [`REDIRECT_BYTES`].
    pub redirect: &'a str,
    /// For people, may be empty; at most [`TEXT_BYTES`].
    pub text: &'a str,
}

/// The values two ends agree on at login. The wire carries them as they are; ranges are checked by who uses them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Terms {
    /// Time between two signs of life, in milliseconds.
    pub heartbeat_ms: u32,
    /// How long silence is tolerated, in milliseconds.
    pub lease_ms: u32,
    /// How long the acceptor keeps a lost session, in milliseconds.
    pub resume_window_ms: u32,
    /// Reliable messages that may be unacknowledged.
    pub window_messages: u32,
    /// Bytes of reliable messages that may be unacknowledged.
    pub window_bytes: u32,
    /// Longest payload of one message, in bytes.
    pub max_message: u32,
}

/// Whether trying again makes sense. Two fields on the wire: a class, and milliseconds that are 0 but for `After`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryClass {
    /// At once.
    Now,
    /// After so many milliseconds.
    After(u32),
    /// Not at all.
    Never,
}

impl fmt::Debug for Frame<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Login(body) => body.fmt(f),
            Self::Welcome(body) => body.fmt(f),
            Self::Refused(body) => body.fmt(f),
            Self::Resume(body) => body.fmt(f),
            Self::Resumed(body) => body.fmt(f),
            Self::Close(body) => body.fmt(f),
            Self::GoAway(body) => body.fmt(f),
            Self::Ping(beat) => f.debug_tuple("Ping").field(beat).finish(),
            Self::Pong(beat) => f.debug_tuple("Pong").field(beat).finish(),
            Self::Ack(taken) => write!(f, "Ack({taken})"),
            Self::Closed(taken) => write!(f, "Closed({taken})"),
            Self::Extension(kind) => write!(f, "Extension({kind:#04x})"),
            Self::Challenge(body) => write!(f, "Challenge({} bytes)", body.len()),
            Self::Answer(body) => write!(f, "Answer({} bytes)", body.len()),
            Self::Data(body) => write!(f, "Data({} bytes)", body.len()),
            Self::Volatile(body) => write!(f, "Volatile({} bytes)", body.len()),
        }
    }
}

impl fmt::Debug for Login<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login")
            .field("version", &self.version)
            .field("oldest", &self.oldest)
            .field("features", &self.features)
            .field("instance", &self.instance)
            .field("attempt", &self.attempt)
            .field("terms", &self.terms)
            .field(
                "credentials",
                &format_args!("{} bytes", self.credentials.len()),
            )
            .finish()
    }
}

/// From so many bytes on a message is long: it is read to where it stays and written from where it lies. A shorter one is put together
/// with others: to copy it costs less than to read and write it by itself.
pub const LONG_BYTES: usize = 32 * 1024;

/// Length field before every frame. Transports that keep message boundaries leave it out.
pub const HEADER_BYTES: usize = 4;

/// First bytes of LOGIN and RESUME: whoever writes something else speaks another protocol.
pub const MAGIC: [u8; 4] = *b"SESL";

/// The protocol version written down in `docs/protocol.md`.
pub const VERSION: u16 = 1;

/// Largest length field of every frame that carries no message. Far below what messages may take: nobody needs
/// more for control, and it is all that a stranger can make us keep.
pub const CONTROL_FRAME_BYTES: usize = 4096;

/// Largest length field before login.
pub const LOGIN_FRAME_BYTES: usize = CONTROL_FRAME_BYTES;

/// Longest credentials: what the fixed fields of LOGIN and the type byte leave of a frame.
pub const CREDENTIALS_BYTES: usize = LOGIN_FRAME_BYTES - 61;

/// Longest identity. As `Identity` has it.
pub const IDENTITY_BYTES: usize = 128;

/// Longest text for people: enough for a sentence, too short to fill somebody's log.
pub const TEXT_BYTES: usize = 128;

/// The longest time that GOAWAY may leave, in milliseconds: an hour. Who has longer says it later.
pub const AWAY_WITHIN_MS: u32 = 3_600_000;

/// Longest redirect: what its length byte can say, and a longest host name with a port.
pub const REDIRECT_BYTES: usize = 255;
