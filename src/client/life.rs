use std::{
    mem,
    pin::Pin,
    task::{Context, Poll, ready},
};

use crate::{
    Closed, Connecting, Ended, Event, EventKind, LoggedIn, Login, Message, Reason, Resume, Session,
    Undelivered,
    driver::{Handle, Sleep},
};

/// Where a client is. Each state holds what it waits for; the future that brings the next one is in it.
#[derive(Debug)]
pub(super) enum Life {
    /// A login is under way.
    Joining(Login),
    /// A login failed, or a session ended: the next login comes later.
    Waiting(Session<Connecting>, Sleep),
    /// Messages flow.
    Live(Session<LoggedIn>),
    /// The link was lost.
    Healing(Resume),
    /// The session is over. What remains is to say what it did not deliver.
    Gone(Gone),
    /// The client is over.
    Over {
        handle: Handle,
        why: Closed,
        told: bool,
    },
    /// On its way from one to the next: nobody ever sees it.
    Between,
}

/// What a server hears that is left because it goes down.
const MOVES: &str = "moves on";

/// A session that ended.
#[derive(Debug)]
pub(super) struct Gone {
    pub(super) handle: Handle,
    pub(super) why: Closed,
    pub(super) undelivered: Vec<Undelivered>,
}

/// What a live session brings.
#[derive(Debug)]
pub(super) enum Brought {
    Message(Message<'static>),
    /// Another life: the link is gone, or back, or the session is over.
    Turn,
}

impl Life {
    /// Becomes what comes next.
    pub(super) fn turn(&mut self, next: impl FnOnce(Self) -> Self) {
        *self = next(mem::replace(self, Self::Between));
    }

    /// Whether an event is better told later: first what arrived on the link whose end it tells.
    pub(super) fn comes_before(&self, event: &Event) -> bool {
        let ends_a_link = matches!(
            event.kind(),
            EventKind::LinkLost(_)
                | EventKind::TimedOut
                | EventKind::TakenOver
                | EventKind::Ended(_)
        );
        ends_a_link
            && match self {
                Self::Joining(login) => {
                    event.session() == login.session().id() && event.epoch() != 0
                }
                Self::Live(session) => {
                    event.session() == session.id() && event.epoch() == session.epoch()
                }
                _ => false,
            }
    }

    /// Waits for what the session in [`Live`](Self::Live) or [`Healing`](Self::Healing) brings.
    pub(super) fn poll_session(&mut self, cx: &mut Context<'_>) -> Poll<Brought> {
        let next = match self {
            Self::Live(session) => match ready!(Pin::new(&mut session.recv()).poll(cx)) {
                Ok(message) => return Poll::Ready(Brought::Message(message)),
                Err(ended) => Err(ended),
            },
            Self::Healing(resume) => Ok(ready!(Pin::new(resume).poll(cx))),
            _ => return Poll::Pending,
        };
        self.turn(|life| match (next, life) {
            (Ok(Ok(session)), _) => Self::Live(session),
            (Ok(Err(mut gone)), _) => {
                let undelivered = gone.take_undelivered();
                let (handle, why) = gone.into_parts();
                Self::Gone(Gone {
                    handle,
                    why,
                    undelivered,
                })
            }
            (Err(Ended::Lost(lost)), Self::Live(session)) => {
                Self::Healing(session.reconnect(lost).resume())
            }
            (Err(Ended::Closed(why)), Self::Live(session)) => {
                Self::Gone(Gone::new(session.handle, why))
            }
            (Err(_), other) => other,
        });
        Poll::Ready(Brought::Turn)
    }

    /// Ends it here and now, if it has not ended.
    pub(super) fn close(&mut self, reason: &str) {
        self.turn(|life| match life {
            ended @ (Self::Gone(_) | Self::Over { .. } | Self::Between) => ended,
            living => match living.into_handle() {
                Some(handle) => {
                    handle.close(Reason::ClosedHere, reason);
                    Self::Gone(Gone::new(handle, Closed::new(Reason::ClosedHere)))
                }
                None => Self::Between,
            },
        });
    }

    /// Leaves a server that goes down: what was accepted goes out first, and the server hears that it is left.
    pub(super) fn leave(&mut self, why: Closed) {
        self.turn(|life| match life {
            Self::Live(_) | Self::Healing(_) => match life.into_handle() {
                Some(handle) => {
                    handle.close(Reason::ClosedHere, MOVES);
                    Self::Gone(Gone::new(handle, why))
                }
                None => Self::Between,
            },
            other => other,
        });
    }

    pub(super) const fn over(handle: Handle, why: Closed) -> Self {
        let told = false;
        Self::Over { handle, why, told }
    }

    pub(super) fn into_handle(self) -> Option<Handle> {
        match self {
            Self::Joining(login) => Some(login.into_session().handle),
            Self::Waiting(session, _) => Some(session.handle),
            Self::Live(session) => Some(session.handle),
            Self::Healing(resume) => Some(resume.into_session().handle),
            Self::Gone(Gone { handle, .. }) | Self::Over { handle, .. } => Some(handle),
            Self::Between => None,
        }
    }
}

impl Gone {
    pub(super) const fn new(handle: Handle, why: Closed) -> Self {
        Self {
            handle,
            why,
            undelivered: Vec::new(),
        }
    }

    /// What it did not deliver, once that is known for certain. Empty where it is told.
    pub(super) fn poll_undelivered(&mut self, cx: &Context<'_>) -> Poll<Vec<Undelivered>> {
        ready!(self.handle.poll_settled(cx));
        let mut undelivered = mem::take(&mut self.undelivered);
        undelivered.append(&mut self.handle.take_undelivered());
        Poll::Ready(undelivered)
    }
}
