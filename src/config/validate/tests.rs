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
    let table: [(&str, Duration, Duration, Set); 12] = [
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
        ("failed_login_pause", 10 * MS, HOUR, |value| {
            Config::new().failed_login_pause(value)
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
    let table: [(&str, usize, usize, Set); 15] = [
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
        ("stranger_bytes", 4_100, 1 << 20, |value| {
            Config::new().stranger_bytes(value)
        }),
        ("sessions_per_identity", 1, 64, |value| {
            Config::new().sessions_per_identity(value)
        }),
        ("max_sessions", 1, 1 << 24, |value| {
            Config::new().max_sessions(value)
        }),
        ("reserved_sessions", 0, 1 << 24, |value| {
            Config::new().reserved_sessions(value).max_sessions(1 << 24)
        }),
        ("admits_at_once", 1, 65_536, |value| {
            Config::new().admits_at_once(value)
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
        range(field, min, max, min.checked_sub(1), Some(max + 1), set);
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
    type SetRate = fn(u32) -> Config;
    let rates: [(&str, u32, u32, SetRate); 5] = [
        ("early_drop", 0, 100, |value| {
            Config::new().early_drop(value)
        }),
        ("failed_logins", 1, 65_536, |value| {
            Config::new().failed_logins(value)
        }),
        ("failed_resumes", 1, 1 << 20, |value| {
            Config::new().failed_resumes(value)
        }),
        ("admission_rate", 1, 100_000, |value| {
            Config::new().admission_rate(value).admission_burst(1)
        }),
        ("admission_burst", 1, 1_000_000, |value| {
            Config::new().admission_burst(value)
        }),
    ];
    for (field, min, max, set) in rates {
        range(field, min, max, min.checked_sub(1), Some(max + 1), set);
    }
    let ended = |value| Config::new().recently_ended(value);
    range("recently_ended", 0, 65_536, None, Some(65_537), ended);
    let kept = |value| Config::new().tombstones(value);
    range("tombstones", 0, 1 << 24, None, Some((1 << 24) + 1), kept);
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
    let table: [(&str, &str, i32, Set); 6] = [
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
        ("reserved_sessions", "max_sessions", 1, |step| {
            Config::new()
                .max_sessions(50)
                .reserved_sessions(50usize.saturating_add_signed(step as isize))
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
    let slow = Config::new().admission_rate(7).validate().unwrap();
    assert_eq!(slow.admission_burst, 7);
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
