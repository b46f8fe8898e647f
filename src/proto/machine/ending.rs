use std::time::Duration;

use super::{
    Cx, Machine, Phase, Role, Stage, Time, Wake,
    refusal::{Refusal, end_of},
};
use crate::{
    Closed, EventKind, Reason, Rejection,
    canary::{Canary, sings},
    error::FIRST_OF_REJECTIONS,
    proto::{Effect, Step, terms},
    wire::{self, Violation},
};

/// What is left to say on a link after its session ended: the phase is `Ended` from the first word on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Farewell {
    /// The session lives.
    None,
    /// We close: CLOSE goes out after the data before it, and CLOSED says what was taken. A link that is lost meanwhile is
    /// dialed once more.
    Closing {
        until: Time,
        said: bool,
        redial: bool,
    },
    /// The peer closed: CLOSED goes out once the application has read its mailbox. Where our own CLOSE was said before, its
    /// answer may come, too.
    Answering { until: Time, said: bool },
    /// CLOSE goes out, nobody waits for an answer.
    LastWord { until: Time },
    /// REFUSED goes out.
    Refusing(Box<Refusing>),
    /// All is said.
    Done,
}

/// What REFUSED says, and until when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusing {
    pub(super) until: Time,
    pub(super) refusal: Refusal,
}

impl Machine {
    /// The holder of the handle closes the session.
    pub fn close(&mut self, cx: &mut Cx<'_>, closed: Closed) {
        let until = cx.now + cx.settings.close_linger;
        match (self.phase, &self.role) {
            (Phase::Ended, _) => {}
            // Who has said nothing yet is told nothing.
            (Phase::Connecting, Role::Acceptor(_)) if self.stage != Stage::Greeting => {
                self.reject(cx, &Rejection::busy(Duration::from_secs(1)))
            }
            (Phase::Dialing | Phase::Connecting, _) => self.end(cx, closed),
            (Phase::LoggedIn | Phase::Suspect, _) => {
                self.end_with(
                    cx,
                    closed,
                    Farewell::Closing {
                        until,
                        said: false,
                        redial: true,
                    },
                );
            }
            (Phase::Reconnecting, Role::Acceptor(_)) => self.end(cx, closed),
            (Phase::Reconnecting, Role::Dialer(_)) => {
                let dialing = self.linked;
                self.end_with(
                    cx,
                    closed,
                    Farewell::Closing {
                        until,
                        said: false,
                        redial: dialing,
                    },
                );
                if !dialing {
                    self.redial(cx);
                }
            }
        }
    }

    /// The host removes this peer.
    pub fn remove(&mut self, cx: &mut Cx<'_>, text: &str) {
        self.kick(cx, Closed::new(Reason::Removed).with_text(text));
    }

    /// The host removes this peer, in words of its own.
    pub fn kick(&mut self, cx: &mut Cx<'_>, closed: Closed) {
        self.dismiss(cx, closed);
    }

    /// Another client logged in as the same identity: this one hears of it and does not come back by itself.
    pub fn take_over(&mut self, cx: &mut Cx<'_>) {
        self.dismiss(cx, Closed::new(Reason::TakenOver));
    }

    /// The same client logged in anew, its WELCOME was lost: nobody hears TakenOver of his own ghost (R12).
    pub fn supersede(&mut self, cx: &mut Cx<'_>) {
        self.end(cx, Closed::new(Reason::Superseded));
    }

    /// The runtime stops.
    pub fn stop(&mut self, cx: &mut Cx<'_>) {
        self.close(cx, Closed::new(Reason::Stopped));
        self.abandon(cx);
    }

    /// Ends with a last word, where there is a link for it.
    pub(super) fn dismiss(&mut self, cx: &mut Cx<'_>, closed: Closed) {
        if self.phase.is_up() {
            let until = cx.now + cx.settings.close_linger;
            self.end_with(cx, closed, Farewell::LastWord { until });
        } else {
            self.end(cx, closed);
        }
    }

    pub(super) fn refuse(&mut self, cx: &mut Cx<'_>, closed: Closed, refusal: Refusal) {
        let until = cx.now + cx.settings.close_linger;
        self.end_with(
            cx,
            closed,
            Farewell::Refusing(Box::new(Refusing { until, refusal })),
        );
    }

    /// Ends without a word: there is no link, or nobody to talk to.
    pub(super) fn end(&mut self, cx: &mut Cx<'_>, closed: Closed) {
        if self.phase != Phase::Ended {
            self.end_with(cx, closed, Farewell::Done);
            self.settle();
        }
    }

    pub(super) fn end_with(&mut self, cx: &mut Cx<'_>, closed: Closed, farewell: Farewell) {
        if self
            .dialer_mut()
            .is_some_and(|dialer| dialer.login.is_under_way())
        {
            self.fail_login(cx, closed.clone(), None);
        }
        if !keeps_mailbox(closed.reason()) {
            self.inbox.clear();
        }
        if self.phase == Phase::Connecting && matches!(self.role, Role::Acceptor(_)) {
            self.emit(cx, EventKind::LoginFailed(closed.clone()));
        }
        self.step(Step::End);
        self.farewell = farewell;
        let window = terms::resume_window(&self.terms);
        let logged_in = self.identity.is_some();
        match &mut self.role {
            Role::Acceptor(acceptor) => {
                if let Some(opening) = &mut acceptor.opening {
                    opening.end(); // a WELCOME that is owed is still written, before the last word
                }
                // Nobody is remembered who never logged in: before login the window is zero.
                let remembered = !sings(Canary::NoTombstone);
                acceptor.forget_at = if remembered { cx.now + window } else { cx.now };
            }
            Role::Dialer(_) => self.cancel_dial(),
        }
        if closed.reason() == Reason::TakenOver {
            self.emit(cx, EventKind::TakenOver);
        }
        self.ended = Some(closed.clone());
        self.stamp(cx.now);
        if logged_in && cx.settings.recently_ended > 0 && matches!(self.role, Role::Acceptor(_)) {
            cx.fx.push(Effect::Ended(Box::new(self.snapshot(cx.now))));
        }
        self.emit(cx, EventKind::Ended(closed));
        self.wake(Wake::ALL);
    }

