//! The loop that users would write around a session, written once.

mod life;
mod posting;
mod route;
mod series;
mod steps;
mod update;

pub use posting::Posting;
pub use update::{Update, Updates};

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
};

use bytes::Bytes;
use futures::{Sink, Stream, stream::FusedStream, task::AtomicWaker};

use crate::{
    AsMessage, Close, Credentials, Event, Events, Next, Peer, SendError, Session, Single,
    driver::{Owner, Sleep, Watcher},
    message::Lent,
    transport::DynDial,
};
use life::Life;
use route::Route;
use series::Series;

/// A client that stays logged in: it connects, logs in, comes back after losses, logs in anew where its session is gone, and
/// tells every step of that as an [`Update`]. [`Runtime::supervise`](crate::Runtime::supervise) makes it.
///
/// It is the loop around [`Session`] that programs write, with nothing that a program could not do: for other decisions than
/// these, write that loop.
///
/// | what happened | what it does |
/// |---|---|
/// | the server is not to be reached, or a login failed | tries again by [`Retry`](crate::Retry): after the time that the server asked for, and a random wait that grows ([`Reconnect`](crate::Reconnect)) |
/// | the link was lost | resumes the session, in every [`ReconnectMode`](crate::ReconnectMode) but `Never` |
/// | the session is gone: expired, given up, unknown to a server that was restarted, … | [`Update::Undelivered`], then logs in anew after such a wait, unless [`relogin`](Self::relogin)`(false)` |
/// | the server goes down ([`EventKind::Draining`](crate::EventKind::Draining)) | waits for the end, then logs in anew when it was asked to; with [`Reconnect::redirects`](crate::Reconnect::redirects) and a redirect it leaves at its slot, and logs in there |
/// | taken over, removed, closed, refused for good: [`Retry::Never`](crate::Retry::Never) | [`Update::Ended`] |
/// | `Reconnect::attempts` logins failed in a row, or the next would begin later than `Reconnect::budget` after the loss | [`Update::Ended`] with [`GaveUp`](crate::Reason::GaveUp) |
///
/// **Order.** Events are told in their order, and messages in theirs; a loss or an end is told after the messages that arrived
/// before it. `Undelivered` comes before the first event of the next session, and `Ended` is the last of all.
///
/// **Polling.** It has no task of its own. What keeps a link alive (heartbeats, and with `ReconnectMode::AtOnce` dialing
/// again and resuming) goes on whatever is polled. What needs [`next`](Self::next), [`drain`](Self::drain) or
/// [`send`](Self::send) to be called now and then is going on after a failed login; with `OnResume`, coming back; and after
/// the end of a session the next one, for which the updates of the old one must be taken first. With
/// [`ReconnectMode::Never`](crate::ReconnectMode::Never) every loss ends the session, and the client logs in anew.
///
/// **Sending.** Nothing is buffered beside the session: a message is either accepted by a session that is logged in, and
/// then delivered or handed back as `Undelivered`, or refused. It is a
/// `futures::Sink` of `bytes::Bytes`,
/// too; closing that closes the
/// client.
///
/// It keeps its runtime alive. **Dropping it closes the session**; [`close`](Self::close) says why.
///
/// ```
/// # smol::block_on(async {
/// use sessile::{Config, Credentials, Multi, Runtime, Single, Update, transport::memory::Network};
///
/// let network = Network::new();
/// let server = Runtime::<Multi>::start(Config::new())?;
/// let mut door = server.listen_over(network.listener());
/// smol::spawn(async move {
///     while let Some(session) = door.next().await {
///         let mut session = session.admit(7u64);
///         while let Ok(message) = session.recv().await {
///             session.send(&message).await.ok();
///         }
///     }
/// })
/// .detach();
///
/// let runtime = Runtime::<Single>::start(Config::new())?;
/// let mut client = runtime.supervise_over(network.dialer(), Credentials::token("s3cret"));
/// client.send("hello").await?; // waits until it is logged in
/// while let Some(update) = client.next().await {
///     match update {
///         Update::Message(message) => {
///             assert_eq!(&*message, b"hello");
///             break;
///         }
///         Update::Event(event) => println!("{event}"),
///         Update::Undelivered(messages) => println!("not delivered: {messages:?}"),
///         Update::Lagged(_) => {}
///         Update::Ended(why) => return Err(why.into()),
///     }
/// }
/// client.close("good night").await;
/// # Ok::<(), sessile::Error>(())
/// # }).unwrap();
/// ```
#[must_use = "dropping a client closes its session"]
pub struct Client {
    me: Credentials,
    relogin: bool,
    life: Life,
    /// The session that it has now.
    watcher: Watcher,
    /// Of all its sessions.
    events: Events,
    /// An event that waits for the messages before it.
    held: Option<Event>,
    series: Series,
    route: Route,
    /// When to leave a server that goes down, for where it said.
    slot: Option<Sleep>,
    waiting: Arc<Waiting>,
    /// Of `waiting`.
    waker: Waker,
}

