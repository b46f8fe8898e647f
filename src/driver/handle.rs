use std::{
    fmt,
    net::SocketAddr,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;

use super::{
    Feed, Owner, Watcher,
    hub::{Hub, remember},
    race::{Race, is_on},
    seat::Seat,
    shared::Shared,
};
use crate::{
    Closed, Credentials, Ended, Identity, Limits, Reason, Rejection, SendError, Undelivered,
    message::Lent,
    proto::{Cx, Key, LoginFailure, Machine, Phase, Received, Snapshot},
};

/// One session in its one owner's hands. Dropping it closes the session.
pub(crate) struct Handle {
    owner: Owner,
    key: Key,
}

/// What a peer presented.
#[derive(Clone, Debug)]
pub(crate) struct OfferParts {
    pub(crate) credentials: Bytes,
    pub(crate) remote: Option<SocketAddr>,
}

impl Handle {
    pub(super) const fn new(owner: Owner, key: Key) -> Self {
        Self { owner, key }
    }

    pub(crate) const fn id(&self) -> u64 {
        self.key.as_u64()
    }

    pub(crate) const fn owner(&self) -> &Owner {
        &self.owner
    }

    pub(crate) fn phase(&self) -> Phase {
        self.look(Machine::phase).unwrap_or(Phase::Ended)
    }

    pub(crate) fn epoch(&self) -> u64 {
        self.look(Machine::epoch).unwrap_or_default()
    }

    pub(crate) fn identity(&self) -> Option<Identity> {
        self.look(|machine| machine.identity().cloned()).flatten()
    }

    pub(crate) fn snapshot(&self) -> Option<Snapshot> {
        self.watcher().snapshot()
    }

    /// An observer, which keeps nothing alive.
    pub(crate) fn watcher(&self) -> Watcher {
        Watcher::new(Arc::clone(self.shared()), self.key)
    }

    pub(crate) fn feed(&self) -> Feed {
        self.watcher().feed()
    }

    pub(crate) fn set_tick(&self, tick: u64) {
        self.owner.set_tick(tick);
    }

    pub(super) const fn key(&self) -> Key {
        self.key
    }

    pub(super) const fn shared(&self) -> &Arc<Shared> {
        self.owner.shared()
    }

    fn look<R>(&self, look: impl FnOnce(&Machine) -> R) -> Option<R> {
        self.shared()
            .look(|hub| hub.registry.get(self.key).map(look))
    }

    fn input<R>(&self, give: impl FnOnce(&mut Machine, &mut Cx<'_>) -> R) -> Option<R> {
        self.shared()
            .with(|hub, now| hub.input(self.key, now, give))
    }

    /// Asks, and sits down to wait where the answer is not there yet, in one step: nothing is missed in between.
    fn poll<R>(
        &self,
        cx: &Context<'_>,
        place: impl Fn(&mut Seat) -> &mut Option<std::task::Waker>,
        ask: impl FnOnce(&mut Machine, &mut Cx<'_>) -> Poll<R>,
        gone: impl FnOnce() -> R,
    ) -> Poll<R> {
        let sit_down = |hub: &mut Hub| remember(place(hub.seat(self.key)), cx.waker());
        let answer = self.shared().with(|hub, now| {
            let answer = hub
                .input(self.key, now, ask)
                .unwrap_or_else(|| Poll::Ready(gone()));
            if answer.is_pending() && !is_on(Race::SitsDownLate) {
                sit_down(hub);
            }
            answer
        });
        if answer.is_pending() && is_on(Race::SitsDownLate) {
            self.shared().with(|hub, _| sit_down(hub));
        }
        answer
    }
}

/// Messages.
impl Handle {
    pub(crate) fn check(&self, epoch: u64) -> Result<(), Ended> {
        self.look(|machine| machine.check(epoch))
            .unwrap_or_else(|| Err(stopped().into()))
    }

    pub(crate) fn try_recv(&self, epoch: u64) -> Result<Option<Received>, Ended> {
        self.input(|machine, cx| machine.recv(cx, epoch))
            .unwrap_or_else(|| Err(stopped().into()))
    }

    pub(crate) fn poll_recv(&self, epoch: u64, cx: &Context<'_>) -> Poll<Result<Received, Ended>> {
        let ask = |machine: &mut Machine, given: &mut Cx<'_>| match machine.recv(given, epoch) {
            Ok(Some(received)) => Poll::Ready(Ok(received)),
            Ok(None) => Poll::Pending,
            Err(ended) => Poll::Ready(Err(ended)),
        };
        self.poll(
            cx,
            |seat| &mut seat.waiting().recv,
            ask,
            || Err(stopped().into()),
        )
    }

    pub(crate) fn try_send(&self, epoch: u64, message: Lent<'_>) -> Result<(), SendError> {
        self.shared()
            .with_recent(|hub, _| hub.hand(self.key, |machine| machine.send(epoch, message)))
            .unwrap_or_else(|| Err(stopped().into()))
    }

    /// Waits for room in the window.
    pub(crate) fn poll_send(
        &self,
        epoch: u64,
        message: Lent<'_>,
        cx: &Context<'_>,
    ) -> Poll<Result<(), SendError>> {
        let ask = |machine: &mut Machine, _: &mut Cx<'_>| match machine.send(epoch, message) {
            Err(SendError::Full) => Poll::Pending,
            outcome => Poll::Ready(outcome),
        };
        self.poll(
            cx,
            |seat| &mut seat.waiting().send,
            ask,
            || Err(stopped().into()),
        )
    }

    pub(crate) fn send_volatile(&self, epoch: u64, message: Lent<'_>) -> Result<(), SendError> {
        self.input(|machine, cx| machine.send_volatile(cx, epoch, message))
            .unwrap_or_else(|| Err(stopped().into()))
    }
}

/// A client's login.
impl Handle {
    pub(crate) fn login(&self, credentials: &Credentials) {
        let credentials = Bytes::copy_from_slice(credentials.as_bytes());
        self.input(|machine, cx| machine.login(cx, credentials));
    }

    /// Waits for the outcome; answers what the server asks back, outside the lock.
    pub(crate) fn poll_login(
        &self,
        me: &Credentials,
        cx: &Context<'_>,
    ) -> Poll<Result<(), LoginFailure>> {
        loop {
            let mut asked = None;
            let ask = |machine: &mut Machine, _: &mut Cx<'_>| {
                asked = machine.take_challenge();
                machine.login_outcome().map_or(Poll::Pending, Poll::Ready)
            };
            let gone = || {
                Err(LoginFailure {
                    closed: stopped(),
                    rejection: None,
                })
            };
            let outcome = self.poll(cx, |seat| &mut seat.waiting().state, ask, gone);
            let Some(asked) = asked else { return outcome };
            let answer = me.answer(&asked).map(Bytes::from);
            self.input(|machine, cx| machine.answer(cx, answer));
        }
    }

    /// Calls a login off. Where it succeeded and nobody was told, nobody will be: that session is let go.
    pub(crate) fn cancel_login(self) -> Self {
        match self.input(Machine::cancel_login) {
            Some(true) | None => self,
            Some(false) => self.reborn(),
        }
    }

    /// A new session of the same client, not connected; this one is let go.
    pub(crate) fn reborn(self) -> Self {
        let (_, login_attempt) = self.look(Machine::instance).unwrap_or_default();
        Self::new(self.owner.clone(), self.owner.new_dialer(login_attempt))
    }
}

