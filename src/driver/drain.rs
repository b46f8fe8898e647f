//! A server goes down in order. The registry tells its sessions and counts them; here is who waits for it, and what follows.

use std::{
    task::{Context, Poll},
    time::Duration,
};

use super::{Owner, Sleep, hub::Hub};
use crate::{
    Drained,
    proto::{Machine, Time},
    registry::Farewell,
};

/// How long after its deadline a drain waits for hosts that were not told of every end: for as long as it may take in all.
const PATIENCE: Duration = Duration::from_secs(1);

impl Owner {
    /// Begins, unless that was done already. What comes back ends when it is over at the latest.
    pub(crate) fn drain(
        &self,
        deadline: Duration,
        spread: Duration,
        redirect: &str,
        text: &str,
    ) -> Sleep {
        let by = self.shared().with(|hub, now| {
            let farewell = Farewell {
                by: now + deadline,
                spread,
                redirect: redirect.to_owned(),
                text: text.to_owned(),
            };
            hub.drain(farewell, now);
            now + deadline
        });
        self.shared().clock.sleep_until(by + PATIENCE)
    }

    /// Waits until nobody is left, the runtime has stopped, and every host knows; where it is late, not for the hosts.
    pub(crate) fn poll_drained(&self, late: bool, cx: &Context<'_>) -> Poll<Drained> {
        self.shared().with(|hub, _| match hub.registry.drained() {
            Some(drained) if late || hub.all_is_told() => Poll::Ready(drained),
            _ => {
                hub.drainers.retain(|waker| !waker.will_wake(cx.waker()));
                hub.drainers.push(cx.waker().clone());
                Poll::Pending
            }
        })
    }
}

impl Hub {
    fn drain(&mut self, farewell: Farewell, now: Time) {
        let Self { registry, fx, .. } = self;
        registry.drain(farewell, now, fx);
        // Whoever waits to be judged is not let in any more.
        for gate in 0..self.gates.len() {
            self.turn_away_waiting(gate, now);
        }
    }

    /// Behind every entry while a server goes down: when nobody is left the runtime stops, whoever still owns it.
    pub(super) fn go_on_draining(&mut self) {
        if self.registry.drained().is_none() {
            return;
        }
        if !self.stopping {
            self.stop_drained();
            self.perform_effects();
            self.stop_observers();
        }
        if self.all_is_told() {
            for waker in std::mem::take(&mut self.drainers) {
                self.todo.wake(Some(waker));
            }
        }
    }

    fn stop_drained(&mut self) {
        // What has ended and was said stays for its handle, which may still ask what was not delivered.
        let open = |machine: &Machine| !machine.is_settled();
        let mut keys = self.registry.keys();
        keys.retain(|key| self.registry.get(*key).is_some_and(open));
        self.stop(keys, self.now);
    }

    fn all_is_told(&self) -> bool {
        self.gates.iter().all(|gate| gate.untold == 0)
    }
}
