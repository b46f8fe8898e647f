//! The sessions of a runtime: by id, by identity, by deadline. Pure: no lock, no clock, no I/O; the driver locks it, a
//! simulator owns it.
//!
//! It obeys the [contract](crate::proto) of the machines in one place, [`Registry::input`]'s tail: after every input it
//! collects who is to be woken, keeps the identity index true, and arms the session's one deadline.

mod admission;
mod bans;
mod drain;
mod failures;
mod holders;
mod index;
mod links;
mod lookup;
mod port;
mod prefix;
mod rate;
mod restless;
mod returning;
mod silent;
mod strangers;
mod tombstones;
mod wheel;

#[cfg(test)]
mod tests;

use std::time::Duration;

pub use bans::{Listed, Whom};
pub use drain::Farewell;
pub(crate) use holders::Room;
pub use port::{Port, Reading};
pub use prefix::Prefix;
pub use returning::Returning;
pub use wheel::Wheel;

use crate::{
    canary::{Canary, sings},
    config::Settings,
    proto::{Cx, Effect, Effects, Key, Machine, Phase, Time, Wake},
};
use fastrand::Rng;

use bans::Bans;
use drain::Drain;
use failures::Failures;
use index::Index;
use rate::Rate;
use restless::Restless;
use silent::Silent;
use strangers::Strangers;
use tombstones::Tombstones;

/// All sessions of one runtime.
#[derive(Clone, Debug)]
pub struct Registry {
    settings: Settings,
    slots: Vec<Slot>,
    free: Vec<u32>,
    first_generation: u32,
    by_identity: Index,
    wheel: Wheel,
    tick: u64,
    strangers: Strangers,
    silent: Silent,
    failed_logins: Failures,
    failed_resumes: Failures,
    rate: Rate,
    /// The host is asked about sessions that come back.
    rechecks: bool,
    /// Who proved a session's secret in the last [`read`](Self::read), where the host is asked first.
    returning: Option<Box<Returning>>,
    restless: Restless,
    tombstones: Tombstones,
    bans: Bans,
    /// Who is dropped where places run short.
    chance: Rng,
    rearmed: bool,
    /// The highest epoch of any session that ended: whoever logs in anew begins above it, so that epochs grow for every
    /// identity although nothing is kept of those who left.
    last_epoch: u64,
    /// This server goes down, or has gone.
    drain: Option<Box<Drain>>,
}

#[derive(Clone, Debug)]
struct Slot {
    generation: u32,
    standing: Standing,
    /// It wants to come back, and was told when.
    booked: bool,
    /// It ended, and is among the tombstones.
    remembered: bool,
    machine: Option<Machine>,
}

/// What the peer of a slot is to the door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// A stranger whom nobody has looked at yet.
    New,
    /// A stranger who has not said who it is.
    Silent,
    /// A stranger who has.
    Presented,
    /// It has been judged. Or there is nobody.
    Known,
}

/// Timeouts handled in one go, so that a burst of them holds nobody up for long (about 50 us).
const DUE_BUDGET: usize = 256;

impl Registry {
    /// An empty registry. `seed` makes ids differ from those of any earlier life of this server, and is all its randomness.
    #[must_use]
    pub fn new(settings: Settings, seed: u32) -> Self {
        Self {
            settings,
            slots: Vec::new(),
            free: Vec::new(),
            first_generation: seed,
            by_identity: Index::default(),
            wheel: Wheel::new(),
            tick: 0,
            strangers: Strangers::default(),
            silent: Silent::default(),
            failed_logins: Failures::default(),
            failed_resumes: Failures::default(),
            rate: Rate::default(),
            rechecks: false,
            returning: None,
            restless: Restless::default(),
            tombstones: Tombstones::default(),
            bans: Bans::default(),
            chance: Rng::with_seed(u64::from(seed)),
            rearmed: false,
            last_epoch: 0,
            drain: None,
        }
    }

