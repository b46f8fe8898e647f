use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures::future::FusedFuture;
use pin_project::pin_project;

use crate::{Client, SendError, message::Lent};

/// A message that waits for a session and for room: see [`Client::send`].
///
/// Once completed it is terminated, and pending if polled again: a message is sent once.
///
/// # Cancel safety
///
/// Dropped before it completed, it has sent nothing.
///
/// ```
/// use sessile::{Client, Posting};
///
/// fn greet(client: &mut Client) -> Posting<'_> {
///     client.send("hello")
/// }
/// ```
#[pin_project]
#[derive(Debug)]
#[must_use = "nothing is sent before it is awaited"]
pub struct Posting<'a> {
    client: &'a mut Client,
    message: Lent<'a>,
    done: bool,
}

const _: () = assert!(!std::mem::needs_drop::<Posting<'_>>());

impl<'a> Posting<'a> {
    pub(super) const fn new(client: &'a mut Client, message: Lent<'a>) -> Self {
        Self {
            client,
            message,
            done: false,
        }
    }
}

impl Future for Posting<'_> {
    type Output = Result<(), SendError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if *this.done {
            return Poll::Pending;
        }
        let sent = ready!(this.client.poll_room(cx))
            .map_err(SendError::from)
            .and_then(|()| this.client.post(*this.message));
        *this.done = true;
        Poll::Ready(sent)
    }
}

impl FusedFuture for Posting<'_> {
    fn is_terminated(&self) -> bool {
        self.done
    }
}
