use std::{collections::BTreeMap, net::IpAddr, net::SocketAddr, ops::Bound, time::Duration};

use super::prefix::Prefix;
use crate::{Identity, RejectCode, Rejection, error::RETRY_AFTER_MAX, proto::Time};

/// Who is not wanted, until when, and in what words. Nobody has a timer for it: a ban that is over is forgotten by whoever
/// comes across it.
#[derive(Clone, Debug, Default)]
pub(super) struct Bans(BTreeMap<Whom, Ban>);

/// Who is banned.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(clippy::exhaustive_enums, reason = "the public face has its own type")]
pub enum Whom {
    /// Whoever the host says that it is.
    Identity(Identity),
    /// Whoever comes from an address of this network.
    Network(Prefix),
}

#[derive(Clone, Debug)]
struct Ban {
    /// `None`: for as long as the process lives.
    until: Option<Time>,
    why: Rejection,
}

/// A ban as it is told: of whom, how much of it is left, and in what words.
pub type Listed = (Whom, Option<Duration>, Rejection);

impl Bans {
    /// Bans somebody, or bans them otherwise from now on. False where `most` are banned already.
    pub(super) fn insert(
        &mut self,
        whom: Whom,
        now: Time,
        lasting: Option<Duration>,
        why: &Rejection,
        most: usize,
    ) -> bool {
        if self.0.len() >= most && !self.0.contains_key(&whom) {
            self.0.retain(|_, ban| !ban.is_over(now));
            if self.0.len() >= most {
                return false;
            }
        }
        let why = match why.code().is_verdict() {
            true => why.clone().redirect(""),
            // What speaks of the server would tell a client to go on trying.
            false => Rejection::new(RejectCode::Banned).text(why.explanation().unwrap_or_default()),
        };
        let until = lasting.map(|lasting| now + lasting);
        self.0.insert(whom, Ban { until, why });
        true
    }

    /// Forgets a ban. False where there was none.
    pub(super) fn remove(&mut self, whom: &Whom, now: Time) -> bool {
        self.0.remove(whom).is_some_and(|ban| !ban.is_over(now))
    }

    /// What whoever is banned is told, where it is.
    pub(super) fn refusal(&mut self, whom: &Whom, now: Time) -> Option<Rejection> {
        let ban = self.0.get(whom)?;
        if ban.is_over(now) {
            self.0.remove(whom);
            return None;
        }
        Some(ban.words(now))
    }

    /// Whether this identity is banned.
    pub(super) fn has(&self, identity: &Identity, now: Time) -> bool {
        // Few are banned, and more are asked about.
        !self.0.is_empty()
            && self
                .0
                .get(&Whom::Identity(identity.clone()))
                .is_some_and(|ban| !ban.is_over(now))
    }

    /// The same, of where a link comes from.
    pub(super) fn refusal_from(
        &mut self,
        remote: Option<SocketAddr>,
        now: Time,
    ) -> Option<Rejection> {
        // Asked of every stranger, and there is rarely anything to look for.
        let remote = remote.filter(|_| !self.0.is_empty())?;
        self.refusal(&Whom::Network(Prefix::of(remote)), now)
    }

    /// At most `most` bans, in order, behind this one.
    pub(super) fn page(&self, after: Option<&Whom>, now: Time, most: usize) -> Vec<Listed> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let bans = self.0.range::<Whom, _>((from, Bound::Unbounded));
        bans.filter(|(_, ban)| !ban.is_over(now))
            .take(most)
            .map(|(whom, ban)| (whom.clone(), ban.left(now), ban.words(now)))
            .collect()
    }
}

impl Ban {
    fn is_over(&self, now: Time) -> bool {
        self.until.is_some_and(|until| until <= now)
    }

    fn left(&self, now: Time) -> Option<Duration> {
        self.until.map(|until| until.since(now))
    }

    /// When to come back is said where it can be said: a wait is 5 min at most, and who has to wait for longer would only
    /// knock in vain.
    fn words(&self, now: Time) -> Rejection {
        match self.left(now) {
            Some(left) if left <= RETRY_AFTER_MAX => self.why.clone().retry_after(left),
            _ => self.why.clone().never(),
        }
    }
}

impl Prefix {
    /// The network that an address is of.
    #[must_use]
    pub fn of_ip(ip: IpAddr) -> Self {
        Self::of(SocketAddr::new(ip, 0))
    }

