use crate::session::Offer;
use std::{fmt::Debug, sync::Arc};

/// What a session's handle may do: [`Connecting`], [`LoggedIn`] or [`Reconnecting`]. Sealed.
///
/// A state is a permission, not the truth: a `Session<LoggedIn>` may have lost its link a moment ago, and says so when it
/// is used. The truth is its [`Phase`](crate::Phase). Code that does not care is generic over the state:
///
/// ```
/// use sessile::{Mode, Session, State};
///
/// fn describe<S: State, M: Mode>(session: &Session<S, M>) -> String {
///     format!("session {} is {}", session.id(), session.phase())
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a state of a sessile session",
    label = "not `Connecting`, `LoggedIn` or `Reconnecting`",
    note = "the states are `Connecting`, `LoggedIn` and `Reconnecting`; the trait `State` is sealed. To store a session whose state changes use `AnySession`"
)]
pub trait State: sealed::Sealed + Debug + Send + Sync + Unpin + 'static {}

// Each state is one word, so that a handle is three words whatever it may do, and turning it into another is a move.

/// Nobody is logged in: a client's session may [`login`](crate::Session::login), a server's may be
/// [admitted](crate::Session::admit) or [rejected](crate::Session::reject).
#[derive(Debug)]
pub struct Connecting {
    /// What the peer presented; a client's session has none.
    pub(crate) offer: Option<Arc<Offer>>,
}

/// Messages flow: the session may [`send`](crate::Session::send) and [`recv`](crate::Session::recv).
#[derive(Debug)]
pub struct LoggedIn {
    /// The link that this handle believes in. A session that came back beneath it has a higher one, and reports the loss
    /// first.
    pub(crate) epoch: u64,
}

/// The link was lost: the session may [`resume`](crate::Session::resume) or [`give_up`](crate::Session::give_up).
#[derive(Debug)]
pub struct Reconnecting {
    /// The link that was lost.
    pub(crate) epoch: u64,
}

impl State for Connecting {}
impl State for LoggedIn {}
impl State for Reconnecting {}

mod sealed {
    #[expect(unnameable_types, reason = "what seals a trait must not be nameable")]
    pub trait Sealed {}

    impl Sealed for super::Connecting {}
    impl Sealed for super::LoggedIn {}
    impl Sealed for super::Reconnecting {}
}
