use std::time::Duration;

use super::{Time, terms};
use crate::wire::{Beat, Terms};

/// Is the peer there? Decides when to ping, when to doubt and when to give up; measures round trip and clock offset.
///
/// Both ends ping, but only when they wrote nothing for an interval, so one exchange an interval serves both: each PING
/// and PONG says which clock it last heard and how long ago (as RTCP does, RFC 3550 section 6.4.1), which gives *both*
/// ends the round trip. Only what was heard counts as life: outgoing traffic proves nothing (nats.rs#1593).
#[derive(Clone, Debug, Default)]
pub(super) struct Liveness {
    heard: Time,
    said: Time,
    probed: Time,
    /// Set where we were late ourselves: nobody is declared dead before this.
    grace: Option<Time>,
    nonce: u32,
    owed_pong: Option<u32>,
    /// Our clock in the last ping and in the last pong we wrote; an echo of any other measures nothing. Both, because
    /// pings that cross are each answered: two ends in step would otherwise overwrite what the other is about to echo,
    /// beat after beat, and never measure anything.
    pinged: u64,
    ponged: u64,
    peer_clock: u64,
    peer_clock_at: Time,
    srtt_micros: u32,
    min_rtt_micros: u32,
    offset_micros: i64,
    remote_tick: Option<u64>,
}

/// What silence means by now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Silence {
    /// None to speak of.
    None,
    /// More than half the lease.
    Suspicious,
    /// More than the lease.
    Dead,
}

/// A suspect is probed this many times between suspicion and the end of its lease (GameNetworkingSockets: every 200 ms).
const PROBES: u32 = 4;

impl Liveness {
    /// A link begins: both sides are fresh.
    pub(super) fn link_up(&mut self, now: Time) {
        self.heard = now;
        self.said = now;
        self.probed = now;
        self.grace = None;
        self.owed_pong = None;
        self.pinged = 0;
        self.ponged = 0;
        self.peer_clock = 0;
    }

    /// A complete valid frame of the current link. O(1) and touches no timer.
    pub(super) const fn hear(&mut self, now: Time) {
        self.heard = now;
        self.grace = None;
    }

    /// Something was written.
    pub(super) const fn say(&mut self, now: Time) {
        self.said = now;
    }

    /// Whether the peer was heard after `then`.
    pub(super) fn heard_since(&self, then: Time) -> bool {
        self.heard > then
    }

    pub(super) fn silence(&self, now: Time, terms: &Terms) -> Silence {
        if now >= self.dead_at(terms) {
            Silence::Dead
        } else if now >= self.suspect_at(terms) {
            Silence::Suspicious
        } else {
            Silence::None
        }
    }

    /// We were late: whatever the silence was, we slept through it. Doubt, probe, and decide half a lease from now.
    pub(super) fn forgive(&mut self, now: Time, terms: &Terms) {
        self.grace = Some(now + terms::lease(terms) / 2);
    }

    /// Whether a beat is due: nothing said for an interval, or a suspect's next probe.
    pub(super) fn is_ping_due(&self, now: Time, terms: &Terms, suspect: bool) -> bool {
        now >= self.ping_at(terms, suspect)
    }

    /// When silence is judged next.
    pub(super) fn judged_at(&self, terms: &Terms, suspect: bool) -> Time {
        if suspect {
            self.dead_at(terms)
        } else {
            self.suspect_at(terms)
        }
    }

    /// When the next beat is due: nothing said for an interval, or a suspect's next probe.
    pub(super) fn ping_at(&self, terms: &Terms, suspect: bool) -> Time {
        let beat = self.said + terms::heartbeat(terms);
        if !suspect {
            return beat;
        }
        let between = (terms::lease(terms) / 2 / PROBES).max(Duration::from_millis(1));
        (self.probed + between).min(beat)
    }

    fn suspect_at(&self, terms: &Terms) -> Time {
        self.heard + terms::lease(terms) / 2
    }

    fn dead_at(&self, terms: &Terms) -> Time {
        self.grace
            .unwrap_or_else(|| self.heard + terms::lease(terms))
    }

    /// The next ping.
    pub(super) fn ping(&mut self, now: Time, tick: u64) -> Beat {
        self.nonce = self.nonce.wrapping_add(1);
        self.probed = now;
        self.pinged = now.as_micros();
        self.beat(self.nonce, now, tick)
    }

    /// The pong that is owed, if one is: the latest ping alone is answered.
    pub(super) fn pong(&mut self, now: Time, tick: u64) -> Option<Beat> {
        let nonce = self.owed_pong.take()?;
        self.ponged = now.as_micros();
        Some(self.beat(nonce, now, tick))
    }

    pub(super) const fn owes_pong(&self) -> bool {
        self.owed_pong.is_some()
    }

    fn beat(&self, nonce: u32, now: Time, tick: u64) -> Beat {
        let held = now.since(self.peer_clock_at).as_micros();
        Beat {
            nonce,
            clock: now.as_micros(),
            tick,
            echo: self.peer_clock,
            held: if self.peer_clock == 0 {
                0
            } else {
                u32::try_from(held).unwrap_or(u32::MAX)
            },
        }
    }