    /// The limits that every session here lives by.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The application's tick, told to peers in heartbeats from now on.
    pub const fn set_tick(&mut self, tick: u64) {
        self.tick = tick;
    }

    /// A client's session.
    pub fn dialer(&mut self, instance: [u8; 16], login_attempt: u64, seed: u64) -> Key {
        let key = self.free_key();
        self.put(Machine::dialer(key, instance, login_attempt, seed));
        key
    }

    /// Gives one input to a session, then settles what follows from it. `None` where there is no such session.
    pub fn input<R>(
        &mut self,
        key: Key,
        now: Time,
        fx: &mut Effects,
        give: impl FnOnce(&mut Machine, &mut Cx<'_>) -> R,
    ) -> Option<R> {
        self.input_late(key, now, Duration::ZERO, fx, give)
    }

    /// The same for an input that moves no deadline, begins no phase and needs no time: a message to be sent is handed in. Whoever is
    /// to be woken is all that follows from it.
    pub fn hand<R>(&mut self, key: Key, give: impl FnOnce(&mut Machine) -> R) -> Option<(R, Wake)> {
        let machine = machine_of(&mut self.slots, key)?;
        let known =
            |machine: &Machine| cfg!(debug_assertions).then(|| (machine.phase(), machine.course()));
        let before = known(machine);
        let given = give(machine);
        debug_assert_eq!(before, known(machine), "that was more than a message");
        Some((given, machine.take_wake()))
    }

    fn input_late<R>(
        &mut self,
        key: Key,
        now: Time,
        late: Duration,
        fx: &mut Effects,
        give: impl FnOnce(&mut Machine, &mut Cx<'_>) -> R,
    ) -> Option<R> {
        let machine = machine_of(&mut self.slots, key)?;
        let mut cx = Cx {
            now,
            late,
            settings: &self.settings,
            tick: self.tick,
            direct: false,
            whole: None,
            fx,
        };
        let before = machine.course();
        let given = give(machine, &mut cx);
        let beaten = machine.take_beaten();
        // Most inputs leave a session on the course it was on, and no deadline nearer than it was: that is all then.
        let stays = before.is_some_and(|before| machine.stays(&before));
        if stays && !beaten {
            let wake = machine.take_wake();
            if wake != Wake::NONE {
                fx.push(Effect::Wake(key, wake));
            }
        } else {
            self.settle(key, now, beaten, fx);
        }
        Some(given)
    }

    /// The other half of the contract: what every input is followed by.
    fn settle(&mut self, key: Key, now: Time, beaten: bool, fx: &mut Effects) {
        let Some(slot) = self.slots.get_mut(key.slot() as usize) else {
            return;
        };
        let Some(machine) = &mut slot.machine else {
            return;
        };
        machine.stamp(now);
        let wake = machine.take_wake();
        if wake != Wake::NONE {
            fx.push(Effect::Wake(key, wake));
        }
        if slot.standing != Standing::Known && !machine.is_stranger() {
            slot.standing = Standing::Known;
            self.strangers.leave(machine.remote());
            if admission::is_failed_login(machine) {
                let patience = admission::patience_of_logins(&self.settings);
                self.failed_logins.count(machine.remote(), now, patience);
            }
        }
        if machine.phase() == Phase::Ended
            && let Some(identity) = machine.identity()
            && self.by_identity.remove(identity.as_bytes(), key.slot())
        {
            self.last_epoch = self.last_epoch.max(machine.epoch());
            let (identity, before) = (identity.clone(), machine.logged_in_at());
            self.count_leaving(&identity, before, now);
        }
        let Some(machine) = self.get(key) else {
            return;
        };
        let (past, forgettable) = (machine.is_past(), machine.is_forgettable(now));
        self.count_departure(key);
        if forgettable {
            return self.forget(key);
        }
        if past {
            self.remember(key);
        }
        self.rearm(key, beaten);
    }

    /// Arms the session's one deadline, where it is nearer than what was armed, or where a beat moved it.
    fn rearm(&mut self, key: Key, beaten: bool) {
        let Some(machine) = self.get(key) else {
            return;
        };
        let Some(deadline) = machine.deadline(&self.settings) else {
            return;
        };
        let armed = self.wheel.armed(key.slot());
        let nearer = armed.is_none_or(|armed| deadline < armed);
        if nearer || beaten {
            self.wheel.arm(key.slot(), deadline);
            self.rearmed |= nearer;
        }
    }

    /// Whether a deadline was armed since this was asked last: [`next_deadline`](Self::next_deadline) may be earlier.
    pub const fn take_rearmed(&mut self) -> bool {
        std::mem::replace(&mut self.rearmed, false)
    }

    /// The same, without answering for it.
    #[must_use]
    pub const fn is_rearmed(&self) -> bool {
        self.rearmed
    }

    /// When [`handle_due`](Self::handle_due) has something to do, if nothing happens before.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Time> {
        self.wheel.next()
    }

    /// Lets time pass for the sessions whose deadline came. True where the budget ended it and more are due.
    pub fn handle_due(&mut self, now: Time, fx: &mut Effects) -> bool {
        self.restless.sweep(now);
        for _ in 0..DUE_BUDGET {
            // Popping forgets when the deadline was, and how late we are is what forgives a peer its silence.
            let planned = self.wheel.next().unwrap_or(now);
            let Some(slot) = self.wheel.pop_due(now) else {
                return false;
            };
            let Some(key) = self.key_of(slot) else {
                continue;
            };
            self.input_late(key, now, now.since(planned), fx, Machine::handle_timeout);
            if !sings(Canary::DeadlineNotRearmed) {
                self.rearm(key, false);
            }
            debug_assert!(
                self.get(key)
                    .and_then(|machine| machine.deadline(&self.settings))
                    .is_none_or(|next| next > now),
                "a deadline that stays due keeps the timer busy for ever: {:?}",
                self.get(key)
            );
        }
        true
    }

    fn free_key(&mut self) -> Key {
        if let Some(slot) = self.free.pop() {
            return Key::new(
                slot,
                self.slots
                    .get(slot as usize)
                    .map_or(0, |slot| slot.generation),
            );
        }
        let slot = u32::try_from(self.slots.len()).unwrap_or(u32::MAX);
        self.slots.push(Slot {
            generation: self.first_generation,
            standing: Standing::Known,
            booked: false,
            remembered: false,
            machine: None,
        });
        Key::new(slot, self.first_generation)
    }

    fn put(&mut self, machine: Machine) {
        if let Some(slot) = self.slots.get_mut(machine.key().slot() as usize) {
            slot.standing = Standing::Known;
            slot.booked = false;
            slot.remembered = false;
            if machine.is_stranger() {
                slot.standing = Standing::New;
                self.strangers.enter(machine.remote());
            }
            slot.machine = Some(machine);
        }
    }

    fn forget(&mut self, key: Key) {
        self.wheel.disarm(key.slot());
        if let Some(slot) = self.slots.get_mut(key.slot() as usize) {
            let machine = slot.machine.take();
            if std::mem::replace(&mut slot.standing, Standing::Known) != Standing::Known {
                self.strangers
                    .leave(machine.and_then(|machine| machine.remote()));
            }
            slot.generation = slot.generation.wrapping_add(1);
            self.free.push(key.slot());
        }
    }
}

/// The session, where it is still there. Of the slots alone: an input lends the machine other parts of the registry.
#[inline]
fn machine_of(slots: &mut [Slot], key: Key) -> Option<&mut Machine> {
    let slot = slots.get_mut(key.slot() as usize)?;
    let machine = slot.machine.as_mut();
    machine.filter(|_| slot.generation == key.generation())
}
