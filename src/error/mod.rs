//! Failures as values: who is to blame, whether to try again, and what is left.

mod admit;
mod any;
mod bans;
mod closed;
mod config_error;
mod connect;
mod ended;
mod join;
mod login;
mod reason;
mod rejection;
mod resume;
mod send;
mod text;
mod tls;
mod undelivered;

pub use admit::AdmitError;
pub use any::{Error, ErrorKind};
pub use bans::BansFull;
pub use closed::Closed;
pub use config_error::ConfigError;
pub use connect::ConnectError;
pub(crate) use connect::retry_of;
pub use ended::{Ended, LossCause, Lost};
pub use join::JoinError;
pub use login::LoginError;
pub(crate) use reason::RETRY_AFTER_MAX;
pub use reason::{Blame, Reason, Retry};
pub(crate) use rejection::FIRST_OF_REJECTIONS;
pub use rejection::{RejectCode, Rejection};
pub use resume::ResumeError;
pub use send::{SendError, TooLong};
pub(crate) use text::is_invisible;
pub use tls::{TlsError, TlsErrorKind};
pub use undelivered::{Fate, Undelivered};
