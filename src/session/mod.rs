//! What a program holds of a session: a handle whose type says what may be done with it.

mod any;
mod close;
mod connecting;
mod logged_in;
mod login;
mod offer;
mod reconnecting;
mod resume;
mod split;
mod transfer;
mod try_admit;

pub use any::AnySession;
pub use close::Close;
pub use login::Login;
pub use offer::{Challenge, Offer};
pub use resume::Resume;
pub use split::{RecvHalf, SendHalf};
pub use transfer::{Receiving, Sending};
pub use try_admit::TryAdmit;

use crate::{Events, Mode, Peer, Phase, Reason, Single, Snapshot, State, driver::Handle};
use std::{fmt, marker::PhantomData};

/// What survives links: who is logged in, what was sent and not yet taken, what arrived and was not yet read.
///
/// The type says what may be done: `Session<Connecting>` can log in, `Session<LoggedIn>` can send and receive,
/// `Session<Reconnecting>` can come back. Without a mode it is a client's session; a server's is
/// `Session<_, Multi>`. Turning from one state into the next consumes the handle, so there is always one.
///
/// ```text
///                    login / admit                reconnect(lost)
///  Session<Connecting> ────────▶ Session<LoggedIn> ────────▶ Session<Reconnecting>
///          ▲                             ▲                        │      │
///          │                             └──── resume ────────────┘      │
///          └── into_connecting (client) ◀── ResumeError ◀────────────────┘ resume failed, give_up
/// ```
///
/// A session has one owner and is not `Clone`; it is `Send` and `Sync` and three words long in every state. To watch it
/// from elsewhere there is [`peer`](Self::peer); to send and to receive at the same time, [`split`](Self::split).
///
/// Helpers for both ends, threads, fields of structs: [guide](crate::guide::moving).
///
/// Its heart beats without it: links are driven by the runtime's tasks, whether or not anything here is awaited.
///
/// **Dropping a session closes it** with [`Reason::Dropped`]. [`close`](Self::close) says why, and what did not arrive.
///
/// ```
/// use sessile::{Credentials, Ended, LoggedIn, Session};
///
/// async fn echo(session: &mut Session<LoggedIn>) -> Result<(), sessile::Error> {
///     loop {
///         let message = session.recv().await?;
///         session.send(&message).await?;
///     }
/// }
///
/// async fn stay(mut session: Session<LoggedIn>, me: &Credentials) -> Result<(), sessile::Error> {
///     loop {
///         let Err(error) = echo(&mut session).await else { return Ok(()) };
///         session = match session.check() {
///             Ok(()) => return Err(error), // the session is well: the error is ours
///             Err(Ended::Closed(closed)) => return Err(closed.into()),
///             Err(Ended::Lost(lost)) => match session.reconnect(lost).resume().await {
///                 Ok(session) => session, // nothing is lost, nothing comes twice
///                 Err(gone) => gone.into_connecting()?.login(me).await?,
///             },
///         };
///     }
/// }
/// ```
#[must_use = "dropping a session closes it: keep it, `close` it, or hand it on"]
pub struct Session<S: State, M: Mode = Single> {
    // What closes a dropped session is the handle: a `Drop` here would forbid to take the session apart.
    pub(crate) handle: Handle,
    pub(crate) state: S,
    mode: PhantomData<fn() -> M>,
}

impl<S: State, M: Mode> Session<S, M> {
    pub(crate) const fn new(handle: Handle, state: S) -> Self {
        Self {
            handle,
            state,
            mode: PhantomData,
        }
    }

    /// The same session with another permission.
    fn turn<T: State>(self, state: T) -> Session<T, M> {
        Session::new(self.handle, state)
    }

    /// Its number: what [`Event::session`](crate::Event::session) says, unique within its runtime.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.handle.id()
    }

    /// Where it is in its life at this moment. The state is what may be done; this is what is.
    ///
    /// ```
    /// use sessile::{LoggedIn, Phase, Session};
    ///
    /// fn lamp(session: &Session<LoggedIn>) -> &'static str {
    ///     match session.phase() {
    ///         Phase::LoggedIn => "green",
    ///         Phase::Suspect => "yellow", // nothing heard for half a lease
    ///         _ => "red",
    ///     }
    /// }
    /// ```
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.handle.phase()
    }

    /// Somebody who watches it: to clone, to keep elsewhere, to look at. It keeps nothing alive.
    ///
    /// ```
    /// use sessile::{LoggedIn, Multi, Peer, Session};
    /// use std::collections::HashMap;
    ///
    /// fn list(online: &mut HashMap<u64, Peer>, session: &Session<LoggedIn, Multi>) {
    ///     online.insert(session.id(), session.peer()); // the session itself goes to its task
    /// }
    /// ```
    #[must_use]
    pub fn peer(&self) -> Peer<M> {
        Peer::new(self.handle.watcher())
    }

    /// What happens to this session from now on. Ends after the session's `Ended`.
    ///
    /// ```
    /// use sessile::{LoggedIn, Notice, Session};
    ///
    /// fn log(session: &Session<LoggedIn>) {
    ///     let mut events = session.events();
    ///     smol::spawn(async move {
    ///         while let Some(Notice::Event(event)) = events.next().await {
    ///             eprintln!("{event}");
    ///         }
    ///     })
    ///     .detach();
    /// }
    /// ```
    pub fn events(&self) -> Events {
        Events::new(self.handle.feed())
    }

    /// All of it at one instant: phase, round trip, counters. `None` where its runtime was stopped and forgot it.
    ///
    /// ```
    /// use sessile::{LoggedIn, Session};
    ///
    /// /// How much of the window is used, in percent.
    /// fn load(session: &Session<LoggedIn>) -> Option<usize> {
    ///     let now = session.snapshot()?;
    ///     Some(100 * now.unacked_messages / now.window_messages.max(1))
    /// }
    /// ```
    #[must_use]
    pub fn snapshot(&self) -> Option<Snapshot> {
        self.handle.snapshot()
    }

    /// The application's tick, told to the peer with every heartbeat from now on. It is the runtime's: one for all of its
    /// sessions.
    pub fn set_tick(&self, tick: u64) {
        self.handle.set_tick(tick);
    }

    /// Closes it, now: what was sent is written out, then the peer hears `reason` (the first 128 bytes of it).
    ///
    /// Awaiting it is optional. It waits for the peer to say what it took ([`Config::close_linger`](crate::Config::close_linger) at most) and returns
    /// what it did not take: [`NeverSent`](crate::Fate::NeverSent), or [`Unknown`](crate::Fate::Unknown) where it may or may
    /// not have. What arrived and was not read is dropped.
    ///
    /// # Cancel safety
    ///
    /// Closing goes on when the future is dropped; the list of undelivered messages is lost.
    ///
    /// ```
    /// use sessile::{Fate, LoggedIn, Session};
    ///
    /// async fn leave(session: Session<LoggedIn>) {
    ///     for message in session.close("good night").await {
    ///         let certainly = message.fate() == Fate::NeverSent;
    ///         eprintln!("{} bytes not delivered, for certain: {certainly}", message.message().len());
    ///     }
    /// }
    /// ```
    pub fn close(self, reason: &str) -> Close {
        self.handle.close(Reason::ClosedHere, reason);
        Close::new(self.handle, Vec::new())
    }
}

impl<S: State, M: Mode> fmt::Debug for Session<S, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("id", &self.id())
            .field("mode", &format_args!("{}", M::NAME))
            .field("state", &self.state)
            .field("phase", &self.phase())
            .finish_non_exhaustive()
    }
}
