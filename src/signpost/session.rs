//! A session, or what is left of one, in the wrong state or mode.

use super::{
    CanBeJudged, CanLogIn, CanTalk, CountsTwice, HasLink, HasLost, IsClone, IsNew, LogsIn,
    OnClient, OnServer,
};
use crate::{
    Closed, Connecting, Credentials, Ended, LoggedIn, Login, Lost, Message, Mode, Multi, Offer,
    Receiving, Reconnecting, RecvHalf, Resume, ResumeError, SendError, SendHalf, Sending, Session,
    Single, State, TryAdmit,
};

#[doc(hidden)]
impl<M: Mode> Session<Connecting, M> {
    pub fn send<A>(&mut self, _: A) -> Sending<'_>
    where
        Self: CanTalk,
    {
        unreachable!()
    }

    pub fn try_send<A>(&mut self, _: A) -> Result<(), SendError>
    where
        Self: CanTalk,
    {
        unreachable!()
    }

    pub fn send_volatile<A>(&mut self, _: A) -> Result<(), SendError>
    where
        Self: CanTalk,
    {
        unreachable!()
    }

    pub fn recv(&mut self) -> Receiving<'_>
    where
        Self: CanTalk,
    {
        unreachable!()
    }

    pub fn try_recv(&mut self) -> Result<Option<Message<'static>>, Ended>
    where
        Self: CanTalk,
    {
        unreachable!()
    }

    pub fn split(&mut self) -> (SendHalf<'_>, RecvHalf<'_>)
    where
        Self: CanTalk,
    {
        unreachable!()
    }

    pub fn reconnect<A>(self, _: A) -> Session<Reconnecting, M>
    where
        Self: CanTalk,
    {
        unreachable!()
    }

    pub fn resume(self) -> Resume<M>
    where
        Self: CanTalk,
    {
        unreachable!()
    }
}

#[doc(hidden)]
impl<M: Mode> Session<Reconnecting, M> {
    pub fn send<A>(&mut self, _: A) -> Sending<'_>
    where
        Self: HasLink,
    {
        unreachable!()
    }

    pub fn try_send<A>(&mut self, _: A) -> Result<(), SendError>
    where
        Self: HasLink,
    {
        unreachable!()
    }

    pub fn send_volatile<A>(&mut self, _: A) -> Result<(), SendError>
    where
        Self: HasLink,
    {
        unreachable!()
    }

    pub fn recv(&mut self) -> Receiving<'_>
    where
        Self: HasLink,
    {
        unreachable!()
    }

    pub fn try_recv(&mut self) -> Result<Option<Message<'static>>, Ended>
    where
        Self: HasLink,
    {
        unreachable!()
    }

    pub fn split(&mut self) -> (SendHalf<'_>, RecvHalf<'_>)
    where
        Self: HasLink,
    {
        unreachable!()
    }

    pub fn reconnect<A>(self, _: A) -> Self
    where
        Self: HasLink,
    {
        unreachable!()
    }

    pub fn login(self, _: &Credentials) -> Login
    where
        Self: IsNew,
    {
        unreachable!()
    }
}

#[doc(hidden)]
impl<M: Mode> Session<LoggedIn, M> {
    pub fn login(self, _: &Credentials) -> Login
    where
        Self: CanLogIn,
    {
        unreachable!()
    }

    pub fn resume(self) -> Resume<M>
    where
        Self: HasLost,
    {
        unreachable!()
    }

    pub fn admit<A>(self, _: A) -> Session<LoggedIn, Multi>
    where
        Self: CanBeJudged,
    {
        unreachable!()
    }

    pub fn try_admit<A>(self, _: A) -> TryAdmit
    where
        Self: CanBeJudged,
    {
        unreachable!()
    }

    pub fn reject<A>(self, _: A)
    where
        Self: CanBeJudged,
    {
        unreachable!()
    }
}

#[doc(hidden)]
impl<S: State, M: Mode> Session<S, M> {
    #[expect(
        clippy::should_implement_trait,
        reason = "that it does not is what this says"
    )]
    pub fn clone(&self) -> Self
    where
        Self: IsClone,
    {
        unreachable!()
    }
}

#[doc(hidden)]
impl Session<Connecting, Multi> {
    pub fn login<A>(self, _: A) -> Login
    where
        A: OnClient,
    {
        unreachable!()
    }
}

#[doc(hidden)]
impl Session<Connecting, Single> {
    pub fn offer<'a>(&'a self) -> &'a Offer
    where
        &'a Self: OnServer,
    {
        unreachable!()
    }

    pub fn admit<A>(self, _: A) -> Session<LoggedIn, Multi>
    where
        A: OnServer,
    {
        unreachable!()
    }

    pub fn try_admit<A>(self, _: A) -> TryAdmit
    where
        A: OnServer,
    {
        unreachable!()
    }

    pub fn reject<A>(self, _: A)
    where
        A: OnServer,
    {
        unreachable!()
    }
}

#[doc(hidden)]
impl Lost {
    #[expect(
        clippy::should_implement_trait,
        reason = "that it does not is what this says"
    )]
    pub fn clone<'a>(&'a self) -> Self
    where
        &'a Self: CountsTwice,
    {
        unreachable!()
    }
}

#[doc(hidden)]
impl ResumeError<Multi> {
    pub fn into_connecting<'a>(self) -> Result<Session<Connecting>, Closed>
    where
        &'a Self: LogsIn,
    {
        unreachable!()
    }
}
