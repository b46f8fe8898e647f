//! Signposts: hidden methods on the wrong states and modes.
//!
//! They can never be called, because their bound is never met. They exist so that the compiler says what to do instead of
//! "no method found". The real methods stay inherent, and stay the only ones in the documentation. Each bound mentions a
//! parameter of its method or impl: one that does not would be an error right here.
#![expect(
    unnameable_types,
    reason = "they stand in bounds that nobody meets, and in messages"
)]

mod faces;

use crate::{
    Connect, Connecting, Credentials, Door, Listen, LoggedIn, Login, Mode, Multi, Receiving,
    Reconnecting, Resume, Runtime, Sending, Session, Sessions, Single, State,
};

#[diagnostic::on_unimplemented(
    message = "this session cannot send or receive: it is `{Self}`, not logged in",
    label = "log in first",
    note = "client: `let mut session = session.login(&credentials).await?;`  server: `let mut session = session.admit(identity);`"
)]
pub trait CanTalk {}

#[diagnostic::on_unimplemented(
    message = "this session has no link: it is `{Self}`",
    label = "resume first",
    note = "`let mut session = session.resume().await?;`"
)]
pub trait HasLink {}

#[diagnostic::on_unimplemented(
    message = "this session is logged in already: it is `{Self}`",
    label = "nothing to log in to",
    note = "to log in as somebody else: `close` this session and `connect` again"
)]
pub trait CanLogIn {}

#[diagnostic::on_unimplemented(
    message = "this session has lost nothing: it is `{Self}`",
    label = "`resume` needs a loss",
    note = "`recv`, `send` and `check` fail with `Ended::Lost(lost)` when the link is gone; then `session.reconnect(lost).resume().await`"
)]
pub trait HasLost {}

#[diagnostic::on_unimplemented(
    message = "a session has one owner and cannot be cloned",
    label = "not `Clone`",
    note = "to watch it from elsewhere: `session.peer()`, which is `Clone`; to send and receive at the same time: `session.split()`"
)]
pub trait IsClone {}

#[diagnostic::on_unimplemented(
    message = "this is a server's session: the peer logs in, the server admits it",
    label = "not a client's session",
    note = "`session.offer()` is what the peer presented; answer with `session.admit(identity)` or `session.reject(why)`"
)]
pub trait OnClient {}

#[diagnostic::on_unimplemented(
    message = "this is a client's session: the server admits it, the client logs in",
    label = "not a server's session",
    note = "`session.login(&credentials).await`; if this should be a server, its sessions are `Session<Connecting, Multi>` from a `Door`"
)]
pub trait OnServer {}

#[diagnostic::on_unimplemented(
    message = "`Runtime<Single>` is a client: it has one session and nobody connects to it",
    label = "only on `Runtime<Multi>`",
    note = "start a server with `Runtime::<Multi>::start(config)`"
)]
pub trait IsServer<A> {}

#[diagnostic::on_unimplemented(
    message = "`Runtime<Multi>` is a server: peers connect to it, it does not dial",
    label = "only on `Runtime<Single>`",
    note = "for a client beside the server start a second runtime: `Runtime::<Single>::start(config)`"
)]
pub trait IsClient<A> {}

#[diagnostic::on_unimplemented(
    message = "this is a future, not yet a session",
    label = "`.await` it first",
    note = "`let mut session = session.login(&credentials).await?;`"
)]
pub trait IsSession<A> {}

#[doc(hidden)]
impl<M: Mode> Session<Connecting, M> {
    pub fn send<A>(&mut self, _: A) -> Sending<'_>
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

    pub fn resume(self) -> Resume<M>
    where
        Self: HasLost,
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

    pub fn recv(&mut self) -> Receiving<'_>
    where
        Self: HasLink,
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

    pub fn admit<I>(self, _: I) -> Session<LoggedIn, Multi>
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
    pub fn admit<A>(self, _: A) -> Session<LoggedIn, Multi>
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
impl Runtime<Single> {
    pub fn listen<A>(&self, _: A) -> Listen<Door>
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
