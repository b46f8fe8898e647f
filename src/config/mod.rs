//! Every limit, checked once, when a runtime starts.

mod door;
mod fairness;
pub(crate) mod limits;
mod reconnect;
mod settings;
mod validate;

pub use reconnect::{Reconnect, ReconnectMode};
pub use settings::Settings;

use crate::{ConfigError, testing::ManualClock};
use std::time::Duration;

/// Every limit of a runtime. The defaults suit a game server or a gateway on the internet.
///
/// Setters take a value and give the config back; nothing is checked before the runtime starts (or
/// [`check`](Self::check)). Client and server take the same type and may have different values: what both must keep to
/// (heartbeats, lease, resume window, unacked window, message length) the server decides at login.
///
/// ```
/// use sessile::{Config, Takeover};
/// use std::time::Duration;
///
/// let config = Config::new()
///     .heartbeat_interval(Duration::from_millis(500))
///     .lease(Duration::from_secs(2))
///     .unacked_messages(256)
///     .takeover(Takeover::Reject);
/// config.check()?;
/// # Ok::<(), sessile::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a config does nothing until a runtime starts with it"]
pub struct Config {
    settings: Settings,
    // Defaults that give way to the limit they depend on; a value that was set is checked against it instead.
    ack_delay: Option<Duration>,
    pending_per_prefix: Option<usize>,
    admission_burst: Option<u32>,
    clock: Option<ManualClock>,
    /// A simulation's: what would be random comes from it.
    entropy: Option<u64>,
}

/// What happens when an identity logs in while a session of it lives; with
/// [`sessions_per_identity`](Config::sessions_per_identity), while as many live as may.
///
/// Of several, one that has no link goes first, and of equals the one that logged in first.
///
/// ```
/// use sessile::{Config, Takeover};
///
/// // the first one keeps its place while it answers
/// let config = Config::new().takeover(Takeover::Reject);
/// # let _ = config;
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Takeover {
    /// The new one replaces it; the old end hears `TakenOver`. The default.
    #[default]
    Replace,
    /// The holder is probed; where it answers, the new one is refused. A client never waits for its own ghost. Of several, all are
    /// probed, and one that does not answer makes room.
    Reject,
    /// The host decides, in `try_admit`.
    Ask,
}

impl Config {
    /// The defaults.
    pub const fn new() -> Self {
        let settings = Settings {
            heartbeat_interval: limits::HEARTBEAT_INTERVAL.default,
            lease: limits::LEASE.default,
            login_deadline: limits::LOGIN_DEADLINE.default,
            resume_window: limits::RESUME_WINDOW.default,
            stalled_write: limits::STALLED_WRITE.default,
            ack_delay: limits::ACK_DELAY.default,
            close_linger: limits::CLOSE_LINGER.default,
            dial_timeout: limits::DIAL_TIMEOUT.default,
            unacked_messages: limits::UNACKED_MESSAGES.default,
            unacked_bytes: limits::UNACKED_BYTES.default,
            max_message: limits::MAX_MESSAGE.default,
            volatile_messages: limits::VOLATILE_MESSAGES.default,
            pending_logins: limits::PENDING_LOGINS.default,
            pending_per_prefix: limits::PENDING_PER_PREFIX.default,
            early_drop: limits::EARLY_DROP.default,
            stranger_bytes: limits::STRANGER_BYTES.default,
            failed_logins: limits::FAILED_LOGINS.default,
            failed_login_pause: limits::FAILED_LOGIN_PAUSE.default,
            failed_resumes: limits::FAILED_RESUMES.default,
            admission_rate: limits::ADMISSION_RATE.default,
            admission_burst: limits::ADMISSION_BURST.default,
            admits_at_once: limits::ADMITS_AT_ONCE.default,
            comings_a_minute: limits::COMINGS_A_MINUTE.default,
            takeover_pause: limits::TAKEOVER_PAUSE.default,
            sessions_per_identity: limits::SESSIONS_PER_IDENTITY.default,
            max_bans: limits::MAX_BANS.default,
            accept_backlog: limits::ACCEPT_BACKLOG.default,
            max_sessions: limits::MAX_SESSIONS.default,
            reserved_sessions: limits::RESERVED_SESSIONS.default,
            event_buffer: limits::EVENT_BUFFER.default,
            groups_per_session: limits::GROUPS_PER_SESSION.default,
            recently_ended: limits::RECENTLY_ENDED.default,
            tombstones: limits::TOMBSTONES.default,
            turn_frames: limits::TURN_FRAMES.default,
            turn_bytes: limits::TURN_BYTES.default,
            reconnect: Reconnect::new(),
            takeover: Takeover::Replace,
            instance: None,
        };
        Self {
            settings,
            ack_delay: None,
            pending_per_prefix: None,
            admission_burst: None,
            clock: None,
            entropy: None,
        }
    }

