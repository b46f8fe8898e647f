//! sessile: links break, sessions stay.
//!
//! The session layer between a transport and an application. A *link* is one physical connection: a TCP socket, a pipe in
//! memory. A *session* is what survives links: who is logged in, which messages were sent and not yet taken, which arrived
//! and were not yet read. Client and server share one core for login, heartbeats, loss detection, reconnect and resume, and
//! the type system says what may be done when.
//!
//! **New here?** The [guide] has a chapter for each kind of program: [client](guide::loss), [server](guide::servers),
//! [game loop](guide::games), [proxy](guide::proxy), [test](guide::testing). It shows what goes wrong, too.
//!
//! # A client
//!
//! [`Runtime<Single>`](Runtime) has one session with one server. Its session is a [`Session<Connecting>`](Session), then a
//! `Session<LoggedIn>`; where the link is lost it says so, once, with evidence ([`Lost`]), and that evidence is what turns
//! it into a `Session<Reconnecting>`.
//!
//! ```no_run
//! use sessile::{Config, Credentials, Ended, Error, LoggedIn, Runtime, Session, Single};
//!
//! async fn client() -> Result<(), Error> {
//!     let me = Credentials::token("s3cret");
//!     // every limit is checked here, once
//!     let runtime = Runtime::<Single>::start(Config::default())?;
//!     let session = runtime.connect("127.0.0.1:7000").await?;
//!     let mut session = session.login(&me).await?;
//!     loop {
//!         let Err(error) = chat(&mut session).await else { return Ok(()) };
//!         session = match session.check() {
//!             Ok(()) => return Err(error), // the session is well: the error is ours
//!             Err(Ended::Closed(closed)) => return Err(closed.into()),
//!             Err(Ended::Lost(lost)) => match session.reconnect(lost).resume().await {
//!                 Ok(session) => session, // nothing is lost, nothing comes twice
//!                 Err(mut gone) => {
//!                     eprintln!("not delivered: {:?}", gone.take_undelivered());
//!                     gone.into_connecting()?.login(&me).await?
//!                 }
//!             },
//!         };
//!     }
//! }
//!
//! async fn chat(session: &mut Session<LoggedIn>) -> Result<(), Error> {
//!     session.send("hello").await?;
//!     while session.recv().await?.starts_with(b"ping") {
//!         session.send("pong").await?;
//!     }
//!     Ok(())
//! }
//! # smol::block_on(client()).unwrap();
//! ```
//!
//! That loop is written already: [`Runtime::supervise`] gives a [`Client`], a stream of what happens and a sink of messages,
//! which comes back after losses and logs in anew where its session is gone.
//!
//! ```no_run
//! use sessile::{Config, Credentials, Error, Runtime, Single, Update};
//!
//! async fn client() -> Result<(), Error> {
//!     let runtime = Runtime::<Single>::start(Config::default())?;
//!     let mut client = runtime.supervise("127.0.0.1:7000", Credentials::token("s3cret"));
//!     client.send("hello").await?;
//!     while let Some(update) = client.next().await {
//!         match update {
//!             Update::Message(message) => println!("{message:?}"),
//!             Update::Event(event) => eprintln!("{event}"),
//!             Update::Undelivered(messages) => eprintln!("not delivered: {messages:?}"),
//!             Update::Lagged(_) => {}
//!             Update::Ended(why) => return Err(why.into()),
//!         }
//!     }
//!     Ok(())
//! }
//! # smol::block_on(client()).unwrap();
//! ```
//!
//! # A server
//!
//! [`Runtime<Multi>`](Runtime) has many, in a collection keyed by the peer's [`Identity`]: look up, walk through, observe,
//! broadcast, remove.
//!
//! ```no_run
//! use sessile::{
//!     Config, Connecting, Ended, Error, Identity, Multi, Rejection, Runtime, Session, Sessions,
//! };
//!
//! async fn server() -> Result<(), Error> {
//!     let runtime = Runtime::<Multi>::start(Config::default())?;
//!     let mut door = runtime.listen("0.0.0.0:7000").await?;
//!     while let Some(session) = door.next().await {
//!         smol::spawn(peer(session, runtime.sessions())).detach();
//!     }
//!     Ok(())
//! }
//!
//! async fn peer(session: Session<Connecting, Multi>, all: Sessions) -> Result<(), Error> {
//!     let Ok(name) = String::from_utf8(session.offer().credentials().to_vec()) else {
//!         session.reject(Rejection::bad_credentials());
//!         return Ok(());
//!     };
//!     let mut session = session.admit(Identity::new(&name)?);
//!     loop {
//!         session = match session.recv().await {
//!             Ok(message) => {
//!                 all.broadcast(&message);
//!                 session
//!             }
//!             Err(Ended::Lost(lost)) => session.reconnect(lost).resume().await?,
//!             Err(Ended::Closed(_)) => return Ok(()),
//!         };
//!     }
//! }
//! # smol::block_on(server()).unwrap();
//! ```
//!
//! # Both, without a network
//!
//! The network in memory ([`transport::memory`]) fails as a test tells it to.
//!
//! ```
//! # smol::block_on(async {
//! use sessile::{
//!     Config, Credentials, Ended, Multi, Runtime, Single, transport::memory::Network,
//! };
//!
//! let network = Network::new();
//! let server = Runtime::<Multi>::start(Config::default())?;
//! let mut door = server.listen_over(network.listener());
//! let echo = smol::spawn(async move {
//!     let session = door.next().await.expect("a peer");
//!     let mut session = session.admit(7u64);
//!     loop {
//!         session = match session.recv().await {
//!             Ok(message) => {
//!                 session.send(&message).await.ok();
//!                 session
//!             }
//!             Err(Ended::Lost(lost)) => {
//!                 session.reconnect(lost).resume().await.expect("it comes back")
//!             }
//!             Err(Ended::Closed(closed)) => return closed,
//!         };
//!     }
//! });
//!
//! let client = Runtime::<Single>::start(Config::default())?;
//! let session = client.connect_over(network.dialer()).await?;
//! let mut session = session.login(&Credentials::token("s3cret")).await?;
//!
//! session.send("before").await?;
//! network.cut(); // every link breaks …
//! let lost = loop {
//!     match session.recv().await {
//!         Ok(message) => assert_eq!(&*message, b"before"),
//!         Err(Ended::Lost(lost)) => break lost,
//!         Err(Ended::Closed(closed)) => return Err(closed.into()),
//!     }
//! };
//! let mut session = session.reconnect(lost).resume().await?; // … and the session stays
//! session.send("after").await?;
//! while &*session.recv().await? != b"after" {}
//! session.close("good night").await;
//! assert_eq!(echo.await.text(), Some("good night"));
//! # Ok::<(), sessile::Error>(())
//! # }).unwrap();
//! ```
//!
//! # What is promised
//!
//! * **Messages.** What the peer gets is a prefix of what was accepted for sending, over any number of links: no loss, no
//!   duplicate, no reordering. What a session did not deliver when it ended comes back as [`Undelivered`], each message
//!   [`NeverSent`](Fate::NeverSent) or [`Unknown`](Fate::Unknown).
//! * **Flow control.** An acknowledgement says that the peer's *application* took a message, so a peer that does not read
//!   stops its sender, and not the heartbeats. Two programs that only send stop each other: [`Session::split`].
//! * **Losses are values.** Every loss of a link is told to the handle once, after what arrived before it was read. A client
//!   dials at once by default ([`ReconnectMode`]), but never hides that it had to.
//! * **Heartbeats** need nothing of the application. A runtime drives links on its own tasks, on smol's executor or on
//!   [one of yours](Spawn).
//! * **Failures** give back what they took, say whose doing they are ([`Blame`]) and whether to try again ([`Retry`]).
//! * **Life.** A session, a client or a door keeps its runtime alive; [`Peer`], [`Sessions`] and [`Events`] keep nothing alive.
//!   Dropping a session closes it.
//!
//! # Cancel safety
//!
//! Every wait but the last is a named future, `Send + Unpin + FusedFuture`: it can be selected on, timed out and stored.
//!
//! | future | dropped before it completed | to go on instead |
//! |---|---|---|
//! | [`send`](Session::send) → [`Sending`] | nothing was sent; the message is still the caller's | call it again |
//! | [`recv`](Session::recv) → [`Receiving`] | nothing was taken | call it again |
//! | [`Door::next`], [`Events::next`] → [`Next`] | nobody is lost, nothing is missed | call it again |
//! | [`Client::next`] → [`Next`] | no update is lost | call it again |
//! | [`Client::send`] → [`Posting`] | nothing was sent; the message is still the caller's | call it again |
//! | [`connect`](Runtime::connect) → [`Connect`] | the runtime stops | [`Connect::into_runtime`] |
//! | [`login`](Session::login) → [`Login`] | the session is closed | [`Login::into_session`] |
//! | [`try_admit`](Session::try_admit) → [`TryAdmit`] | the peer is turned away | [`TryAdmit::into_session`] |
//! | [`resume`](Session::resume) → [`Resume`] | the session is closed | [`Resume::into_session`] |
//! | [`close`](Session::close) → [`Close`] | closing goes on; nobody hears what was not delivered | |
//! | [`challenge`](Offer::challenge) → [`Challenge`] | the answer is for nobody | ask again |
//! | [`listen`](Runtime::listen) → [`Listen`] | nothing listens | call it again |
//! | [`drain`](Runtime::drain) → [`Draining`] | draining goes on; nobody hears the counts | await another one |
//! | [`Inbox::ready`], an async function | nothing is lost | call it again |
//!
//! # The rooms
//!
//! | room | what it is for | what it never does |
//! |---|---|---|
//! | `session`, `client`, `runtime`, `state`, `mode`, `error`, `config`, … | the public face: handles whose types say what may be done | decide anything about a session |
//! | `driver` | awaits, locks, spawns, reads the clock | interpret bytes |
//! | `registry` | sessions by id, identity and deadline | lock, wait |
//! | `proto` | the machine: one for each session, the same on both sides | wait, lock, read a clock, touch a socket, take a type parameter |
//! | `wire` | bytes to frames and back | know sessions or time |
//! | [`transport`] | what carries bytes: TCP, memory, or yours | know sessions |
//!
//! Modes and states exist in types at the surface. Below it one machine that is generic over nothing runs both ends.

