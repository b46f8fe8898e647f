use super::{Reconnect, Takeover};
use std::time::Duration;

/// A checked [`Config`](super::Config): what the core reads. Plain values, every relation between them
/// holds. Each is documented at the setter of the same name.
#[doc(hidden)]
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "no part of the public surface")]
pub struct Settings {
    pub heartbeat_interval: Duration,
    pub lease: Duration,
    pub login_deadline: Duration,
    pub resume_window: Duration,
    pub stalled_write: Duration,
    pub ack_delay: Duration,
    pub close_linger: Duration,
    pub dial_timeout: Duration,
    pub unacked_messages: usize,
    pub unacked_bytes: usize,
    pub max_message: usize,
    pub volatile_messages: usize,
    pub pending_logins: usize,
    pub pending_per_prefix: usize,
    pub early_drop: u32,
    pub stranger_bytes: usize,
    pub failed_logins: u32,
    pub failed_login_pause: Duration,
    pub failed_resumes: u32,
    pub admission_rate: u32,
    pub admission_burst: u32,
    pub admits_at_once: usize,
    pub comings_a_minute: u32,
    pub takeover_pause: Duration,
    pub sessions_per_identity: usize,
    pub max_bans: usize,
    pub accept_backlog: u32,
    pub max_sessions: usize,
    pub reserved_sessions: usize,
    pub event_buffer: usize,
    pub groups_per_session: usize,
    pub recently_ended: usize,
    pub tombstones: usize,
    pub turn_frames: usize,
    pub turn_bytes: usize,
    pub reconnect: Reconnect,
    pub takeover: Takeover,
    /// `None`: random at start.
    pub instance: Option<[u8; 16]>,
}