/// Coming back, and the end.
impl Handle {
    /// Somebody waits for the session to come back.
    pub(crate) fn want(&self, wanted: bool) {
        self.input(|machine, cx| machine.want(cx, wanted));
    }

    /// Waits until the session is back, and on which epoch. One that ended with unread messages is back for them: what
    /// arrived before the end is read first.
    pub(crate) fn poll_resume(&self, cx: &Context<'_>) -> Poll<Result<u64, Closed>> {
        let ask = |machine: &mut Machine, _: &mut Cx<'_>| match machine.ended() {
            Some(_) if machine.has_mail() => Poll::Ready(Ok(machine.epoch())),
            Some(closed) => Poll::Ready(Err(closed.clone())),
            None if machine.phase().is_up() => Poll::Ready(Ok(machine.epoch())),
            None => Poll::Pending,
        };
        self.poll(cx, |seat| &mut seat.waiting().state, ask, || Err(stopped()))
    }

    /// Closes the session; what was sent before still goes out. Twice is once.
    pub(crate) fn close(&self, reason: Reason, text: &str) {
        self.input(|machine, cx| machine.close(cx, Closed::new(reason).with_text(text)));
    }

    /// Waits until everything about the end was said.
    pub(crate) fn poll_settled(&self, cx: &Context<'_>) -> Poll<()> {
        let ask = |machine: &mut Machine, _: &mut Cx<'_>| match machine.is_settled() {
            true => Poll::Ready(()),
            false => Poll::Pending,
        };
        self.poll(cx, |seat| &mut seat.waiting().state, ask, || ())
    }

    /// What was not acknowledged, once.
    pub(crate) fn take_undelivered(&self) -> Vec<Undelivered> {
        self.input(|machine, _| machine.take_undelivered())
            .unwrap_or_default()
    }
}

/// A server's judgement of who came.
impl Handle {
    pub(crate) fn offer(&self) -> Option<OfferParts> {
        let offer = self.look(Machine::offer).flatten()?;
        Some(OfferParts {
            credentials: offer.credentials,
            remote: offer.remote,
        })
    }

    /// Says who this is. Where the identity has as many sessions as it may, one makes room: `over`, if that is one of them. Where the
    /// peer has gone meanwhile, the session is ended, and says so. Returns the epoch.
    pub(crate) fn admit(&self, identity: Identity, over: Option<&Watcher>) -> u64 {
        let secret = self.shared().entropy.secret();
        let over = over.filter(|over| Arc::ptr_eq(over.shared(), self.shared()));
        let over = over.map(Watcher::key);
        self.shared().with(|hub, now| {
            let Hub { registry, fx, .. } = hub;
            registry.admit_over(self.key, now, identity, secret, over, fx);
            registry.get(self.key).map_or(0, Machine::epoch)
        })
    }

    /// What this session lives by, should it be admitted.
    pub(crate) fn set_limits(&self, limits: Limits) {
        self.input(|machine, _| machine.set_limits(limits.0));
    }

    /// It may have one of the places that are kept.
    pub(crate) fn set_reserved(&self) {
        self.input(|machine, _| machine.set_reserved());
    }

    pub(crate) fn reject(&self, why: &Rejection) {
        self.input(|machine, cx| machine.reject(cx, why));
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared().with(|hub, now| {
            if hub.seat(self.key).has_handle() {
                hub.input(self.key, now, Machine::abandon);
            }
        });
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.watcher().fmt_as("Session", f)
    }
}

fn stopped() -> Closed {
    Closed::new(Reason::Stopped)
}
