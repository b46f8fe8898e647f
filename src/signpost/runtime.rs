//! A runtime or an observer of the wrong mode.

use super::{IsClient, IsServer, ReachesPeer};
use crate::{Connect, Door, Listen, Multi, Peer, Runtime, SendError, Sessions, Single};

#[doc(hidden)]
impl Runtime<Single> {
    pub fn listen<A>(&self, _: A) -> Listen<Door>
    where
        Self: IsServer<A>,
    {
        unreachable!()
    }

    pub fn listen_over<A>(&self, _: A) -> Door
    where
        Self: IsServer<A>,
    {
        unreachable!()
    }

    pub fn sessions<'a>(&'a self) -> Sessions
    where
        &'a Self: IsServer<()>,
    {
        unreachable!()
    }
}

#[doc(hidden)]
impl Runtime<Multi> {
    pub fn connect<A>(self, _: A) -> Connect
    where
        Self: IsClient<A>,
    {
        unreachable!()
    }

    pub fn connect_over<A>(self, _: A) -> Connect
    where
        Self: IsClient<A>,
    {
        unreachable!()
    }
}

#[doc(hidden)]
impl Peer<Single> {
    pub fn try_send<A>(&self, _: A) -> Result<(), SendError>
    where
        Self: ReachesPeer<A>,
    {
        unreachable!()
    }

    pub fn send_volatile<A>(&self, _: A) -> Result<(), SendError>
    where
        Self: ReachesPeer<A>,
    {
        unreachable!()
    }

    pub fn remove<A>(&self, _: A)
    where
        Self: ReachesPeer<A>,
    {
        unreachable!()
    }
}
