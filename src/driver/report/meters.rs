use std::{collections::HashMap, time::Duration};

use metrics::{
    Counter, Histogram, Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge,
    histogram,
};

use crate::{
    Closed, Event, EventKind,
    proto::{Phase, Side},
};

/// Counts what happens, with the recorder that was there when the first event was told.
pub(super) struct Meters {
    round_trip: Histogram,
    sessions: HashMap<u64, (&'static str, &'static str)>,
}

/// Bytes that links carry: counted where they are read and written, so the handles are kept.
pub(in crate::driver) struct Traffic {
    read: Counter,
    written: Counter,
}

const SESSIONS: &str = "sessile_sessions";
const LOGINS: &str = "sessile_logins_total";
const LOGIN_FAILURES: &str = "sessile_login_failures_total";
const RESUMES: &str = "sessile_resumes_total";
const REPLAYED: &str = "sessile_replayed_messages_total";
const LINKS_LOST: &str = "sessile_links_lost_total";
const ENDED: &str = "sessile_ended_total";
const ROUND_TRIP: &str = "sessile_round_trip_seconds";
const BYTES: &str = "sessile_link_bytes_total";

impl Default for Meters {
    fn default() -> Self {
        describe();
        Self {
            round_trip: histogram!(ROUND_TRIP),
            sessions: HashMap::new(),
        }
    }
}

impl Meters {
    pub(super) fn count(&mut self, event: &Event, stands: Option<(Side, Phase)>) {
        let side = self.stand(event, stands);
        match event.kind() {
            EventKind::LoggedIn => counter!(LOGINS, "side" => side).increment(1),
            EventKind::LoginFailed(closed) => {
                counter!(LOGIN_FAILURES, "side" => side, "code" => code(closed)).increment(1);
            }
            EventKind::Resumed { replayed } => {
                counter!(RESUMES, "side" => side).increment(1);
                counter!(REPLAYED, "side" => side).increment(*replayed);
            }
            EventKind::TimedOut => {
                counter!(LINKS_LOST, "side" => side, "cause" => "silence").increment(1);
            }
            EventKind::LinkLost(cause) => {
                counter!(LINKS_LOST, "side" => side, "cause" => cause.name()).increment(1);
            }
            EventKind::Ended(closed) => {
                let reason = format!("{:?}", closed.reason());
                counter!(ENDED, "side" => side, "reason" => reason).increment(1);
            }
            _ => {}
        }
    }

    pub(super) fn measured(&self, round_trip: Duration) {
        self.round_trip.record(round_trip);
    }

    /// The session is counted where it stands now, and nowhere else.
    fn stand(&mut self, event: &Event, stands: Option<(Side, Phase)>) -> &'static str {
        let id = event.session();
        let before = self.sessions.get(&id).copied();
        let side = match (stands, before) {
            (Some((side, _)), _) => side.name(),
            (None, Some((side, _))) => side,
            (None, None) => "unknown",
        };
        let over = matches!(event.kind(), EventKind::Ended(_));
        let now = stands
            .filter(|(_, phase)| !over && *phase != Phase::Ended)
            .map(|(_, phase)| (side, phase.name()));
        if now != before {
            for ((side, phase), one) in before
                .map(|was| (was, -1.0))
                .into_iter()
                .chain(now.map(|is| (is, 1.0)))
            {
                gauge!(SESSIONS, "side" => side, "phase" => phase).increment(one);
            }
            match now {
                Some(now) => self.sessions.insert(id, now),
                None => self.sessions.remove(&id),
            };
        }
        side
    }
}

impl Traffic {
    pub(in crate::driver) fn new() -> Self {
        Self {
            read: counter!(BYTES, "direction" => "read"),
            written: counter!(BYTES, "direction" => "written"),
        }
    }

    pub(in crate::driver) fn read(&self, bytes: usize) {
        self.read.increment(bytes as u64);
    }

    pub(in crate::driver) fn written(&self, bytes: usize) {
        self.written.increment(bytes as u64);
    }
}

fn describe() {
    describe_gauge!(SESSIONS, Unit::Count, "Sessions, by phase");
    describe_counter!(LOGINS, Unit::Count, "Logins that succeeded");
    describe_counter!(LOGIN_FAILURES, Unit::Count, "Logins that failed, by code");
    describe_counter!(
        RESUMES,
        Unit::Count,
        "Sessions that went on over a new link"
    );
    describe_counter!(
        REPLAYED,
        Unit::Count,
        "Messages that this side wrote once more after a resume"
    );
    describe_counter!(LINKS_LOST, Unit::Count, "Links that were lost, by cause");
    describe_counter!(ENDED, Unit::Count, "Sessions that ended, by reason");
    describe_histogram!(
        ROUND_TRIP,
        Unit::Seconds,
        "Round trips that heartbeats measured"
    );
    describe_counter!(BYTES, Unit::Bytes, "Bytes that links carried");
}

/// The number of the rejection, where it was one, else of the reason.
fn code(closed: &Closed) -> String {
    let reason = closed.reason().code();
    let rejected = closed.rejection().map(|rejection| rejection.code().code());
    rejected.unwrap_or(reason).to_string()
}
