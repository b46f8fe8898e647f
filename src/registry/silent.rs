use std::{cmp::Reverse, collections::BinaryHeap, time::Duration};

use super::{Registry, Slot, Standing};
use crate::{
    Closed, Reason,
    proto::{Effects, Key, Machine, Time},
};

/// Strangers who have not said who they are, by when their place is anybody's. Where places run short the first of them gives its
/// own up, so that connections that say nothing keep nobody out until their login deadline (threat T1).
///
/// Who spoke or left meanwhile is found out when its turn comes, or when there are more such entries than others.
#[derive(Clone, Debug, Default)]
pub(super) struct Silent {
    soonest: BinaryHeap<Reverse<(Time, Key)>>,
}

/// How long a stranger may say nothing and keep its place, at least. A client says LOGIN with the packet that ends the handshake of
/// TCP, and under TLS once it has heard from the server: the way around the earth and back takes some 200 ms. Longer, and a flood
/// keeps more of the others out: with 1,024 places everybody finds one where 3,400 come in a second.
const GRACE: Duration = Duration::from_millis(200);

/// So much more at most, at random: who fills all places at once does not get all of them back at once, whenever that is.
const SPREAD: Duration = Duration::from_millis(200);

/// Entries beyond twice the strangers there are before all are looked at: few enough not to matter, too many to be looked at often.
const SPARE: usize = 64;

impl Registry {
    /// How many entries there are.
    #[cfg(test)]
    pub(super) fn lined_up(&self) -> usize {
        self.silent.soonest.len()
    }

    /// A stranger's link has its first turn. Its time begins now: whoever nobody looks at may have said all there is to say. Where
    /// that took long, so will what it says next, for which it is given twice as much again.
    pub(super) fn look_at(&mut self, key: Key, now: Time) {
        let slot = self.slots.get_mut(key.slot() as usize);
        let is_new = |slot: &&mut Slot| slot.is(key, Standing::New);
        let Some(slot) = slot.filter(is_new) else {
            return;
        };
        let Some(login_by) = slot.machine.as_ref().and_then(Machine::login_by) else {
            return;
        };
        slot.standing = Standing::Silent;
        let lag = (now + self.settings.login_deadline).since(login_by);
        let (slots, soonest) = (&self.slots, &mut self.silent.soonest);
        if soonest.len() >= 2 * self.strangers.len() + SPARE {
            soonest.retain(|Reverse((_, key))| is_silent(slots, *key));
        }
        let more = SPREAD.mul_f64(self.chance.f64());
        soonest.push(Reverse((now + GRACE + more + 2 * lag, key)));
    }

    /// Whoever had time enough to speak gives its place up. False where nobody has to.
    pub(super) fn make_way(&mut self, now: Time, fx: &mut Effects) -> bool {
        while let Some(&Reverse((until, key))) = self.silent.soonest.peek() {
            let is_silent = is_silent(&self.slots, key);
            if is_silent && now < until {
                return false;
            }
            self.silent.soonest.pop();
            if is_silent {
                let why = Closed::new(Reason::LoginTimedOut).with_text("its place was needed");
                self.input(key, now, fx, |machine, cx| machine.close(cx, why));
                return true;
            }
        }
        false
    }

    /// A stranger has said who it is: what happens to it now is for the host, or for its session, to say.
    pub(super) fn has_spoken(&mut self, key: Key) {
        let slot = self.slots.get_mut(key.slot() as usize);
        if let Some(slot) = slot.filter(|slot| slot.standing != Standing::Known) {
            slot.standing = Standing::Presented;
        }
    }
}

impl Slot {
    fn is(&self, key: Key, standing: Standing) -> bool {
        self.generation == key.generation() && self.standing == standing
    }
}

fn is_silent(slots: &[Slot], key: Key) -> bool {
    let slot = slots.get(key.slot() as usize);
    slot.is_some_and(|slot| slot.is(key, Standing::Silent))
}
