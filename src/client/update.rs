use std::{fmt, iter::FusedIterator, task::Poll};

use crate::{Client, Closed, Event, Message, Undelivered};

/// One step in the life of a [`Client`].
///
/// ```
/// use sessile::{Fate, Update};
///
/// fn show(update: Update, unsaid: &mut Vec<bytes::Bytes>) {
///     match update {
///         Update::Message(message) => println!("{message:?}"),
///         Update::Event(event) => eprintln!("{event}"),
///         Update::Undelivered(messages) => unsaid.extend(
///             messages
///                 .into_iter()
///                 .filter(|one| one.fate() == Fate::NeverSent)
///                 .map(|one| one.into_message()),
///         ),
///         Update::Lagged(missed) => eprintln!("{missed} events missed"),
///         Update::Ended(why) => eprintln!("for good: {why}"),
///     }
/// }
/// ```
#[derive(Clone, Debug)]
#[expect(
    clippy::exhaustive_enums,
    reason = "who lets the loop be written must still decide about each of its outcomes"
)]
pub enum Update {
    /// A message of the server. Being handed out is what acknowledges it.
    Message(Message<'static>),
    /// Something happened to the session: a login, a loss, a planned attempt, a resume, … An
    /// [`Ended`](crate::EventKind::Ended) is a session's end; another one may follow.
    Event(Event),
    /// A session ended before the server took these; they are in order, and there is at least one. A login anew comes after
    /// this. Nothing sends them again by itself: the new session is another one, and some may have arrived.
    Undelivered(Vec<Undelivered>),
    /// The client was not polled for so long that so many events are missing here ([`Config::event_buffer`](crate::Config::event_buffer)). Messages never
    /// are.
    Lagged(u64),
    /// The client is over, and will not try again. The last update.
    Ended(Closed),
}

/// What happened to a client since the last time, one step after the other: [`Client::drain`].
///
/// ```
/// use sessile::{Client, Update, Updates};
///
/// fn messages(updates: Updates<'_>) -> usize {
///     updates.filter(|update| matches!(update, Update::Message(_))).count()
/// }
/// # fn frame(client: &mut Client) { messages(client.drain()); }
/// ```
#[must_use = "what is not iterated stays for the next time"]
pub struct Updates<'a> {
    client: &'a mut Client,
    /// Updates to give, at most, so that a server that sends faster than this is iterated does not hold it for ever.
    left: usize,
}

impl<'a> Updates<'a> {
    pub(super) const fn new(client: &'a mut Client, left: usize) -> Self {
        Self { client, left }
    }
}

impl Iterator for Updates<'_> {
    type Item = Update;

    fn next(&mut self) -> Option<Update> {
        self.left = self.left.checked_sub(1)?;
        match self.client.step() {
            Poll::Ready(Some(update)) => Some(update),
            Poll::Ready(None) | Poll::Pending => {
                self.left = 0;
                None
            }
        }
    }
}

impl FusedIterator for Updates<'_> {}

impl fmt::Debug for Updates<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Updates")
            .field("left", &self.left)
            .finish_non_exhaustive()
    }
}
