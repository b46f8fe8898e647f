use super::{Receiving, Sending, logged_in::message};
use crate::{AsMessage, Ended, Message, SendError, driver::Handle};

/// The sending direction of a session, lent by [`Session::split`](crate::Session::split).
///
/// ```
/// use sessile::{SendError, SendHalf};
///
/// async fn count(sender: &mut SendHalf<'_>) -> Result<(), SendError> {
///     for number in 0..100u32 {
///         sender.send(&number.to_be_bytes()).await?;
///     }
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct SendHalf<'s> {
    handle: &'s Handle,
    epoch: u64,
}

/// The receiving direction of a session, lent by [`Session::split`](crate::Session::split).
///
/// ```
/// use sessile::{Ended, RecvHalf};
///
/// async fn count(receiver: &mut RecvHalf<'_>) -> Result<usize, Ended> {
///     let mut bytes = 0;
///     for _ in 0..100 {
///         bytes += receiver.recv().await?.len();
///     }
///     Ok(bytes)
/// }
/// ```
#[derive(Debug)]
pub struct RecvHalf<'s> {
    handle: &'s Handle,
    epoch: u64,
}

impl<'s> SendHalf<'s> {
    pub(super) const fn new(handle: &'s Handle, epoch: u64) -> Self {
        Self { handle, epoch }
    }

    /// As [`Session::send`](crate::Session::send).
    ///
    /// # Errors
    ///
    /// [`TooLong`](crate::TooLong) or [`Ended`].
    ///
    /// # Cancel safety
    ///
    /// A future that is dropped before it completed has sent nothing.
    pub fn send<'a>(&'a mut self, message: &'a (impl AsMessage + ?Sized)) -> Sending<'a> {
        Sending::new(self.handle, self.epoch, message.lend())
    }

    /// As [`Session::try_send`](crate::Session::try_send).
    ///
    /// # Errors
    ///
    /// [`SendError::Full`], [`TooLong`](crate::TooLong) or [`Ended`].
    pub fn try_send(&mut self, message: &(impl AsMessage + ?Sized)) -> Result<(), SendError> {
        self.handle.try_send(self.epoch, message.lend())
    }

    /// As [`Session::send_volatile`](crate::Session::send_volatile).
    ///
    /// # Errors
    ///
    /// [`TooLong`](crate::TooLong) or [`Ended`].
    pub fn send_volatile(&mut self, message: &(impl AsMessage + ?Sized)) -> Result<(), SendError> {
        self.handle.send_volatile(self.epoch, message.lend())
    }
}

impl<'s> RecvHalf<'s> {
    pub(super) const fn new(handle: &'s Handle, epoch: u64) -> Self {
        Self { handle, epoch }
    }

    /// As [`Session::recv`](crate::Session::recv).
    ///
    /// # Errors
    ///
    /// [`Ended`], after everything that arrived before was read.
    ///
    /// # Cancel safety
    ///
    /// A future that is dropped before it completed has taken nothing.
    pub fn recv(&mut self) -> Receiving<'_> {
        Receiving::new(self.handle, self.epoch)
    }

    /// As [`Session::try_recv`](crate::Session::try_recv).
    ///
    /// # Errors
    ///
    /// [`Ended`], after everything that arrived before was read.
    pub fn try_recv(&mut self) -> Result<Option<Message<'static>>, Ended> {
        Ok(self.handle.try_recv(self.epoch)?.map(message))
    }
}
