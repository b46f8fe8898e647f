//! A server goes down in order: nobody new is let in, everybody is told when to leave and where to go.

use std::time::Duration;

use super::Registry;
use crate::{
    Drained, RejectCode, Rejection,
    proto::{Departure, Effects, Key, Phase, Time},
};

/// What everybody is told.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "made by the driver alone")]
pub struct Farewell {
    /// When the last session is closed.
    pub by: Time,
    /// Over how long those who are told come back.
    pub spread: Duration,
    /// Where to go instead; may be empty.
    pub redirect: String,
    /// For people; may be empty.
    pub text: String,
}

/// A drain under way, or over.
#[derive(Clone, Debug)]
pub(super) struct Drain {
    farewell: Farewell,
    /// Sessions that were told and have not ended, with everything said about it.
    left: usize,
    /// Strangers that were turned away: each has a slot of its own.
    turned_away: u32,
    drained: Drained,
}

impl Registry {
    /// Tells every session to go, each with a slot of its own: they are spread evenly. From now on nobody is admitted. Where
    /// that was done before, nothing changes.
    pub fn drain(&mut self, farewell: Farewell, now: Time, fx: &mut Effects) {
        if self.drain.is_some() {
            return;
        }
        let lives = |key: &Key| {
            self.get(*key).is_some_and(|machine| {
                machine.identity().is_some() && machine.phase() != Phase::Ended
            })
        };
        let live: Vec<Key> = self.keys().into_iter().filter(lives).collect();
        let count = u32::try_from(live.len()).unwrap_or(u32::MAX);
        self.drain = Some(Box::new(Drain {
            farewell: farewell.clone(),
            left: live.len(),
            turned_away: 0,
            drained: Drained::default(),
        }));
        let Farewell {
            by,
            spread,
            redirect,
            text,
        } = farewell;
        for (place, key) in (0..count).zip(live) {
            let slot = spread.mul_f64(f64::from(place) / f64::from(count));
            self.input(key, now, fx, |machine, cx| {
                machine.go_away(cx, by, slot, &redirect, &text);
            });
        }
    }

    /// What whoever wants to be let in is told while this server goes down; `None` while it does not.
    pub fn no_entry(&mut self) -> Option<Rejection> {
        let drain = self.drain.as_mut()?;
        drain.turned_away = drain.turned_away.wrapping_add(1);
        let Farewell {
            spread,
            redirect,
            text,
            ..
        } = &drain.farewell;
        // However many come, their slots lie evenly.
        let slot = spread.mul_f64((f64::from(drain.turned_away) * GOLDEN).fract());
        let rejection = Rejection::new(RejectCode::Draining).retry_after(slot);
        Some(rejection.redirect(redirect).text(text))
    }

    /// Whether this server goes down, or has gone.
    #[must_use]
    pub const fn is_draining(&self) -> bool {
        self.drain.is_some()
    }

    /// What became of the sessions, once none of them is left; `None` before, and where nothing is drained.
    #[must_use]
    pub fn drained(&self) -> Option<Drained> {
        let drain = self.drain.as_ref().filter(|drain| drain.left == 0)?;
        Some(drain.drained)
    }

    /// Counts a session that is over, if it was told to go.
    pub(super) fn count_departure(&mut self, key: Key) {
        let Some(drain) = &mut self.drain else { return };
        let machine = self.slots.get_mut(key.slot() as usize);
        let machine = machine.and_then(|slot| slot.machine.as_mut());
        let Some(departure) = machine.and_then(|machine| machine.take_departure()) else {
            return;
        };
        drain.left = drain.left.saturating_sub(1);
        match departure {
            Departure::Left => drain.drained.left += 1,
            Departure::Closed => drain.drained.closed += 1,
            Departure::Cut => drain.drained.cut += 1,
        }
    }
}

/// The golden ratio's fraction: its multiples fill an interval evenly, however many there are.
const GOLDEN: f64 = 0.618_033_988_749_894_9;
