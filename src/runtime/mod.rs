//! What owns links, timers and sessions: one session for a client, many for a server.

mod bans;
mod connect;
mod door;
mod draining;
mod events;
mod group;
mod intake;
mod listen;
mod next;
mod past;
mod peer;
mod returning;
mod serve;
mod sessions;
mod supervise;
mod warning;

pub use connect::Connect;
pub use door::Door;
pub use draining::{Drained, Draining};
pub use events::Events;
pub use group::Group;
pub use intake::{Drain, Inbox, Incoming, What};
pub use listen::Listen;
pub use next::Next;
pub use past::{PastEvent, PastSession};
pub use peer::Peer;
pub use returning::Returning;
pub use serve::Serving;
pub use sessions::{Ban, Banned, Broadcast, Sessions};
pub use warning::Warning;

use crate::{
    Address, Admit, Config, ConfigError, Host, Mode, Multi, Single, Spawn,
    driver::{Owner, Spawner},
    transport::{Accept, Dial, tcp::TcpDialer},
};
use std::{fmt, marker::PhantomData, sync::Arc};

/// A client (`Runtime<Single>`) or a server (`Runtime<Multi>`).
///
/// It drives links, heartbeats and timers on its own tasks: nothing has to be polled for a session to stay alive. Below the
/// mode both are one machine. A runtime is one word and has no thread of its own, so thousands of clients fit into one
/// process.
///
/// It lives for as long as itself, a [`Door`], [`Serving`] or [`Inbox`], a [`Session`](crate::Session) or a [`Client`](crate::Client) of it. Observers
/// ([`Peer`], [`Sessions`], [`Events`]) keep nothing alive.
///
/// Which of [`listen`](Self::listen), [`serve`](Self::serve) and [`intake`](Self::intake) to take: [guide](crate::guide::servers).
///
/// ```
/// # smol::block_on(async {
/// use sessile::{Config, Credentials, Multi, Runtime, Single, transport::memory::Network};
///
/// // over TCP: `listen("0.0.0.0:7000")`, `connect("127.0.0.1:7000")`
/// let network = Network::new();
/// let server = Runtime::<Multi>::start(Config::new())?;
/// let mut door = server.listen_over(network.listener());
/// smol::spawn(async move {
///     while let Some(session) = door.next().await {
///         let mut session = session.admit(7u64);
///         session.send("welcome").await.ok();
///         session.recv().await.ok();
///     }
/// })
/// .detach();
///
/// let client = Runtime::<Single>::start(Config::new())?;
/// let session = client.connect_over(network.dialer()).await?;
/// let mut session = session.login(&Credentials::token("s3cret")).await?;
/// assert_eq!(session.identity().as_u64(), Some(7));
/// assert_eq!(&*session.recv().await?, b"welcome");
/// # Ok::<(), sessile::Error>(())
/// # }).unwrap();
/// ```
#[must_use = "a runtime that nothing holds stops"]
pub struct Runtime<M: Mode = Single> {
    owner: Owner,
    mode: PhantomData<fn() -> M>,
}

impl<M: Mode> Runtime<M> {
    /// Starts it, on smol's global executor. Nothing is dialed or listened to yet.
    ///
    /// # Errors
    ///
    /// [`ConfigError`]: the first limit that is out of range or does not fit another one.
    ///
    /// ```
    /// use sessile::{Config, Multi, Runtime, Single};
    /// use std::time::Duration;
    ///
    /// let client = Runtime::<Single>::start(Config::new())?;
    /// let server: Runtime<Multi> = Runtime::start(Config::new())?;
    ///
    /// let error = Runtime::<Single>::start(Config::new().lease(Duration::ZERO)).unwrap_err();
    /// assert_eq!(error.field(), "lease");
    /// # Ok::<(), sessile::ConfigError>(())
    /// ```
    pub fn start(config: Config) -> Result<Self, ConfigError> {
        Owner::start(config, Spawner::Global).map(Self::of)
    }

    /// Starts it on an executor of yours, which must go on running for as long as the runtime lives.
    ///
    /// # Errors
    ///
    /// [`ConfigError`], as [`start`](Self::start).
    ///
    /// ```
    /// use sessile::{Config, Multi, Runtime};
    /// use std::sync::Arc;
    ///
    /// let executor = Arc::new(smol::Executor::new());
    /// let server = Runtime::<Multi>::start_on(Config::new(), executor.clone())?;
    /// // … and somewhere: smol::block_on(executor.run(…))
    /// # Ok::<(), sessile::ConfigError>(())
    /// ```
    pub fn start_on(config: Config, executor: impl Spawn) -> Result<Self, ConfigError> {
        Owner::start(config, Spawner::new(executor)).map(Self::of)
    }

