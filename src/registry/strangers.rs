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

impl Strangers {
    /// Whether one more may come from there. A transport without addresses is limited in all alone. `chance`, a random number,
    /// decides where places run short.
    pub(super) fn has_room(
        &self,
        remote: Option<SocketAddr>,
        settings: &Settings,
        chance: u32,
    ) -> bool {
        let near = remote.map_or(0, |remote| self.from(Prefix::of(remote)));
        self.all < settings.pending_logins
            && near < settings.pending_per_prefix
            && !self.is_dropped_early(settings, chance)
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
            assert!(strangers.has_room(at(ip), &settings, 0), "{ip}");
            strangers.enter(at(ip));
        }
        assert!(
            !strangers.has_room(at("2001:db8::3"), &settings, 0),
            "the same /64"
        );
        assert!(
            !strangers.has_room(at("192.0.2.1"), &settings, 0),
            "the same address, mapped or not"
        );
        assert!(
            strangers.has_room(at("2001:db8:0:1::1"), &settings, 0),
            "the next /64"
        );
        assert!(
            strangers.has_room(at("192.0.2.2"), &settings, 0),
            "the next address"
        );
        strangers.enter(None);
        assert!(
            !strangers.has_room(at("192.0.2.2"), &settings, 0),
            "five in all"
        );
        strangers.leave(at("192.0.2.1"));
        assert!(strangers.has_room(at("192.0.2.1"), &settings, 0));
    }

    #[test]
    fn the_fewer_places_are_left_the_more_are_dropped_and_never_one_too_many_is_let_in() {
        let config = Config::new()
            .pending_logins(1_000)
            .pending_per_prefix(1_000);
        let settings = config.validate().unwrap();
        let mut strangers = Strangers::default();
        let dropped = |strangers: &Strangers| {
            let has_room = |chance: &u32| !strangers.has_room(None, &settings, *chance);
            (0..300).filter(has_room).count()
        };
        for taken in 0..=1_000usize {
            assert_eq!(dropped(&strangers), taken.saturating_sub(700), "{taken}");
            strangers.enter(None);
        }
        assert!(!strangers.has_room(None, &settings, 299));
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
