pub use super::bans::{Ban, Banned};
use super::{Group, PastSession, Peer};
use crate::{
    AsIdentity, AsMessage, Closed, Ended, Reason, Rejection, SendError, Snapshot,
    driver::{Collection, Watcher},
};
use std::sync::Arc;

/// All sessions of a server that are logged in, by identity: those whose link is lost included, until they expire.
///
/// Clones are the same collection, seen from any thread. It keeps nothing alive. What it says is true at that moment; a
/// session may end right after.
///
/// Where an identity may have [several sessions](crate::Config::sessions_per_identity), each of them is in it: each is walked through,
/// counted, sent to and put into groups by itself. What asks by identity says what it means by that.
///
/// ```
/// use sessile::{Phase, Sessions};
///
/// fn online(sessions: &Sessions) -> Vec<String> {
///     let up = sessions.iter().filter(|peer| peer.phase().is_up());
///     up.filter_map(|peer| Some(peer.identity()?.to_string())).collect()
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Sessions(Collection);

/// What became of a [`Sessions::broadcast`] or [`Group::broadcast`].
///
/// ```
/// use sessile::Sessions;
///
/// fn announce(sessions: &Sessions, line: &str) {
///     for slow in sessions.broadcast(line).refused {
///         slow.remove("too slow");
///     }
/// }
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Broadcast {
    /// How many sessions took the message.
    pub accepted: usize,
    /// Those that did not, because their window is full or they agreed to shorter messages.
    pub refused: Vec<Peer>,
}

impl Sessions {
    pub(super) const fn new(collection: Collection) -> Self {
        Self(collection)
    }

    pub(super) const fn collection(&self) -> &Collection {
        &self.0
    }

    /// The session of this identity; of [several](Self::all_of) the one that logged in last.
    ///
    /// ```
    /// use sessile::{SendError, Sessions};
    ///
    /// fn whisper(sessions: &Sessions, to: &str, line: &str) -> Result<bool, SendError> {
    ///     match sessions.get(to) {
    ///         Some(peer) => peer.try_send(line).map(|()| true),
    ///         None => Ok(false),
    ///     }
    /// }
    /// ```
    #[must_use]
    pub fn get(&self, who: impl AsIdentity) -> Option<Peer> {
        self.0.find(who.key().as_bytes()).map(Peer::new)
    }

    /// All sessions of this identity, the one that logged in last first: more than one where
    /// [`Config::sessions_per_identity`](crate::Config::sessions_per_identity) allows it.
    ///
    /// ```
    /// use sessile::Sessions;
    ///
    /// /// To every device of one user; how many took it.
    /// fn notify(sessions: &Sessions, user: &str, line: &str) -> usize {
    ///     let devices = sessions.all_of(user).into_iter();
    ///     devices.filter(|device| device.try_send(line).is_ok()).count()
    /// }
    /// ```
    #[must_use]
    pub fn all_of(&self, who: impl AsIdentity) -> Vec<Peer> {
        let all = self.0.all_of(who.key().as_bytes());
        all.into_iter().map(Peer::new).collect()
    }

    /// Whether this identity has a session.
    #[must_use]
    pub fn contains(&self, who: impl AsIdentity) -> bool {
        self.get(who).is_some()
    }

    /// How many sessions there are: of one identity as many as it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Walks through them, in no promised order, without stopping the server meanwhile: a session that was there all the
    /// time comes once; one that came or went may or may not.
    ///
    /// ```
    /// use sessile::Sessions;
    ///
    /// fn slowest(sessions: &Sessions) -> Option<std::time::Duration> {
    ///     sessions.iter().filter_map(|peer| peer.round_trip()).max()
    /// }
    /// ```
    pub fn iter(&self) -> impl Iterator<Item = Peer> + use<> {
        let pages = Pages {
            collection: self.0.clone(),
            from: Some(0),
        };
        pages.flatten().map(Peer::new)
    }

    /// Removes the session of this identity, all of them where it has several, as [`Peer::remove`] does one. False where there is none.
    ///
    /// ```
    /// use sessile::Sessions;
    ///
    /// fn throw_out(sessions: &Sessions, account: u64) {
    ///     if sessions.remove(account, "enough for today") {
    ///         println!("{account} was online");
    ///     }
    /// }
    /// ```
    pub fn remove(&self, who: impl AsIdentity, reason: &str) -> bool {
        let closed = Closed::new(Reason::Removed).with_text(reason);
        self.0.kick(who.key().as_bytes(), &closed)
    }

    /// Removes the session of this identity, all of them where it has several, in words of the host's own, as [`Peer::kick`] does one.
    /// False where there is none.
    pub fn kick(&self, who: impl AsIdentity, why: &Rejection) -> bool {
        self.0.kick(who.key().as_bytes(), &Closed::kicked(why))
    }

