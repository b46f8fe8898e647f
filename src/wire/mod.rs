//! Bytes to frames and back. Knows no session and no time.
//!
//! ```text
//! bytes of a link ──▶ Decoder ──▶ Frame ──▶ (the machine in `proto`)
//! bytes of a link ◀── Frame::encode ◀─────── (the machine in `proto`)
//! ```
//!
//! What comes in was written by somebody else: every byte sequence has a defined outcome, a [`Frame`], the need
//! for more bytes, or a [`Violation`]; none of them panics and none makes us reserve memory that was not paid
//! for with received bytes. What goes out is always a frame that [`decode`] takes.

#![expect(
    clippy::exhaustive_structs,
    clippy::exhaustive_enums,
    reason = "frames are fixed by the protocol; a new field or type has to be seen at every place that handles it"
)]

mod cursor;
mod decoder;
mod encoder;
mod frame;
pub mod kind;
mod parse;
mod secret;
#[cfg(test)]
mod tests;
mod violation;

pub use decoder::Decoder;
pub use encoder::{LongPayload, encode_data, encode_volatile, payload_header};
pub use frame::{
    AWAY_WITHIN_MS, Beat, CONTROL_FRAME_BYTES, CREDENTIALS_BYTES, Close, Frame, GoAway,
    HEADER_BYTES, IDENTITY_BYTES, LOGIN_FRAME_BYTES, LONG_BYTES, Login, MAGIC, REDIRECT_BYTES,
    Refused, Resume, Resumed, RetryClass, TEXT_BYTES, Terms, VERSION, Welcome,
};
pub(crate) use parse::is_beat;
pub use parse::{decode, decode_body, needed};
pub use secret::Secret;
pub use violation::Violation;
