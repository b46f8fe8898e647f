use std::{net::SocketAddr, time::Duration};

use super::Phase;
use crate::{Closed, Identity};

/// How a session stood at one instant: for tables, dashboards and tests. It keeps nothing alive.
///
/// Every time in it is a time since the runtime started, on the clock of [`Event::at`](crate::Event::at): it can be compared
/// with events and with other snapshots. How long something lasts is the difference to [`at`](Self::at).
///
/// ```
/// use sessile::Snapshot;
///
/// fn row(now: &Snapshot) -> String {
///     let up = now.at.saturating_sub(now.logged_in_at.unwrap_or(now.at));
///     let full = 100 * now.unacked_bytes / now.window_bytes.max(1);
///     format!("{} {} up {up:?}, window {full} % used, {} resumed", now.id, now.phase, now.resumed)
/// }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Snapshot {
    /// When this was true.
    pub at: Duration,
    /// The session's id, unique within its runtime.
    pub id: u64,
    /// Who the remote is; known from login on.
    pub identity: Option<Identity>,
    /// Where the session is in its life.
    pub phase: Phase,
    /// Since when it is there.
    pub phase_since: Duration,
    /// When it was logged in; `None` before.
    pub logged_in_at: Option<Duration>,
    /// Why it ended, if it did.
    pub ended: Option<Closed>,
    /// Number of the current or last link within the session; 0 before login.
    pub epoch: u64,
    /// Number of its first link, from its login; 0 before. Sessions of one identity logged in in the order of these numbers.
    pub first_epoch: u64,
    /// Since when the current or last link serves the session: its login, or its last resume. Before login since when the
    /// transport is up, and zero where it never was.
    pub link_since: Duration,
    /// Where the current or last link comes from, if its transport knows.
    pub remote_addr: Option<SocketAddr>,
    /// Smoothed round trip, once heartbeats measured it.
    pub round_trip: Option<Duration>,
    /// Fastest round trip measured.
    pub min_round_trip: Option<Duration>,
    /// The peer's clock minus ours, in microseconds, from the fastest exchange.
    pub clock_offset_micros: Option<i64>,
    /// The application tick that the peer told last.
    pub remote_tick: Option<u64>,
    /// Messages accepted for sending.
    pub sent: u64,
    /// Their bytes, without frames, heartbeats and volatile messages.
    pub sent_bytes: u64,
    /// Of these, how many the peer's application took.
    pub acked: u64,
    /// Messages in flight: accepted, not acknowledged.
    pub unacked_messages: usize,
    /// Their bytes.
    pub unacked_bytes: usize,
    /// How many messages may be in flight; 0 before login.
    pub window_messages: usize,
    /// How many bytes of messages may be in flight; 0 before login.
    pub window_bytes: usize,
    /// Messages that arrived.
    pub received: u64,
    /// Their bytes, counted as [`sent_bytes`](Self::sent_bytes) are there.
    pub received_bytes: u64,
    /// Of these, how many our application took.
    pub taken: u64,
    /// How often the session came back on a new link.
    pub resumed: u64,
    /// Messages written a second time, over all resumes.
    pub replayed: u64,
    /// Volatile messages dropped here, on their way in or out.
    pub volatile_dropped: u64,
}
