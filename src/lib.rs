//! sessile: links break, sessions stay.

mod error;

// For tests, benches and fuzzing: no part of the public surface, no promise of stability.
#[doc(hidden)]
pub mod proto;
#[doc(hidden)]
pub mod wire;

// The public surface is:
pub use error::{
    Blame, Closed, ConfigError, Ended, Fate, LossCause, Lost, Reason, RejectCode, Rejection, Retry,
    SendError, TooLong, Undelivered,
};
pub use wire::Violation;
