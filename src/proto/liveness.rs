use std::time::Duration;

use super::{Side, Time, terms};
use crate::{
    config::limits::{EMPTY_FRAMES_A_PING, PING_BURST},
    wire::{Beat, Terms, Violation},
};

/// Is the peer there? Decides when to ping, when to doubt and when to give up; measures round trip and clock offset.
///
/// Both ends ping, but only when they [wrote nothing](terms::quiet) for an interval, the acceptor for somewhat longer. So one
/// exchange an interval, which the dialer begins, serves both: each PING
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
    /// The latest ping's, where it was not answered yet.
    owed_nonce: u32,
    owes_pong: bool,
    /// The latest ping of ours was not answered yet.
    asked: bool,
    /// Whether the peer ever told its tick.
    told_tick: bool,
    /// Our clock in the last ping and in the last pong we wrote; an echo of any other measures nothing. Both, because
    /// pings that cross are each answered: two ends in step would otherwise overwrite what the other is about to echo,
    /// beat after beat, and never measure anything.
    pinged: u64,
    ponged: u64,
    peer_clock: u64,
    peer_clock_at: Time,
    srtt_micros: u32,
    min_rtt_micros: u32,
    /// Until when what the peer may write that carries nothing is used up, in [`Nothing`]'s units.
    spent_until: u32,
    offset_micros: i64,
    remote_tick: u64,
}

/// What a peer may write that carries nothing: pings, and what is worth a tenth of one ([`EMPTY_FRAMES_A_PING`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Nothing {
    Ping,
    /// An ACK without news, a PONG that nobody waits for, an extension.
    Else,
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

impl Nothing {
    /// How long it takes until one is paid for. A ping: half a heartbeat (threat T6), or an eighth of a lease where that is less, for so
    /// often a suspect is probed.
    fn price(self, terms: &Terms) -> u32 {
        let [beat, probe] = [
            (terms.heartbeat_ms, 1_000 / 2),
            (terms.lease_ms, 500 / PROBES),
        ];
        let ping = Self::of_micros(beat.0, beat.1).min(Self::of_micros(probe.0, probe.1));
        match self {
            Self::Ping => ping.max(1),
            Self::Else => (ping / EMPTY_FRAMES_A_PING).max(1),
        }
    }

    /// So many milliseconds of so many microseconds each.
    const fn of_micros(millis: u32, micros_each: u32) -> u32 {
        ((millis as u64 * micros_each as u64) >> UNIT_SHIFT) as u32
    }

    /// A time, modulo three days.
    const fn units(time: Time) -> u32 {
        (time.as_micros() >> UNIT_SHIFT) as u32
    }
}

/// A unit of what is spent: 64 us, below the tenth of the shortest pause between pings.
const UNIT_SHIFT: u32 = 6;

/// A suspect is probed this many times between suspicion and the end of its lease (GameNetworkingSockets: every 200 ms).
const PROBES: u32 = 4;

impl Liveness {
    /// A link begins: both sides are fresh.
    pub(super) fn link_up(&mut self, now: Time) {
        self.heard = now;
        self.said = now;
        self.probed = now;
        self.grace = None;
        self.owes_pong = false;
        self.asked = false;
        self.spent_until = Nothing::units(now);
        self.pinged = 0;
        self.ponged = 0;
        self.peer_clock = 0;
    }

    /// A complete valid frame of the current link. O(1) and touches no timer.
    pub(super) const fn hear(&mut self, now: Time) {
        self.heard = now;
        self.grace = None;
    }

    /// Something came that carries nothing: whether there may be one more of it. Pings at the [rate](Nothing::price) that there is
    /// a reason for, and a [burst](PING_BURST); and a lease's worth more, for it may be our own clock that stood still while they
    /// came. Not for longer than a lease, or their writer would have given this link up.
    ///
    /// A leaky bucket, kept as the time at which it is empty again: a word that was free, and nothing that a message pays for.
    pub(super) fn spend(
        &mut self,
        now: Time,
        terms: &Terms,
        what: Nothing,
    ) -> Result<(), Violation> {
        self.forget_spent(now);
        let now = Nothing::units(now);
        let spent = self.spent_until.wrapping_sub(now) + what.price(terms);
        if spent
            > PING_BURST * Nothing::Ping.price(terms) + Nothing::of_micros(terms.lease_ms, 1_000)
        {
            return Err(Violation::TooMany);
        }
        self.spent_until = now.wrapping_add(spent);
        Ok(())
    }

    /// What was spent is free again where its time has passed. To be called once a day at least, or 32 bits would take the past for
    /// the future.
    pub(super) const fn forget_spent(&mut self, now: Time) {
        let now = Nothing::units(now);
        if self.spent_until.wrapping_sub(now) > u32::MAX / 2 {
            self.spent_until = now;
        }
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
    pub(super) fn is_ping_due(&self, now: Time, terms: &Terms, side: Side, suspect: bool) -> bool {
        now >= self.ping_at(terms, side, suspect)
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
    pub(super) fn ping_at(&self, terms: &Terms, side: Side, suspect: bool) -> Time {
        let beat = self.said + terms::quiet(terms, side);
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
        self.asked = true;
        self.pinged = now.as_micros();
        self.beat(self.nonce, now, tick)
    }

    /// The pong that is owed, if one is: the latest ping alone is answered.
    pub(super) fn pong(&mut self, now: Time, tick: u64) -> Option<Beat> {
        if !std::mem::take(&mut self.owes_pong) {
            return None;
        }
        self.ponged = now.as_micros();
        Some(self.beat(self.owed_nonce, now, tick))
    }

    pub(super) const fn owes_pong(&self) -> bool {
        self.owes_pong
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
        (self.owes_pong, self.owed_nonce) = (true, beat.nonce);
        self.measure(now, beat)
    }

    /// Whether this pong is the answer that is waited for; once.
    pub(super) fn is_answer(&mut self, beat: &Beat) -> bool {
        beat.nonce == self.nonce && std::mem::take(&mut self.asked)
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
        (self.told_tick, self.remote_tick) = (true, beat.tick);
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

    pub(super) fn remote_tick(&self) -> Option<u64> {
        self.told_tick.then_some(self.remote_tick)
    }

    /// Everything that decides what happens next, measurements left out: when what happened, and whether a pong is owed.
    pub(super) fn course(&self) -> ([Option<Time>; 4], bool) {
        let Self {
            heard,
            said,
            probed,
            grace,
            nonce: _,
            owed_nonce: _,
            owes_pong,
            told_tick: _,
            pinged: _,
            ponged: _,
            peer_clock: _,
            peer_clock_at: _,
            srtt_micros: _,
            min_rtt_micros: _,
            offset_micros: _,
            remote_tick: _,
            // How much of its patience a flood has used up: nothing that an honest peer does depends on it.
            asked: _,
            spent_until: _,
        } = self;
        let times = [Some(*heard), Some(*said), Some(*probed), *grace];
        (times, *owes_pong)
    }
}

#[cfg(test)]
mod tests;
