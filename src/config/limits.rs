//! Every limit: its default, its range, and why. Numbers of other systems are what they ship with.

use crate::ConfigError;
use std::{ops::RangeInclusive, time::Duration};

/// A default and the range around it.
pub(crate) struct Limit<T> {
    /// The setter's name.
    pub(crate) name: &'static str,
    pub(crate) default: T,
    pub(crate) range: RangeInclusive<T>,
}

const fn limit<T>(name: &'static str, default: T, range: RangeInclusive<T>) -> Limit<T> {
    Limit {
        name,
        default,
        range,
    }
}

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const KIB: usize = 1_024;
const MIB: usize = 1_024 * KIB;
const GIB: usize = 1_024 * MIB;

// --- time -----------------------------------------------------------------------------------------------------------

/// 2 s finds a dead peer within a lease of 6 s and costs an idle session one small frame every 2 s. Below 10 ms beats
/// would be most of the traffic; above 10 min middleboxes forget a TCP connection (RFC 5382 allows that after 2 h 4 min,
/// home routers do it after minutes).
pub(crate) const HEARTBEAT_INTERVAL: Limit<Duration> = limit(
    "heartbeat_interval",
    SECOND.saturating_mul(2),
    MS.saturating_mul(10)..=MINUTE.saturating_mul(10),
);

/// Three intervals: two beats in a row may be late. At least 1.5 intervals (MQTT 5, section 3.1.2.10) or a healthy peer would
/// be declared dead between two beats. Above one hour a dead peer would hold its place for too long to call it liveness.
pub(crate) const LEASE: Limit<Duration> = limit(
    "lease",
    SECOND.saturating_mul(6),
    MS.saturating_mul(15)..=HOUR,
);

/// From accept to admission, never extended by bytes that trickle in. Between nats-server (2 s) and EMQX (15 s): several
/// round trips and one look into a database fit. Above 5 min strangers could hold places for nothing.
pub(crate) const LOGIN_DEADLINE: Limit<Duration> = limit(
    "login_deadline",
    SECOND.saturating_mul(5),
    MS.saturating_mul(100)..=MINUTE.saturating_mul(5),
);

/// A tunnel, a lift, a change of networks: most links that come back do so within 2 min. 0 keeps nothing. 7 days is how
/// long TLS 1.3 lets a resumption ticket live (RFC 8446, section 4.6.1).
pub(crate) const RESUME_WINDOW: Limit<Duration> = limit(
    "resume_window",
    SECOND.saturating_mul(120),
    Duration::ZERO..=DAY.saturating_mul(7),
);

/// A peer that takes no byte for so long is gone or hostile, and holds buffers; nats-server waits 10 s, too.
pub(crate) const STALLED_WRITE: Limit<Duration> = limit(
    "stalled_write",
    SECOND.saturating_mul(10),
    MS.saturating_mul(100)..=MINUTE.saturating_mul(10),
);

/// Acknowledgements ride along with other traffic; one that finds none waits so long. Below the 40 ms of TCP's own delayed
/// acks on Linux, and far below a lease. A quarter of the lease at most: later it would look like silence.
pub(crate) const ACK_DELAY: Limit<Duration> = limit(
    "ack_delay",
    MS.saturating_mul(25),
    Duration::ZERO..=MINUTE.saturating_mul(15),
);

/// A close that meets a lost link waits so long for one resume to tell the peer, then gives up.
pub(crate) const CLOSE_LINGER: Limit<Duration> = limit(
    "close_linger",
    SECOND.saturating_mul(2),
    Duration::ZERO..=MINUTE,
);

/// A lost SYN is repeated after 1 s, 3 s and 7 s (RFC 6298): three repetitions fit into 10 s.
pub(crate) const DIAL_TIMEOUT: Limit<Duration> = limit(
    "dial_timeout",
    SECOND.saturating_mul(10),
    MS.saturating_mul(10)..=MINUTE.saturating_mul(5),
);

/// First wait of the backoff. With full jitter 1 s spreads a storm of 10,000 clients to at most 10,000 attempts a second.
pub(crate) const RECONNECT_BASE: Limit<Duration> = limit("reconnect.base", SECOND, MS..=HOUR);