    /// Whether a runtime would start with this config.
    ///
    /// # Errors
    ///
    /// The first field that is out of range or does not fit another one.
    ///
    /// ```
    /// use sessile::Config;
    /// use std::time::Duration;
    ///
    /// let error = Config::new().lease(Duration::from_secs(1)).check().unwrap_err();
    /// assert_eq!(error.field(), "lease"); // below 1.5 heartbeats of 2 s
    /// ```
    pub fn check(&self) -> Result<(), ConfigError> {
        self.clone().validate().map(drop)
    }
}

/// Times.
impl Config {
    /// How often a side that has nothing else to send says that it lives.
    ///
    /// Default 2 s; 10 ms to 10 min. A client states what it would like, the server decides.
    pub const fn heartbeat_interval(mut self, interval: Duration) -> Self {
        self.settings.heartbeat_interval = interval;
        self
    }

    /// How long silence is tolerated: after half of it the peer is suspected and probed, after it the link counts as lost.
    ///
    /// Default 6 s; at most 1 h, at least 1.5 x [`heartbeat_interval`](Self::heartbeat_interval).
    pub const fn lease(mut self, lease: Duration) -> Self {
        self.settings.lease = lease;
        self
    }

    /// How long a login may take, from the link's first moment to the answer. Bytes that arrive do not extend it.
    ///
    /// Default 5 s; 100 ms to 5 min.
    pub const fn login_deadline(mut self, deadline: Duration) -> Self {
        self.settings.login_deadline = deadline;
        self
    }

    /// How long a session without a link is kept for its peer to come back. Memory is held as long.
    ///
    /// Default 120 s; 0 (nothing is kept) to 7 d.
    pub const fn resume_window(mut self, window: Duration) -> Self {
        self.settings.resume_window = window;
        self
    }

    /// How long a peer may take no byte of what is written to it before the link is cut. Also the time for a frame to become whole.
    ///
    /// Default 10 s; 100 ms to 10 min.
    pub const fn stalled_write(mut self, limit: Duration) -> Self {
        self.settings.stalled_write = limit;
        self
    }

    /// How long an acknowledgement waits for other traffic to ride along with. 0 sends each at once.
    ///
    /// Default 25 ms, or a quarter of the lease where that is less; 0 to a quarter of the [`lease`](Self::lease).
    pub const fn ack_delay(mut self, delay: Duration) -> Self {
        self.ack_delay = Some(delay);
        self
    }

    /// How long a close that meets a lost link waits for one resume, to tell the peer.
    ///
    /// Default 2 s; 0 to 60 s.
    pub const fn close_linger(mut self, linger: Duration) -> Self {
        self.settings.close_linger = linger;
        self
    }

    /// How long one attempt to connect may take, over all addresses of a name.
    ///
    /// Default 10 s; 10 ms to 5 min.
    pub const fn dial_timeout(mut self, timeout: Duration) -> Self {
        self.settings.dial_timeout = timeout;
        self
    }
}

/// Windows and sizes.
impl Config {
    /// How many messages a side may have sent that the other application has not taken yet.
    ///
    /// Default 1,024; 1 to 65,536. The smaller of both sides' values counts.
    pub const fn unacked_messages(mut self, messages: usize) -> Self {
        self.settings.unacked_messages = messages;
        self
    }

    /// How many bytes of such messages: what a peer that stopped reading can cost, each way.
    ///
    /// Default 1 MiB; 1 KiB to 1 GiB, at least [`max_message`](Self::max_message). The smaller of both sides' values counts.
    pub const fn unacked_bytes(mut self, bytes: usize) -> Self {
        self.settings.unacked_bytes = bytes;
        self
    }

    /// The longest message in bytes. `send` refuses longer ones; a peer that sends one breaks the protocol.
    ///
    /// Default 1 MiB less 256 bytes; 1 to 64 MiB, at most [`unacked_bytes`](Self::unacked_bytes).
    pub const fn max_message(mut self, bytes: usize) -> Self {
        self.settings.max_message = bytes;
        self
    }

    /// How many volatile messages wait for a link to take them; beyond that the oldest are dropped and counted.
    ///
    /// Default 64; 1 to 65,536.
    pub const fn volatile_messages(mut self, messages: usize) -> Self {
        self.settings.volatile_messages = messages;
        self
    }
}

/// Counts.
impl Config {
    /// How many connections the kernel may complete before they are accepted.
    ///
    /// Default 4,096; 1 to 65,535. The kernel may cap it (`net.core.somaxconn`).
    pub const fn accept_backlog(mut self, connections: u32) -> Self {
        self.settings.accept_backlog = connections;
        self
    }

    /// How many sessions a server keeps, with and without a link. More logins are refused as full.
    ///
    /// Default 1,000,000; 1 to 16,777,216.
    pub const fn max_sessions(mut self, sessions: usize) -> Self {
        self.settings.max_sessions = sessions;
        self
    }

