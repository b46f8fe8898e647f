//! The type byte of a frame.

/// First frame of a dialer that logs in anew.
pub const LOGIN: u8 = 0x01;
/// The acceptor wants more proof.
pub const CHALLENGE: u8 = 0x02;
/// The dialer's reply to a challenge.
pub const ANSWER: u8 = 0x03;
/// The login is accepted.
pub const WELCOME: u8 = 0x04;
/// The login or the resume is refused.
pub const REFUSED: u8 = 0x05;
/// First frame of a dialer that comes back to its session.
pub const RESUME: u8 = 0x06;
/// The resume is accepted.
pub const RESUMED: u8 = 0x07;
/// One reliable message.
pub const DATA: u8 = 0x10;
/// One message that may be lost.
pub const VOLATILE: u8 = 0x11;
/// How many messages the application took.
pub const ACK: u8 = 0x12;
/// Sign of life that wants an answer.
pub const PING: u8 = 0x20;
/// The answer to a ping.
pub const PONG: u8 = 0x21;
/// The session ends.
pub const CLOSE: u8 = 0x30;
/// The end is seen.
pub const CLOSED: u8 = 0x31;
/// The acceptor goes away: the session will be closed soon.
pub const GOAWAY: u8 = 0x32;
/// Types from here up may be skipped by who does not know them.
pub const FIRST_EXTENSION: u8 = 0x80;

/// Whether frames of this type carry an application's message, and so may be longer than a control frame.
#[must_use]
pub const fn is_payload(kind: u8) -> bool {
    matches!(kind, DATA | VOLATILE)
}

/// Whether this version handles or skips frames of this type; every other type breaks the protocol.
#[must_use]
pub const fn is_known(kind: u8) -> bool {
    matches!(kind, LOGIN..=RESUMED | DATA..=ACK | PING | PONG | CLOSE..=GOAWAY | FIRST_EXTENSION..)
}
