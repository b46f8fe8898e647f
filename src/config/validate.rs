//! From what was set to what is safe: ranges first, then relations.

use super::{
    Config, Reconnect, Settings,
    limits::{self, Value},
};
use crate::ConfigError;

impl Config {
    /// The checked settings, with defaults that depend on other limits filled in.
    ///
    /// # Errors
    ///
    /// The first field that is out of range or does not fit another one.
    #[doc(hidden)]
    pub fn validate(self) -> Result<Settings, ConfigError> {
        let mut settings = self.settings;
        settings.ack_delay = self
            .ack_delay
            .unwrap_or_else(|| settings.ack_delay.min(settings.lease / ACKS_A_LEASE));
        settings.pending_per_prefix = self
            .pending_per_prefix
            .unwrap_or_else(|| settings.pending_per_prefix.min(settings.pending_logins));
        settings.admission_burst = self.admission_burst.unwrap_or(settings.admission_rate);
        check_ranges(&settings)?;
        check_relations(&settings)?;
        Ok(settings)
    }
}

/// An acknowledgement may wait for a quarter of a lease: after half of it the peer is suspected, and the quarter between
/// belongs to the network.
const ACKS_A_LEASE: u32 = 4;

fn check_ranges(settings: &Settings) -> Result<(), ConfigError> {
    limits::HEARTBEAT_INTERVAL.check(settings.heartbeat_interval)?;
    limits::LEASE.check(settings.lease)?;
    limits::LOGIN_DEADLINE.check(settings.login_deadline)?;
    limits::RESUME_WINDOW.check(settings.resume_window)?;
    limits::STALLED_WRITE.check(settings.stalled_write)?;
    limits::ACK_DELAY.check(settings.ack_delay)?;
    limits::CLOSE_LINGER.check(settings.close_linger)?;
    limits::DIAL_TIMEOUT.check(settings.dial_timeout)?;
    limits::UNACKED_MESSAGES.check(settings.unacked_messages)?;
    limits::UNACKED_BYTES.check(settings.unacked_bytes)?;
    limits::MAX_MESSAGE.check(settings.max_message)?;
    limits::VOLATILE_MESSAGES.check(settings.volatile_messages)?;
    limits::PENDING_LOGINS.check(settings.pending_logins)?;
    limits::PENDING_PER_PREFIX.check(settings.pending_per_prefix)?;
    limits::EARLY_DROP.check(settings.early_drop)?;
    limits::STRANGER_BYTES.check(settings.stranger_bytes)?;
    limits::FAILED_LOGINS.check(settings.failed_logins)?;
    limits::FAILED_LOGIN_PAUSE.check(settings.failed_login_pause)?;
    limits::FAILED_RESUMES.check(settings.failed_resumes)?;
    limits::ADMISSION_RATE.check(settings.admission_rate)?;
    limits::ADMISSION_BURST.check(settings.admission_burst)?;
    limits::ADMITS_AT_ONCE.check(settings.admits_at_once)?;
    limits::COMINGS_A_MINUTE.check(settings.comings_a_minute)?;
    limits::TAKEOVER_PAUSE.check(settings.takeover_pause)?;
    limits::SESSIONS_PER_IDENTITY.check(settings.sessions_per_identity)?;
    limits::MAX_BANS.check(settings.max_bans)?;
    limits::ACCEPT_BACKLOG.check(settings.accept_backlog)?;
    limits::MAX_SESSIONS.check(settings.max_sessions)?;
    limits::RESERVED_SESSIONS.check(settings.reserved_sessions)?;
    limits::EVENT_BUFFER.check(settings.event_buffer)?;
    limits::GROUPS_PER_SESSION.check(settings.groups_per_session)?;
    limits::RECENTLY_ENDED.check(settings.recently_ended)?;
    limits::TOMBSTONES.check(settings.tombstones)?;
    limits::TURN_FRAMES.check(settings.turn_frames)?;
    limits::TURN_BYTES.check(settings.turn_bytes)?;
    let Reconnect {
        mode: _,
        base,
        cap,
        stable_after,
        attempts,
        budget,
        redirects: _,
    } = settings.reconnect;
    limits::RECONNECT_BASE.check(base)?;
    limits::RECONNECT_CAP.check(cap)?;
    limits::RECONNECT_STABLE_AFTER.check(stable_after)?;
    attempts.map_or(Ok(()), |attempts| {
        limits::RECONNECT_ATTEMPTS.check(attempts)
    })?;
    budget.map_or(Ok(()), |budget| limits::RECONNECT_BUDGET.check(budget))
}

fn check_relations(settings: &Settings) -> Result<(), ConfigError> {
    let Settings {
        heartbeat_interval,
        lease,
        ..
    } = *settings;
    at_least(
        "lease",
        lease,
        "1.5 x heartbeat_interval",
        heartbeat_interval,
        heartbeat_interval * 3 / 2,
    )?;
    at_most(
        "ack_delay",
        settings.ack_delay,
        "a quarter of lease",
        lease,
        lease / ACKS_A_LEASE,
    )?;
    let Settings {
        unacked_bytes,
        max_message,
        ..
    } = *settings;
    at_least(
        "unacked_bytes",
        unacked_bytes,
        "max_message",
        max_message,
        max_message,
    )?;
    let Settings {
        pending_per_prefix,
        pending_logins,
        ..
    } = *settings;
    at_most(
        "pending_per_prefix",
        pending_per_prefix,
        "pending_logins",
        pending_logins,
        pending_logins,
    )?;
    let Settings {
        reserved_sessions,
        max_sessions,
        ..
    } = *settings;
    at_most(
        "reserved_sessions",
        reserved_sessions,
        "max_sessions",
        max_sessions,
        max_sessions,
    )?;
    let Reconnect { base, cap, .. } = settings.reconnect;
    at_most("reconnect.base", base, "reconnect.cap", cap, cap)
}

fn at_least<T: Value>(
    field: &'static str,
    value: T,
    relation: &str,
    other: T,
    bound: T,
) -> Result<(), ConfigError> {
    if value >= bound {
        Ok(())
    } else {
        Err(unrelated(field, value, "at least", relation, other, bound))
    }
}

fn at_most<T: Value>(
    field: &'static str,
    value: T,
    relation: &str,
    other: T,
    bound: T,
) -> Result<(), ConfigError> {
    if value <= bound {
        Ok(())
    } else {
        Err(unrelated(field, value, "at most", relation, other, bound))
    }
}

/// `lease = 2s; allowed: at least 1.5 x heartbeat_interval (2s), that is 3s`
fn unrelated<T: Value>(
    field: &'static str,
    value: T,
    order: &str,
    relation: &str,
    other: T,
    bound: T,
) -> ConfigError {
    let mut allowed = format!("{order} {relation} ({})", other.show());
    if bound != other {
        allowed.push_str(&format!(", that is {}", bound.show()));
    }
    ConfigError::new(field, value.show(), allowed)
}

#[cfg(test)]
mod tests;