/// Who waits for a client: whoever reads and whoever writes may be two tasks, and both move it on.
#[derive(Debug, Default)]
struct Waiting {
    reader: AtomicWaker,
    writer: AtomicWaker,
}

impl Client {
    pub(crate) fn new(owner: &Owner, dialer: Arc<dyn DynDial>, me: Credentials) -> Self {
        let events = Events::new(owner.feed());
        let session = Session::dialed(owner.unconnected(Arc::clone(&dialer)));
        let watcher = session.handle.watcher();
        let waiting = Arc::new(Waiting::default());
        Self {
            relogin: true,
            life: Life::Joining(session.login(&me)),
            me,
            series: Series::new(watcher.now(), watcher.seed()),
            watcher,
            events,
            held: None,
            route: Route::new(dialer),
            slot: None,
            waker: Waker::from(Arc::clone(&waiting)),
            waiting,
        }
    }

    /// Whether to log in anew where the session is gone. Default: yes. With no, the end of its session is the client's end:
    /// for programs whose state at the server dies with the session.
    ///
    /// ```
    /// use sessile::{Client, Credentials, Runtime, Single};
    ///
    /// fn one_match(runtime: Runtime<Single>, ticket: &[u8]) -> Client {
    ///     runtime.supervise("match.example:7000", Credentials::bytes(ticket)).relogin(false)
    /// }
    /// ```
    pub const fn relogin(mut self, relogin: bool) -> Self {
        self.relogin = relogin;
        self
    }