mod address;
mod client;
mod config;
mod credentials;
mod driver;
mod error;
mod event;
#[cfg(any(doc, doctest))]
pub mod guide;
mod host;
mod identity;
mod limits;
mod message;
mod mode;
#[cfg(test)]
mod promises;
mod runtime;
mod session;
mod signpost;
mod state;
mod sync;

// For tests, benches and fuzzing: no part of the public surface, no promise of stability.
#[doc(hidden)]
pub mod canary;
#[doc(hidden)]
pub mod proto;
#[doc(hidden)]
pub mod registry;
#[cfg(feature = "sim")]
pub mod sim;
pub mod testing;
pub mod transport;
#[doc(hidden)]
pub mod wire;

// The public surface is:
pub use address::Address;
pub use client::{Client, Posting, Update, Updates};
pub use config::{Config, Reconnect, ReconnectMode, Takeover};
pub use credentials::Credentials;
pub use driver::Spawn;
pub use error::{
    AdmitError, BansFull, Blame, Closed, ConfigError, ConnectError, Ended, Error, ErrorKind, Fate,
    JoinError, LoginError, LossCause, Lost, Reason, RejectCode, Rejection, ResumeError, Retry,
    SendError, TlsError, TlsErrorKind, TooLong, Undelivered,
};
pub use event::{Event, EventKind, Notice};
pub use host::{Admission, Admit, Host, Turn, admit_with};
pub use identity::{AsIdentity, Identity, IntoIdentity};
pub use limits::Limits;
pub use message::{AsMessage, Message};
pub use mode::{Mode, Multi, Single};
pub use proto::{Phase, Snapshot};
pub use runtime::{
    Ban, Banned, Broadcast, Connect, Door, Drain, Drained, Draining, Events, Group, Inbox,
    Incoming, Listen, Next, PastEvent, PastSession, Peer, Returning, Runtime, Serving, Sessions,
    Warning, What,
};
pub use session::{
    AnySession, Challenge, Close, Login, Offer, Receiving, RecvHalf, Resume, SendHalf, Sending,
    Session, TryAdmit,
};
pub use state::{Connecting, LoggedIn, Reconnecting, State};
pub use wire::Violation;

/// The README's programs compile.
#[doc = include_str!("../README.md")]
#[cfg(doctest)]
#[derive(Debug)]
#[non_exhaustive]
pub struct ReadmeDoctests;

#[doc(hidden)]
pub use config::Settings;
#[doc(hidden)]
pub use identity::Key;
#[doc(hidden)]
pub use message::Lent;
