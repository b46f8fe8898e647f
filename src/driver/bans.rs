//! Who is not wanted: the list is the registry's; who is here already is sent away by a page at a time.

use std::time::Duration;

use super::{
    Collection,
    watcher::{PAGE, kick, kick_all},
};
use crate::{
    Closed, Rejection,
    canary::{Canary, sings},
    proto::{Key, Machine},
    registry::{Listed, Prefix, Whom},
};

impl Collection {
    /// Bans somebody, and ends the sessions that are there. How many that were; and whether the ban was kept.
    pub(crate) fn ban(
        &self,
        whom: &Whom,
        lasting: Option<Duration>,
        why: &Rejection,
    ) -> (usize, bool) {
        let kept = self.shared().with(|hub, now| {
            let kept = hub.registry.ban(whom.clone(), now, lasting, why);
            let told = hub.registry.banned(whom, now);
            let closed = Closed::kicked(told.as_ref().unwrap_or(why));
            // In the same hold of the lock: who is banned comes in no more, and who is in goes.
            let Whom::Identity(identity) = whom else {
                return Err((kept, closed));
            };
            let meant = |one: &Machine| one.phase().is_up() || !sings(Canary::BanSparesTheAbsent);
            Ok((
                kick_all(hub, identity.as_bytes(), now, &closed, meant),
                kept,
            ))
        });
        match (kept, whom) {
            (Ok(done), _) => done,
            (Err((kept, closed)), Whom::Network(network)) => (self.clear(*network, &closed), kept),
            (Err((kept, _)), Whom::Identity(_)) => (0, kept),
        }
    }

    /// Ends the sessions whose current or last link came from there.
    fn clear(&self, network: Prefix, closed: &Closed) -> usize {
        let (mut from, mut ended) = (Some(0), 0);
        while let Some(slot) = from {
            from = self.shared().with(|hub, now| {
                let (keys, next) = hub.registry.page(slot, PAGE);
                let is_there = |key: &Key| {
                    let remote = hub.registry.get(*key).and_then(Machine::remote);
                    remote.map(Prefix::of) == Some(network)
                };
                let there: Vec<Key> = keys.into_iter().filter(is_there).collect();
                for key in there {
                    ended += usize::from(kick(hub, key, now, closed.clone()));
                }
                next
            });
        }
        ended
    }

    /// False where nobody of that name is banned.
    pub(crate) fn unban(&self, whom: &Whom) -> bool {
        self.shared().with(|hub, now| hub.registry.unban(whom, now))
    }

    /// A piece of the list, behind this one.
    pub(crate) fn ban_page(&self, after: Option<&Whom>) -> Vec<Listed> {
        self.shared()
            .look_now(|hub, now| hub.registry.bans(after, now, PAGE))
    }
}
