use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use super::{State, Task};
use crate::driver::scratch::Scratch;

/// How long a link that was closed in order is read on, so that what the peer still sends does not make the kernel reset
/// the connection and take our last words with it.
const LINGER: Duration = Duration::from_secs(1);

/// What a link does once its session has nothing more to say over it.
impl Task {
    /// How long last words wait for a transport that takes none: the session has forgotten this link and judges it no more.
    pub(super) fn poll_patience(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.state != State::Closing {
            return Poll::Pending;
        }
        let shared = &self.shared;
        let left = self.left.get_or_insert_default();
        let patience = left.linger.get_or_insert_with(|| {
            let until = shared.clock.now() + shared.settings.stalled_write;
            Box::new(shared.clock.sleep_until(until))
        });
        Pin::new(patience).poll(cx)
    }

    /// Whether there is time for a peer that was told its last words. Strangers no longer count once they are refused; so of
    /// their links no more linger than may wait to be let in, or refused ones would hold the files of everybody.
    pub(super) fn may_linger(&mut self) -> bool {
        if !self.port.is_strangers() {
            return true;
        }
        if !self.spoke {
            return false;
        }
        let most = self.shared.settings.pending_logins;
        self.counted = self.shared.with_recent(|hub, _| {
            let room = hub.lingering < most;
            hub.lingering += usize::from(room);
            room
        });
        self.counted
    }

    /// Until the peer closed too, or has had its moment.
    pub(super) fn poll_linger(&mut self, cx: &mut Context<'_>, scratch: &mut Scratch) -> Poll<()> {
        if let Poll::Ready(Err(_)) = self.io.io().poll_close(cx) {
            return Poll::Ready(());
        }
        match self.io.io().poll_read(cx, &mut scratch.read) {
            Poll::Ready(Ok(1..)) => drop(self.others_first::<()>(cx)), // however much it is
            Poll::Ready(_) => return Poll::Ready(()),
            Poll::Pending => {}
        }
        match self.left.as_mut().and_then(|left| left.linger.as_mut()) {
            Some(sleep) => Pin::new(sleep).poll(cx),
            None => Poll::Ready(()),
        }
    }

    pub(super) fn linger(&mut self) {
        let until = self.shared.clock.now() + LINGER;
        let sleep = Box::new(self.shared.clock.sleep_until(until));
        self.left.get_or_insert_default().linger = Some(sleep);
        self.state = State::Lingering;
    }
}
