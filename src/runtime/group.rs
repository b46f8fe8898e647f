use super::{Broadcast, Peer, sessions::broadcast};
use crate::{
    AsMessage, Identity, JoinError, TooLong,
    driver::{Collection, Watcher},
};
use std::{fmt, sync::Arc};

/// Some sessions of a server, under a name: a room, a channel, a topic. [`Sessions::group`](crate::Sessions::group) gives it.
///
/// A session may be in many groups, [`Config::groups_per_session`](crate::Config::groups_per_session) at most, and leaves them all when it ends; a lost link is
/// no end. A group is there while it has members, so there is nothing to create and nothing to clean up. Clones, and all
/// handles of one name, are the same group. It keeps nothing alive.
///
/// ```
/// use sessile::{JoinError, Peer, Sessions};
///
/// fn enter(sessions: &Sessions, room: &str, peer: &Peer) -> Result<(), JoinError> {
///     let room = sessions.group(room);
///     room.join(peer)?;
///     room.broadcast(&format!("{} of you are here now", room.len()));
///     Ok(())
/// }
/// ```
#[derive(Clone)]
pub struct Group {
    collection: Collection,
    name: Arc<str>,
}

impl Group {
    /// The longest name in bytes, as long as an identity may be.
    pub const NAME_MAX: usize = Identity::MAX;

    pub(super) const fn new(collection: Collection, name: Arc<str>) -> Self {
        Self { collection, name }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Puts a session into it. Nothing happens where it is in it already.
    ///
    /// # Errors
    ///
    /// [`JoinError`]: the name is too long, the session is in too many groups, is not logged in yet, or is over.
    pub fn join(&self, peer: &Peer) -> Result<(), JoinError> {
        if self.name.len() > Self::NAME_MAX {
            let error = TooLong::new(self.name.len(), Self::NAME_MAX);
            return Err(JoinError::NameTooLong(error));
        }
        self.collection.join(peer.watcher(), &self.name)
    }

    /// Takes a session out of it. False where it was not in it.
    ///
    /// ```
    /// use sessile::{Group, Peer};
    ///
    /// fn part(room: &Group, peer: &Peer) {
    ///     if room.leave(peer) {
    ///         room.broadcast("somebody left");
    ///     }
    /// }
    /// ```
    pub fn leave(&self, peer: &Peer) -> bool {
        self.collection.leave(peer.watcher(), &self.name)
    }

    /// Whether a session is in it.
    #[must_use]
    pub fn contains(&self, peer: &Peer) -> bool {
        self.collection.is_member(peer.watcher(), &self.name)
    }

    /// How many sessions are in it, lost ones included until they expire.
    #[must_use]
    pub fn len(&self) -> usize {
        self.collection.members(&self.name)
    }

    /// Whether nobody is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Walks through its members, without stopping the server meanwhile: who is a member all the time comes once.
    ///
    /// ```
    /// use sessile::Group;
    ///
    /// fn here(room: &Group) -> Vec<String> {
    ///     room.iter().filter_map(|peer| Some(peer.identity()?.to_string())).collect()
    /// }
    /// ```
    pub fn iter(&self) -> impl Iterator<Item = Peer> + use<> {
        let members = Members {
            group: self.clone(),
            page: Vec::new().into_iter(),
            last: None,
            over: false,
        };
        members.map(Peer::new)
    }

    /// Sends one message to all of them, copied once for all, as [`Sessions::broadcast`](crate::Sessions::broadcast) does.
    ///
    /// ```
    /// use sessile::Group;
    ///
    /// fn say(room: &Group, line: &str) {
    ///     for slow in room.broadcast(line).refused {
    ///         room.leave(&slow);
    ///     }
    /// }
    /// ```
    pub fn broadcast(&self, message: &(impl AsMessage + ?Sized)) -> Broadcast {
        broadcast(self.iter(), message)
    }
}

impl fmt::Debug for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Group")
            .field("name", &self.name)
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

/// A group a page at a time, so that nobody holds its lock while it is looked at.
struct Members {
    group: Group,
    page: std::vec::IntoIter<Watcher>,
    last: Option<Watcher>,
    over: bool,
}

impl Iterator for Members {
    type Item = Watcher;

    fn next(&mut self) -> Option<Watcher> {
        if self.page.len() == 0 && !self.over {
            let Group { collection, name } = &self.group;
            let page = collection.member_page(name, self.last.as_ref());
            self.last = page.last().cloned();
            self.over = page.is_empty();
            self.page = page.into_iter();
        }
        self.page.next()
    }
}
