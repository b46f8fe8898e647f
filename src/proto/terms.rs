use std::time::Duration;

use super::Side;
use crate::{
    config::{Settings, limits},
    wire::{Terms, Violation},
};

/// The numbers that both ends of a session live by, as this side would like them.
pub(crate) fn wanted(settings: &Settings) -> Terms {
    Terms {
        heartbeat_ms: millis(settings.heartbeat_interval),
        lease_ms: millis(settings.lease),
        resume_window_ms: millis(settings.resume_window),
        window_messages: count(settings.unacked_messages),
        window_bytes: count(settings.unacked_bytes),
        max_message: count(settings.max_message),
    }
}

/// The acceptor's answer to what a dialer asked for: times are the acceptor's, sizes the smaller of both.
pub(super) fn granted(ours: &Terms, asked: &Terms) -> Terms {
    Terms {
        window_messages: ours.window_messages.min(asked.window_messages),
        window_bytes: ours.window_bytes.min(asked.window_bytes),
        max_message: ours.max_message.min(asked.max_message),
        ..*ours
    }
}

/// Whether an offer's sizes can be lived with at all: a window must hold a message.
pub(super) const fn check_asked(asked: &Terms) -> Result<(), Violation> {
    if asked.window_messages == 0
        || asked.max_message == 0
        || asked.window_bytes < asked.max_message
    {
        return Err(Violation::BadValue);
    }
    Ok(())
}

/// The dialer's check of what a server set (threat T35: a hostile server cannot hurt a client): times within the ranges
/// that `Config` itself allows, sizes not above what was asked for.
pub(super) fn check_granted(settings: &Settings, granted: &Terms) -> Result<(), Violation> {
    let asked = wanted(settings);
    let sizes = granted.window_messages >= 1
        && granted.window_messages <= asked.window_messages
        && granted.window_bytes <= asked.window_bytes
        && granted.max_message >= 1
        && granted.max_message <= asked.max_message
        && granted.max_message <= granted.window_bytes;
    let times = limits::HEARTBEAT_INTERVAL
        .range
        .contains(&heartbeat(granted))
        && lease(granted) <= *limits::LEASE.range.end()
        && u64::from(granted.lease_ms) * 2 >= u64::from(granted.heartbeat_ms) * 3
        && resume_window(granted) <= *limits::RESUME_WINDOW.range.end();
    if sizes && times {
        Ok(())
    } else {
        Err(Violation::BadValue)
    }
}

pub(super) const fn heartbeat(terms: &Terms) -> Duration {
    Duration::from_millis(terms.heartbeat_ms as u64)
}

/// How long a side may have written nothing before it pings.
///
/// An acceptor is patient for an eighth longer: by then it had the dialer's ping to answer, so that on an idle link pings do
/// not cross. Not where the lease is so short that its peer would begin to doubt.
pub(super) const fn quiet(terms: &Terms, side: Side) -> Duration {
    let (beat, lease) = (terms.heartbeat_ms as u64, terms.lease_ms as u64);
    match side {
        Side::Acceptor if lease * 2 >= beat * 5 => Duration::from_millis(beat + beat / 8),
        Side::Acceptor | Side::Dialer => Duration::from_millis(beat),
    }
}

pub(super) const fn lease(terms: &Terms) -> Duration {
    Duration::from_millis(terms.lease_ms as u64)
}

/// How long an acknowledgement waits for other traffic: a quarter of the session's lease at most, or it would look like silence.
pub(super) fn ack_delay(settings: &Settings, terms: &Terms) -> Duration {
    settings.ack_delay.min(lease(terms) / 4)
}

pub(super) const fn resume_window(terms: &Terms) -> Duration {
    Duration::from_millis(terms.resume_window_ms as u64)
}

fn millis(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_size_is_the_smaller_of_what_both_want_and_times_are_the_acceptors() {
        let settings = crate::Config::new().validate().unwrap();
        let ours = wanted(&settings);
        let modest = Terms {
            heartbeat_ms: 1,
            lease_ms: 2,
            resume_window_ms: 3,
            window_messages: ours.window_messages - 1,
            window_bytes: ours.window_bytes - 2,
            max_message: ours.max_message - 3,
        };
        let found = granted(&ours, &modest);
        let sizes = |terms: &Terms| [terms.window_messages, terms.window_bytes, terms.max_message];
        assert_eq!(sizes(&found), sizes(&modest));
        assert_eq!(
            (heartbeat(&found), lease(&found), resume_window(&found)),
            (
                settings.heartbeat_interval,
                settings.lease,
                settings.resume_window
            )
        );
        let greedy = Terms {
            window_messages: u32::MAX,
            window_bytes: u32::MAX,
            max_message: u32::MAX,
            ..modest
        };
        assert_eq!(granted(&ours, &greedy), ours);
    }
}
