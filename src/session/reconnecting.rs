//! The link was lost: the session may come back, or not.

use super::{Resume, Session};
use crate::{Closed, Ended, Mode, Reason, Reconnecting, ResumeError};

impl<M: Mode> Session<Reconnecting, M> {
    /// The number of the link that was lost.
    #[must_use]
    pub const fn epoch(&self) -> u64 {
        self.state.epoch
    }

    /// Waits for the session to come back on another link. A client dials for it, with growing pauses; a server waits for
    /// the peer to dial, for the resume window at most.
    ///
    /// With [`ReconnectMode::AtOnce`](crate::ReconnectMode::AtOnce) a client has begun already; with
    /// [`OnResume`](crate::ReconnectMode::OnResume) it dials from here on, and while this is kept.
    ///
    /// What was sent and not taken goes out again, once and in order; what the peer sent meanwhile comes in the same way.
    /// Where the peer came back, sent messages and closed before this handle looked, the session comes back for these
    /// messages; the end is read after them.
    ///
    /// # Errors
    ///
    /// [`ResumeError`] where the session is over: expired, taken over, removed, given up. It has what the peer did not take,
    /// and gives a client the way to log in anew.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes the session. To go on with it, take it back with [`Resume::into_session`].
    ///
    /// ```
    /// use sessile::{Closed, LoggedIn, Multi, Reconnecting, Session};
    ///
    /// async fn back(
    ///     session: Session<Reconnecting, Multi>,
    /// ) -> Result<Session<LoggedIn, Multi>, Closed> {
    ///     session.resume().await.map_err(|mut gone| {
    ///         for message in gone.take_undelivered() {
    ///             eprintln!("not delivered: {message:?}");
    ///         }
    ///         gone.closed().clone()
    ///     })
    /// }
    /// ```
    pub fn resume(self) -> Resume<M> {
        self.handle.want(true);
        Resume::new(self)
    }

    /// Stops trying: the session is over at once, with [`Reason::GaveUp`] (or what ended it before). Returned is the same
    /// as where `resume` fails.
    ///
    /// ```
    /// use sessile::{Closed, Connecting, Reconnecting, Session};
    ///
    /// /// Forget what was, begin anew.
    /// fn afresh(session: Session<Reconnecting>) -> Result<Session<Connecting>, Closed> {
    ///     session.give_up().into_connecting()
    /// }
    /// ```
    pub fn give_up(self) -> ResumeError<M> {
        self.handle.close(Reason::GaveUp, "");
        let closed = match self.handle.check(self.state.epoch) {
            Err(Ended::Closed(closed)) => closed,
            Ok(()) | Err(Ended::Lost(_)) => Closed::new(Reason::GaveUp),
        };
        ResumeError::new(self, closed)
    }
}
