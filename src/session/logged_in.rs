//! Logged in: messages flow.

use super::{Receiving, RecvHalf, SendHalf, Sending, Session};
use crate::{
    AsMessage, Ended, Identity, LoggedIn, Lost, Message, Mode, Reconnecting, SendError,
    proto::Received,
};

impl<M: Mode> Session<LoggedIn, M> {
    /// Who the peer was admitted as. The same on both sides: the server decides, the client is told. Empty where a
    /// server admitted a peer that had left already.
    #[must_use]
    pub fn identity(&self) -> Identity {
        self.handle.identity().unwrap_or_else(Identity::nobody)
    }

    /// The number of the link that this handle works on: growing with every link of the identity. What
    /// [`Event::epoch`](crate::Event::epoch) and [`Lost::epoch`] say.
    #[must_use]
    pub const fn epoch(&self) -> u64 {
        self.state.epoch
    }

    /// Sends one message, in order and exactly once for as long as the session lives, over as many links as it takes.
    ///
    /// It is accepted when the unacked window ([`Config::unacked_messages`](crate::Config::unacked_messages), [`Config::unacked_bytes`](crate::Config::unacked_bytes)) has room, which is
    /// when the peer's *application* took earlier messages: this waits for a peer that does not read. Two programs that
    /// send without reading stop each other for ever; [`split`](Self::split) is what helps.
    ///
    /// The message is only lent: text and slices are copied once, `Bytes` and a received [`Message`] are shared.
    ///
    /// # Errors
    ///
    /// [`TooLong`](crate::TooLong), with the session as it was, or [`Ended`]: the loss of the link or the end. Never
    /// [`Full`](SendError::Full). An error type of your own that holds only `Ended` does not take this by `?`; ask
    /// [`check`](Self::check) afterwards instead.
    ///
    /// # Cancel safety
    ///
    /// A future that is dropped before it completed has sent nothing.
    ///
    /// ```
    /// use sessile::{LoggedIn, SendError, Session};
    ///
    /// async fn greet(session: &mut Session<LoggedIn>, name: &str) -> Result<(), SendError> {
    ///     session.send("hello").await?;
    ///     session.send(&[1, 2, 3]).await?;
    ///     session.send(&format!("I am {name}")).await
    /// }
    /// ```
    pub fn send<'a>(&'a mut self, message: &'a (impl AsMessage + ?Sized)) -> Sending<'a> {
        Sending::new(&self.handle, self.state.epoch, message.lend())
    }

    /// Sends one message if there is room for it now; what [`send`](Self::send) does without waiting.
    ///
    /// # Errors
    ///
    /// [`SendError::Full`] where the unacked window has no room, and those of [`send`](Self::send).
    ///
    /// ```
    /// use sessile::{LoggedIn, SendError, Session};
    ///
    /// /// Once a frame: as much as there is room for.
    /// fn pump(session: &mut Session<LoggedIn>, queue: &mut Vec<String>) -> Result<(), SendError> {
    ///     while let Some(message) = queue.last() {
    ///         match session.try_send(message) {
    ///             Ok(()) => drop(queue.pop()),
    ///             Err(SendError::Full) => break,
    ///             Err(error) => return Err(error),
    ///         }
    ///     }
    ///     Ok(())
    /// }
    /// ```
    pub fn try_send(&mut self, message: &(impl AsMessage + ?Sized)) -> Result<(), SendError> {
        self.handle.try_send(self.state.epoch, message.lend())
    }

    /// Sends a message that matters only now, such as a position that the next one replaces: it may be dropped, is never
    /// sent again, and may arrive before or after others. It takes no room in the unacked window.
    ///
    /// # Errors
    ///
    /// [`TooLong`](crate::TooLong) or [`Ended`]; never [`Full`](SendError::Full), because the oldest goes where too many
    /// wait ([`Config::volatile_messages`](crate::Config::volatile_messages)).
    ///
    /// ```
    /// use sessile::{LoggedIn, SendError, Session};
    ///
    /// fn tick(session: &mut Session<LoggedIn>, x: f32, y: f32) -> Result<(), SendError> {
    ///     session.send_volatile(&[x.to_be_bytes(), y.to_be_bytes()].concat())
    /// }
    /// ```
    pub fn send_volatile(&mut self, message: &(impl AsMessage + ?Sized)) -> Result<(), SendError> {
        self.handle.send_volatile(self.state.epoch, message.lend())
    }

