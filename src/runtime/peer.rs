use super::Events;
use crate::{
    AsMessage, Closed, Identity, Mode, Multi, Phase, Reason, Rejection, SendError, Single,
    Snapshot, driver::Watcher,
};
use bytes::Bytes;
use std::{
    any::Any,
    fmt,
    hash::{Hash, Hasher},
    marker::PhantomData,
    sync::Arc,
    time::Duration,
};

/// Somebody who watches a session: to clone, to keep in tables, to ask from any thread. Without a mode, a server's.
///
/// It keeps neither the session nor the runtime alive, and goes on answering after the end, with what is then true: the
/// session's own reason for as long as anybody remembers it (the resume window, [`Config::recently_ended`](crate::Config::recently_ended)), and
/// [`Reason::Gone`](crate::Reason::Gone) after that. It never means another session, although [`index`](Self::index) is
/// used again. Two are equal where they watch the same session.
///
/// ```
/// use sessile::{Peer, Sessions};
/// use std::{collections::HashMap, time::Duration};
///
/// fn slow_ones(sessions: &Sessions) -> HashMap<Peer, Duration> {
///     let trips = sessions.iter().filter_map(|peer| Some((peer.clone(), peer.round_trip()?)));
///     trips.filter(|(_, trip)| *trip > Duration::from_millis(300)).collect()
/// }
/// ```
pub struct Peer<M: Mode = Multi> {
    watcher: Watcher,
    mode: PhantomData<fn() -> M>,
}

impl<M: Mode> Peer<M> {
    pub(crate) const fn new(watcher: Watcher) -> Self {
        Self {
            watcher,
            mode: PhantomData,
        }
    }

    /// A small number that no other living session of the runtime has: an index into a `Vec` of what a server keeps for
    /// each peer. It is used again after the session ended.
    ///
    /// ```
    /// use sessile::Peer;
    ///
    /// fn score<'a>(scores: &'a mut Vec<u32>, peer: &Peer) -> &'a mut u32 {
    ///     if scores.len() <= peer.index() {
    ///         scores.resize(peer.index() + 1, 0);
    ///     }
    ///     &mut scores[peer.index()]
    /// }
    /// ```
    #[must_use]
    pub fn index(&self) -> usize {
        self.watcher.slot()
    }

    /// The session's number, as [`Session::id`](crate::Session::id): never used again.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.watcher.id()
    }

    /// Who is logged in; `None` before login, and once the session was forgotten.
    #[must_use]
    pub fn identity(&self) -> Option<Identity> {
        self.snapshot()?.identity
    }

    /// Where the session is in its life at this moment. `Ended` once it was forgotten.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.snapshot().map_or(Phase::Ended, |now| now.phase)
    }

    /// The smoothed round trip, once heartbeats measured it.
    #[must_use]
    pub fn round_trip(&self) -> Option<Duration> {
        self.snapshot()?.round_trip
    }

    /// The tick that the other side told last (`Runtime::set_tick` there).
    #[must_use]
    pub fn remote_tick(&self) -> Option<u64> {
        self.snapshot()?.remote_tick
    }

    /// The number of the session's current or last link; 0 before login.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.snapshot().map_or(0, |now| now.epoch)
    }

    /// What happens to this session from now on. Ends after its `Ended`.
    pub fn events(&self) -> Events {
        Events::new(self.watcher.feed())
    }

    /// Why the session is over; `None` while it lives.
    ///
    /// ```
    /// use sessile::Peer;
    ///
    /// fn still_there(peers: &mut Vec<Peer>) {
    ///     peers.retain(|peer| peer.ended().is_none_or(|closed| {
    ///         println!("{}: {closed}", peer.id());
    ///         false
    ///     }));
    /// }
    /// ```
    #[must_use]
    pub fn ended(&self) -> Option<Closed> {
        self.watcher.ended()
    }

    /// How the session will end, where the server is going down ([`EventKind::Draining`](crate::EventKind::Draining)): the
    /// reason, where to go instead ([`Closed::redirect`]) and when ([`Closed::retry`], counted from that event). `None` where it
    /// is not, and once the session was forgotten.
    ///
    /// ```
    /// use sessile::{Peer, Single};
    ///
    /// fn elsewhere(me: &Peer<Single>) -> Option<String> {
    ///     Some(me.going()?.redirect()?.to_owned())
    /// }
    /// ```
    #[must_use]
    pub fn going(&self) -> Option<Closed> {
        self.watcher.going()
    }

    /// All of it at one instant; the last one where the session ended. `None` once nobody remembers the session: its peer
    /// could not come back to ask for it any more, and others ended since.
    ///
    /// ```
    /// use sessile::Peer;
    ///
    /// fn row(peer: &Peer) -> Option<String> {
    ///     let now = peer.snapshot()?;
    ///     Some(format!(
    ///         "{} {} sent {} acked {} resumed {}",
    ///         now.id, now.phase, now.sent, now.acked, now.resumed
    ///     ))
    /// }
    /// ```
    #[must_use]
    pub fn snapshot(&self) -> Option<Snapshot> {
        self.watcher.snapshot()
    }

    pub(crate) const fn watcher(&self) -> &Watcher {
        &self.watcher
    }
}

/// A server's peer.
impl Peer<Multi> {
    /// The certificates (DER) that the client has proven to hold on the session's current or last link, its own first; `None` where
    /// the transport asked for none, where it has none, and once the session ended.
    ///
    /// A client comes back by its session's secret. Who ties an identity to a certificate looks here once more after
    /// [`Resumed`](crate::EventKind::Resumed).
    #[must_use]
    pub fn certificates(&self) -> Option<Arc<[Bytes]>> {
        self.watcher.certificates()
    }

