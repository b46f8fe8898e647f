use std::{collections::VecDeque, time::Duration};

use super::{Registry, Slot, Standing};
use crate::{
    Closed, Reason,
    proto::{Effects, Key, Time},
};

/// Strangers who have not said who they are, in the order in which they came. Where places run short the first of them gives its
/// own up, so that connections that say nothing keep nobody out until their login deadline (threat T1).
///
/// Who spoke or left meanwhile is found out when its turn comes, or when there are more such entries than others.
#[derive(Clone, Debug, Default)]
pub(super) struct Silent {
    order: VecDeque<(Time, Key)>,
}

/// How long a stranger may say nothing and keep its place. A client says LOGIN with the packet that ends the handshake of TCP, and
/// under TLS once it has heard from the server: 250 ms is more than the way around the earth and back takes (some 200 ms).
/// Longer, and a flood keeps more of the others out: of 4,096 that come in a second (1,024 places) everybody finds one.
const GRACE: Duration = Duration::from_millis(250);

/// Entries beyond twice the strangers there are before all are looked at: few enough not to matter, too many to be looked at often.
const SPARE: usize = 64;

impl Registry {
    /// How many entries there are.
    #[cfg(test)]
    pub(super) fn lined_up(&self) -> usize {
        self.silent.order.len()
    }

    /// A stranger came.
    pub(super) fn line_up(&mut self, key: Key, now: Time) {
        let (slots, order) = (&self.slots, &mut self.silent.order);
        if order.len() >= 2 * self.strangers.len() + SPARE {
            order.retain(|&(_, key)| is_silent(slots, key));
        }
        order.push_back((now, key));
    }

    /// Whoever has been silent longest gives its place up, where it had the time to speak. False where nobody has to.
    pub(super) fn make_way(&mut self, now: Time, fx: &mut Effects) -> bool {
        while let Some(&(came, key)) = self.silent.order.front() {
            let is_silent = is_silent(&self.slots, key);
            if is_silent && now.since(came) < GRACE {
                return false;
            }
            self.silent.order.pop_front();
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
        if let Some(slot) = slot.filter(|slot| slot.standing == Standing::Silent) {
            slot.standing = Standing::Presented;
        }
    }
}

fn is_silent(slots: &[Slot], key: Key) -> bool {
    slots.get(key.slot() as usize).is_some_and(|slot| {
        slot.generation == key.generation() && slot.standing == Standing::Silent
    })
}
