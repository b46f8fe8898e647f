use std::fmt;

use fastrand::Rng;

/// What can go wrong in a simulation. The numbers are those of the list of faults in `docs/TESTING.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// F1: bytes take longer on every link of a server, up to 5 s; or no time again.
    Delay,
    /// F2: bytes take another time on one link than on the others.
    Jitter,
    /// F3: a link is cut at some byte, in one direction; both ends hear a reset.
    CutAtByte,
    /// A link is cut at once; what is on its way is lost, both ends hear a reset.
    Cut,
    /// One end of a link hears a reset, the other hears nothing.
    HalfOpen,
    /// F4: a link swallows everything in both directions, and nobody hears of it.
    BlackHole,
    /// F5: a link swallows everything in one direction.
    OneWay,
    /// F6: a link holds back what is written, for a while, and then delivers it at once (F8).
    Clog,
    /// F7, F30: a link passes some bytes at a time, down to one, and holds eight times as many: writers wait.
    Trickle,
    /// F10: a server's dials are refused for a while.
    Refuse,
    /// F10: a server's dials are answered by nobody for a while.
    Unanswered,
    /// F10: the next links to a server are cut within their first bytes.
    ResetAfterAccept,
    /// F11: one end of a link finishes writing without having asked to.
    HalfClose,
    /// F12: ends that are dropped while bytes wait for them reset the link, and take what they wrote last with them.
    ResetUnread,
    /// F14: the next dial makes two links, and the first is never used.
    DialTwice,
    /// F16: a client's process is killed, and starts again.
    CrashClient,
    /// F17: a server's process is killed, and starts again.
    CrashServer,
    /// F19: a process is stopped for up to 20 s, as by SIGSTOP, and goes on.
    Pause,
    /// F25: all processes are stopped, as where the machine was: time leaps for everybody.
    PauseAll,
    /// F27: timers fire late, by up to 100 ms, for a while.
    LateTimers,
    /// F29: a listener's next accepts fail.
    FailAccepts,
    /// F31: tasks are woken that nobody woke.
    SpuriousWakes,
    /// F37: a stranger replays what another link began with, a LOGIN or a RESUME. Who can read a link can log in as its
    /// client where no encrypted transport keeps it from that, so no swarm has this by itself.
    Replay,
    /// F41: all links of a server are cut at once.
    Storm,
    /// F42: strangers dial and say nothing.
    SilentStrangers,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 25] = [
        Self::Delay,
        Self::Jitter,
        Self::CutAtByte,
        Self::Cut,
        Self::HalfOpen,
        Self::BlackHole,
        Self::OneWay,
        Self::Clog,
        Self::Trickle,
        Self::Refuse,
        Self::Unanswered,
        Self::ResetAfterAccept,
        Self::HalfClose,
        Self::ResetUnread,
        Self::DialTwice,
        Self::CrashClient,
        Self::CrashServer,
        Self::Pause,
        Self::PauseAll,
        Self::LateTimers,
        Self::FailAccepts,
        Self::SpuriousWakes,
        Self::Replay,
        Self::Storm,
        Self::SilentStrangers,
    ];

    /// Its name, as timelines and coverage say it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Delay => "delay",
            Self::Jitter => "jitter",
            Self::CutAtByte => "cut-at-byte",
            Self::Cut => "cut",
            Self::HalfOpen => "half-open",
            Self::BlackHole => "black-hole",
            Self::OneWay => "one-way",
            Self::Clog => "clog",
            Self::Trickle => "trickle",
            Self::Refuse => "refuse",
            Self::Unanswered => "unanswered",
            Self::ResetAfterAccept => "reset-after-accept",
            Self::HalfClose => "half-close",
            Self::ResetUnread => "reset-unread",
            Self::DialTwice => "dial-twice",
            Self::CrashClient => "crash-client",
            Self::CrashServer => "crash-server",
            Self::Pause => "pause",
            Self::PauseAll => "pause-all",
            Self::LateTimers => "late-timers",
            Self::FailAccepts => "fail-accepts",
            Self::SpuriousWakes => "spurious-wakes",
            Self::Replay => "replay",
            Self::Storm => "storm",
            Self::SilentStrangers => "silent-strangers",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Which faults happen, how often each beside the others, and how often any.
