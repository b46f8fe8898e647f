use super::Next;
use crate::{Notice, driver::Feed};
use futures::{Stream, stream::FusedStream};
use pin_project::pin_project;
use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

/// What happens to one session ([`Session::events`](crate::Session::events), [`Peer::events`](crate::Peer::events)) or to all
/// of a runtime ([`Runtime::events`](crate::Runtime::events)), from the moment it was asked for.
///
/// Whoever reads too slowly is told [`Notice::Lagged`], and goes on with what is newest; [`Config::event_buffer`](crate::Config::event_buffer) is how far
/// one may lag. A stream of one session ends after its `Ended`, that of a runtime when it stopped. It keeps nothing alive.
///
/// ```
/// use sessile::{EventKind, Events, Notice};
///
/// async fn back_online(events: &mut Events) -> bool {
///     while let Some(notice) = events.next().await {
///         match notice {
///             Notice::Event(event) if matches!(event.kind(), EventKind::Resumed { .. }) => {
///                 return true;
///             }
///             Notice::Event(_) => {}
///             Notice::Lagged(_) => {} // it may have been among them: look at `peer.phase()`
///         }
///     }
///     false
/// }
/// ```
#[pin_project]
#[must_use = "events are for whoever reads them"]
pub struct Events {
    feed: Feed,
    ended: bool,
}

impl Events {
    pub(crate) const fn new(feed: Feed) -> Self {
        Self { feed, ended: false }
    }

    /// How many events wait to be read.
    pub(crate) fn waiting(&self) -> usize {
        self.feed.len()
    }

    /// Waits for the next notice. `None` at the end.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses no notice.
    pub const fn next(&mut self) -> Next<'_, Self> {
        Next::new(self)
    }

    /// The next notice if there is one now, `None` if not (or none will come).
    ///
    /// ```
    /// use sessile::Events;
    ///
    /// /// Once a frame.
    /// fn show(events: &mut Events) {
    ///     while let Some(notice) = events.try_next() {
    ///         println!("{notice:?}");
    ///     }
    /// }
    /// ```
    pub fn try_next(&mut self) -> Option<Notice> {
        self.feed.try_next()
    }
}

impl Stream for Events {
    type Item = Notice;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Notice>> {
        let this = self.project();
        if *this.ended {
            return Poll::Ready(None);
        }
        let notice = ready!(this.feed.poll_next(cx));
        *this.ended = notice.is_none();
        Poll::Ready(notice)
    }
}

impl FusedStream for Events {
    fn is_terminated(&self) -> bool {
        self.ended
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events")
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}
