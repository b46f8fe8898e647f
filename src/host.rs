//! What a server's program is, where it is not one task a peer: who may come in ([`Admit`]), and what to do then ([`Host`]).

use std::{any::Any, fmt, future::Future, sync::Arc};

use crate::{
    AsMessage, Closed, Event, Identity, IntoIdentity, Limits, Message, Offer, Peer, Reason,
    Rejection, SendError, Undelivered, driver::Watcher,
};

/// Admission: is this credential good, whose is it, and is there room?
///
/// Write `admit` as an `async fn`; it may be slow (a database, a hash that costs), and it may run on any thread. At most
/// [`Config::admits_at_once`](crate::Config::admits_at_once) run at the same time. For a closure there is [`admit_with`].
///
/// ```
/// use sessile::{Admission, Admit, Offer, Rejection};
///
/// struct Lobby;
///
/// impl Admit for Lobby {
///     type Peer = Vec<String>; // what is kept for one peer
///
///     async fn admit(&self, offer: &Offer) -> Result<Admission<Vec<String>>, Rejection> {
///         match offer.credentials() {
///             b"open sesame" => Ok(Admission::new(7u64, Vec::new())),
///             _ => Err(Rejection::bad_credentials()),
///         }
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot admit peers",
    label = "does not say who may come in",
    note = "a closure becomes an `Admit` by `admit_with(|offer| async move {{ … }})`",
    note = "a type by `impl Admit`: `type Peer = …;` and `async fn admit(&self, offer: &Offer) -> Result<Admission<Self::Peer>, Rejection>`"
)]
pub trait Admit: Send + Sync + 'static {
    /// What is kept for one peer, from its admission to its end.
    type Peer: Send + 'static;

    /// Judges what a peer presented.
    ///
    /// # Errors
    ///
    /// What the peer is to hear.
    ///
    /// # Panics
    ///
    /// A panic turns the peer away, and no other notices.
    ///
    /// # Cancel safety
    ///
    /// The future is dropped where the peer leaves, or the [login deadline](crate::Config::login_deadline) passes, before it is done. What
    /// must not be left half done belongs into a task of its own.
    fn admit(
        &self,
        offer: &Offer,
    ) -> impl Future<Output = Result<Admission<Self::Peer>, Rejection>> + Send;
}

/// A server's reactions, called in place: no task, no queue and no allocation a message.
///
/// One host serves all peers; what belongs to one peer is its [`Peer`](Admit::Peer), which each call lends. Calls for one
/// peer come one at a time and in order; calls for different peers may come from different threads at once. They are made
/// by the task that reads the peer's link, so a call that blocks holds up that thread's other links: hand slow work on.
///
/// `on_message` is not called while its peer's window is full, so the first answer of a call is always accepted.
///
/// ```
/// use sessile::{Admission, Admit, Host, Message, Offer, Rejection, Turn};
///
/// struct Echo;
///
/// impl Admit for Echo {
///     type Peer = u64; // how many messages came
///
///     async fn admit(&self, _: &Offer) -> Result<Admission<u64>, Rejection> {
///         Ok(Admission::new(7u64, 0))
///     }
/// }
///
/// impl Host for Echo {
///     fn on_message(&self, peer: &mut Turn<'_, u64>, message: Message<'_>) {
///         *peer.state() += 1;
///         peer.send(&message).ok(); // the first answer always goes
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a host",
    label = "does not implement `Host`",
    note = "a host is `impl Admit` (who may come in) and `impl Host` (what to do with messages)",
    note = "to handle messages in a loop of your own instead: `runtime.intake(address, admit)` and `inbox.drain()`"
)]
pub trait Host: Admit {
    /// A message came. It is borrowed; [`Message::into_owned`] keeps it. This is not async: what has to wait is handed to a
    /// task, with [`turn.peer()`](Turn::peer) to answer by.
    ///
    /// # Panics
    ///
    /// A panic ends this peer's session with [`Reason::HostPanicked`], and no other notices.
    fn on_message(&self, peer: &mut Turn<'_, Self::Peer>, message: Message<'_>);

    /// Something happened to the peer's session: suspicion, a loss, a resume, …
    fn on_event(&self, event: &Event) {
        let _ = event;
    }

    /// The session is over. What was kept for the peer comes back, and what was not delivered.
    fn on_end(&self, peer: Self::Peer, why: Closed, undelivered: Vec<Undelivered>) {
        let _ = (peer, why, undelivered);
    }
}