    pub(super) fn on_close(&mut self, cx: &mut Cx<'_>, close: &wire::Close<'_>) {
        self.outbox.ack_finally(close.taken);
        self.volatile.clear();
        if self.stage == Stage::Resumed {
            self.stage = Stage::Open; // nobody waits for RESUMED any more
        }
        let until = cx.now + terms::lease(&self.terms);
        if self.phase == Phase::Ended {
            self.answered();
            // Once is enough: a second CLOSE does not win the peer more time.
            if !matches!(self.farewell, Farewell::Answering { .. }) {
                let said = matches!(self.farewell, Farewell::Closing { said: true, .. });
                self.farewell = Farewell::Answering { until, said };
            }
        } else {
            let closed = match mirrored(close.code) {
                Reason::Draining => self.drained(close.retry, "", close.text),
                reason => end_of(reason, close),
            };
            let said = false;
            self.end_with(cx, closed, Farewell::Answering { until, said });
        }
        self.wake(Wake::LINK);
    }

    pub(super) fn on_closed(&mut self, taken: u64) -> Result<(), Violation> {
        match self.farewell {
            Farewell::Closing { said: true, .. } => {
                self.outbox.ack_finally(taken);
                self.answered();
                self.settle();
            }
            // Our CLOSE and the peer's crossed: its answer came before ours was written, and ours is still owed.
            Farewell::Answering { said: true, .. } => {
                self.outbox.ack_finally(taken);
            }
            _ => return Err(Violation::OutOfPlace),
        }
        Ok(())
    }

    /// A link was lost, or not to be had, while last words were to be said: one more dial for a CLOSE, else done.
    pub(super) fn farewell_link_lost(&mut self, cx: &mut Cx<'_>) {
        let is_dialer = matches!(self.role, Role::Dialer(_));
        match &mut self.farewell {
            Farewell::Closing { said, redial, .. } if *redial && is_dialer => {
                *redial = false;
                *said = false;
                self.redial(cx);
            }
            _ => self.settle(),
        }
    }

    /// All is said: the link closes, and whoever waited for the end of it hears.
    pub(super) fn settle(&mut self) {
        self.farewell = Farewell::Done;
        self.linked = false;
        self.stage = Stage::Down;
        self.unblock();
        self.cancel_dial();
        if self.abandoned {
            self.outbox.forget();
        }
        self.volatile.clear();
        self.wake(Wake::ALL);
    }

    /// Whether the session is over and everything about it was said.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.farewell == Farewell::Done
    }
}

impl Farewell {
    pub(super) const fn until(&self) -> Option<Time> {
        match self {
            Self::None | Self::Done => None,
            Self::Closing { until, .. }
            | Self::Answering { until, .. }
            | Self::LastWord { until } => Some(*until),
            Self::Refusing(refusing) => Some(refusing.until),
        }
    }

    /// Whether something is to be written by now.
    pub(super) const fn has_words(&self, mailbox_empty: bool, all_written: bool) -> bool {
        match self {
            Self::None | Self::Done => false,
            Self::Closing { said, .. } => all_written && !*said,
            Self::Answering { .. } => mailbox_empty,
            Self::LastWord { .. } | Self::Refusing(_) => true,
        }
    }
}

/// Whether what arrived before the end may still be read: not after a takeover, a removal or an expiry, where somebody else
/// decided, nor where the reader itself left.
fn keeps_mailbox(reason: Reason) -> bool {
    if reason == Reason::ClosedByPeer && sings(Canary::MailboxDroppedOnClose) {
        return false;
    }
    !matches!(
        reason,
        Reason::TakenOver
            | Reason::Superseded
            | Reason::Removed
            | Reason::Expired
            | Reason::ClosedHere
            | Reason::Dropped
            | Reason::Stopped
    )
}

/// The same end, seen from the other side.
pub(super) fn mirrored(code: u16) -> Reason {
    match Reason::from_code(code) {
        Some(Reason::ClosedByPeer) => Reason::ClosedHere,
        Some(
            Reason::TakenOver
            | Reason::Superseded
            | Reason::Removed
            | Reason::Expired
            | Reason::Gone
            | Reason::Stale
            | Reason::NeverProven
            | Reason::Protocol
            | Reason::Exhausted
            | Reason::Incompatible
            | Reason::HostPanicked
            | Reason::Draining,
        ) => Reason::from_code(code).unwrap_or(Reason::ClosedByPeer),
        // A word of the host.
        None if code >= FIRST_OF_REJECTIONS => Reason::Removed,
        _ => Reason::ClosedByPeer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_of_a_peer_means_something_here() {
        for code in 0..=u16::MAX {
            let ours_alone = [Reason::Dropped, Reason::Stopped, Reason::GaveUp];
            assert!(!ours_alone.contains(&mirrored(code)), "{code}");
        }
        assert_eq!(mirrored(99), Reason::ClosedByPeer);
        assert_eq!(mirrored(999), Reason::Removed);
        assert_eq!(mirrored(Reason::ClosedByPeer.code()), Reason::ClosedHere);
        assert_eq!(mirrored(Reason::TakenOver.code()), Reason::TakenOver);
    }
}