    /// Waits for the next update. `None` after [`Update::Ended`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses no update.
    ///
    /// ```
    /// use futures::FutureExt;
    /// use sessile::{Client, Update};
    ///
    /// async fn chat(client: &mut Client, lines: &async_channel::Receiver<String>) {
    ///     loop {
    ///         futures::select! {
    ///             update = client.next() => match update {
    ///                 Some(Update::Message(message)) => println!("{message:?}"),
    ///                 Some(_) => {}
    ///                 None => return,
    ///             },
    ///             line = lines.recv().fuse() => match line {
    ///                 Ok(line) => drop(client.send(&line).await),
    ///                 Err(_) => return,
    ///             },
    ///         }
    ///     }
    /// }
    /// ```
    pub const fn next(&mut self) -> Next<'_, Self> {
        Next::new(self)
    }

    /// The updates that there are by now. Never waits: for programs with a beat of their own, such as games, once a frame.
    ///
    /// It is a view: what is not iterated stays, and what comes in meanwhile is for the next time.
    ///
    /// ```
    /// use sessile::{Client, Update};
    ///
    /// struct Game {
    ///     client: Client,
    /// }
    ///
    /// impl Game {
    ///     fn frame(&mut self) {
    ///         for update in self.client.drain() {
    ///             if let Update::Message(message) = update {
    ///                 println!("{message:?}");
    ///             }
    ///         }
    ///         self.client.send_volatile("where I am").ok();
    ///     }
    /// }
    /// ```
    pub fn drain(&mut self) -> Updates<'_> {
        // One more, so that it is moved on where there is nothing to tell.
        let left = self.watcher.unread() + self.events.waiting() + 1;
        Updates::new(self, left)
    }

    /// Sends a message: waits until somebody is logged in and the unacked window has room. See
    /// [`Session::send`](crate::Session::send).
    ///
    /// Once it completed, the message is delivered over as many links as it takes, or comes back in
    /// [`Update::Undelivered`]. Where it does not fit into what is left of the window it is accepted all the same, and goes
    /// out when it fits.
    ///
    /// # Errors
    ///
    /// [`TooLong`](crate::TooLong), or [`Ended::Closed`](crate::Ended::Closed) where the session ended: a message for one
    /// session is not for the next. Take the updates ([`next`](Self::next), [`drain`](Self::drain)) before sending again: that
    /// is what moves a client on to another session. Never [`Full`](SendError::Full), nor a loss.
    ///
    /// # Cancel safety
    ///
    /// A future that is dropped before it completed has sent nothing.
    pub fn send<'a>(&'a mut self, message: &'a (impl AsMessage + ?Sized)) -> Posting<'a> {
        Posting::new(self, message.lend())
    }

    /// Sends a message if it can be accepted now.
    ///
    /// # Errors
    ///
    /// [`SendError::Full`] where the unacked window has no room, [`TooLong`](crate::TooLong),
    /// [`Ended::Lost`](crate::Ended::Lost) while there is no link or nobody is logged in (try again later), and
    /// [`Ended::Closed`](crate::Ended::Closed) where the session ended (take the updates).
    ///
    /// ```
    /// use sessile::{Client, Ended, SendError};
    ///
    /// /// What is not accepted stays in the queue.
    /// fn pump(client: &mut Client, queue: &mut Vec<String>) {
    ///     while let Some(message) = queue.last() {
    ///         match client.try_send(message) {
    ///             Ok(()) | Err(SendError::TooLong(_)) => drop(queue.pop()),
    ///             Err(SendError::Full | SendError::Ended(_)) => break,
    ///         }
    ///     }
    /// }
    /// ```
    pub fn try_send(&mut self, message: &(impl AsMessage + ?Sized)) -> Result<(), SendError> {
        self.check_life()?;
        self.watcher.send_now(message.lend())
    }

    /// Sends a message that matters only now; see [`Session::send_volatile`](crate::Session::send_volatile).
    ///
    /// # Errors
    ///
    /// As [`try_send`](Self::try_send), but never [`Full`](SendError::Full).
    pub fn send_volatile(&mut self, message: &(impl AsMessage + ?Sized)) -> Result<(), SendError> {
        self.check_life()?;
        self.watcher.send_volatile_now(message.lend())
    }

    /// The session of this moment, to be looked at from elsewhere. There is one from the start, before anybody is logged in.
    ///
    /// It stays the same over failed logins, losses and resumes. A login after a session's end makes another session: then
    /// this one's [`phase`](Peer::phase) is `Ended` for good, and asking the client again gives the new one.
    #[must_use]
    pub fn peer(&self) -> Peer<Single> {
        Peer::new(self.watcher.clone())
    }

    /// What happens from now on, to this session and those that follow it: for somebody else than who reads the updates, in
    /// which the same events are. Ends with the runtime.
    pub fn events(&self) -> Events {
        Events::new(self.watcher.feed_of_all())
    }

    /// Says that the network is back: the next attempt, to resume or to log in, begins now instead of after its pause, even
    /// one that the server asked for. Nothing happens where none is waited for. [`Peer::retry_now`] does the same from
    /// anywhere else.
    pub fn retry_now(&self) {
        self.watcher.retry_now();
    }

    /// Closes the session, now: what was sent is written out, then the server hears `reason` (the first 128 bytes of it).
    /// Updates that were not taken are dropped. Awaiting it is optional: see [`Session::close`](crate::Session::close).
    ///
    /// # Cancel safety
    ///
    /// Closing goes on when the future is dropped; the list of undelivered messages is lost.
    ///
    /// ```
    /// use sessile::Client;
    ///
    /// async fn quit(client: Client) {
    ///     let unread = client.close("good night").await;
    ///     eprintln!("{} messages were not taken", unread.len());
    /// }
    /// ```
    pub fn close(mut self, reason: &str) -> Close {
        self.life.close(reason);
        let untold = match &mut self.life {
            Life::Gone(gone) => std::mem::take(&mut gone.undelivered),
            _ => Vec::new(),
        };
        let handle = self.life.into_handle();
        Close::new(handle.expect("somewhere in its life"), untold)
    }
}

impl Stream for Client {
    type Item = Update;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Update>> {
        self.waiting.reader.register(cx.waker());
        self.step()
    }
}

impl FusedStream for Client {
    fn is_terminated(&self) -> bool {
        matches!(self.life, Life::Over { told: true, .. })
    }
}

/// As [`Client::send`]. Closing it closes the client, as [`Client::close`] does, and waits until the server knows; the updates
/// tell the end.
impl Sink<Bytes> for Client {
    type Error = SendError;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        self.poll_room(cx).map_err(SendError::from)
    }

    fn start_send(self: Pin<&mut Self>, message: Bytes) -> Result<(), SendError> {
        self.post(Lent::Shared(&message))
    }

    /// At once: what was accepted is the session's.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        let this = &mut *self;
        this.relogin = false;
        this.life.close("");
        this.waiting.writer.register(cx.waker());
        match &this.life {
            Life::Gone(gone) => gone
                .handle
                .poll_settled(&Context::from_waker(&this.waker))
                .map(Ok),
            _ => Poll::Ready(Ok(())),
        }
    }
}

impl Wake for Waiting {
    fn wake(self: Arc<Self>) {
        self.reader.wake();
        self.writer.wake();
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("session", &self.watcher)
            .field("relogin", &self.relogin)
            .field("over", &matches!(self.life, Life::Over { .. }))
            .finish_non_exhaustive()
    }
}
