//! One message on its way in or out.

use super::logged_in::message;
use crate::{Ended, Message, SendError, driver::Handle, message::Lent};
use futures::future::FusedFuture;
use pin_project::pin_project;
use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

/// A message that waits for room: see [`Session::send`](crate::Session::send).
///
/// Once completed it is terminated, and pending if polled again: a message is sent once.
///
/// # Cancel safety
///
/// Dropped before it completed, it has sent nothing.
///
/// ```
/// use sessile::{LoggedIn, Sending, Session};
///
/// fn ping(session: &mut Session<LoggedIn>) -> Sending<'_> {
///     session.send("ping")
/// }
/// ```
#[pin_project]
#[derive(Debug)]
#[must_use = "nothing is sent before it is awaited"]
pub struct Sending<'a> {
    handle: &'a Handle,
    epoch: u64,
    message: Lent<'a>,
    done: bool,
}

/// The wait for a message: see [`Session::recv`](crate::Session::recv).
///
/// Once completed it is terminated, and pending if polled again; the next message is the next `recv`'s.
///
/// # Cancel safety
///
/// Dropped before it completed, it has taken nothing.
///
/// ```
/// use sessile::{LoggedIn, Receiving, Session};
///
/// fn reply(session: &mut Session<LoggedIn>) -> Receiving<'_> {
///     session.recv()
/// }
/// ```
#[pin_project]
#[derive(Debug)]
#[must_use = "nothing is received before it is awaited"]
pub struct Receiving<'a> {
    handle: &'a Handle,
    epoch: u64,
    done: bool,
}

// Drop glue would hold the borrow of the session to the end of the scope, and `select` with a handler that uses the
// session would not compile. So whoever waits is remembered beside the session, one waker a direction.
const _: () = assert!(!std::mem::needs_drop::<Sending<'_>>());
const _: () = assert!(!std::mem::needs_drop::<Receiving<'_>>());

impl<'a> Sending<'a> {
    pub(super) const fn new(handle: &'a Handle, epoch: u64, message: Lent<'a>) -> Self {
        Self {
            handle,
            epoch,
            message,
            done: false,
        }
    }
}

impl<'a> Receiving<'a> {
    pub(super) const fn new(handle: &'a Handle, epoch: u64) -> Self {
        Self {
            handle,
            epoch,
            done: false,
        }
    }
}

impl Future for Sending<'_> {
    type Output = Result<(), SendError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if *this.done {
            return Poll::Pending;
        }
        let sent = ready!(this.handle.poll_send(*this.epoch, *this.message, cx));
        *this.done = true;
        Poll::Ready(sent)
    }
}

impl Future for Receiving<'_> {
    type Output = Result<Message<'static>, Ended>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if *this.done {
            return Poll::Pending;
        }
        let received = ready!(this.handle.poll_recv(*this.epoch, cx));
        *this.done = true;
        Poll::Ready(received.map(message))
    }
}

impl FusedFuture for Sending<'_> {
    fn is_terminated(&self) -> bool {
        self.done
    }
}

impl FusedFuture for Receiving<'_> {
    fn is_terminated(&self) -> bool {
        self.done
    }
}
