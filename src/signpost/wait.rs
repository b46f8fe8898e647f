//! A future that was not awaited.

use super::IsSession;
use crate::{Connect, Login, Mode, Receiving, Resume, Sending, TryAdmit};

#[doc(hidden)]
impl Connect {
    pub fn login<A>(self, _: A) -> Login
    where
        Self: IsSession<A>,
    {
        unreachable!()
    }
}

#[doc(hidden)]
impl Login {
    pub fn send<A>(&mut self, _: A) -> Sending<'_>
    where
        Self: IsSession<A>,
    {
        unreachable!()
    }

    pub fn recv<'a>(&'a mut self) -> Receiving<'a>
    where
        &'a Self: IsSession<()>,
    {
        unreachable!()
    }
}

#[doc(hidden)]
impl TryAdmit {
    pub fn send<A>(&mut self, _: A) -> Sending<'_>
    where
        Self: IsSession<A>,
    {
        unreachable!()
    }

    pub fn recv<'a>(&'a mut self) -> Receiving<'a>
    where
        &'a Self: IsSession<()>,
    {
        unreachable!()
    }
}

#[doc(hidden)]
impl<M: Mode> Resume<M> {
    pub fn send<A>(&mut self, _: A) -> Sending<'_>
    where
        Self: IsSession<A>,
    {
        unreachable!()
    }

    pub fn recv<'a>(&'a mut self) -> Receiving<'a>
    where
        &'a Self: IsSession<()>,
    {
        unreachable!()
    }
}
