use super::{Cx, Machine, Received, Wake};
use crate::{
    Closed, Ended, SendError, TooLong, Undelivered,
    canary::{Canary, sings},
    message::Lent,
    proto::{Phase, outbox::NoRoom, terms},
};

/// What the holder of a handle does. Each call says which epoch the handle believes in: a session that came back beneath
/// its handle reports the loss first, once.
impl Machine {
    /// The next message, `None` where there is none yet.
    ///
    /// # Errors
    ///
    /// The loss or the end, after everything that arrived before it was read.
    pub fn recv(&mut self, cx: &mut Cx<'_>, epoch: u64) -> Result<Option<Received>, Ended> {
        // Behind a loss that was not reported lies what arrived on the next link: first things first.
        if self.is_stale(epoch) && self.inbox.taken() >= self.trouble().link_base {
            return Err(self.lost(epoch));
        }
        let delay = terms::ack_delay(cx.settings, &self.terms);
        if let Some(received) = self.inbox.take(cx.now, delay, &self.terms) {
            self.wake_if_due(cx);
            return Ok(Some(received));
        }
        self.check(epoch)?;
        Ok(None)
    }

    /// Whether messages wait to be read.
    #[must_use]
    pub fn has_mail(&self) -> bool {
        !self.inbox.is_empty()
    }

    /// Takes responsibility for a message.
    ///
    /// # Errors
    ///
    /// `Full` where the window has no room, `TooLong`, or the loss or the end.
    pub fn send(&mut self, epoch: u64, message: Lent<'_>) -> Result<(), SendError> {
        self.check(epoch)?;
        self.accept(message)
    }

    /// The same for who holds no handle and has no epoch to be stale in: a lost link refuses nothing, the window takes the
    /// message and the next link carries it.
    ///
    /// # Errors
    ///
    /// `Full` where the window has no room, `TooLong`, or the end.
    pub fn post(&mut self, message: Lent<'_>) -> Result<(), SendError> {
        self.check_posting()?;
        self.accept(message)
    }

    /// An answer of a host that was called for this session: the first one of a call is accepted whatever its size.
    ///
    /// # Errors
    ///
    /// `Full` for a later one that does not fit, `TooLong`, or the end.
    pub fn answer_message(&mut self, first: bool, message: Lent<'_>) -> Result<(), SendError> {
        if !first {
            return self.post(message);
        }
        self.check_posting()?;
        let (len, terms) = (message.len(), self.terms);
        let accepted = self
            .outbox
            .accept_answer(len, &terms, || message.to_bytes());
        self.accepted(accepted, len)
    }

    /// Whether a message would be accepted now, if a small one, on whatever link there is. Whoever asks waits for the
    /// session, too, where that decides about dialing.
    ///
    /// # Errors
    ///
    /// The end.
    pub fn has_room(&mut self, cx: &mut Cx<'_>) -> Result<bool, Closed> {
        if let Some(closed) = &self.ended {
            return Err(closed.clone());
        }
        if self.phase == Phase::Reconnecting {
            self.want(cx, true);
        }
        Ok(self.phase.is_up() && self.outbox.is_open(&self.terms))
    }

    /// The next message for a host; for one that `answers` only while there is room for its answer.
    pub fn next_for_host(&mut self, cx: &mut Cx<'_>, answers: bool) -> Option<Received> {
        if answers && self.phase != Phase::Ended && !self.outbox.is_open(&self.terms) {
            return None;
        }
        let delay = terms::ack_delay(cx.settings, &self.terms);
        let received = self.inbox.take(cx.now, delay, &self.terms)?;
        self.wake_if_due(cx);
        Some(received)
    }

    /// How many messages wait to be read.
    #[must_use]
    pub fn unread(&self) -> usize {
        self.inbox.len()
    }

    fn accept(&mut self, message: Lent<'_>) -> Result<(), SendError> {
        let (len, terms) = (message.len(), self.terms);
        let accepted = self.outbox.accept(len, &terms, || message.to_bytes());
        self.accepted(accepted, len)
    }

    fn accepted(&mut self, accepted: Result<(), NoRoom>, len: usize) -> Result<(), SendError> {
        match accepted {
            Ok(()) if sings(Canary::LinkNotWoken) => Ok(()),
            Ok(()) => {
                self.wake(Wake::LINK);
                Ok(())
            }
            Err(NoRoom::Full) => Err(SendError::Full),
            Err(NoRoom::TooLong) => Err(self.too_long(len)),
        }
    }

