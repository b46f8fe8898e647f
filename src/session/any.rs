use super::Session;
use crate::{Close, Connecting, LoggedIn, Mode, Peer, Phase, Reconnecting, Single};

/// A session in whatever state: to store one whose state changes.
///
/// A wait ([`Login`](crate::Login), [`Resume`](crate::Resume)) owns its session and cannot be stored in here; where a
/// program stores waits, too, an enum of its own with `std::mem::replace` serves it better.
///
/// ```
/// use sessile::{AnySession, Credentials, Ended, Error};
///
/// async fn step(session: AnySession, me: &Credentials) -> Result<AnySession, Error> {
///     Ok(match session {
///         AnySession::Connecting(session) => session.login(me).await?.into(),
///         AnySession::Reconnecting(session) => session.resume().await?.into(),
///         AnySession::LoggedIn(mut session) => match session.recv().await {
///             Ok(message) => {
///                 println!("{message:?}");
///                 session.into()
///             }
///             Err(Ended::Lost(lost)) => session.reconnect(lost).into(),
///             Err(Ended::Closed(closed)) => return Err(closed.into()),
///         },
///     })
/// }
/// ```
#[derive(Debug)]
#[must_use = "dropping a session closes it: keep it, `close` it, or hand it on"]
#[expect(
    clippy::exhaustive_enums,
    reason = "whoever stores a session must handle each of its states"
)]
pub enum AnySession<M: Mode = Single> {
    /// Nobody is logged in.
    Connecting(Session<Connecting, M>),
    /// Messages flow.
    LoggedIn(Session<LoggedIn, M>),
    /// The link was lost.
    Reconnecting(Session<Reconnecting, M>),
}

/// The same question to the session in any state.
macro_rules! whichever {
    ($any:expr, $session:ident => $answer:expr) => {
        match $any {
            Self::Connecting($session) => $answer,
            Self::LoggedIn($session) => $answer,
            Self::Reconnecting($session) => $answer,
        }
    };
}

impl<M: Mode> AnySession<M> {
    /// As [`Session::id`].
    #[must_use]
    pub fn id(&self) -> u64 {
        whichever!(self, session => session.id())
    }

    /// As [`Session::phase`].
    #[must_use]
    pub fn phase(&self) -> Phase {
        whichever!(self, session => session.phase())
    }

    /// As [`Session::peer`].
    #[must_use]
    pub fn peer(&self) -> Peer<M> {
        whichever!(self, session => session.peer())
    }

    /// As [`Session::close`].
    pub fn close(self, reason: &str) -> Close {
        whichever!(self, session => session.close(reason))
    }
}

macro_rules! into_and_out_of {
    ($($state:ident),*) => {
        $(impl<M: Mode> From<Session<$state, M>> for AnySession<M> {
            fn from(session: Session<$state, M>) -> Self {
                Self::$state(session)
            }
        }

        /// The session, where it is in this state; itself again otherwise.
        impl<M: Mode> TryFrom<AnySession<M>> for Session<$state, M> {
            type Error = AnySession<M>;

            fn try_from(any: AnySession<M>) -> Result<Self, AnySession<M>> {
                match any {
                    AnySession::$state(session) => Ok(session),
                    other => Err(other),
                }
            }
        })*
    };
}

into_and_out_of!(Connecting, LoggedIn, Reconnecting);