    /// Sends one message to all of them, copied once for all. It never waits: who has no room is in
    /// [`Broadcast::refused`]. Sessions that end meanwhile are in neither count.
    pub fn broadcast(&self, message: &(impl AsMessage + ?Sized)) -> Broadcast {
        broadcast(self.iter(), message)
    }

    /// How each of them stands: for tables and exporters. As [`iter`](Self::iter), without stopping the server meanwhile;
    /// those of one page of 256 are of the same instant.
    ///
    /// ```
    /// use sessile::{Phase, Sessions};
    ///
    /// fn gauges(sessions: &Sessions) -> (usize, usize) {
    ///     let lost = sessions.snapshots().filter(|now| now.phase == Phase::Reconnecting).count();
    ///     let in_flight = sessions.snapshots().map(|now| now.unacked_bytes).sum();
    ///     (lost, in_flight)
    /// }
    /// ```
    pub fn snapshots(&self) -> impl Iterator<Item = Snapshot> + use<> {
        let (collection, mut from) = (self.0.clone(), Some(0));
        std::iter::from_fn(move || {
            let (page, next) = collection.snapshot_page(from?);
            from = next;
            Some(page)
        })
        .flatten()
    }

    /// The group of this name: a room, a channel, a topic. It need not exist; a group does while it has members.
    ///
    /// ```
    /// use sessile::{JoinError, Peer, Sessions};
    ///
    /// fn subscribe(sessions: &Sessions, peer: &Peer, topic: &str) -> Result<(), JoinError> {
    ///     sessions.group(topic).join(peer)
    /// }
    /// ```
    #[must_use]
    pub fn group(&self, name: &str) -> Group {
        Group::new(self.0.clone(), name.into())
    }

    /// The groups that have members, by name.
    ///
    /// ```
    /// use sessile::Sessions;
    ///
    /// fn rooms(sessions: &Sessions) {
    ///     for room in sessions.groups() {
    ///         println!("{}: {}", room.name(), room.len());
    ///     }
    /// }
    /// ```
    pub fn groups(&self) -> impl Iterator<Item = Group> + use<> {
        let collection = self.0.clone();
        let mut last: Option<Arc<str>> = None;
        std::iter::from_fn(move || {
            let page = collection.group_page(last.as_deref());
            last = Some(Arc::clone(page.last()?));
            let groups = page.into_iter();
            let groups = groups.map(|name| Group::new(collection.clone(), name));
            Some(groups.collect::<Vec<_>>())
        })
        .flatten()
    }
}

/// Sessions that ended.
impl Sessions {
    /// The last sessions that ended, newest first: [`Config::recently_ended`](crate::Config::recently_ended) of them at most. Only who was logged in is
    /// among them, so that a flood of failed logins takes nobody's place.
    ///
    /// ```
    /// use sessile::{Reason, Sessions};
    ///
    /// fn expired(sessions: &Sessions) -> usize {
    ///     sessions.recently_ended().filter(|past| past.closed().reason() == Reason::Expired).count()
    /// }
    /// ```
    pub fn recently_ended(&self) -> impl Iterator<Item = PastSession> + use<> {
        let collection = self.0.clone();
        let mut below = Some(None);
        std::iter::from_fn(move || {
            let (page, next) = collection.past_page(below?);
            below = next.map(Some);
            Some(page)
        })
        .flatten()
        .map(PastSession::new)
    }

    /// Why that session of this identity ended which ended last, if that is remembered. Whether it has another one now is
    /// [`get`](Self::get)'s to say.
    ///
    /// ```
    /// use sessile::Sessions;
    ///
    /// fn explain(sessions: &Sessions, name: &str) -> String {
    ///     match (sessions.contains(name), sessions.why(name)) {
    ///         (true, _) => "it is online".into(),
    ///         (false, Some(past)) => past.to_string(),
    ///         (false, None) => "it was not here lately".into(),
    ///     }
    /// }
    /// ```
    #[must_use]
    pub fn why(&self, who: impl AsIdentity) -> Option<PastSession> {
        self.0.why(who.key().as_bytes()).map(PastSession::new)
    }
}

/// One message to many, copied once for all. Who ends meanwhile is in neither count.
pub(super) fn broadcast(
    peers: impl Iterator<Item = Peer>,
    message: &(impl AsMessage + ?Sized),
) -> Broadcast {
    let bytes = message.lend().to_bytes();
    let mut report = Broadcast::default();
    for peer in peers {
        match peer.try_send(&bytes) {
            Ok(()) => report.accepted += 1,
            Err(SendError::Ended(Ended::Closed(_))) => {}
            Err(_) => report.refused.push(peer),
        }
    }
    report
}

/// The collection a piece at a time, so that nobody holds its lock while it is looked at.
struct Pages {
    collection: Collection,
    /// Where the next page begins; `None` after the last.
    from: Option<usize>,
}

impl Iterator for Pages {
    type Item = Vec<Watcher>;

    fn next(&mut self) -> Option<Vec<Watcher>> {
        let (page, next) = self.collection.page(self.from?);
        self.from = next;
        Some(page)
    }
}
