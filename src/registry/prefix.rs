use std::{net::IpAddr, net::SocketAddr};

/// What one subscriber has: an IPv4 address, or a /64 of IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_enums, reason = "no part of the public surface")]
pub enum Prefix {
    /// An address.
    V4([u8; 4]),
    /// The first half of one.
    V6([u16; 4]),
}

impl Prefix {
    /// What this address is of.
    #[must_use]
    pub fn of(remote: SocketAddr) -> Self {
        match remote.ip().to_canonical() {
            IpAddr::V4(ip) => Self::V4(ip.octets()),
            IpAddr::V6(ip) => {
                let [a, b, c, d, ..] = ip.segments();
                Self::V6([a, b, c, d])
            }
        }
    }
}