    /// What it took to get there and back, where this beat tells.
    pub(super) fn hear_ping(&mut self, now: Time, beat: &Beat) -> Option<Duration> {
        self.owed_pong = Some(beat.nonce);
        self.measure(now, beat)
    }

    /// A pong to a ping that we did not send last says nothing.
    pub(super) fn hear_pong(&mut self, now: Time, beat: &Beat) -> Option<Duration> {
        if beat.nonce != self.nonce {
            return None;
        }
        self.measure(now, beat)
    }

    fn measure(&mut self, now: Time, beat: &Beat) -> Option<Duration> {
        self.peer_clock = beat.clock;
        self.peer_clock_at = now;
        self.remote_tick = Some(beat.tick);
        if beat.echo == 0 || (beat.echo != self.pinged && beat.echo != self.ponged) {
            return None;
        }
        let away = now.as_micros().saturating_sub(beat.echo);
        let rtt = away.checked_sub(u64::from(beat.held))?;
        let rtt = u32::try_from(rtt).unwrap_or(u32::MAX).max(1);
        // RFC 6298 section 2: the first sample is the estimate, later ones weigh an eighth.
        self.srtt_micros = match self.srtt_micros {
            0 => rtt,
            srtt => srtt - srtt / 8 + rtt / 8,
        };
        if self.min_rtt_micros == 0 || rtt <= self.min_rtt_micros {
            self.min_rtt_micros = rtt;
            // NTP's offset (RFC 5905 section 8), kept from the fastest exchange: it was delayed least.
            let theirs = beat.clock.saturating_sub(u64::from(beat.held) / 2);
            let ours = now.as_micros() - away / 2;
            self.offset_micros = theirs.cast_signed().wrapping_sub(ours.cast_signed());
        }
        Some(Duration::from_micros(u64::from(rtt)))
    }

    /// Smoothed round trip, once there was an exchange.
    pub(super) fn round_trip(&self) -> Option<Duration> {
        (self.srtt_micros > 0).then(|| Duration::from_micros(u64::from(self.srtt_micros)))
    }

    /// Fastest round trip seen.
    pub(super) fn min_round_trip(&self) -> Option<Duration> {
        (self.min_rtt_micros > 0).then(|| Duration::from_micros(u64::from(self.min_rtt_micros)))
    }

    /// The peer's clock minus ours, in microseconds, once there was an exchange.
    pub(super) fn clock_offset_micros(&self) -> Option<i64> {
        (self.min_rtt_micros > 0).then_some(self.offset_micros)
    }

    pub(super) const fn remote_tick(&self) -> Option<u64> {
        self.remote_tick
    }

