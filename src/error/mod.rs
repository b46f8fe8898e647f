//! Failures as values: who is to blame, whether to try again, and what is left.

mod closed;
mod config_error;
mod ended;
mod reason;
mod rejection;
mod send;
mod text;
mod undelivered;

pub use closed::Closed;
pub use config_error::ConfigError;
pub use ended::{Ended, LossCause, Lost};
pub use reason::{Blame, Reason, Retry};
pub use rejection::{RejectCode, Rejection};
pub use send::{SendError, TooLong};
pub(crate) use text::is_invisible;
pub use undelivered::{Fate, Undelivered};