    /// What happens to all of its sessions from now on, each session's events in order. Ends when the runtime stopped.
    ///
    /// ```
    /// use sessile::{Multi, Notice, Runtime};
    ///
    /// async fn log(server: &Runtime<Multi>) {
    ///     let mut events = server.events();
    ///     while let Some(notice) = events.next().await {
    ///         match notice {
    ///             Notice::Event(event) => println!("{event}"),
    ///             Notice::Lagged(missed) => println!("{missed} events missed"),
    ///         }
    ///     }
    /// }
    /// ```
    pub fn events(&self) -> Events {
        Events::new(self.owner.feed())
    }

    /// The application's tick, told to every peer with its heartbeats from now on; `Peer::remote_tick` is the other end.
    ///
    /// ```
    /// use sessile::{Multi, Runtime};
    ///
    /// fn simulate(server: &Runtime<Multi>) {
    ///     for tick in 0..1_000 {
    ///         server.set_tick(tick);
    ///         // …
    ///     }
    /// }
    /// ```
    pub fn set_tick(&self, tick: u64) {
        self.owner.set_tick(tick);
    }

    #[cfg(feature = "sim")]
    pub(crate) const fn owner(&self) -> &Owner {
        &self.owner
    }

    const fn of(owner: Owner) -> Self {
        Self {
            owner,
            mode: PhantomData,
        }
    }
}

/// A client.
impl Runtime<Single> {
    /// Dials a server over TCP: a host name and port, or an address. The session keeps the address and dials it again
    /// whenever its link is lost.
    ///
    /// A client has one session, so this consumes the runtime; the session keeps it alive.
    ///
    /// # Errors
    ///
    /// [`ConnectError`](crate::ConnectError) where the server is not to be reached within [`Config::dial_timeout`](crate::Config::dial_timeout), or the
    /// address is none. It gives the runtime back.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future stops the runtime; [`Connect::into_runtime`] takes it back.
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), sessile::Error> {
    /// use sessile::{Config, Credentials, Runtime, Single};
    ///
    /// let runtime = Runtime::<Single>::start(Config::new())?;
    /// let session = runtime.connect("game.example:7000").await?;
    /// let mut session = session.login(&Credentials::token("s3cret")).await?;
    /// session.send("hello").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn connect(self, to: impl Into<Address>) -> Connect {
        let lease = self.owner.settings().lease;
        self.connect_over(TcpDialer::new(to, lease))
    }

    /// Dials over a transport of yours, or over the network in memory.
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect), with what the transport says.
    ///
    /// # Cancel safety
    ///
    /// As [`connect`](Self::connect).
    ///
    /// ```
    /// # smol::block_on(async {
    /// use sessile::{Config, ErrorKind, Runtime, Single, transport::memory::Network};
    ///
    /// let runtime = Runtime::<Single>::start(Config::new())?;
    /// let error = runtime.connect_over(Network::new().dialer()).await.unwrap_err();
    /// assert_eq!(error.io_error().kind(), std::io::ErrorKind::ConnectionRefused); // nobody listens
    /// let _runtime = error.into_runtime();
    /// # Ok::<(), sessile::Error>(())
    /// # }).unwrap();
    /// ```
    pub fn connect_over(self, dial: impl Dial) -> Connect {
        Connect::new(self.owner, Arc::new(dial))
    }
}

