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

#[cfg(test)]
mod tests {
    use super::*;
    use static_assertions::{assert_eq_size, assert_impl_all, assert_not_impl_any, const_assert};
    use std::{error::Error, fmt::Debug};

    // Evidence and failures travel in results of every call: they stay small.
    assert_eq_size!(Lost, [u64; 2]);
    assert_eq_size!(Closed, usize);
    #[cfg(target_pointer_width = "64")]
    const_assert!(size_of::<Ended>() <= 24 && size_of::<SendError>() <= 24);
    // One identity a session and one message in flight: these sizes are part of what a session costs.
    #[cfg(target_pointer_width = "64")]
    const_assert!(size_of::<Identity>() == 24 && size_of::<Option<Identity>>() == 24);
    #[cfg(target_pointer_width = "64")]
    const_assert!(size_of::<Message<'static>>() == 40);
    // Modes exist in types only.
    assert_eq_size!(Single, ());
    assert_eq_size!(Multi, ());

    assert_impl_all!(Closed: Clone, Debug, Error, Send, Sync, Unpin);
    assert_impl_all!(ConfigError: Clone, Debug, Error, Send, Sync, Unpin);
    assert_impl_all!(Ended: Debug, Error, Send, Sync, Unpin);
    assert_impl_all!(Lost: Debug, Error, Send, Sync, Unpin);
    assert_impl_all!(Rejection: Clone, Debug, Error, Send, Sync, Unpin);
    assert_impl_all!(SendError: Debug, Error, Send, Sync, Unpin);
    assert_impl_all!(TooLong: Copy, Debug, Error, Send, Sync, Unpin);
    assert_impl_all!(Undelivered: Clone, Debug, Send, Sync, Unpin);

    assert_impl_all!(Config: Clone, Debug, Send, Sync, Unpin);
    assert_impl_all!(Credentials: Clone, Debug, Send, Sync, Unpin);
    assert_impl_all!(Event: Clone, Debug, Send, Sync, Unpin);
    assert_impl_all!(Identity: Clone, Debug, Ord, Send, Sync, Unpin);
    assert_impl_all!(Message<'static>: Clone, Debug, Send, Sync, Unpin);
    assert_impl_all!(Notice: Clone, Debug, Send, Sync, Unpin);

    // Every loss is reported once: evidence that could be copied would tear down a session that works.
    assert_not_impl_any!(Ended: Clone);
    assert_not_impl_any!(Lost: Clone, Default);
}
