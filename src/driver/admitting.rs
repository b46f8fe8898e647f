//! Who admits the peers of a gate without a door, and whose turn it is to be told of.

use std::{
    future::poll_fn,
    sync::Arc,
    task::{Context, Poll},
};

use futures::future::BoxFuture;

use super::{
    Gate, Handle, Owner, Watcher,
    hosting::{Item, next_item, run_turn},
    hub::{Hub, remember},
    places::Rank,
    shared::Shared,
};
use crate::proto::{Key, Phase};

/// Admits one peer; it is dropped where the peer leaves, or its login deadline passes, before.
pub(crate) type Admitting = Arc<dyn Fn(Handle) -> BoxFuture<'static, ()> + Send + Sync>;

/// Somebody is being admitted, or stands in line for it: until that is decided, whoever calls hosts may have one more to call.
struct Coming {
    shared: Arc<Shared>,
    gate: usize,
    key: Key,
}

impl Coming {
    fn new(shared: &Arc<Shared>, gate: usize, key: Key) -> Self {
        shared.with(|hub, _| {
            hub.places.ask(key, Rank::New);
            if let Some(gate) = hub.gates.get_mut(gate) {
                gate.coming += 1;
            }
        });
        let shared = Arc::clone(shared);
        Self { shared, gate, key }
    }

    /// Has the peer judged once there is a place for it, and for as long as it waits: whoever left, or whose login deadline has
    /// passed, is judged by nobody and holds no place.
    async fn judge(self, admit: Admitting, handle: Handle) {
        if !poll_fn(|cx| self.poll_place(cx)).await {
            return;
        }
        let mut admitted = admit(handle);
        poll_fn(|cx| match admitted.as_mut().poll(cx) {
            Poll::Pending => self.poll_over(cx),
            Poll::Ready(()) => Poll::Ready(()),
        })
        .await;
    }

    /// True once it has a place, false where the peer does not wait any more.
    fn poll_place(&self, cx: &Context<'_>) -> Poll<bool> {
        self.shared
            .with_recent(|hub, _| match hub.places.has(self.key) {
                true => Poll::Ready(true),
                false => self.sit_down(hub, cx).map(|()| false),
            })
    }

    /// Waits until the peer does not wait any more.
    fn poll_over(&self, cx: &Context<'_>) -> Poll<()> {
        self.shared.with_recent(|hub, _| self.sit_down(hub, cx))
    }

    /// As whoever waits for a message: nobody else does before it is logged in.
    fn sit_down(&self, hub: &mut Hub, cx: &Context<'_>) -> Poll<()> {
        let machine = hub.registry.get(self.key);
        if machine.is_none_or(|machine| machine.phase() == Phase::Ended) {
            return Poll::Ready(());
        }
        remember(&mut hub.seat(self.key).waiting().recv, cx.waker());
        Poll::Pending
    }
}

impl Drop for Coming {
    fn drop(&mut self) {
        self.shared.with(|hub, _| {
            if let Some(gate) = hub.gates.get_mut(self.gate) {
                gate.coming -= 1;
                gate.wake_if_done(&mut hub.todo);
            }
            hub.leave_place(self.key);
        });
    }
}

impl Gate {
    /// Has somebody admit whoever comes, from now on, instead of a door; and, where `calls`, has hosts called.
    pub(crate) fn employ(&self, admit: Admitting, calls: bool) {
        let (shared, id) = (Arc::clone(self.owner().shared()), self.id());
        let spawner = shared.spawner.clone();
        spawner.spawn(async move {
            poll_fn(|cx| {
                loop {
                    let offered = Self::poll_offered(&shared, id, cx);
                    if let Poll::Ready(Some(key)) = offered {
                        let Some(owner) = Owner::revive(&shared) else {
                            return Poll::Ready(());
                        };
                        let coming = Coming::new(&shared, id, key);
                        let judged = coming.judge(Arc::clone(&admit), Handle::new(owner, key));
                        shared.spawner.spawn(judged);
                        continue;
                    }
                    let line = if calls {
                        Self::poll_line(&shared, id, cx)
                    } else {
                        Poll::Ready(None)
                    };
                    match (line, offered) {
                        (Poll::Ready(Some(key)), _) => run_turn(&shared, key, None),
                        (Poll::Ready(None), Poll::Ready(_)) => return Poll::Ready(()),
                        _ => return Poll::Pending,
                    }
                }
            })
            .await;
        });
    }

    /// The next session of which there is something to tell. `None` when there will be none any more.
    fn poll_line(shared: &Arc<Shared>, id: usize, cx: &Context<'_>) -> Poll<Option<Key>> {
        shared.with(|hub, _| {
            if let Some(key) = hub.step_out_of_line(id) {
                return Poll::Ready(Some(key));
            }
            match hub.gates.get_mut(id) {
                Some(gate) if !gate.is_done() => {
                    remember(&mut gate.worker, cx.waker());
                    Poll::Pending
                }
                _ => Poll::Ready(None),
            }
        })
    }

    /// Whether something waits to be told.
    pub(crate) fn poll_ready(&self, cx: &Context<'_>) -> Poll<()> {
        let id = self.id();
        self.owner()
            .shared()
            .with(|hub, _| match hub.gates.get_mut(id) {
                Some(gate) if gate.open && gate.line.is_empty() => {
                    remember(&mut gate.worker, cx.waker());
                    Poll::Pending
                }
                _ => Poll::Ready(()),
            })
    }

    /// How many things there are to tell by now, at most.
    pub(crate) fn waiting(&self) -> usize {
        let id = self.id();
        self.owner().shared().look(|hub| {
            let line = hub.gates.get(id).map(|gate| &gate.line);
            line.into_iter()
                .flatten()
                .map(|&key| hub.waiting(key))
                .sum()
        })
    }

    /// Who is told of next. Sessions of which there is nothing to tell any more step out of line.
    pub(crate) fn first_in_line(&self) -> Option<Watcher> {
        let (id, shared) = (self.id(), self.owner().shared());
        let first = shared.look(|hub| hub.gates.get(id)?.line.front().copied());
        Some(Watcher::new(Arc::clone(shared), first?))
    }

    /// One thing of the session that stands first in line, if there is one; if it has more, it stands last again.
    pub(crate) fn tell_first(&self) -> Option<(Watcher, Option<Item>)> {
        let (id, shared) = (self.id(), self.owner().shared());
        let told = shared.with(|hub, now| {
            let key = hub.step_out_of_line(id)?;
            let item = next_item(hub, key, now);
            if item.is_some() {
                hub.put_in_line(key);
            }
            Some((key, item))
        });
        told.map(|(key, item)| (Watcher::new(Arc::clone(shared), key), item))
    }
}
