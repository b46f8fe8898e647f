use futures::{
    Stream,
    future::FusedFuture,
    stream::{FusedStream, StreamExt},
};
use pin_project::pin_project;
use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

/// The wait for the next peer at a [`Door`](crate::Door), the next notice of [`Events`](crate::Events), or the next update of
/// a [`Client`](crate::Client).
///
/// # Cancel safety
///
/// Dropped before it completed, it has taken nothing.
///
/// ```
/// use sessile::{Events, Next};
///
/// fn wait(events: &mut Events) -> Next<'_, Events> {
///     events.next()
/// }
/// ```
#[pin_project]
#[derive(Debug)]
#[must_use = "nothing comes before it is awaited"]
pub struct Next<'a, S> {
    stream: &'a mut S,
}

impl<'a, S> Next<'a, S> {
    pub(crate) const fn new(stream: &'a mut S) -> Self {
        Self { stream }
    }
}

impl<S: Stream + Unpin> Future for Next<'_, S> {
    type Output = Option<S::Item>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().stream.poll_next_unpin(cx)
    }
}

impl<S: FusedStream + Unpin> FusedFuture for Next<'_, S> {
    fn is_terminated(&self) -> bool {
        self.stream.is_terminated()
    }
}