/// Longest wait of the backoff: a person who waits for the network to come back notices half a minute, barely.
pub(crate) const RECONNECT_CAP: Limit<Duration> =
    limit("reconnect.cap", SECOND.saturating_mul(30), MS..=HOUR);

/// A link that breaks sooner does not reset the backoff, or a server that accepts and drops would be hammered.
pub(crate) const RECONNECT_STABLE_AFTER: Limit<Duration> = limit(
    "reconnect.stable_after",
    SECOND.saturating_mul(30),
    Duration::ZERO..=HOUR,
);

/// No budget by default: the resume window ends a series, whichever side knows it. The default here is never used.
pub(crate) const RECONNECT_BUDGET: Limit<Duration> =
    limit("reconnect.budget", DAY, MS..=DAY.saturating_mul(365));

/// No limit by default, for the same reason. No attempt at all is `ReconnectMode::Never`.
pub(crate) const RECONNECT_ATTEMPTS: Limit<u32> =
    limit("reconnect.attempts", u32::MAX, 1..=u32::MAX);

// --- windows and sizes ----------------------------------------------------------------------------------------------

/// Messages sent and not yet taken. With 1 MiB beside it, messages of 1 KiB fill both windows at the same time.
pub(crate) const UNACKED_MESSAGES: Limit<usize> = limit("unacked_messages", 1_024, 1..=65_536);

/// Bytes sent and not yet taken: what one peer that stopped reading can cost. Also bandwidth times delay of 80 Mbit/s at
/// 100 ms. At least 1 KiB, so that a message of some use fits.
pub(crate) const UNACKED_BYTES: Limit<usize> = limit("unacked_bytes", MIB, KIB..=GIB);

/// 1 MiB less 256 bytes: the frame around it stays below 1 MiB (nats-server's limit), and the longest message
/// fits into the default window even where every message is charged 256 bytes for its bookkeeping (as in h2).
pub(crate) const MAX_MESSAGE: Limit<usize> = limit("max_message", MIB - 256, 1..=64 * MIB);

/// Volatile messages that wait for a link to take them; the oldest are dropped. One second of state updates at 60 a second.
pub(crate) const VOLATILE_MESSAGES: Limit<usize> = limit("volatile_messages", 64, 1..=65_536);

// --- counts ---------------------------------------------------------------------------------------------------------

/// Connections that the kernel completes before they are accepted. Measured: with the usual 128, 5,000 logins at once
/// took 8.4 s; with 4,096, 8,000 took 0.4 s, because a dropped SYN waits a second. The kernel may cap it (`somaxconn`).
pub(crate) const ACCEPT_BACKLOG: Limit<u32> = limit("accept_backlog", 4_096, 1..=65_535);

/// At under 1 KiB each a million idle sessions take about 1 GiB; the number of open files usually ends it before.
pub(crate) const MAX_SESSIONS: Limit<usize> = limit("max_sessions", 1_000_000, 1..=16_777_216);

/// Of those, kept for whom the host chooses. None: which peers are worth a place that stays empty is for the program to say. The
/// rule is PostgreSQL's (`superuser_reserved_connections`): it is counted by places that are free, not by who sits where.
pub(crate) const RESERVED_SESSIONS: Limit<usize> = limit("reserved_sessions", 0, 0..=16_777_216);

/// Events that a subscriber may lag behind before it hears how many it missed. About 100 bytes each.
pub(crate) const EVENT_BUFFER: Limit<usize> = limit("event_buffer", 1_024, 1..=1_048_576);

/// Groups that one session may be in: rooms, channels, topics. The first costs a session 140 bytes, each further one about
/// 55 (measured): 64 cost 3.5 KiB, and a peer that may choose its rooms cannot make a server keep more for it.
pub(crate) const GROUPS_PER_SESSION: Limit<usize> = limit("groups_per_session", 64, 1..=65_536);

/// Sessions of which the end is remembered for operators. At 0.8 KiB each, 1,000 cost less than 1 MiB and reach back half a
/// minute where 30 sessions end a second; who wants to reach further back logs events. 0 remembers none.
pub(crate) const RECENTLY_ENDED: Limit<usize> = limit("recently_ended", 1_000, 0..=65_536);