/// A peer is let in: as whom, and what is kept for it.
///
/// ```
/// use sessile::{Admission, Identity, TooLong};
///
/// fn player(name: &str) -> Result<Admission<u32>, TooLong> {
///     let score = 0; // what is kept for this peer
///     Ok(Admission::new(Identity::new(name)?, score))
/// }
///
/// let nothing_kept = Admission::from(7u64);
/// # let _: Admission<()> = nothing_kept;
/// # player("alice").unwrap();
/// ```
#[derive(Debug)]
#[must_use = "an admission is to be returned from `admit`"]
pub struct Admission<P> {
    pub(crate) identity: Identity,
    pub(crate) peer: P,
    pub(crate) replaces: bool,
    /// Whom, of several.
    pub(crate) over: Option<Watcher>,
    pub(crate) limits: Option<Limits>,
    pub(crate) reserved: bool,
    pub(crate) metadata: Option<Attached>,
}

/// What is attached to a session that comes in.
pub(crate) struct Attached(pub(crate) Arc<dyn Any + Send + Sync>);

impl fmt::Debug for Attached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("..")
    }
}

/// One peer's turn: the host is called for it.
///
/// ```
/// use sessile::{Message, Turn};
///
/// /// What a host might do with a message of a peer for which it counts mistakes.
/// fn on_message(peer: &mut Turn<'_, u8>, message: Message<'_>) {
///     if message.is_empty() {
///         *peer.state() += 1;
///     }
///     match *peer.state() {
///         0..3 => peer.send("well").unwrap_or_else(|ended| eprintln!("{ended}")),
///         _ => peer.close("too many mistakes"),
///     }
/// }
/// ```
pub struct Turn<'a, P> {
    state: &'a mut P,
    watcher: &'a Watcher,
    answered: bool,
}

impl<P> Admission<P> {
    /// Lets the peer in as `identity`; `peer` is what is kept for it.
    ///
    /// Where the identity is held by a client that is alive, [`Config::takeover`](crate::Config::takeover) decides; [`Offer::holder`] says
    /// before whether it is held.
    pub fn new(identity: impl IntoIdentity, peer: P) -> Self {
        Self {
            identity: identity.into_identity(),
            peer,
            replaces: false,
            over: None,
            limits: None,
            reserved: false,
            metadata: None,
        }
    }

    /// Lets the peer in also where another client holds the identity and is alive: that one is taken over. What
    /// [`Takeover::Ask`](crate::Takeover::Ask) asks for.
    ///
    /// ```
    /// use sessile::{Admission, Offer};
    ///
    /// /// Where the peer says so, it takes over; with `Takeover::Ask`.
    /// fn admission(account: u64, offer: &Offer) -> Admission<()> {
    ///     let admission = Admission::from(account);
    ///     match offer.credentials().ends_with(b"!") {
    ///         true => admission.replace(),
    ///         false => admission,
    ///     }
    /// }
    /// ```
    pub fn replace(mut self) -> Self {
        self.replaces = true;
        self
    }

    /// The same, and of [several](Offer::holders) this one goes: see [`AdmitError::take_over_from`](crate::AdmitError::take_over_from).
    ///
    /// ```
    /// use sessile::{Admission, Offer};
    ///
    /// /// The newest goes, with `Takeover::Ask`: the first device is the one that matters.
    /// fn admission(account: u64, offer: &Offer) -> Admission<()> {
    ///     match offer.holders(account).first() {
    ///         Some(newest) => Admission::from(account).replace_one(newest),
    ///         None => Admission::from(account),
    ///     }
    /// }
    /// ```
    pub fn replace_one(mut self, holder: &Peer) -> Self {
        self.over = Some(holder.watcher().clone());
        self.replace()
    }

    /// With limits of its own: see [`Limits`].
    pub const fn limits(mut self, limits: Limits) -> Self {
        self.limits = Some(limits);
        self
    }

    /// Lets the peer in also where only those places are left that are [kept](crate::Config::reserved_sessions).
    ///
    /// ```
    /// use sessile::{Admission, Identity, TooLong};
    ///
    /// fn admission(name: &str, is_operator: bool) -> Result<Admission<()>, TooLong> {
    ///     let admission = Admission::from(Identity::new(name)?);
    ///     Ok(if is_operator { admission.reserved() } else { admission })
    /// }
    /// ```
    pub const fn reserved(mut self) -> Self {
        self.reserved = true;
        self
    }