    /// Sends a message that may be dropped: it is never replayed, and the oldest goes where too many wait.
    ///
    /// # Errors
    ///
    /// `TooLong`, or the loss or the end; never `Full`.
    pub fn send_volatile(
        &mut self,
        cx: &Cx<'_>,
        epoch: u64,
        message: Lent<'_>,
    ) -> Result<(), SendError> {
        self.check(epoch)?;
        self.accept_volatile(cx, message)
    }

    /// The same for who holds no handle: while there is no link, the message is dropped and counted.
    ///
    /// # Errors
    ///
    /// `TooLong`, or the end; never `Full`.
    pub fn post_volatile(&mut self, cx: &Cx<'_>, message: Lent<'_>) -> Result<(), SendError> {
        self.check_posting()?;
        self.accept_volatile(cx, message)
    }

    fn accept_volatile(&mut self, cx: &Cx<'_>, message: Lent<'_>) -> Result<(), SendError> {
        if message.len() > self.max_message() {
            return Err(self.too_long(message.len()));
        }
        if !self.phase.is_up() {
            self.drop_volatile(1);
            return Ok(());
        }
        let room = (self.terms.window_bytes as usize).saturating_sub(message.len());
        let bytes = |one: &Received| one.payload.len();
        while self.volatile.len() >= cx.settings.volatile_messages
            || self.volatile.iter().map(bytes).sum::<usize>() > room
        {
            self.volatile.pop_front();
            self.drop_volatile(1);
        }
        self.volatile.push_back(Received {
            payload: message.to_bytes(),
            volatile: true,
        });
        self.wake(Wake::LINK);
        Ok(())
    }

    fn check_posting(&self) -> Result<(), Ended> {
        match &self.ended {
            Some(closed) => Err(Ended::Closed(closed.clone())),
            None if self.epoch == 0 => Err(self.lost(self.epoch)),
            None => Ok(()),
        }
    }

    fn too_long(&self, len: usize) -> SendError {
        SendError::TooLong(TooLong::new(len, self.max_message()))
    }

    /// Whether the session is logged in on the link that the handle believes in.
    ///
    /// # Errors
    ///
    /// The loss or the end: fresh evidence, however often it is asked for.
    pub fn check(&self, epoch: u64) -> Result<(), Ended> {
        match &self.ended {
            Some(closed) => Err(Ended::Closed(closed.clone())),
            None if self.is_stale(epoch) || !self.phase.is_up() => Err(self.lost(epoch)),
            None => Ok(()),
        }
    }

    fn is_stale(&self, epoch: u64) -> bool {
        epoch != self.epoch
    }

    fn lost(&self, epoch: u64) -> Ended {
        Ended::Lost(self.loss.of_link(epoch))
    }

    /// What was accepted for sending and not acknowledged, handed out once.
    pub fn take_undelivered(&mut self) -> Vec<Undelivered> {
        self.outbox.take_undelivered()
    }

    /// A handle takes this session over from whatever queue it waited in.
    pub const fn claim(&mut self) {
        self.abandoned = false;
    }

    /// The handle is gone and none will come: whatever is open is closed, nothing is read any more.
    pub fn abandon(&mut self, cx: &mut Cx<'_>) {
        if self.phase != Phase::Ended {
            self.close(cx, Closed::new(crate::Reason::Dropped));
        }
        self.abandoned = true;
        self.inbox.clear();
        if self.is_settled() {
            self.outbox.forget();
        }
        self.wake_if_due(cx);
    }

    /// Whether this slot may be used for another session.
    #[must_use]
    pub fn is_forgettable(&self, now: super::Time) -> bool {
        let remembered = match &self.role {
            super::Role::Acceptor(acceptor) => now < acceptor.forget_at,
            super::Role::Dialer(_) => false,
        };
        self.is_past() && !remembered
    }

    /// Whether nothing is left to do or to say: it is there to be remembered.
    #[must_use]
    pub fn is_past(&self) -> bool {
        self.abandoned && self.is_settled()
    }

    /// Whether the peer is a stranger: nobody has admitted it.
    #[must_use]
    pub fn is_stranger(&self) -> bool {
        self.identity.is_none() && self.phase == Phase::Connecting
    }
}