/// Sessions that ended of which the reason is kept for whoever comes back. At some 0.75 KiB each 65,536 cost 50 MB, where logins at the
/// full admission rate would cost 1 GB within a resume window of 120 s. They hold what ends within that window where 546 end a second; by
/// [`COMINGS_A_MINUTE`] one identity has 45 of them at most, so that it takes 1,457 to wash out what others are to hear. At most
/// as many as there may be sessions. 0 keeps none: whoever comes back hears that it is gone.
pub(crate) const TOMBSTONES: Limit<usize> = limit("tombstones", 65_536, 0..=16_777_216);

// --- the door -------------------------------------------------------------------------------------------------------

/// Peers between accept and admission. At 8 KiB each a flood of strangers costs 8 MiB at most.
pub(crate) const PENDING_LOGINS: Limit<usize> = limit("pending_logins", 1_024, 1..=65_536);

/// Of those, from one IPv4 address or IPv6 /64: a family or an office behind one address fits, one attacker cannot take
/// all places.
pub(crate) const PENDING_PER_PREFIX: Limit<usize> = limit("pending_per_prefix", 32, 1..=65_536);

/// Percent of the places from which on new strangers are dropped at random, the likelier the fewer are left. A flood from
/// many networks that holds all places would keep everybody else out; so some get in all the time. OpenSSH begins at 10 %
/// of 100; with ten times the places and a deadline of 5 s instead of 120 s, 70 % leaves an honest rush alone. 100 drops none.
pub(crate) const EARLY_DROP: Limit<u32> = limit("early_drop", 70, 0..=100);

/// What one stranger may say before it is admitted: a login of 4 KiB and three answers as long. At least one whole frame.
pub(crate) const STRANGER_BYTES: Limit<usize> =
    limit("stranger_bytes", 16 * KIB, 4 * KIB + 4..=MIB);

/// Logins of one network that may fail before the rest has to wait: an office that comes to work and mistypes. A guesser
/// gets so many at once and then one a pause: 750 an hour with the defaults, where a password of eight random letters takes
/// 10^11.
pub(crate) const FAILED_LOGINS: Limit<u32> = limit("failed_logins", 30, 1..=65_536);

/// How long it takes until one failed login is forgiven. OpenSSH puts 5 s on a failed authentication, too.
pub(crate) const FAILED_LOGIN_PAUSE: Limit<Duration> = limit(
    "failed_login_pause",
    SECOND.saturating_mul(5),
    MS.saturating_mul(10)..=HOUR,
);

/// Resumes of one network that may fail, likewise. Far more than logins: after a restart a server has forgotten everybody, and
/// a whole company behind one address hears so. A secret of 128 bits is not to be guessed in any case.
pub(crate) const FAILED_RESUMES: Limit<u32> = limit("failed_resumes", 1_024, 1..=1_048_576);

/// Logins and resumes let in each second. Half of what one thread was measured to do (20,000), so that those who are in
/// are served, too. Above 100,000 the steps of the clock (1 us) would show.
pub(crate) const ADMISSION_RATE: Limit<u32> = limit("admission_rate", 10_000, 1..=100_000);

/// How many of them may come at once after a quiet time. By default a second's worth.
pub(crate) const ADMISSION_BURST: Limit<u32> = limit("admission_burst", 10_000, 1..=1_000_000);

/// Peers that the program is asked about at the same time. A hash of a password that costs 64 MiB (the second choice of RFC 9106
/// for Argon2id) takes 4 GiB so at most, and a pool of database connections is rarely larger. Where each takes 50 ms, 64 at once
/// let in 1,280 a second: fewer than may come, and those who wait longer than the login deadline come again.
pub(crate) const ADMITS_AT_ONCE: Limit<usize> = limit("admits_at_once", 64, 1..=65_536);

/// Logins and resumes of one identity in a minute, for each session that it may have. EMQX bans for 5 min whoever comes 15 times in a minute. A client of this library
/// whose link breaks at once, again and again, comes about eight times in its first minute, because its pauses grow.
pub(crate) const COMINGS_A_MINUTE: Limit<u32> = limit("comings_a_minute", 15, 1..=65_536);

