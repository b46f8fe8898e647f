//! How a client goes on: one step after the other, and nothing where nothing is to be done.

use std::{
    ops::ControlFlow,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use futures::StreamExt;

use super::{
    Client, Update,
    life::{Brought, Gone, Life},
    series::Plan,
};
use crate::{
    Closed, Event, EventKind, LoginError, Notice, Phase, Retry, SendError, Session, message::Lent,
};

impl Client {
    /// Goes on until there is something to tell.
    pub(super) fn step(&mut self) -> Poll<Option<Update>> {
        let waker = self.waker.clone();
        let cx = &mut Context::from_waker(&waker);
        loop {
            if let Some(update) = self.next_event(cx) {
                return Poll::Ready(Some(update));
            }
            match self.go_on(cx) {
                Poll::Ready(ControlFlow::Continue(())) => {}
                Poll::Ready(ControlFlow::Break(update)) => return Poll::Ready(update),
                Poll::Pending => {
                    // What it was held for does not come.
                    let event = self.held.take().map(Update::Event);
                    return event.map_or(Poll::Pending, |event| Poll::Ready(Some(event)));
                }
            }
        }
    }

    /// The next event, where it is not better told later.
    fn next_event(&mut self, cx: &mut Context<'_>) -> Option<Update> {
        if self.held.is_none() {
            match self.events.poll_next_unpin(cx) {
                Poll::Ready(Some(Notice::Event(event))) => self.held = Some(event),
                Poll::Ready(Some(Notice::Lagged(missed))) => return Some(Update::Lagged(missed)),
                Poll::Ready(None) | Poll::Pending => {}
            }
        }
        let life = &self.life;
        let event = self.held.take_if(|event| !life.comes_before(event))?;
        if matches!(event.kind(), EventKind::Draining) {
            self.plan_to_leave(&event);
        }
        Some(Update::Event(event))
    }

    /// One step of its life: the next one follows, or there is something to tell. `None` where nothing will be any more.
    fn go_on(&mut self, cx: &mut Context<'_>) -> Poll<ControlFlow<Option<Update>>> {
        let told = match &mut self.life {
            Life::Joining(_) | Life::Waiting(..) => {
                ready!(self.poll_join(cx));
                return Poll::Ready(ControlFlow::Continue(()));
            }
            Life::Live(_) | Life::Healing(_) => match self.life.poll_session(cx) {
                Poll::Ready(Brought::Message(message)) => Some(Update::Message(message)),
                Poll::Ready(Brought::Turn) => {
                    match &self.life {
                        Life::Live(_) => self.series.up(self.watcher.now()),
                        _ => self.went_down(),
                    }
                    return Poll::Ready(ControlFlow::Continue(()));
                }
                // All that came was read.
                Poll::Pending => {
                    ready!(self.poll_leave(cx));
                    return Poll::Ready(ControlFlow::Continue(()));
                }
            },
            Life::Gone(gone) => {
                let undelivered = ready!(gone.poll_undelivered(cx));
                if undelivered.is_empty() {
                    self.bury();
                    return Poll::Ready(ControlFlow::Continue(()));
                }
                Some(Update::Undelivered(undelivered))
            }
            Life::Over { told: true, .. } | Life::Between => None,
            Life::Over { told, why, .. } => {
                *told = true;
                Some(Update::Ended(why.clone()))
            }
        };
        Poll::Ready(ControlFlow::Break(told))
    }

    /// From a login, or the pause before one, to what follows it.
    fn poll_join(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.life {
            Life::Joining(login) => match ready!(Pin::new(login).poll(cx)) {
                Ok(session) => {
                    self.series.up(self.watcher.now());
                    self.life = Life::Live(session);
                }
                Err(error) => self.life = self.after_failure(error),
            },
            Life::Waiting(_, pause) => {
                let over = Pin::new(pause).poll(cx).is_ready();
                if !over {
                    ready!(self.watcher.poll_nudge(cx));
                }
                let me = &self.me;
                self.life.turn(|life| match life {
                    Life::Waiting(session, _) => Life::Joining(session.login(me)),
                    other => other,
                });
            }
            _ => {}
        }
        Poll::Ready(())
    }

    /// A login failed: the next one comes later, or it is enough.
    fn after_failure(&mut self, error: LoginError) -> Life {
        let why = error.closed().clone();
        let session = error.into_session();
        if session.phase() == Phase::Ended {
            // It succeeded, and its session ended before anybody looked.
            return Life::Gone(Gone::new(session.handle, why));
        }
        let (now, policy) = (self.watcher.now(), self.watcher.policy());
        let there = self.route.follow(policy, &why);
        // No server spoke: it was no address, or nobody whom this end trusts. That says nothing of the one at home.
        let astray = self.route.is_away() && there.is_none() && why.rejection().is_none();
        let why = match astray {
            true => why.with_retry(Retry::Now),
            false => heeded(&why, there.is_some()),
        };
        match self.series.after_failure(now, policy, &why) {
            Plan::Wait(attempt, after) => {
                if let Some(there) = there {
                    self.watcher.go(there, why.redirect());
                } else if let Some(home) = self.route.go_home() {
                    self.watcher.go(home, None);
                }
                Life::Waiting(session, self.watcher.pause(attempt, after))
            }
            Plan::Stop(why) => {
                session.handle.end(why.clone());
                Life::over(session.handle, why)
            }
        }
    }

    /// All was told of a session that is gone: another one follows, or none.
    fn bury(&mut self) {
        let Self {
            life,
            series,
            watcher,
            relogin,
            route,
            slot,
            ..
        } = self;
        *slot = None;
        life.turn(|life| {
            let Life::Gone(Gone { handle, why, .. }) = life else {
                return life;
            };
            let follow = |why: &Closed| route.follow(watcher.policy(), why);
            let there = Some(&why).filter(|_| *relogin).and_then(follow);
            let why = heeded(&why, there.is_some());
            let plan = match relogin {
                true => series.next(watcher.now(), watcher.policy(), &why),
                false => Plan::Stop(why.clone()),
            };
            match plan {
                Plan::Wait(attempt, after) => {
                    let session = Session::dialed(handle.reborn());
                    *watcher = session.handle.watcher();
                    if let Some(there) = there {
                        watcher.go(there, why.redirect());
                    }
                    Life::Waiting(session, watcher.pause(attempt, after))
                }
                Plan::Stop(why) => Life::over(handle, why),
            }
        });
    }

    /// The server goes down and has said where to go instead: its slot is when to leave.
    fn plan_to_leave(&mut self, event: &Event) {
        let policy = self.watcher.policy();
        let may =
            self.relogin && self.route.may_follow(policy) && event.session() == self.watcher.id();
        let Some(going) = self.watcher.going().filter(|_| may) else {
            return;
        };
        if going.redirect().is_some() {
            let slot = match going.retry() {
                Retry::After(slot) => slot,
                Retry::Now | Retry::Never => Duration::ZERO,
            };
            self.slot = Some(self.watcher.sleep_after(event, slot));
        }
    }

    /// Waits for the slot to leave, and leaves.
    fn poll_leave(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(slot) = &mut self.slot else {
            return Poll::Pending;
        };
        ready!(Pin::new(slot).poll(cx));
        self.slot = None;
        if let Some(going) = self.watcher.going() {
            self.went_down();
            self.life.leave(going.with_retry(Retry::Now)); // it has waited already
        }
        Poll::Ready(())
    }

    fn went_down(&mut self) {
        if self.series.down(self.watcher.now(), self.watcher.policy()) {
            self.route.arrive();
        }
    }

    /// Waits until a message would be accepted; moves the client on to there, but never over the end of a session.
    pub(super) fn poll_room(&mut self, cx: &Context<'_>) -> Poll<Result<(), Closed>> {
        self.waiting.writer.register(cx.waker());
        let waker = self.waker.clone();
        let cx = &mut Context::from_waker(&waker);
        loop {
            match &self.life {
                Life::Joining(_) | Life::Waiting(..) => ready!(self.poll_join(cx)),
                Life::Live(_) | Life::Healing(_) => return self.watcher.poll_room(cx),
                Life::Gone(Gone { why, .. }) | Life::Over { why, .. } => {
                    return Poll::Ready(Err(why.clone()));
                }
                Life::Between => return Poll::Pending,
            }
        }
    }

    /// A message for which there was room a moment ago, whatever became of the link meanwhile.
    pub(super) fn post(&self, message: Lent<'_>) -> Result<(), SendError> {
        self.check_life()?;
        self.watcher.answer_message(true, message)
    }

    /// Whether there is, or may be, a session to send on.
    pub(super) fn check_life(&self) -> Result<(), Closed> {
        match &self.life {
            Life::Over { why, .. } => Err(why.clone()),
            _ => Ok(()),
        }
    }
}

/// An end that says "never" speaks of the server that said it, and not of the one that it names.
fn heeded(why: &Closed, followed: bool) -> Closed {
    match why.retry() {
        Retry::Never if followed => why.clone().with_retry(Retry::Now),
        _ => why.clone(),
    }
}