    /// Its first address.
    #[must_use]
    pub fn first(self) -> IpAddr {
        match self {
            Self::V4(octets) => octets.into(),
            Self::V6([a, b, c, d]) => [a, b, c, d, 0, 0, 0, 0].into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Retry;

    const HOUR: Duration = Duration::from_secs(3_600);

    fn account(number: u64) -> Whom {
        Whom::Identity(number.into())
    }

    #[test]
    fn a_ban_ends_by_itself_and_is_kept_no_longer() {
        let (mut bans, now) = (Bans::default(), Time::START);
        let why = Rejection::banned().text("cheating");
        assert!(bans.insert(account(1), now, Some(HOUR), &why, 10));
        assert!(bans.insert(account(2), now, None, &why, 10));
        let told = bans.refusal(&account(1), now).expect("banned");
        assert_eq!(
            (told.code(), told.retry()),
            (RejectCode::Banned, Retry::Never)
        );
        assert_eq!(told.explanation(), Some("cheating"));

        let minute = Duration::from_secs(60);
        let told = bans
            .refusal(&account(1), now + (HOUR - minute))
            .expect("banned");
        assert_eq!(told.retry(), Retry::After(minute), "soon it is over");
        assert_eq!(bans.refusal(&account(1), now + HOUR), None);
        assert_eq!(bans.0.len(), 1, "nothing is kept of it");
        let told = bans.refusal(&account(2), Time::END).expect("for ever");
        assert_eq!(told.retry(), Retry::Never);
    }

    #[test]
    fn there_are_never_more_than_the_limit_and_who_is_banned_stays_so() {
        let (mut bans, now) = (Bans::default(), Time::START);
        let why = Rejection::banned();
        for number in 0..3 {
            assert!(bans.insert(account(number), now, Some(HOUR), &why, 3));
        }
        assert!(!bans.insert(account(3), now, None, &why, 3), "one too many");
        assert!(bans.insert(account(2), now, None, &why, 3), "it is there");
        assert!(bans.refusal(&account(0), now).is_some());
        let later = now + HOUR;
        assert!(
            bans.insert(account(3), later, None, &why, 3),
            "two are over"
        );
        assert_eq!(bans.0.len(), 2);
        assert!(bans.remove(&account(3), later) && !bans.remove(&account(3), later));
    }

    #[test]
    fn a_list_comes_in_pieces_without_what_is_over() {
        let (mut bans, now) = (Bans::default(), Time::START);
        for number in 0..10 {
            let lasting = (number % 2 == 0).then_some(HOUR);
            bans.insert(account(number), now, lasting, &Rejection::banned(), 100);
        }
        let all = bans.page(None, now, 100);
        let mut pieces = Vec::new();
        while let Some(piece) = Some(bans.page(pieces.last(), now, 3)).filter(|one| !one.is_empty())
        {
            pieces.extend(piece.into_iter().map(|(whom, ..)| whom));
        }
        let names: Vec<_> = all.into_iter().map(|(whom, ..)| whom).collect();
        assert_eq!((pieces.len(), &pieces), (10, &names));
        assert_eq!(bans.page(None, now + HOUR, 100).len(), 5);
    }

    #[test]
    fn a_network_is_an_address_or_a_64_and_words_of_the_server_become_banned() {
        let (mut bans, now) = (Bans::default(), Time::START);
        let at = |ip: &str| Some(SocketAddr::new(ip.parse().expect("an address"), 7));
        let whom = Whom::Network(Prefix::of_ip("2001:db8::7".parse().expect("an address")));
        assert_eq!(bans.refusal_from(at("2001:db8::1"), now), None);
        bans.insert(whom, now, None, &Rejection::full().text("go away"), 10);
        let told = bans.refusal_from(at("2001:db8::1"), now).expect("banned");
        assert_eq!(told.code(), RejectCode::Banned);
        assert_eq!(told.explanation(), Some("go away"));
        assert_eq!(bans.refusal_from(at("2001:db8:0:1::1"), now), None);
        assert_eq!(bans.refusal_from(None, now), None);
        for (ip, first) in [
            ("2001:db8::7", "2001:db8::"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
        ] {
            let prefix = Prefix::of_ip(ip.parse().expect("an address"));
            assert_eq!(prefix.first().to_string(), first);
        }
    }
}
