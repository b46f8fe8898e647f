use super::{Blame, Closed, Retry, Undelivered};
use crate::{Connecting, Mode, Reconnecting, Session, Single, driver::Handle};
use std::{fmt, marker::PhantomData};

/// Why a session did not come back: it is over. It has what the peer did not take, and a client's way to log in anew.
///
/// ```
/// use sessile::{Credentials, Error, Fate, LoggedIn, ResumeError, Session};
///
/// /// Logs in anew and sends again what certainly did not arrive.
/// async fn again(mut gone: ResumeError, me: &Credentials) -> Result<Session<LoggedIn>, Error> {
///     let undelivered = gone.take_undelivered();
///     let mut session = gone.into_connecting()?.login(me).await?;
///     for message in undelivered {
///         match message.fate() {
///             Fate::NeverSent => session.send(message.message()).await?,
///             // sending it could do it twice
///             Fate::Unknown => eprintln!("may have arrived: {message:?}"),
///         }
///     }
///     Ok(session)
/// }
/// ```
pub struct ResumeError<M: Mode = Single> {
    handle: Handle,
    closed: Closed,
    undelivered: Vec<Undelivered>,
    mode: PhantomData<fn() -> M>,
}

impl<M: Mode> ResumeError<M> {
    pub(crate) fn new(session: Session<Reconnecting, M>, closed: Closed) -> Self {
        let handle = session.handle;
        Self {
            undelivered: handle.take_undelivered(),
            handle,
            closed,
            mode: PhantomData,
        }
    }

    /// How the session ended.
    #[must_use]
    pub const fn closed(&self) -> &Closed {
        &self.closed
    }

    /// Who has to change something.
    #[must_use]
    pub fn blame(&self) -> Blame {
        self.closed.blame()
    }

    /// Whether to log in again, and when.
    #[must_use]
    pub fn retry(&self) -> Retry {
        self.closed.retry()
    }

    /// The messages that were sent and that the peer did not take, or may not have taken, in order.
    #[must_use]
    pub fn undelivered(&self) -> &[Undelivered] {
        &self.undelivered
    }

    /// Takes these messages out, to keep them.
    #[must_use]
    pub fn take_undelivered(&mut self) -> Vec<Undelivered> {
        std::mem::take(&mut self.undelivered)
    }

    /// The session that is over, and why. Undelivered messages that were not taken before are dropped.
    pub(crate) fn into_parts(self) -> (Handle, Closed) {
        (self.handle, self.closed)
    }

    pub(super) fn into_closed(self) -> Closed {
        self.closed
    }
}

impl ResumeError<Single> {
    /// A new session of the same client, to log in with. Undelivered messages that were not taken before are dropped.
    ///
    /// # Errors
    ///
    /// [`Closed`] where logging in again would be wrong ([`Retry::Never`]): after a takeover two clients would throw each
    /// other out for ever, and who was removed is not wanted.
    pub fn into_connecting(self) -> Result<Session<Connecting>, Closed> {
        match self.closed.retry() {
            Retry::Never => Err(self.closed),
            Retry::Now | Retry::After(_) => Ok(Session::dialed(self.handle.reborn())),
        }
    }
}

impl<M: Mode> fmt::Debug for ResumeError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResumeError")
            .field("mode", &format_args!("{}", M::NAME))
            .field("closed", &self.closed)
            .field("undelivered", &self.undelivered.len())
            .finish_non_exhaustive()
    }
}

impl<M: Mode> fmt::Display for ResumeError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the session did not come back: ")?;
        self.closed.fmt_why(f)?;
        match self.undelivered.len() {
            0 => Ok(()),
            1 => f.write_str(" (1 message not delivered)"),
            count => write!(f, " ({count} messages not delivered)"),
        }
    }
}

impl<M: Mode> std::error::Error for ResumeError<M> {}
