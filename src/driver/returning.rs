//! A session comes back, and the program is asked first whether it may: by its link's task, which reads nothing meanwhile.

use std::{
    panic::AssertUnwindSafe,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use futures::{FutureExt, future::BoxFuture};

use super::{Owner, Watcher, hub::Hub, places::Rank, shared::Shared};
use crate::{
    Rejection,
    proto::ResumeRefusal,
    registry::{Port, Returning},
};

/// What the program says of a session that comes back. It calls nothing of the program's before it is polled.
pub(crate) type Recheck =
    Arc<dyn Fn(ReturnParts) -> BoxFuture<'static, Result<(), Rejection>> + Send + Sync>;

/// Who comes back: the session, and who brings it.
pub(crate) struct ReturnParts {
    pub(crate) session: Watcher,
    pub(crate) stranger: Watcher,
}

/// A peer that has proven its session's secret, and waits to be let back. Dropping it gives its place to the next.
pub(super) struct Coming {
    shared: Arc<Shared>,
    returning: Box<Returning>,
    /// What the program is asked, once there is a place.
    asked: Option<BoxFuture<'static, Result<(), Rejection>>>,
}

/// When a peer is to come again whose check panicked, or was overtaken by another of the same session.
const AFTER_A_FAILURE: Duration = Duration::from_secs(1);

impl Coming {
    /// It stands in line from now on, before everybody who is new, and instead of an earlier link that was to bring the same session:
    /// that one was left by its peer, or else one session could take everybody's places.
    pub(super) fn new(shared: &Arc<Shared>, hub: &mut Hub, returning: Box<Returning>) -> Self {
        let (session, stranger, now) = (returning.session(), returning.stranger(), hub.now);
        if let Some(former) = hub.returning.insert(session, stranger) {
            hub.input(former, now, |machine, cx| {
                machine.refuse_resume(cx, ResumeRefusal::Busy(AFTER_A_FAILURE));
            });
        }
        hub.places.ask(stranger, Rank::Back);
        Self {
            shared: Arc::clone(shared),
            returning,
            asked: None,
        }
    }

    /// Waits for a place and for the program's answer.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Rejection>> {
        if self.asked.is_none() {
            let stranger = self.returning.stranger();
            // Where it has none, whoever has the link is woken with it.
            let recheck = self.shared.look(|hub| {
                let has = hub.places.has(stranger);
                has.then(|| hub.recheck.clone())
            });
            let Some(recheck) = recheck else {
                return Poll::Pending;
            };
            let Some(recheck) = recheck else {
                return Poll::Ready(Ok(()));
            };
            let watch = |key| Watcher::new(Arc::clone(&self.shared), key);
            let parts = ReturnParts {
                session: watch(self.returning.session()),
                stranger: watch(stranger),
            };
            self.asked = Some(recheck(parts));
        }
        let Some(asked) = &mut self.asked else {
            return Poll::Pending;
        };
        let answer = ready!(AssertUnwindSafe(asked).catch_unwind().poll_unpin(cx));
        Poll::Ready(answer.unwrap_or_else(|_panic| Err(Rejection::busy(AFTER_A_FAILURE))))
    }

    /// Waits for the answer, and does what it says in one step: the link is the session's from here on, or its peer hears why not.
    pub(super) fn poll_return(&mut self, port: &mut Port, cx: &mut Context<'_>) -> Poll<()> {
        let verdict = ready!(self.poll(cx));
        let (shared, stranger) = (&self.shared, port.key());
        shared.with(|hub, now| {
            let fresh = &mut || shared.entropy.secret();
            let Hub { registry, fx, .. } = hub;
            registry.let_return(port, now, &self.returning, verdict, fx, fresh);
            if port.key() != stranger {
                hub.beside.pass_on(stranger, port.key());
            }
        });
        Poll::Ready(())
    }
}

impl Drop for Coming {
    fn drop(&mut self) {
        let (session, stranger) = (self.returning.session(), self.returning.stranger());
        self.shared.with_recent(|hub, _| {
            if hub.returning.get(&session) == Some(&stranger) {
                hub.returning.remove(&session);
            }
            hub.leave_place(stranger);
        });
    }
}

impl Owner {
    /// From here on the program is asked about every session that comes back.
    pub(crate) fn recheck(&self, recheck: Recheck) {
        let former = self.shared().with(|hub, _| {
            hub.registry.recheck();
            hub.recheck.replace(recheck)
        });
        drop(former); // which may run anything
    }
}
