//! How a client goes on: one step after the other, and nothing where nothing is to be done.

use std::{
    ops::ControlFlow,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures::StreamExt;

use super::{
    Client, Update,
    life::{Brought, Gone, Life},
    series::Plan,
};
use crate::{Closed, LoginError, Notice, Phase, SendError, Session, message::Lent};

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
        Some(Update::Event(event))
    }

    /// One step of its life: the next one follows, or there is something to tell. `None` where nothing will be any more.
    fn go_on(&mut self, cx: &mut Context<'_>) -> Poll<ControlFlow<Option<Update>>> {
        let told = match &mut self.life {
            Life::Joining(_) | Life::Waiting(..) => {
                ready!(self.poll_join(cx));
                return Poll::Ready(ControlFlow::Continue(()));
            }
            Life::Live(_) | Life::Healing(_) => match ready!(self.life.poll_session(cx)) {
                Brought::Message(message) => Some(Update::Message(message)),
                Brought::Turn => {
                    let now = self.watcher.now();
                    match &self.life {
                        Life::Live(_) => self.series.up(now),
                        _ => self.series.down(now, self.watcher.policy()),
                    }
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
        let now = self.watcher.now();
        match self.series.after_failure(now, self.watcher.policy(), &why) {
            Plan::Wait(attempt, after) => {
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
            ..
        } = self;
        life.turn(|life| {
            let Life::Gone(Gone { handle, why, .. }) = life else {
                return life;
            };
            let plan = match relogin {
                true => series.next(watcher.now(), watcher.policy(), &why),
                false => Plan::Stop(why),
            };
            match plan {
                Plan::Wait(attempt, after) => {
                    let session = Session::dialed(handle.reborn());
                    *watcher = session.handle.watcher();
                    Life::Waiting(session, watcher.pause(attempt, after))
                }
                Plan::Stop(why) => Life::over(handle, why),
            }
        });
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
