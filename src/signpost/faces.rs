//! A server's ways to take peers in, tried on a client, and a client's way to look after itself, tried on a server.

use super::{IsClient, IsServer};
use crate::{Client, Inbox, Listen, Multi, Runtime, Serving, Single};

#[doc(hidden)]
impl Runtime<Single> {
    pub fn serve<A, H>(&self, _: A, _: H) -> Listen<Serving>
    where
        Self: IsServer<A>,
    {
        unreachable!()
    }

    pub fn serve_over<A, H>(&self, _: A, _: H) -> Serving
    where
        Self: IsServer<A>,
    {
        unreachable!()
    }

    pub fn intake<A, H>(&self, _: A, _: H) -> Listen<Inbox<()>>
    where
        Self: IsServer<A>,
    {
        unreachable!()
    }

    pub fn intake_over<A, H>(&self, _: A, _: H) -> Inbox<()>
    where
        Self: IsServer<A>,
    {
        unreachable!()
    }
}

#[doc(hidden)]
impl Runtime<Multi> {
    pub fn supervise<A, C>(self, _: A, _: C) -> Client
    where
        Self: IsClient<A>,
    {
        unreachable!()
    }

    pub fn supervise_over<A, C>(self, _: A, _: C) -> Client
    where
        Self: IsClient<A>,
    {
        unreachable!()
    }
}
