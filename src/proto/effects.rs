use std::{fmt, net::SocketAddr, ops::BitOr, time::Duration};

use bytes::Bytes;

use super::{Snapshot, Time};
use crate::{Event, config::Settings};

/// A session's place in the registry, and its id on the wire: a slot and the slot's generation.
///
/// Generations start at a random number in every runtime and grow with every use of a slot, so that an id is never
/// used twice, not even by the server's next life.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(u64);

impl Key {
    /// The key of this slot in this generation.
    #[must_use]
    pub const fn new(slot: u32, generation: u32) -> Self {
        Self((generation as u64) << 32 | slot as u64)
    }

    /// A key as it came over the wire; it may name nothing.
    #[must_use]
    pub const fn from_u64(id: u64) -> Self {
        Self(id)
    }

    /// The id as it goes over the wire.
    #[must_use]
    pub const fn as_u64(self) -> u64 {
        self.0
    }

    /// The slot.
    #[must_use]
    pub const fn slot(self) -> u32 {
        self.0 as u32
    }

    /// The slot's generation.
    #[must_use]
    pub const fn generation(self) -> u32 {
        (self.0 >> 32) as u32
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:08x}", self.slot(), self.generation())
    }
}

/// Number of a link within its session, on this side alone: what a late frame of an older link is recognised by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LinkId(pub(super) u32);

/// What every input of the machine is given: the time, the limits, the application's tick, and where effects go.
#[derive(Debug)]
#[expect(clippy::exhaustive_structs, reason = "made by the registry alone")]
pub struct Cx<'a> {
    /// Now.
    pub now: Time,
    /// How much later than planned this timeout is handled; zero for every other input. What makes the machine
    /// forgive: silence that we slept through proves nothing about the peer.
    pub late: Duration,
    /// The runtime's limits.
    pub settings: &'a Settings,
    /// The application's tick, told to peers in heartbeats.
    pub tick: u64,
    /// The host is at hand: a message may be given to it at once instead of being put into the mailbox.
    pub direct: bool,
    /// The message of the frame that is given, where it can be kept without a copy.
    pub whole: Option<Bytes>,
    /// Where effects go.
    pub fx: &'a mut Effects,
}

/// What inputs brought about, in order, for the driver to perform.
#[derive(Debug, Default)]
pub struct Effects {
    list: Vec<Effect>,
    round_trip: Option<Duration>,
}

impl Effects {
    /// Takes one effect, oldest first.
    pub fn drain(&mut self) -> std::vec::Drain<'_, Effect> {
        self.list.drain(..)
    }

    /// Takes who is to be woken, where that is all there is: so it is after most inputs.
    #[inline]
    pub fn take_only_wake(&mut self) -> Option<(Key, Wake)> {
        let &[Effect::Wake(key, who)] = self.list.as_slice() else {
            return None;
        };
        self.list.clear();
        Some((key, who))
    }

    /// Whether there is nothing to perform, and nothing was measured.
    #[must_use]
    #[inline]
    pub fn is_calm(&self) -> bool {
        self.is_empty() && self.round_trip.is_none()
    }

    /// Whether there is nothing to perform.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// What a heartbeat measured since this was asked last: the last sample, not smoothed.
    pub const fn take_round_trip(&mut self) -> Option<Duration> {
        self.round_trip.take()
    }

    pub(super) const fn measured(&mut self, round_trip: Option<Duration>) {
        if round_trip.is_some() {
            self.round_trip = round_trip;
        }
    }

    /// Adds an effect.
    pub fn push(&mut self, effect: Effect) {
        self.list.push(effect);
    }
}

/// One thing for the driver to do.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "the driver performs each of them")]
pub enum Effect {
    /// Tell observers.
    Event(Event),
    /// A session that was logged in ends: how it stood at that moment. Its last event follows.
    Ended(Box<Snapshot>),
    /// Open a link for this session, and answer with `link_up` or `dial_failed`.
    Dial(Key, LinkId),
    /// A peer has presented itself: show it to the host.
    Offered(Key),
    /// Wake whoever sleeps on these.
    Wake(Key, Wake),
}

/// Who waits for a session: a set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wake(u8);

impl Wake {
    /// Nobody.
    pub const NONE: Self = Self(0);
    /// Whoever waits for a message.
    pub const RECV: Self = Self(1);
    /// Whoever waits for room in the window.
    pub const SEND: Self = Self(2);
    /// Whoever waits for a change of phase: login, resume, close, admission.
    pub const STATE: Self = Self(4);
    /// The task that drives the current link.
    pub const LINK: Self = Self(8);
    /// Whoever asked whether the peer is there.
    pub const PROBE: Self = Self(16);
    /// Everybody.
    pub const ALL: Self = Self(31);

    /// Whether this set has one of `others` in it.
    #[must_use]
    pub const fn has(self, others: Self) -> bool {
        self.0 & others.0 != 0
    }
}

impl BitOr for Wake {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// What a peer presented at login, before anybody judged it.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "made by the machine alone")]
pub struct Offer {
    /// The credentials, opaque to this library.
    pub credentials: Bytes,
    /// Where the link comes from, if the transport knows.
    pub remote: Option<SocketAddr>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_of_sleepers_has_whom_it_was_made_of_and_nobody_else() {
        let set = Wake::RECV | Wake::LINK;
        assert_eq!(set | Wake::RECV, set);
        for (one, is_in) in [
            (Wake::RECV, true),
            (Wake::SEND, false),
            (Wake::STATE, false),
            (Wake::LINK, true),
            (Wake::PROBE, false),
        ] {
            assert_eq!(set.has(one), is_in, "{one:?}");
            assert!(Wake::ALL.has(one) && !Wake::NONE.has(one));
        }
    }

    #[test]
    fn effects_come_out_in_order_and_once() {
        let mut effects = Effects::default();
        assert!(effects.is_empty());
        let keys = [Key::new(1, 2), Key::new(3, 4)];
        for key in keys {
            effects.push(Effect::Offered(key));
            assert!(!effects.is_empty());
        }
        let drained = effects.drain().map(|effect| match effect {
            Effect::Offered(key) => key,
            other => panic!("{other:?}"),
        });
        assert_eq!(drained.collect::<Vec<_>>(), keys);
        assert!(effects.is_empty());
    }

    #[test]
    fn a_key_is_shown_as_its_slot_and_its_generation() {
        assert_eq!(format!("{:?}", Key::new(7, 0xAB)), "7.000000ab");
    }
}