    /// Waits for the next message. Taking it is what acknowledges it and lets the peer send more.
    ///
    /// # Errors
    ///
    /// [`Ended`], after everything that arrived before the loss or the close was read. A loss is told once for each link;
    /// [`check`](Self::check) tells it again.
    ///
    /// # Cancel safety
    ///
    /// A future that is dropped before it completed has taken nothing: no message is lost in a `select`.
    ///
    /// ```
    /// use futures::FutureExt;
    /// use sessile::{Ended, LoggedIn, Session};
    ///
    /// async fn until(
    ///     session: &mut Session<LoggedIn>,
    ///     stop: &async_channel::Receiver<()>,
    /// ) -> Result<(), Ended> {
    ///     loop {
    ///         futures::select! {
    ///             message = session.recv() => println!("{:?}", message?),
    ///             _ = stop.recv().fuse() => return Ok(()),
    ///         }
    ///     }
    /// }
    /// ```
    pub fn recv(&mut self) -> Receiving<'_> {
        Receiving::new(&self.handle, self.state.epoch)
    }

    /// The next message if it is here already, `None` if not.
    ///
    /// # Errors
    ///
    /// Those of [`recv`](Self::recv).
    ///
    /// ```
    /// use sessile::{Ended, LoggedIn, Session};
    ///
    /// fn frame(session: &mut Session<LoggedIn>) -> Result<(), Ended> {
    ///     while let Some(message) = session.try_recv()? {
    ///         println!("{message:?}");
    ///     }
    ///     Ok(())
    /// }
    /// ```
    pub fn try_recv(&mut self) -> Result<Option<Message<'static>>, Ended> {
        let received = self.handle.try_recv(self.state.epoch)?;
        Ok(received.map(message))
    }

    /// Lends both directions separately, to send and to receive at the same time.
    ///
    /// A peer's application acknowledges by reading. A program that only sends while its peer does the same therefore
    /// waits for ever; one that reads while it sends does not.
    ///
    /// A sender hears of a loss or an end at once, a receiver after what came before it. So it is the receiver's to tell:
    /// with `try_join` the sender's failure would cancel the reading of the last words. The [guide](crate::guide::sending)
    /// has both traps.
    ///
    /// ```
    /// use futures::future::pending;
    /// use sessile::{Ended, LoggedIn, Session};
    ///
    /// async fn chat(
    ///     session: &mut Session<LoggedIn>,
    ///     lines: &async_channel::Receiver<String>,
    /// ) -> Ended {
    ///     let (mut sender, mut receiver) = session.split();
    ///     let talk = async {
    ///         while let Ok(line) = lines.recv().await {
    ///             if sender.send(&line).await.is_err() {
    ///                 break; // the receiver says why
    ///             }
    ///         }
    ///         pending().await
    ///     };
    ///     let listen = async {
    ///         loop {
    ///             match receiver.recv().await {
    ///                 Ok(message) => println!("{message:?}"),
    ///                 Err(ended) => return ended,
    ///             }
    ///         }
    ///     };
    ///     smol::future::or(listen, talk).await
    /// }
    /// ```
    pub fn split(&mut self) -> (SendHalf<'_>, RecvHalf<'_>) {
        let (handle, epoch) = (&self.handle, self.state.epoch);
        (SendHalf::new(handle, epoch), RecvHalf::new(handle, epoch))
    }

    /// Whether the session is well: fresh evidence, whatever became of the first.
    ///
    /// For loops whose own error type does not carry [`Lost`]: fail with anything, then ask.
    ///
    /// # Errors
    ///
    /// [`Ended::Lost`] where the link of this handle is gone, even if the session came back on another one beneath it;
    /// [`Ended::Closed`] where the session is over.
    ///
    /// ```
    /// use sessile::{Ended, LoggedIn, Reconnecting, Session};
    ///
    /// fn diagnose(
    ///     session: Session<LoggedIn>,
    /// ) -> Result<Session<LoggedIn>, Option<Session<Reconnecting>>> {
    ///     match session.check() {
    ///         Ok(()) => Ok(session),
    ///         Err(Ended::Lost(lost)) => Err(Some(session.reconnect(lost))),
    ///         Err(Ended::Closed(_)) => Err(None),
    ///     }
    /// }
    /// ```
    pub fn check(&self) -> Result<(), Ended> {
        self.handle.check(self.state.epoch)
    }

    /// Turns to coming back. Nothing is waited for: [`resume`](Session::resume) does that.
    ///
    /// Messages that were sent are kept and go out again; messages that arrived stay readable. `lost` is the evidence,
    /// used up here. Evidence that is stale, or another session's, does no harm: `resume` then finds the link up.
    ///
    /// ```
    /// use sessile::{LoggedIn, Lost, ResumeError, Session};
    ///
    /// async fn come_back(
    ///     session: Session<LoggedIn>,
    ///     lost: Lost,
    /// ) -> Result<Session<LoggedIn>, ResumeError> {
    ///     session.reconnect(lost).resume().await
    /// }
    /// ```
    pub fn reconnect(self, lost: Lost) -> Session<Reconnecting, M> {
        let epoch = lost.epoch();
        self.turn(Reconnecting { epoch })
    }
}

/// A message as the reader gets it.
pub(super) fn message(received: Received) -> Message<'static> {
    Message::shared(received.payload, received.volatile)
}
