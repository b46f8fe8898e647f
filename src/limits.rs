use crate::{Config, ConfigError, proto, wire::Terms};

/// Limits of one session that are not those of its runtime: a guest gets a smaller window, a proxy that is trusted a larger one.
///
/// They are taken from a [`Config`], whose ranges and relations are checked here, when they are made: [`heartbeat_interval`],
/// [`lease`], [`resume_window`], [`unacked_messages`], [`unacked_bytes`] and [`max_message`]. Nothing else of that config is
/// looked at. Of each size the smaller of these and what the client wants counts, as always.
///
/// [`heartbeat_interval`]: Config::heartbeat_interval
/// [`lease`]: Config::lease
/// [`resume_window`]: Config::resume_window
/// [`unacked_messages`]: Config::unacked_messages
/// [`unacked_bytes`]: Config::unacked_bytes
/// [`max_message`]: Config::max_message
///
/// ```
/// use sessile::{Admission, Config, ConfigError, Limits};
/// use std::time::Duration;
///
/// let config = Config::new();
/// let guests = config.clone().unacked_bytes(64 << 10).max_message(4 << 10).resume_window(Duration::ZERO);
/// let guests = Limits::of(&guests)?; // once, where the server starts
///
/// // in `admit`, of a guest:
/// let admission = Admission::from(7u64).limits(guests);
///
/// // What does not fit together is found here, and not when somebody logs in.
/// let error = Limits::of(&config.unacked_bytes(2 << 10)).unwrap_err();
/// assert_eq!(error.field(), "unacked_bytes"); // below the longest message
/// # drop(admission);
/// # Ok::<(), ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "limits do nothing until a peer is admitted with them"]
pub struct Limits(pub(crate) Terms);

impl Limits {
    /// Those that sessions of a runtime with this config have.
    ///
    /// # Errors
    ///
    /// [`ConfigError`]: the first field that is out of range or does not fit another one.
    pub fn of(config: &Config) -> Result<Self, ConfigError> {
        let settings = config.clone().validate()?;
        Ok(Self(proto::wanted(&settings)))
    }
}
