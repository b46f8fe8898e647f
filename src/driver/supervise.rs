//! What a supervised client asks of its session beyond what its handle offers: it sends on whatever link there is, since it
//! is the one that reports losses, and it waits between two logins.

use std::{
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use super::{Feed, Handle, Sleep, Watcher, hub::remember};
use crate::{
    Closed, Event, Reason, Reconnect, SendError,
    message::Lent,
    proto::{Machine, Time},
    transport::DynDial,
};

impl Watcher {
    pub(crate) fn now(&self) -> Time {
        self.shared.clock.now()
    }

    /// What jitter begins with.
    pub(crate) fn seed(&self) -> u64 {
        self.shared.entropy.seed()
    }

    pub(crate) fn policy(&self) -> &Reconnect {
        &self.shared.settings.reconnect
    }

    /// What happens to all sessions of the same client from now on.
    pub(crate) fn feed_of_all(&self) -> Feed {
        let limit = self.shared.settings.event_buffer;
        self.shared.with(|hub, _| hub.observers.all(limit))
    }

    /// Messages that wait to be read.
    pub(crate) fn unread(&self) -> usize {
        self.shared
            .look(|hub| hub.registry.get(self.key).map_or(0, Machine::unread))
    }

    /// Sends where a link is up, whichever.
    pub(crate) fn send_now(&self, message: Lent<'_>) -> Result<(), SendError> {
        self.hand(|machine| machine.send(machine.epoch(), message))
            .unwrap_or_else(|| Err(Closed::new(Reason::Gone).into()))
    }

    pub(crate) fn send_volatile_now(&self, message: Lent<'_>) -> Result<(), SendError> {
        self.input(|machine, cx| machine.send_volatile(cx, machine.epoch(), message))
            .unwrap_or_else(|| Err(Closed::new(Reason::Gone).into()))
    }

    /// Waits until a message would be accepted.
    pub(crate) fn poll_room(&self, cx: &Context<'_>) -> Poll<Result<(), Closed>> {
        self.shared.with(|hub, now| {
            match hub.input(self.key, now, Machine::has_room) {
                Some(Ok(true)) => return Poll::Ready(Ok(())),
                Some(Ok(false)) => {}
                Some(Err(closed)) => return Poll::Ready(Err(closed)),
                None => return Poll::Ready(Err(Closed::new(Reason::Gone))),
            }
            remember(&mut hub.seat(self.key).waiting().send, cx.waker());
            Poll::Pending
        })
    }

    /// Dials elsewhere from now on, where its server sent it or home again; observers hear of it.
    pub(crate) fn go(&self, there: Arc<dyn DynDial>, to: Option<&str>) {
        self.shared.dial_by(there);
        self.input(|machine, cx| machine.announce_redirect(cx, to));
    }

    /// Waits until so long after an event.
    pub(crate) fn sleep_after(&self, event: &Event, time: Duration) -> Sleep {
        let at = Time::START + event.at() + time;
        self.shared.clock.sleep_until(at)
    }

    /// A pause before the next login begins; observers hear of it.
    pub(crate) fn pause(&self, attempt: u32, after: Duration) -> Sleep {
        self.input(|machine, cx| machine.announce_login(cx, attempt, after));
        let clock = &self.shared.clock;
        clock.sleep_until(clock.now() + after)
    }

    /// Whether somebody says that the network is back.
    pub(crate) fn poll_nudge(&self, cx: &Context<'_>) -> Poll<()> {
        self.shared.with(|hub, now| {
            if hub.input(self.key, now, |machine, _| machine.take_nudge()) == Some(true) {
                return Poll::Ready(());
            }
            remember(&mut hub.seat(self.key).waiting().state, cx.waker());
            Poll::Pending
        })
    }
}

impl Handle {
    /// Ends the session with this very end: everybody who observes it hears the same.
    pub(crate) fn end(&self, closed: Closed) {
        self.watcher()
            .input(|machine, cx| machine.close(cx, closed));
    }
}