    /// How many of them are kept for peers that are [let in as reserved](crate::Admission::reserved), such as operators: where no more
    /// than so many places are left, every other login is refused as full.
    ///
    /// They are places and no way past the rest of the door: whose credentials these are is known only once a peer has been
    /// accepted ([`pending_logins`](Self::pending_logins)), let through ([`admission_rate`](Self::admission_rate)) and judged. In a storm an operator hears when to come
    /// again, like everybody. Who must not wait for strangers at all is given a listener in a runtime of its own.
    ///
    /// Default 0; at most [`max_sessions`](Self::max_sessions).
    pub const fn reserved_sessions(mut self, sessions: usize) -> Self {
        self.settings.reserved_sessions = sessions;
        self
    }

    /// How many events a subscriber may lag behind before it hears `Lagged(n)`.
    ///
    /// Default 1,024; 1 to 1,048,576.
    pub const fn event_buffer(mut self, events: usize) -> Self {
        self.settings.event_buffer = events;
        self
    }
}

/// For operators.
impl Config {
    /// How many groups one session may be in: see [`Sessions::group`](crate::Sessions::group).
    ///
    /// Default 64; 1 to 65,536.
    pub const fn groups_per_session(mut self, groups: usize) -> Self {
        self.settings.groups_per_session = groups;
        self
    }

    /// How many sessions that ended a server remembers: see [`Sessions::recently_ended`](crate::Sessions::recently_ended).
    ///
    /// Default 1,000; 0 (none) to 65,536.
    pub const fn recently_ended(mut self, sessions: usize) -> Self {
        self.settings.recently_ended = sessions;
        self
    }

    /// Of how many sessions that ended a server keeps what it takes to tell a client that comes back why: for the resume window,
    /// and no longer than until so many others ended. A client that comes after that hears [`Gone`](crate::Reason::Gone).
    ///
    /// Default 65,536; 0 (none) to 16,777,216.
    ///
    /// ```
    /// use sessile::Config;
    ///
    /// // Ten thousand devices, each of which ends a session now and then.
    /// let config = Config::new().tombstones(10_000);
    /// # sessile::Runtime::<sessile::Multi>::start(config).unwrap();
    /// ```
    pub const fn tombstones(mut self, sessions: usize) -> Self {
        self.settings.tombstones = sessions;
        self
    }
}

/// Policies.
impl Config {
    /// Time that a test moves by hand, instead of the system's: see [`ManualClock`].
    ///
    /// ```
    /// use sessile::{Config, Multi, Runtime, testing::ManualClock, transport::memory::Network};
    ///
    /// let clock = ManualClock::new();
    /// let network = Network::with_clock(clock.clone()); // one clock for all
    /// let server = Runtime::<Multi>::start(Config::new().clock(clock.clone()))?;
    /// # Ok::<(), sessile::ConfigError>(())
    /// ```
    pub fn clock(mut self, clock: ManualClock) -> Self {
        self.clock = Some(clock);
        self
    }

    /// The clock that a test put in place of the system's.
    pub(crate) fn manual_clock(&self) -> Option<&ManualClock> {
        self.clock.as_ref()
    }

    /// What would be random comes from this seed: a simulation's runtimes alone, whose secrets protect nothing.
    #[cfg(feature = "sim")]
    pub(crate) const fn seeded(mut self, seed: u64) -> Self {
        self.entropy = Some(seed);
        self
    }

    pub(crate) const fn entropy(&self) -> Option<u64> {
        self.entropy
    }

    /// How a client comes back after a loss: a [`Reconnect`], or only its [`ReconnectMode`].
    pub fn reconnect(mut self, reconnect: impl Into<Reconnect>) -> Self {
        self.settings.reconnect = reconnect.into();
        self
    }

    /// What a server does when an identity logs in twice, or once more than
    /// [`sessions_per_identity`](Self::sessions_per_identity) allows. Default: [`Takeover::Replace`].
    pub const fn takeover(mut self, takeover: Takeover) -> Self {
        self.settings.takeover = takeover;
        self
    }

    /// Which client program this is: a login of the same instance replaces that instance's own ghost silently, under
    /// every [`Takeover`] policy. Default: random at every start. Set it to keep that across restarts; it must be
    /// unique to one running program.
    ///
    /// ```
    /// use sessile::Config;
    ///
    /// /// 16 random bytes that this installation made once and keeps in a file.
    /// fn config(installation: [u8; 16]) -> Config {
    ///     Config::new().instance(installation)
    /// }
    /// ```
    pub const fn instance(mut self, instance: [u8; 16]) -> Self {
        self.settings.instance = Some(instance);
        self
    }
}

impl Default for Config {
    fn default() -> Self {
        Self::new()
    }
}
