use super::Sessions;
use crate::{
    BansFull, Identity, IntoIdentity, Rejection,
    registry::{Prefix, Whom},
};
use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

/// Who is not wanted: made of whatever can be admitted, or of an address.
///
/// ```
/// use sessile::{Banned, Identity};
/// use std::net::IpAddr;
///
/// assert_eq!(Banned::from(7u64).to_string(), "7");
/// assert_eq!(Banned::from(Identity::new("mallory")?).to_string(), "mallory");
/// let network: IpAddr = "2001:db8::7".parse().expect("an address");
/// assert_eq!(Banned::from(network).to_string(), "2001:db8::/64");
/// # Ok::<(), sessile::TooLong>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Banned {
    /// Whoever the host admits under this name.
    Identity(Identity),
    /// Whoever comes from this IPv4 address, or from the /64 network of this IPv6 address: what one subscriber has.
    Network(IpAddr),
}

/// A ban: of whom, for how long, in what words.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ban {
    /// Of whom. Of a network, its first address.
    pub banned: Banned,
    /// How much of it is left; `None` where it lasts as long as the process.
    pub left: Option<Duration>,
    /// What is told now.
    pub why: Rejection,
}

/// Who is not wanted here. The list is in memory: it is bounded by [`Config::max_bans`](crate::Config::max_bans), and a server that starts
/// again has an empty one.
impl Sessions {
    /// Bans an identity, or a network, for so long, or (`None`) for as long as this process lives. Its sessions end, those without a
    /// link too, and none begins or comes back until then. How many ended is returned.
    ///
    /// An identity is known only once the host has named it: its login is refused after `admit`. A network's login is refused before
    /// the host is asked, and a session that comes back from there ends.
    ///
    /// What they hear is `why`: [`RejectCode::Banned`](crate::RejectCode::Banned) or a [code of the host's own](Rejection::other), and
    /// its text. (Codes that speak of the server, such as full, become `Banned`.) When to try again is the ban's to say: after
    /// what is left of it where that is 5 min at most, else never, for a wait of hours cannot be told. Where it is longer, let
    /// the text say until when.
    ///
    /// Who is banned already is banned anew, for longer or shorter.
    ///
    /// # Errors
    ///
    /// [`BansFull`]: as many are banned as [`Config::max_bans`](crate::Config::max_bans) allows. The sessions have ended all the same.
    ///
    /// ```
    /// use sessile::{BansFull, Rejection, Sessions};
    /// use std::time::Duration;
    ///
    /// const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    ///
    /// fn ban(sessions: &Sessions, account: u64) -> Result<(), BansFull> {
    ///     let ended = sessions.ban(account, DAY, &Rejection::banned().text("cheating; until tomorrow"))?;
    ///     println!("{account}: {ended} sessions ended");
    ///     Ok(())
    /// }
    /// ```
    pub fn ban(
        &self,
        whom: impl Into<Banned>,
        lasting: impl Into<Option<Duration>>,
        why: &Rejection,
    ) -> Result<usize, BansFull> {
        let (ended, kept) = self
            .collection()
            .ban(&whom.into().whom(), lasting.into(), why);
        match kept {
            true => Ok(ended),
            false => Err(BansFull::new(ended)),
        }
    }

    /// Bans it no longer. False where it was not banned.
    pub fn unban(&self, whom: impl Into<Banned>) -> bool {
        self.collection().unban(&whom.into().whom())
    }

    /// Who is banned, in order: identities by their bytes, then networks. Without stopping the server meanwhile.
    ///
    /// ```
    /// use sessile::Sessions;
    ///
    /// fn print_bans(sessions: &Sessions) {
    ///     for ban in sessions.bans() {
    ///         println!("{}: {:?} left, {}", ban.banned, ban.left, ban.why);
    ///     }
    /// }
    /// ```
    pub fn bans(&self) -> impl Iterator<Item = Ban> + use<> {
        let collection = self.collection().clone();
        let mut last = None;
        std::iter::from_fn(move || {
            let page = collection.ban_page(last.as_ref());
            last = Some(page.last()?.0.clone());
            Some(page)
        })
        .flatten()
        .map(|(whom, left, why)| Ban {
            banned: Banned::of(whom),
            left,
            why,
        })
    }
}

impl Banned {
    fn whom(self) -> Whom {
        match self {
            Self::Identity(identity) => Whom::Identity(identity),
            Self::Network(ip) => Whom::Network(Prefix::of_ip(ip)),
        }
    }

    fn of(whom: Whom) -> Self {
        match whom {
            Whom::Identity(identity) => Self::Identity(identity),
            Whom::Network(network) => Self::Network(network.first()),
        }
    }
}

impl<I: IntoIdentity> From<I> for Banned {
    fn from(identity: I) -> Self {
        Self::Identity(identity.into_identity())
    }
}

impl From<IpAddr> for Banned {
    fn from(network: IpAddr) -> Self {
        Self::Network(network)
    }
}

/// The network that a link comes from.
impl From<SocketAddr> for Banned {
    fn from(remote: SocketAddr) -> Self {
        Self::Network(remote.ip())
    }
}

impl fmt::Display for Banned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Identity(identity) => identity.fmt(f),
            Self::Network(ip) => match Prefix::of_ip(*ip) {
                network @ Prefix::V4(_) => network.first().fmt(f),
                network @ Prefix::V6(_) => write!(f, "{}/64", network.first()),
            },
        }
    }
}