    /// Sends it one message if there is room now. A session that lost its link takes messages, too, and sends them when it
    /// is back.
    ///
    /// # Errors
    ///
    /// [`SendError::Full`] where the peer does not read, [`TooLong`](crate::TooLong), or the end.
    ///
    /// ```
    /// use sessile::{Ended, Peer, SendError};
    ///
    /// fn tell(peer: &Peer, line: &str) {
    ///     match peer.try_send(line) {
    ///         Ok(()) => {}
    ///         Err(SendError::Full) => peer.remove("too slow"),
    ///         Err(SendError::Ended(Ended::Closed(why))) => println!("too late: {why}"),
    ///         Err(error) => eprintln!("{error}"),
    ///     }
    /// }
    /// ```
    pub fn try_send(&self, message: &(impl AsMessage + ?Sized)) -> Result<(), SendError> {
        self.watcher.try_send(message.lend())
    }

    /// Sends it a message that matters only now; see [`Session::send_volatile`](crate::Session::send_volatile).
    ///
    /// # Errors
    ///
    /// [`TooLong`](crate::TooLong) or the end; never `Full`.
    pub fn send_volatile(&self, message: &(impl AsMessage + ?Sized)) -> Result<(), SendError> {
        self.watcher.send_volatile(message.lend())
    }

    /// Removes it: it hears [`Removed`](crate::Reason::Removed) with `reason` (the first 128 bytes) and does not come back
    /// by itself. Nothing happens where the session is over; [`ended`](Self::ended) says why.
    ///
    /// ```
    /// use sessile::Peer;
    ///
    /// fn kick(peer: &Peer) {
    ///     peer.remove("too many insults");
    /// }
    /// ```
    pub fn remove(&self, reason: &str) {
        let closed = Closed::new(Reason::Removed).with_text(reason);
        self.watcher.kick(closed);
    }

    /// Removes it in words of the host's own: it hears [`Removed`](crate::Reason::Removed) with the text of `why` and with its
    /// retry class, so "come back in a minute" is said by this. A [`Client`](crate::Client) waits for so long, or ends. What it
    /// was sent and has not taken is not waited for.
    ///
    /// A code that speaks of the peer ([bad credentials](crate::RejectCode::BadCredentials),
    /// [banned](crate::RejectCode::Banned), one of the [host's own](Rejection::other)) is told, too: at both ends it is in
    /// [`Closed::rejection`]. Of one that speaks of the server (full, busy) only the class and the text are told, and a
    /// [`redirect`](Rejection::redirect) is not.
    ///
    /// Nothing happens where the session is over; [`ended`](Self::ended) says why. It may log in again, though the host asked
    /// it not to: see [`Sessions::ban`](crate::Sessions::ban).
    ///
    /// ```
    /// use sessile::{Peer, Rejection};
    /// use std::time::Duration;
    ///
    /// const IDLE: u16 = 1001;
    ///
    /// fn kick_the_idle(peer: &Peer) {
    ///     peer.kick(&Rejection::other(IDLE).retry_after(Duration::from_secs(30)).text("away from keyboard"));
    /// }
    /// ```
    pub fn kick(&self, why: &Rejection) {
        self.watcher.kick(Closed::kicked(why));
    }

    /// Attaches something to the session, for everybody who observes it: a name to show, a region, a score. It replaces
    /// what was attached before, of whatever type, and is let go of when the session ends.
    ///
    /// One value a session: a struct of yours. What only the session's own task or host needs is better kept there.
    ///
    /// # Errors
    ///
    /// Why the session is over, where it is.
    ///
    /// ```
    /// use sessile::{Closed, Peer};
    ///
    /// struct Player {
    ///     team: u8,
    /// }
    ///
    /// fn pick(peer: &Peer, team: u8) -> Result<(), Closed> {
    ///     peer.set_metadata(Player { team })
    /// }
    ///
    /// fn team(peer: &Peer) -> Option<u8> {
    ///     Some(peer.metadata::<Player>()?.team)
    /// }
    /// ```
    pub fn set_metadata<T: Any + Send + Sync>(&self, metadata: T) -> Result<(), Closed> {
        self.watcher.attach(Arc::new(metadata))
    }

    /// What is attached to the session. `None` where nothing is, where it is of another type, and after the end.
    #[must_use]
    pub fn metadata<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        self.watcher.metadata()?.downcast().ok()
    }

    /// The names of the groups that the session is in.
    #[must_use]
    pub fn groups(&self) -> Vec<Arc<str>> {
        self.watcher.groups()
    }
}

/// A client's own session, seen from elsewhere.
impl Peer<Single> {
    /// Says that the network is back: the next attempt to reconnect begins now instead of after its pause, and so does the
    /// next login of a [`Client`](crate::Client). Nothing happens where the session waits for none.
    ///
    /// ```
    /// use sessile::{Peer, Single};
    ///
    /// async fn on_network_up(up: async_channel::Receiver<()>, peer: Peer<Single>) {
    ///     while up.recv().await.is_ok() {
    ///         peer.retry_now();
    ///     }
    /// }
    /// ```
    pub fn retry_now(&self) {
        self.watcher.retry_now();
    }
}

// By hand: `derive` would ask the same of the mode.
impl<M: Mode> Clone for Peer<M> {
    fn clone(&self) -> Self {
        Self::new(self.watcher.clone())
    }
}

impl<M: Mode> PartialEq for Peer<M> {
    fn eq(&self, other: &Self) -> bool {
        self.watcher.is_same(&other.watcher)
    }
}

impl<M: Mode> Eq for Peer<M> {}

impl<M: Mode> Hash for Peer<M> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id().hash(state);
    }
}

impl<M: Mode> fmt::Debug for Peer<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.watcher.fmt(f)
    }
}
