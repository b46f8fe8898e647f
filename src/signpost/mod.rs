//! Signposts: hidden methods on the wrong states and modes.
//!
//! They can never be called, because their bound is never met. They exist so that the compiler says what to do instead of
//! "no method found". The real methods stay inherent, and stay the only ones in the documentation. Each bound mentions a
//! parameter of its method or impl: one that does not would be an error right here.
//!
//! A verb needs its signposts on every type where somebody may try it, or on none: the compiler proposes hidden methods of
//! a similar name, too, and `send` is no help to whoever wrote `try_send`. What each says is held to by `trybuild/fail`.
//!
//! Their price: a verb named by its path has to name the state, `Session::<LoggedIn>::send` or, in either mode,
//! `Session::<LoggedIn, _>::send`, because `Session::send` could be a signpost (`trybuild/pass/positions.rs`).
#![expect(
    unnameable_types,
    reason = "they stand in bounds that nobody meets, and in messages"
)]

mod runtime;
mod session;
mod wait;

#[diagnostic::on_unimplemented(
    message = "this session is not logged in: it is `{Self}`",
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
    message = "this peer was admitted already: its session is `{Self}`",
    label = "only before `admit`",
    note = "to end it: `session.close(reason)`; a peer that wants to be somebody else logs in anew, and comes out of the `Door`"
)]
pub trait CanBeJudged {}

#[diagnostic::on_unimplemented(
    message = "this session is logged in and lost its link: it is `{Self}`",
    label = "resume first",
    note = "`session.resume().await?`; where that fails, its error gives the session to log in with: `gone.into_connecting()?.login(&credentials).await?`"
)]
pub trait IsNew {}

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
    message = "the evidence of a loss counts once and cannot be cloned",
    label = "not `Clone`",
    note = "for fresh evidence ask the session: `session.check()`"
)]
pub trait CountsTwice {}

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
    message = "this was a server's session: its peer logs in anew, or does not",
    label = "only on a client's `ResumeError`",
    note = "a peer that logs in anew comes out of the `Door`; what this one did not take is in `gone.take_undelivered()`"
)]
pub trait LogsIn {}

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
    message = "this watches a client's own session: it can neither send nor remove",
    label = "only on a server's `Peer`",
    note = "send with the session itself: `session.send(&message).await?`; to leave: `session.close(reason)`"
)]
pub trait ReachesPeer<A> {}

#[diagnostic::on_unimplemented(
    message = "`{Self}` is a future, not yet a session",
    label = "`.await` it first",
    note = "as in `let mut session = session.login(&credentials).await?;`"
)]
pub trait IsSession<A> {}