/// A server.
impl Runtime<Multi> {
    /// Listens over TCP for peers, to be handled one task each. Port 0 lets the system choose; [`Door::local_addr`] says
    /// what it chose. A runtime may listen at several places.
    ///
    /// # Errors
    ///
    /// What the system says: `AddrInUse`, `PermissionDenied`; `InvalidInput` where the text is no address.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future listens nowhere.
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), sessile::Error> {
    /// use sessile::{Config, Multi, Runtime};
    ///
    /// let server = Runtime::<Multi>::start(Config::new())?;
    /// let mut door = server.listen("0.0.0.0:7000").await?;
    /// while let Some(session) = door.next().await {
    ///     smol::spawn(async move {
    ///         let mut session = session.admit(1u64);
    ///         while let Ok(message) = session.recv().await {
    ///             session.send(&message).await.ok();
    ///         }
    ///     })
    ///     .detach();
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn listen(&self, at: impl Into<Address>) -> Listen<Door> {
        let owner = self.owner.clone();
        Listen::to(owner.clone(), at.into(), move |acceptor| {
            Door::new(&owner, acceptor)
        })
    }

    /// Listens over a transport of yours, or over the network in memory.
    ///
    /// ```
    /// use sessile::{Config, Multi, Runtime, transport::memory::Network};
    ///
    /// let server = Runtime::<Multi>::start(Config::new())?;
    /// let door = server.listen_over(Network::new().listener());
    /// assert_eq!(door.local_addr(), None);
    /// # Ok::<(), sessile::ConfigError>(())
    /// ```
    pub fn listen_over(&self, accept: impl Accept) -> Door {
        Door::new(&self.owner, Box::new(accept))
    }

    /// Listens over TCP for peers that one [`Host`] serves: called where a message was read, with no task and no allocation
    /// a message.
    ///
    /// # Errors
    ///
    /// Those of [`listen`](Self::listen).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future listens nowhere.
    ///
    /// ```no_run
    /// # async fn example(echo: impl sessile::Host) -> Result<(), sessile::Error> {
    /// use sessile::{Config, Multi, Runtime};
    ///
    /// let server = Runtime::<Multi>::start(Config::new())?;
    /// let serving = server.serve("0.0.0.0:7000", echo).await?;
    /// println!("serving at {:?}", serving.local_addr());
    /// # Ok(())
    /// # }
    /// ```
    pub fn serve<H: Host>(&self, at: impl Into<Address>, host: H) -> Listen<Serving> {
        let owner = self.owner.clone();
        Listen::to(owner.clone(), at.into(), move |acceptor| {
            Serving::new(&owner, acceptor, host)
        })
    }

    /// The same over a transport of yours, or over the network in memory.
    pub fn serve_over<H: Host>(&self, accept: impl Accept, host: H) -> Serving {
        Serving::new(&self.owner, Box::new(accept), host)
    }

    /// Listens over TCP for peers whose messages wait until they are asked for, once a tick.
    ///
    /// # Errors
    ///
    /// Those of [`listen`](Self::listen).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future listens nowhere.
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), sessile::Error> {
    /// use sessile::{Admission, Config, Incoming, Multi, Offer, Runtime, What, admit_with};
    ///
    /// let server = Runtime::<Multi>::start(Config::new())?;
    /// let anybody = admit_with(|offer: Offer| async move {
    ///     Ok(Admission::new(fastrand::u64(..), offer.remote_addr()))
    /// });
    /// let mut inbox = server.intake("0.0.0.0:7000", anybody).await?;
    /// for Incoming { peer, what, .. } in inbox.drain() {
    ///     if let What::Message(message) = what {
    ///         peer.try_send(&message)?;
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn intake<A: Admit>(&self, at: impl Into<Address>, admit: A) -> Listen<Inbox<A::Peer>> {
        let owner = self.owner.clone();
        Listen::to(owner.clone(), at.into(), move |acceptor| {
            Inbox::new(&owner, acceptor, admit)
        })
    }

    /// The same over a transport of yours, or over the network in memory.
    pub fn intake_over<A: Admit>(&self, accept: impl Accept, admit: A) -> Inbox<A::Peer> {
        Inbox::new(&self.owner, Box::new(accept), admit)
    }

    /// What about this machine does not fit the [`Config`]: at present, whether the system allows as many open files as there may
    /// be links. Nothing of it keeps a server from running, so it is not an error of [`start`](Self::start); say it to whoever runs it.
    ///
    /// ```
    /// use sessile::{Config, Multi, Runtime};
    ///
    /// let server = Runtime::<Multi>::start(Config::new().max_sessions(16_777_216))?;
    /// for warning in server.warnings() {
    ///     eprintln!("warning: {warning}");
    /// }
    /// # Ok::<(), sessile::ConfigError>(())
    /// ```
    #[must_use]
    pub fn warnings(&self) -> Vec<Warning> {
        Warning::find(self.owner.settings(), warning::allowed_files())
    }

    /// All of its sessions that are logged in, lost ones included until they expire. Clones are the same collection.
    ///
    /// ```
    /// use sessile::{Config, Multi, Runtime};
    ///
    /// let server = Runtime::<Multi>::start(Config::new())?;
    /// assert!(server.sessions().is_empty());
    /// # Ok::<(), sessile::ConfigError>(())
    /// ```
    pub fn sessions(&self) -> Sessions {
        Sessions::new(self.owner.collection())
    }
}

impl<M: Mode> fmt::Debug for Runtime<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Runtime<{}>", M::NAME)
    }
}
