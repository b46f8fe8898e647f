//! Whether those who hold an identity are there: each is probed, and a ghost does not answer.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use super::{
    Handle, Sleep, Watcher,
    hub::{Hub, remember},
};
use crate::{
    Identity,
    proto::{Key, Machine, Time},
    registry::Room,
};

/// A question to all who hold an identity: are you there?
#[derive(Debug)]
pub(crate) struct Probing {
    /// Who was asked, and when.
    asked: Vec<(Key, Time)>,
    patience: Sleep,
}

/// Whether a newcomer may come in without anybody's leave.
#[derive(Debug)]
pub(crate) enum Place {
    /// Nobody who is there has to go for it.
    Free,
    /// This holder did not answer: it makes room.
    Silent(Watcher),
    /// The identity has as many sessions as it may, and each answered.
    Held,
}

/// How they stand who were asked.
enum Answers {
    Known(Place),
    /// Some have not answered; of these, this one logged in first.
    Awaited(Key),
}

/// How long a holder has to answer a probe before it counts as a ghost, at most.
const PATIENCE: Duration = Duration::from_secs(1);

impl Handle {
    /// Whether other clients hold the identity, as many as may, and are there: they are probed.
    pub(crate) fn poll_place(
        &self,
        identity: &Identity,
        probing: &mut Option<Probing>,
        cx: &mut Context<'_>,
    ) -> Poll<Place> {
        let answers = self.shared().with(|hub, now| {
            let room = hub.registry.room(self.key(), identity.as_bytes(), None);
            let Room::Taken(first) = room else {
                return Answers::Known(Place::Free); // or the client's own ghost
            };
            let is_up = |one: &Machine| one.phase().is_up();
            if !hub.registry.get(first).is_some_and(is_up) {
                return Answers::Known(Place::Free); // it goes first
            }
            let holders = hub.registry.holders(identity.as_bytes());
            let asked = self.ask(hub, now, &holders, probing);
            let silent = |&&(key, asked): &&(Key, Time)| {
                let holder = hub.registry.get(key);
                !holder.is_some_and(|holder| holder.heard_since(asked))
            };
            let silent: Vec<Key> = asked.iter().filter(silent).map(|&(key, _)| key).collect();
            for &key in &silent {
                remember(&mut hub.seat(key).waiting().probe, cx.waker());
            }
            let first = holders.into_iter().rev().find(|key| silent.contains(key));
            first.map_or(Answers::Known(Place::Held), Answers::Awaited)
        });
        match (answers, probing) {
            (Answers::Known(place), _) => Poll::Ready(place),
            (Answers::Awaited(first), Some(probing)) => {
                let patience = Pin::new(&mut probing.patience).poll(cx);
                patience.map(|()| Place::Silent(Watcher::new(Arc::clone(self.shared()), first)))
            }
            (Answers::Awaited(_), None) => Poll::Pending,
        }
    }

    /// Asks those of them who were not asked yet, and forgets who is none of them any more. Who comes in meanwhile is given as much
    /// time as the others had.
    fn ask<'a>(
        &self,
        hub: &mut Hub,
        now: Time,
        holders: &[Key],
        probing: &'a mut Option<Probing>,
    ) -> &'a [(Key, Time)] {
        let known = probing.as_ref().map_or(&[][..], |probing| &probing.asked);
        let mut asked = known.to_vec();
        asked.retain(|(key, _)| holders.contains(key));
        let new = |key: &&Key| !asked.iter().any(|(known, _)| known == *key);
        let new: Vec<Key> = holders.iter().filter(new).copied().collect();
        let mut patience = Duration::ZERO;
        for key in new {
            hub.input(key, now, |machine, _| machine.probe());
            let lease = hub.registry.get(key).map(Machine::lease);
            patience = patience.max((lease.unwrap_or_default() / 4).min(PATIENCE));
            asked.push((key, now));
        }
        let clock = &self.shared().clock;
        match probing {
            Some(probing) if patience.is_zero() => probing.asked = asked,
            _ => {
                let patience = clock.sleep_until(now + patience);
                *probing = Some(Probing { asked, patience });
            }
        }
        probing.as_ref().map_or(&[], |probing| &probing.asked)
    }
}