/// How long an identity that was taken over stays with whoever took it, at first. Two programs that throw each other out do so
/// once a second then, and ever less often; who moves to another device does it once. 0 lets them.
pub(crate) const TAKEOVER_PAUSE: Limit<Duration> = limit(
    "takeover_pause",
    SECOND,
    Duration::ZERO..=MINUTE.saturating_mul(5),
);

/// Sessions of one identity side by side. One: a second login is a takeover, and who writes by identity has one writer. A person has a
/// handful of devices; 64 is far beyond, and little enough that a login, a resume and a look-up may look through all of them (they
/// lie in one chain of the index), and that one account which logs in from everywhere takes some 64 KiB of a server and no more.
pub(crate) const SESSIONS_PER_IDENTITY: Limit<usize> = limit("sessions_per_identity", 1, 1..=64);

/// Bans that are kept. At about 300 bytes each, with a text, they cost 3 MB at most. Who has more of them has them in a
/// database, and asks it in `admit`.
pub(crate) const MAX_BANS: Limit<usize> = limit("max_bans", 10_000, 0..=1_048_576);

// --- fairness -------------------------------------------------------------------------------------------------------

/// Frames of one session handled before others get their turn: at about 1 us each, 64 delay them by less than 0.1 ms.
pub(crate) const TURN_FRAMES: Limit<usize> = limit("turn_frames", 64, 1..=65_536);

/// Bytes of one session handled before others get their turn: one full read of a pooled buffer.
pub(crate) const TURN_BYTES: Limit<usize> = limit("turn_bytes", 64 * KIB, KIB..=64 * MIB);

// --- what carries nothing: fixed ------------------------------------------------------------------------------------

/// Pings that a dialer may write at once beyond its rate, which follows the terms (`Liveness::spend`): a stall on the way, two
/// clocks that do not run alike.
pub(crate) const PING_BURST: u32 = 10;

/// What one of them may be replaced by of what carries nothing otherwise: an ACK without news, a PONG that nobody waits for, an
/// extension. So 100 at once; ours writes one a link.
pub(crate) const EMPTY_FRAMES_A_PING: u32 = 10;

impl<T: Value> Limit<T> {
    /// Whether `value` is in range; the error names the field, the value and the range.
    pub(super) fn check(&self, value: T) -> Result<(), ConfigError> {
        if self.range.contains(&value) {
            return Ok(());
        }
        let allowed = format!(
            "{} to {}",
            self.range.start().show(),
            self.range.end().show()
        );
        Err(ConfigError::new(self.name, value.show(), allowed))
    }
}

/// A value that a limit can be about.
pub(crate) trait Value: Copy + PartialOrd {
    /// As people write it.
    fn show(self) -> String;
}

impl Value for usize {
    fn show(self) -> String {
        self.to_string()
    }
}

impl Value for u32 {
    fn show(self) -> String {
        self.to_string()
    }
}

impl Value for Duration {
    /// In the largest unit that needs no fraction: `10min`, `1500ms`, `0s`.
    fn show(self) -> String {
        const UNITS: [(Duration, &str); 7] = [
            (DAY, "d"),
            (HOUR, "h"),
            (MINUTE, "min"),
            (SECOND, "s"),
            (MS, "ms"),
            (Duration::from_micros(1), "us"),
            (Duration::from_nanos(1), "ns"),
        ];
        let nanos = self.as_nanos();
        let whole = UNITS
            .iter()
            .find(|(unit, _)| nanos != 0 && nanos.is_multiple_of(unit.as_nanos()));
        whole.map_or_else(
            || "0s".into(),
            |(unit, name)| format!("{}{name}", nanos / unit.as_nanos()),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_people_write_them() {
        let shown = |nanos: u64| Duration::from_nanos(nanos).show();
        assert_eq!(
            [
                shown(0),
                shown(1),
                shown(1_500_000_000),
                shown(600_000_000_000),
                shown(25_000_000)
            ],
            ["0s", "1ns", "1500ms", "10min", "25ms"]
        );
        assert_eq!(DAY.saturating_mul(7).show(), "7d");
    }
}
