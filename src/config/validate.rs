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
    limits::ACCEPT_BACKLOG.check(settings.accept_backlog)?;
    limits::MAX_SESSIONS.check(settings.max_sessions)?;
    limits::EVENT_BUFFER.check(settings.event_buffer)?;
    limits::GROUPS_PER_SESSION.check(settings.groups_per_session)?;
    limits::RECENTLY_ENDED.check(settings.recently_ended)?;
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
mod tests {
    use super::*;
    use crate::ReconnectMode;
    use std::time::Duration;

    const NS: Duration = Duration::from_nanos(1);
    const MS: Duration = Duration::from_millis(1);
    const SECOND: Duration = Duration::from_secs(1);
    const HOUR: Duration = Duration::from_secs(3_600);

    /// Refused just below and just above the range, accepted at both ends. `set` also makes room for the relations.
    fn range<T: Value>(
        field: &str,
        min: T,
        max: T,
        below: Option<T>,
        above: Option<T>,
        set: impl Fn(T) -> Config,
    ) {
        for inside in [min, max] {
            let checked = set(inside).check();
            assert!(checked.is_ok(), "{field} = {}: {checked:?}", inside.show());
        }
        for outside in [below, above].into_iter().flatten() {
            let error = set(outside).check().unwrap_err();
            assert_eq!(
                (error.field(), error.value()),
                (field, outside.show().as_str()),
                "{error}"
            );
            assert_eq!(error.allowed(), format!("{} to {}", min.show(), max.show()));
        }
    }

    #[test]
    fn every_duration_has_both_ends() {
        type Set = fn(Duration) -> Config;
        // A field, its range, and how to set it with everything that depends on it out of the way.
        let table: [(&str, Duration, Duration, Set); 11] = [
            ("heartbeat_interval", 10 * MS, 600 * SECOND, |value| {
                Config::new().heartbeat_interval(value).lease(HOUR)
            }),
            ("lease", 15 * MS, HOUR, |value| {
                Config::new().lease(value).heartbeat_interval(10 * MS)
            }),
            ("login_deadline", 100 * MS, 300 * SECOND, |value| {
                Config::new().login_deadline(value)
            }),
            ("resume_window", Duration::ZERO, 24 * 7 * HOUR, |value| {
                Config::new().resume_window(value)
            }),
            ("stalled_write", 100 * MS, 600 * SECOND, |value| {
                Config::new().stalled_write(value)
            }),
            ("ack_delay", Duration::ZERO, 900 * SECOND, |value| {
                Config::new().ack_delay(value).lease(HOUR)
            }),
            ("close_linger", Duration::ZERO, 60 * SECOND, |value| {
                Config::new().close_linger(value)
            }),
            ("dial_timeout", 10 * MS, 300 * SECOND, |value| {
                Config::new().dial_timeout(value)
            }),
            ("reconnect.base", MS, HOUR, |value| {
                Config::new().reconnect(Reconnect::new().base(value).cap(HOUR))
            }),
            ("reconnect.cap", MS, HOUR, |value| {
                Config::new().reconnect(Reconnect::new().cap(value).base(MS))
            }),
            ("reconnect.stable_after", Duration::ZERO, HOUR, |value| {
                Config::new().reconnect(Reconnect::new().stable_after(value))
            }),
        ];
        for (field, min, max, set) in table {
            range(field, min, max, min.checked_sub(NS), Some(max + NS), set);
        }
        let budget = |value| Config::new().reconnect(Reconnect::new().budget(value));
        range(
            "reconnect.budget",
            MS,
            24 * 365 * HOUR,
            Some(Duration::ZERO),
            Some(Duration::MAX),
            budget,
        );
    }

