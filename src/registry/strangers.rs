use std::{collections::HashMap, net::SocketAddr};

use super::prefix::Prefix;
use crate::{
    canary::{Canary, sings},
    config::Settings,
};

/// How many links have a peer that nobody has admitted: in all, and from one address prefix, so that one network cannot take
/// all the places (threat T1).
#[derive(Clone, Debug, Default)]
pub(super) struct Strangers {
    all: usize,
    by_prefix: HashMap<Prefix, usize>,
}

/// Whether there is a place for one more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Room {
    Free,
    /// There is where somebody else gives a place up.
    Short,
    None,
}

impl Strangers {
    /// Whether one more may come from there. A transport without addresses is limited in all alone. `chance`, a random number,
    /// decides where places run short.
    pub(super) fn room(
        &self,
        remote: Option<SocketAddr>,
        settings: &Settings,
        chance: u32,
    ) -> Room {
        let near = remote.map_or(0, |remote| self.from(Prefix::of(remote)));
        if near >= settings.pending_per_prefix {
            Room::None
        } else if self.all >= settings.pending_logins || self.is_dropped_early(settings, chance) {
            Room::Short
        } else {
            Room::Free
        }
    }

    /// Random early drop: from `early_drop` percent of the places on, likelier with each that is taken, up to certainty.
    fn is_dropped_early(&self, settings: &Settings, chance: u32) -> bool {
        let places = settings.pending_logins;
        let from = places * settings.early_drop as usize / 100;
        let taken = self.all.saturating_sub(from);
        chance as usize % (places - from).max(1) < taken
    }

    pub(super) fn enter(&mut self, remote: Option<SocketAddr>) {
        self.all += 1;
        if let Some(remote) = remote {
            *self.by_prefix.entry(Prefix::of(remote)).or_default() += 1;
        }
    }

    /// It was admitted, or left.
    pub(super) fn leave(&mut self, remote: Option<SocketAddr>) {
        if sings(Canary::StrangersNeverLeave) {
            return;
        }
        self.all -= 1;
        let Some(prefix) = remote.map(Prefix::of) else {
            return;
        };
        if let Some(near) = self.by_prefix.get_mut(&prefix) {
            *near -= 1;
            if *near == 0 {
                self.by_prefix.remove(&prefix);
            }
        }
    }

    pub(super) const fn len(&self) -> usize {
        self.all
    }

    fn from(&self, prefix: Prefix) -> usize {
        self.by_prefix.get(&prefix).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;

    fn at(ip: &str) -> Option<SocketAddr> {
        Some(SocketAddr::new(ip.parse().unwrap(), 7000))
    }

    #[test]
    fn one_network_cannot_take_all_the_places() {
        let config = Config::new()
            .pending_logins(5)
            .pending_per_prefix(2)
            .early_drop(100);
        let settings = config.validate().unwrap();
        let mut strangers = Strangers::default();
        for ip in [
            "2001:db8::1",
            "2001:db8::2",
            "192.0.2.1",
            "::ffff:192.0.2.1",
        ] {
            assert_eq!(strangers.room(at(ip), &settings, 0), Room::Free, "{ip}");
            strangers.enter(at(ip));
        }
        let room = |strangers: &Strangers, ip| strangers.room(at(ip), &settings, 0);
        assert_eq!(room(&strangers, "2001:db8::3"), Room::None, "the same /64");
        assert_eq!(
            room(&strangers, "192.0.2.1"),
            Room::None,
            "the same address, mapped or not"
        );
        assert_eq!(
            room(&strangers, "2001:db8:0:1::1"),
            Room::Free,
            "the next /64"
        );
        assert_eq!(
            room(&strangers, "192.0.2.2"),
            Room::Free,
            "the next address"
        );
        strangers.enter(None);
        assert_eq!(room(&strangers, "192.0.2.2"), Room::Short, "five in all");
        assert_eq!(
            room(&strangers, "192.0.2.1"),
            Room::None,
            "nobody gives way to a network that has its share"
        );
        strangers.leave(at("192.0.2.1"));
        assert_eq!(room(&strangers, "192.0.2.1"), Room::Free);
    }

    #[test]
    fn the_fewer_places_are_left_the_more_are_dropped_and_never_one_too_many_is_let_in() {
        let config = Config::new()
            .pending_logins(1_000)
            .pending_per_prefix(1_000);
        let settings = config.validate().unwrap();
        let mut strangers = Strangers::default();
        let dropped = |strangers: &Strangers| {
            let short = |chance: &u32| strangers.room(None, &settings, *chance) == Room::Short;
            (0..300).filter(short).count()
        };
        for taken in 0..=1_000usize {
            assert_eq!(dropped(&strangers), taken.saturating_sub(700), "{taken}");
            strangers.enter(None);
        }
        assert_eq!(strangers.room(None, &settings, 299), Room::Short);
    }

    #[test]
    fn nothing_is_kept_of_who_left() {
        let mut strangers = Strangers::default();
        for ip in ["2001:db8::1", "192.0.2.1"] {
            strangers.enter(at(ip));
            strangers.leave(at(ip));
        }
        assert_eq!((strangers.len(), strangers.by_prefix.len()), (0, 0));
    }
}
