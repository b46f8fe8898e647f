use std::{collections::HashMap, net::IpAddr, net::SocketAddr};

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

/// What one subscriber has: an IPv4 address, or a /64 of IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Prefix {
    V4([u8; 4]),
    V6([u16; 4]),
}

impl Strangers {
    /// Whether one more may come from there. A transport without addresses is limited in all alone.
    pub(super) fn has_room(&self, remote: Option<SocketAddr>, settings: &Settings) -> bool {
        let near = remote.map_or(0, |remote| self.from(Prefix::of(remote)));
        self.all < settings.pending_logins && near < settings.pending_per_prefix
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

impl Prefix {
    fn of(remote: SocketAddr) -> Self {
        match remote.ip().to_canonical() {
            IpAddr::V4(ip) => Self::V4(ip.octets()),
            IpAddr::V6(ip) => {
                let [a, b, c, d, ..] = ip.segments();
                Self::V6([a, b, c, d])
            }
        }
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
        let config = Config::new().pending_logins(5).pending_per_prefix(2);
        let settings = config.validate().unwrap();
        let mut strangers = Strangers::default();
        for ip in [
            "2001:db8::1",
            "2001:db8::2",
            "192.0.2.1",
            "::ffff:192.0.2.1",
        ] {
            assert!(strangers.has_room(at(ip), &settings), "{ip}");
            strangers.enter(at(ip));
        }
        assert!(
            !strangers.has_room(at("2001:db8::3"), &settings),
            "the same /64"
        );
        assert!(
            !strangers.has_room(at("192.0.2.1"), &settings),
            "the same address, mapped or not"
        );
        assert!(
            strangers.has_room(at("2001:db8:0:1::1"), &settings),
            "the next /64"
        );
        assert!(
            strangers.has_room(at("192.0.2.2"), &settings),
            "the next address"
        );
        strangers.enter(None);
        assert!(
            !strangers.has_room(at("192.0.2.2"), &settings),
            "five in all"
        );
        strangers.leave(at("192.0.2.1"));
        assert!(strangers.has_room(at("192.0.2.1"), &settings));
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