///
/// Without a choice of yours a seed makes its own: it leaves some faults out and prefers others, since what hides behind
/// one fault is not found by a mixture of all.
///
/// ```
/// use sessile::sim::{Fault, Faults};
///
/// let rough = Faults::none().with(Fault::Cut, 4).with(Fault::Pause, 1).every(200);
/// assert_eq!(rough.weight(Fault::Cut), 4);
/// assert_eq!(rough.weight(Fault::Storm), 0);
/// ```
#[derive(Clone, Debug)]
pub struct Faults {
    weights: [u32; Fault::ALL.len()],
    every: u32,
}

/// Steps between two faults, on average, where nobody asks for another number: rare enough that most handshakes succeed,
/// frequent enough that many do not.
const EVERY: u32 = 150;

impl Faults {
    /// Nothing goes wrong.
    #[must_use]
    pub const fn none() -> Self {
        Self {
            weights: [0; Fault::ALL.len()],
            every: EVERY,
        }
    }

    /// Everything goes wrong, and nothing more often than anything else.
    #[must_use]
    pub const fn all() -> Self {
        Self {
            weights: [1; Fault::ALL.len()],
            every: EVERY,
        }
    }

    /// A seed's own choice: each fault is in it or not, with a weight of its own, and worlds are calm or rough.
    #[must_use]
    pub fn swarm(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed ^ 0x5377_6172_6d00); // not the numbers that the world itself draws
        let mut faults = Self::none();
        for fault in Fault::ALL {
            if rng.bool() && fault != Fault::Replay {
                faults = faults.with(fault, 1 << rng.u32(..5));
            }
        }
        faults.every((EVERY / 5) << rng.u32(..6))
    }

    /// With this fault, `weight` times as likely as one of weight 1; 0 leaves it out.
    #[must_use]
    pub fn with(mut self, fault: Fault, weight: u32) -> Self {
        self.weights[fault as usize] = weight;
        self
    }

    /// Without this fault.
    #[must_use]
    pub fn without(self, fault: Fault) -> Self {
        self.with(fault, 0)
    }

    /// One fault in so many steps, on average; at least 1. A step is a task that runs, or a move of the clock.
    #[must_use]
    pub const fn every(mut self, steps: u32) -> Self {
        self.every = if steps == 0 { 1 } else { steps };
        self
    }

    /// How likely a fault is beside the others.
    #[must_use]
    pub const fn weight(&self, fault: Fault) -> u32 {
        self.weights[fault as usize]
    }

    /// How many steps pass until the next fault.
    pub(super) fn pause(&self, rng: &mut Rng) -> u32 {
        rng.u32(0..=self.every.saturating_mul(2))
    }

    /// The next fault.
    pub(super) fn draw(&self, rng: &mut Rng) -> Option<Fault> {
        let all: u32 = self
            .weights
            .iter()
            .fold(0, |sum, &one| sum.saturating_add(one));
        if all == 0 {
            return None;
        }
        let mut at = rng.u32(..all);
        Fault::ALL.into_iter().find(|&fault| {
            let weight = self.weight(fault);
            let found = at < weight;
            at = at.saturating_sub(weight);
            found
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn faults_are_drawn_by_their_weights() {
        let faults = Faults::none().with(Fault::Cut, 3).with(Fault::Storm, 1);
        let mut rng = Rng::with_seed(1);
        let mut drawn = BTreeMap::<Fault, u32>::new();
        for _ in 0..4_000 {
            *drawn.entry(faults.draw(&mut rng).unwrap()).or_default() += 1;
        }
        assert_eq!(drawn.len(), 2);
        assert!((2_800..3_200).contains(&drawn[&Fault::Cut]), "{drawn:?}");
        assert_eq!(Faults::none().draw(&mut rng), None);
    }

    #[test]
    fn every_fault_is_in_the_list_at_its_place_and_in_some_swarms_and_not_in_others() {
        for (at, fault) in Fault::ALL.into_iter().enumerate() {
            assert_eq!(fault as usize, at);
            if fault == Fault::Replay {
                continue;
            }
            let with = (0..100)
                .filter(|&seed| Faults::swarm(seed).weight(fault) > 0)
                .count();
            assert!((20..80).contains(&with), "{fault}: in {with} of 100");
        }
    }
}
