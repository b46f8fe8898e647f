//! sessile: links break, sessions stay.

mod address;
mod config;
mod credentials;
mod driver;
mod error;
mod event;
mod identity;
mod message;
mod mode;
#[cfg(test)]
mod promises;
mod runtime;
mod session;
mod signpost;
mod state;

// For tests, benches and fuzzing: no part of the public surface, no promise of stability.
#[doc(hidden)]
pub mod proto;
#[doc(hidden)]
pub mod registry;
pub mod testing;
pub mod transport;
#[doc(hidden)]
pub mod wire;

// The public surface is:
pub use address::Address;
pub use config::{Config, Reconnect, ReconnectMode, Takeover};
pub use credentials::Credentials;
pub use driver::Spawn;
pub use error::{
    AdmitError, Blame, Closed, ConfigError, ConnectError, Ended, Error, ErrorKind, Fate,
    LoginError, LossCause, Lost, Reason, RejectCode, Rejection, ResumeError, Retry, SendError,
    TooLong, Undelivered,
};
pub use event::{Event, EventKind, Notice};
pub use identity::{AsIdentity, Identity, IntoIdentity};
pub use message::{AsMessage, Message};
pub use mode::{Mode, Multi, Single};
pub use proto::{Phase, Snapshot};
pub use runtime::{Broadcast, Connect, Door, Events, Listen, Next, Peer, Runtime, Sessions};
pub use session::{
    AnySession, Challenge, Close, Login, Offer, Receiving, RecvHalf, Resume, SendHalf, Sending,
    Session, TryAdmit,
};
pub use state::{Connecting, LoggedIn, Reconnecting, State};
pub use wire::Violation;

#[doc(hidden)]
pub use config::Settings;
#[doc(hidden)]
pub use identity::Key;
#[doc(hidden)]
pub use message::Lent;