    /// Everything that decides what happens next, measurements left out: when what happened, and whether a pong is owed.
    pub(super) fn course(&self) -> ([Option<Time>; 4], bool) {
        let Self {
            heard,
            said,
            probed,
            grace,
            nonce: _,
            owed_pong,
            pinged: _,
            ponged: _,
            peer_clock: _,
            peer_clock_at: _,
            srtt_micros: _,
            min_rtt_micros: _,
            offset_micros: _,
            remote_tick: _,
        } = self;
        let times = [Some(*heard), Some(*said), Some(*probed), *grace];
        (times, owed_pong.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TERMS: Terms = Terms {
        heartbeat_ms: 2000,
        lease_ms: 6000,
        resume_window_ms: 0,
        window_messages: 1,
        window_bytes: 1,
        max_message: 1,
    };

    fn at(millis: u64) -> Time {
        Time::from_micros(millis * 1000)
    }

    /// One ping at `start`, one pong, one ping: 30 ms there, 50 ms back, 5 s between, the acceptor's clock 1 h ahead.
    fn exchange() -> (Liveness, Liveness) {
        let ahead = 3_600_000;
        let (mut dialer, mut acceptor) = (Liveness::default(), Liveness::default());
        dialer.link_up(at(0));
        acceptor.link_up(at(ahead));
        let ping = dialer.ping(at(1000), 7);
        acceptor.hear_ping(at(ahead + 1030), &ping);
        let pong = acceptor.pong(at(ahead + 1040), 9).unwrap();
        dialer.hear_pong(at(1090), &pong);
        let ping = dialer.ping(at(6090), 8);
        acceptor.hear_ping(at(ahead + 6120), &ping);
        (dialer, acceptor)
    }

    #[test]
    fn one_exchange_gives_both_ends_the_round_trip_the_offset_and_the_tick() {
        let (dialer, acceptor) = exchange();
        assert_eq!(dialer.round_trip(), Some(Duration::from_millis(80)));
        assert_eq!(acceptor.round_trip(), Some(Duration::from_millis(80)));
        let hour = 3_600_000_000;
        // An asymmetric path shifts the estimate by half its asymmetry, here 10 ms; nothing can see that.
        assert!((dialer.clock_offset_micros().unwrap() - hour).abs() <= 10_000);
        assert!((acceptor.clock_offset_micros().unwrap() + hour).abs() <= 10_000);
        assert_eq!(
            (dialer.remote_tick(), acceptor.remote_tick()),
            (Some(9), Some(8))
        );
    }

    #[test]
    fn pings_that_cross_are_measured_by_both() {
        let (mut dialer, mut acceptor) = (Liveness::default(), Liveness::default());
        dialer.link_up(at(0));
        acceptor.link_up(at(0));
        // Both in step, 10 ms each way: every ping is under way when the other end writes its own.
        for beat in 1..=3 {
            let sent = beat * 2000;
            let (ping, other) = (dialer.ping(at(sent), 0), acceptor.ping(at(sent), 0));
            dialer.hear_ping(at(sent + 10), &other);
            acceptor.hear_ping(at(sent + 10), &ping);
            let pong = acceptor.pong(at(sent + 10), 0).unwrap();
            let other = dialer.pong(at(sent + 10), 0).unwrap();
            dialer.hear_pong(at(sent + 20), &pong);
            acceptor.hear_pong(at(sent + 20), &other);
            for end in [&dialer, &acceptor] {
                assert_eq!(end.round_trip(), Some(Duration::from_millis(20)));
            }
        }
    }

    #[test]
    fn a_pong_with_another_nonce_or_echo_measures_nothing() {
        let mut dialer = Liveness::default();
        let ping = dialer.ping(at(1000), 0);
        dialer.hear_pong(
            at(1010),
            &Beat {
                nonce: ping.nonce + 1,
                echo: ping.clock,
                ..Beat::default()
            },
        );
        dialer.hear_pong(
            at(1010),
            &Beat {
                nonce: ping.nonce,
                echo: ping.clock - 1,
                ..Beat::default()
            },
        );
        dialer.hear_pong(
            at(1010),
            &Beat {
                nonce: ping.nonce,
                echo: ping.clock,
                held: u32::MAX,
                ..Beat::default()
            },
        );
        assert_eq!(dialer.round_trip(), None);
    }

    #[test]
    fn silence_is_suspicious_at_half_the_lease_and_deadly_at_the_lease() {
        let mut liveness = Liveness::default();
        liveness.link_up(at(0));
        assert_eq!(liveness.silence(at(2999), &TERMS), Silence::None);
        assert_eq!(liveness.silence(at(3000), &TERMS), Silence::Suspicious);
        assert_eq!(liveness.silence(at(5999), &TERMS), Silence::Suspicious);
        assert_eq!(liveness.silence(at(6000), &TERMS), Silence::Dead);
        liveness.say(at(5000)); // what we say proves nothing
        assert_eq!(liveness.silence(at(6000), &TERMS), Silence::Dead);
        liveness.forgive(at(20_000), &TERMS);
        assert_eq!(liveness.silence(at(22_999), &TERMS), Silence::Suspicious);
        assert_eq!(liveness.silence(at(23_000), &TERMS), Silence::Dead);
        liveness.hear(at(22_999));
        assert_eq!(liveness.silence(at(23_000), &TERMS), Silence::None);
    }

    #[test]
    fn a_suspect_is_probed_faster() {
        let mut liveness = Liveness::default();
        liveness.link_up(at(0));
        liveness.ping(at(2000), 0);
        liveness.say(at(2000));
        assert_eq!(liveness.judged_at(&TERMS, false), at(3000));
        assert!(liveness.is_ping_due(at(3000), &TERMS, true));
        liveness.ping(at(3000), 0);
        liveness.say(at(3000));
        assert_eq!(liveness.ping_at(&TERMS, true), at(3750));
    }

    #[test]
    fn nothing_is_measured_before_an_exchange() {
        let fresh = Liveness::default();
        assert_eq!((fresh.round_trip(), fresh.min_round_trip()), (None, None));
        assert_eq!(
            (fresh.clock_offset_micros(), fresh.remote_tick()),
            (None, None)
        );
        let (dialer, _) = exchange();
        assert_eq!(dialer.min_round_trip(), Some(Duration::from_millis(80)));
    }

    #[test]
    fn a_pong_is_owed_from_the_ping_to_the_pong_and_the_latest_ping_alone() {
        let mut liveness = Liveness::default();
        liveness.link_up(at(0));
        assert!(!liveness.owes_pong());
        for nonce in [5, 6] {
            let ping = Beat {
                nonce,
                clock: 1,
                ..Beat::default()
            };
            liveness.hear_ping(at(10), &ping);
        }
        assert!(liveness.owes_pong());
        assert_eq!(liveness.pong(at(20), 0).map(|pong| pong.nonce), Some(6));
        assert!(!liveness.owes_pong());
        assert!(liveness.pong(at(20), 0).is_none());
    }

    #[test]
    fn whoever_was_heard_after_a_time_was_not_heard_by_it() {
        let mut liveness = Liveness::default();
        liveness.hear(at(10));
        assert!(liveness.heard_since(at(9)));
        assert!(!liveness.heard_since(at(10)) && !liveness.heard_since(at(11)));
    }
}
