use std::fmt::Debug;

/// Which of the two runtimes: [`Single`], a client, or [`Multi`], a server. Sealed.
///
/// A mode exists only in types; one machine below runs both. Code that does not care is generic over it:
///
/// ```
/// use sessile::{Mode, Multi, Single};
///
/// fn describe<M: Mode>() -> String {
///     format!("a {} runtime", M::NAME)
/// }
/// assert_eq!(describe::<Single>(), "a single runtime");
/// assert_eq!(describe::<Multi>(), "a multi runtime");
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a mode of a sessile runtime",
    label = "not `Single` and not `Multi`",
    note = "a runtime is `Runtime<Single>` (a client) or `Runtime<Multi>` (a server); the trait `Mode` is sealed"
)]
pub trait Mode: sealed::Sealed + Debug + Send + Sync + Unpin + 'static {
    /// The mode's name in texts for people.
    const NAME: &'static str;
}

/// The client's mode: a runtime with one session, which it dials.
///
/// ```
/// use sessile::{Mode, Single};
///
/// assert_eq!(Single::NAME, "single");
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Single;

/// The server's mode: a runtime with many sessions, which peers dial.
///
/// ```
/// use sessile::{Mode, Multi};
///
/// assert_eq!(Multi::NAME, "multi");
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Multi;

impl Mode for Single {
    const NAME: &'static str = "single";
}

impl Mode for Multi {
    const NAME: &'static str = "multi";
}

mod sealed {
    #[expect(unnameable_types, reason = "what seals a trait must not be nameable")]
    pub trait Sealed {}

    impl Sealed for super::Single {}
    impl Sealed for super::Multi {}
}