    #[test]
    fn every_count_and_size_has_both_ends() {
        type Set = fn(usize) -> Config;
        const GIB: usize = 1 << 30;
        let table: [(&str, usize, usize, Set); 11] = [
            ("unacked_messages", 1, 65_536, |value| {
                Config::new().unacked_messages(value)
            }),
            ("unacked_bytes", 1_024, GIB, |value| {
                Config::new().unacked_bytes(value).max_message(1)
            }),
            ("max_message", 1, 64 << 20, |value| {
                Config::new().max_message(value).unacked_bytes(GIB)
            }),
            ("volatile_messages", 1, 65_536, |value| {
                Config::new().volatile_messages(value)
            }),
            ("pending_logins", 1, 65_536, |value| {
                Config::new().pending_logins(value).pending_per_prefix(1)
            }),
            ("pending_per_prefix", 1, 65_536, |value| {
                Config::new()
                    .pending_per_prefix(value)
                    .pending_logins(65_536)
            }),
            ("max_sessions", 1, 1 << 24, |value| {
                Config::new().max_sessions(value)
            }),
            ("event_buffer", 1, 1 << 20, |value| {
                Config::new().event_buffer(value)
            }),
            ("groups_per_session", 1, 65_536, |value| {
                Config::new().groups_per_session(value)
            }),
            ("turn_frames", 1, 65_536, |value| {
                Config::new().turn_frames(value)
            }),
            ("turn_bytes", 1_024, 64 << 20, |value| {
                Config::new().turn_bytes(value)
            }),
        ];
        for (field, min, max, set) in table {
            range(field, min, max, Some(min - 1), Some(max + 1), set);
        }
        let backlog = |value| Config::new().accept_backlog(value);
        range(
            "accept_backlog",
            1,
            65_535u32,
            Some(0),
            Some(65_536),
            backlog,
        );
        let ended = |value| Config::new().recently_ended(value);
        range("recently_ended", 0, 65_536, None, Some(65_537), ended);
        let attempts = |value| Config::new().reconnect(Reconnect::new().attempts(value));
        range("reconnect.attempts", 1, u32::MAX, Some(0), None, attempts);
    }

    #[test]
    fn every_relation_names_both_fields() {
        type Set = fn(i32) -> Config;
        /// A little below, at, or a little above a bound.
        fn near(bound: Duration, step: i32) -> Duration {
            match step {
                ..0 => bound - NS,
                0 => bound,
                1.. => bound + NS,
            }
        }
        // The two fields, which step breaks the relation, and how to set it.
        let table: [(&str, &str, i32, Set); 5] = [
            ("lease", "heartbeat_interval", -1, |step| {
                Config::new().lease(near(3 * SECOND, step))
            }),
            ("ack_delay", "lease", 1, |step| {
                Config::new().ack_delay(near(1_500 * MS, step))
            }),
            ("unacked_bytes", "max_message", -1, |step| {
                Config::new()
                    .max_message(5_000)
                    .unacked_bytes(5_000usize.saturating_add_signed(step as isize))
            }),
            ("pending_per_prefix", "pending_logins", 1, |step| {
                Config::new()
                    .pending_logins(50)
                    .pending_per_prefix(50usize.saturating_add_signed(step as isize))
            }),
            ("reconnect.base", "reconnect.cap", 1, |step| {
                Config::new().reconnect(Reconnect::new().base(near(SECOND, step)).cap(SECOND))
            }),
        ];
        for (field, other, breaks, set) in table {
            assert_eq!(set(0).check(), Ok(()), "{field} at the bound");
            assert_eq!(set(-breaks).check(), Ok(()), "{field} on the safe side");
            let error = set(breaks).check().unwrap_err();
            assert_eq!(error.field(), field);
            assert!(error.to_string().contains(other), "{error}");
        }
    }

    #[test]
    fn defaults_are_safe_and_give_way() {
        let settings = Config::default().validate().unwrap();
        assert_eq!(
            (settings.ack_delay, settings.pending_per_prefix),
            (25 * MS, 32)
        );
        let quick = Config::new()
            .heartbeat_interval(10 * MS)
            .lease(20 * MS)
            .pending_logins(4)
            .validate()
            .unwrap();
        assert_eq!((quick.ack_delay, quick.pending_per_prefix), (5 * MS, 4));
        let never = Config::new()
            .reconnect(ReconnectMode::Never)
            .validate()
            .unwrap();
        assert_eq!(never.reconnect.mode, ReconnectMode::Never);
    }

    #[test]
    fn an_error_can_be_acted_on() {
        let text = |config: Config| config.check().unwrap_err().to_string();
        assert_eq!(
            text(Config::new().heartbeat_interval(Duration::ZERO)),
            "config: heartbeat_interval = 0s; allowed: 10ms to 10min"
        );
        assert_eq!(
            text(Config::new().unacked_bytes(65_536)),
            "config: unacked_bytes = 65536; allowed: at least max_message (1048320)"
        );
    }
}