    /// Attaches something to the session, as [`Peer::set_metadata`] does; it is there before anybody hears that the peer is logged in.
    ///
    /// ```
    /// use sessile::{Admission, Peer};
    ///
    /// struct Region(&'static str);
    ///
    /// fn admission(account: u64) -> Admission<()> {
    ///     Admission::from(account).metadata(Region("eu"))
    /// }
    ///
    /// fn region(peer: &Peer) -> Option<&'static str> {
    ///     Some(peer.metadata::<Region>()?.0)
    /// }
    /// ```
    pub fn metadata<T: Any + Send + Sync>(mut self, metadata: T) -> Self {
        self.metadata = Some(Attached(Arc::new(metadata)));
        self
    }
}

/// Nothing is kept for the peer.
impl<I: IntoIdentity> From<I> for Admission<()> {
    fn from(identity: I) -> Self {
        Self::new(identity, ())
    }
}

impl<'a, P> Turn<'a, P> {
    pub(crate) const fn new(state: &'a mut P, watcher: &'a Watcher) -> Self {
        Self {
            state,
            watcher,
            answered: false,
        }
    }

    /// What is kept for this peer.
    pub const fn state(&mut self) -> &mut P {
        self.state
    }

    /// The peer, to be kept elsewhere: an observer.
    ///
    /// To hand slow work to a task that answers later:
    ///
    /// ```
    /// use sessile::{Message, Turn};
    ///
    /// fn on_message(turn: &mut Turn<'_, ()>, message: Message<'_>) {
    ///     let (peer, question) = (turn.peer(), message.into_owned());
    ///     smol::spawn(async move {
    ///         let answer = smol::unblock(move || question.len().to_string()).await; // slow
    ///         peer.try_send(&answer).ok(); // it may be gone, or not read
    ///     })
    ///     .detach();
    /// }
    /// ```
    #[must_use]
    pub fn peer(&self) -> Peer {
        Peer::new(self.watcher.clone())
    }

    /// Sends it a message. The first one of a turn is always accepted, unless the session ends.
    ///
    /// # Errors
    ///
    /// [`SendError::Full`] for later ones where the window has no room; [`TooLong`](crate::TooLong); the end. Never a loss:
    /// while the peer is away, messages wait for it.
    pub fn send(&mut self, message: &(impl AsMessage + ?Sized)) -> Result<(), SendError> {
        let first = !std::mem::replace(&mut self.answered, true);
        self.watcher.answer_message(first, message.lend())
    }

    /// Sends it a message that may be dropped.
    ///
    /// # Errors
    ///
    /// [`TooLong`](crate::TooLong), or the end.
    pub fn send_volatile(&mut self, message: &(impl AsMessage + ?Sized)) -> Result<(), SendError> {
        self.watcher.send_volatile(message.lend())
    }

    /// Ends its session; it hears `reason`. [`Host::on_end`] follows.
    pub fn close(&mut self, reason: &str) {
        self.watcher.close(Reason::ClosedHere, reason);
    }

    /// Ends its session without waiting for anything, in words that say when to come back, as [`Peer::kick`].
    /// [`Host::on_end`] follows.
    pub fn kick(&mut self, why: &Rejection) {
        self.watcher.kick(Closed::kicked(why));
    }

    /// The number of the session's current or last link: what fences writes to a store of your own. It grows with every link of
    /// the identity, and over its sessions.
    ///
    /// Keep the last one in [`state`](Self::state) for what is to be written in [`Host::on_end`], which may be called after
    /// another session of the identity has begun. [The guide](crate::guide::servers) has a program.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.peer().epoch()
    }
}

/// An async closure as [`Admit`].
///
/// ```
/// use sessile::{Admission, Identity, Offer, Rejection, admit_with};
///
/// let by_name = admit_with(|offer: Offer| async move {
///     let name =
///         std::str::from_utf8(offer.credentials()).map_err(|_| Rejection::bad_credentials())?;
///     let identity = Identity::new(name).map_err(|_| Rejection::bad_credentials())?;
///     Ok(Admission::new(identity, name.to_owned()))
/// });
/// # fn is_admit(_: impl sessile::Admit<Peer = String>) {}
/// # is_admit(by_name);
/// ```
pub fn admit_with<P, F, Fut>(admit: F) -> impl Admit<Peer = P>
where
    P: Send + 'static,
    F: Fn(Offer) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Admission<P>, Rejection>> + Send + 'static,
{
    With(admit)
}

struct With<F>(F);

impl<P, F, Fut> Admit for With<F>
where
    P: Send + 'static,
    F: Fn(Offer) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Admission<P>, Rejection>> + Send + 'static,
{
    type Peer = P;

    fn admit(&self, offer: &Offer) -> impl Future<Output = Result<Admission<P>, Rejection>> + Send {
        (self.0)(offer.clone())
    }
}

impl<P> fmt::Debug for Turn<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turn")
            .field("peer", self.watcher)
            .finish_non_exhaustive()
    }
}
