use std::{net::SocketAddr, time::Duration};

use super::{Cx, LinkId, Machine, Opening, Phase, Role, Stage, Time, Wake, ending, refusal};
use crate::{
    Closed, EventKind, LossCause, Reason, RejectCode, Rejection, Retry,
    proto::{Step, keys::Presented, terms},
    wire::{self, Resume, Resumed, Secret, Violation},
};

/// Why a resume was refused. Nothing has changed.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "the registry answers each of them")]
pub enum ResumeRefusal {
    /// There is no such session, or the secret is not its: the two look the same from outside.
    Gone,
    /// The attempt is not above the highest accepted one, which is this (R2).
    Stale(u64),
    /// The session has ended: its secret was proven, so the peer learns why, and the final `taken` (R13, R15).
    Ended(Closed, u64),
    /// The stated positions cannot be (R10).
    Position,
    /// No common version.
    Incompatible,
    /// Too many come back at this moment, or too many of its network failed: not before so much time has passed.
    Busy(Duration),
    /// The host says to come later; the session stays.
    NotNow(Rejection),
}

/// The acceptor's part.
impl Machine {
    /// Whether this secret is the session's. Nothing changes, and whether it is one at all makes no difference to the work.
    #[must_use]
    pub fn knows(&self, secret: &Secret) -> bool {
        let Role::Acceptor(acceptor) = &self.role else {
            return false;
        };
        acceptor.keys.knows(secret) & (self.epoch != 0)
    }

    /// Whether this RESUME would bring the session back, but for its positions: worth asking the host.
    #[must_use]
    pub fn is_resumable(&self, resume: &Resume) -> bool {
        let Role::Acceptor(acceptor) = &self.role else {
            return false;
        };
        self.ended.is_none()
            && acceptor.keys.check(&resume.secret, resume.attempt) == Presented::Valid
    }

    /// The host does not let this peer back: the session ends, and the peer is to hear the host's words, once it has proven that it
    /// is its own.
    pub fn bar(&mut self, cx: &mut Cx<'_>, resume: &Resume, why: Rejection) -> ResumeRefusal {
        if !self.knows(&resume.secret) {
            return ResumeRefusal::Gone;
        }
        if self.ended.is_none() {
            self.dismiss(cx, Closed::new(Reason::Removed).with_rejection(why));
        }
        let closed = self.ended.clone();
        closed.map_or(ResumeRefusal::Gone, |closed| {
            ResumeRefusal::Ended(closed, self.inbox.taken())
        })
    }

    /// The peer is back on a link that the registry accepted. Check, expiry, rotation, cutting of the older link and
    /// stating of positions are this one step (R3). The link's epoch is above the last one, and above `others`: the highest that
    /// another session of the same identity has or had.
    ///
    /// # Errors
    ///
    /// The refusal, where the session has not changed; it may have expired, which is time's doing.
    pub fn resume(
        &mut self,
        cx: &mut Cx<'_>,
        resume: &Resume,
        remote: Option<SocketAddr>,
        fresh: Secret,
        others: u64,
    ) -> Result<LinkId, ResumeRefusal> {
        let Role::Acceptor(acceptor) = &self.role else {
            return Err(ResumeRefusal::Gone);
        };
        let presented = acceptor.keys.check(&resume.secret, resume.attempt);
        if self.epoch == 0 || presented == Presented::Unknown {
            return Err(ResumeRefusal::Gone);
        }
        self.expire_if_due(cx);
        if let Some(closed) = &self.ended {
            return Err(ResumeRefusal::Ended(closed.clone(), self.inbox.taken()));
        }
        if let Presented::Stale(highest) = presented {
            return Err(ResumeRefusal::Stale(highest));
        }
        if self
            .outbox
            .check_positions(resume.received, resume.taken)
            .is_err()
        {
            return Err(ResumeRefusal::Position);
        }
        if self.phase.is_up() {
            self.lose(cx, LossCause::Replaced);
            if let Some(closed) = &self.ended {
                return Err(ResumeRefusal::Ended(closed.clone(), self.inbox.taken()));
            }
        }
        self.rise_to(self.epoch.max(others) + 1);
        Ok(self.adopt(cx, resume, remote, fresh))
    }

    fn adopt(
        &mut self,
        cx: &mut Cx<'_>,
        resume: &Resume,
        remote: Option<SocketAddr>,
        fresh: Secret,
    ) -> LinkId {
        let link = self.new_link();
        if let Some(acceptor) = self.acceptor_mut() {
            acceptor.keys.rotate(&resume.secret, resume.attempt, &fresh);
            // Whoever resumes has read WELCOME: there is no login to be over any more.
            acceptor.opening = Some(Box::new(Opening::of(fresh)));
        }
        self.remote = remote;
        self.stage = Stage::Resumed;
        self.emit(cx, EventKind::LinkUp);
        // The positions were checked; they cannot fail now.
        let _ = self.outbox.rewind(resume.received, resume.taken);
        self.continue_on_link(cx);
        link
    }

    /// The resume window has passed since the link was lost.
    pub(super) fn expire_if_due(&mut self, cx: &mut Cx<'_>) {
        if self.lost_since().is_none() || cx.now < self.expires_at() {
            return;
        }
        if super::timers::is_late(cx, &self.terms) {
            // We slept; the peer may have knocked in vain. From now on it gets the time that we were away, a window at most:
            // never none, for the timer was set for no later than the window's end.
            let lost_at = &mut self.trouble_mut().lost_at;
            *lost_at = (*lost_at + cx.late + cx.late).min(cx.now);
            return;
        }
        self.end(cx, Closed::new(Reason::Expired));
    }

    /// When an acceptor's session that has no link has waited for its peer long enough.
    pub(super) fn expires_at(&self) -> Time {
        self.trouble().lost_at + terms::resume_window(&self.terms)
    }

    /// The first frame on the link that carried the newest secret proves that it arrived (R5). A CLOSE that came before the
    /// secret was written proves nothing.
    pub(super) fn prove(&mut self) {
        if let Role::Acceptor(acceptor) = &mut self.role
            && let Some(opening) = &acceptor.opening
            && opening.fresh.is_none()
        {
            acceptor.keys.prove();
            acceptor.opening = None;
        }
    }

    /// Answers a RESUME that was refused, on the link that brought it; this machine is that link's stranger.
    pub fn refuse_resume(&mut self, cx: &mut Cx<'_>, refusal: ResumeRefusal) {
        let refusal = match refusal {
            ResumeRefusal::Position => {
                return self.lose(cx, LossCause::Protocol(Violation::PositionOutOfRange));
            }
            ResumeRefusal::Incompatible => refusal::Refusal::of_reason(Reason::Incompatible),
            ResumeRefusal::Busy(after) => refusal::Refusal::of(&Rejection::busy(after)),
            ResumeRefusal::NotNow(why) => refusal::Refusal::of(&why),
            ResumeRefusal::Gone => refusal::Refusal::of_reason(Reason::Gone),
            ResumeRefusal::Stale(attempt) => refusal::Refusal {
                attempt,
                ..refusal::Refusal::of_reason(Reason::Stale)
            },
            ResumeRefusal::Ended(closed, taken) => refusal::Refusal {
                taken,
                ..refusal::Refusal::of_closed(&closed)
            },
        };
        self.refuse(cx, Closed::new(Reason::Refused), refusal);
    }
}

/// The dialer's part.
impl Machine {
    pub(super) fn on_resumed(
        &mut self,
        cx: &mut Cx<'_>,
        resumed: &Resumed,
    ) -> Result<(), Violation> {
        if resumed.epoch <= self.epoch {
            return Err(Violation::BadValue);
        }
        self.outbox.rewind(resumed.received, resumed.taken)?;
        let now = cx.now;
        if let Some(dialer) = self.dialer_mut() {
            dialer.secret = resumed.secret.clone();
            dialer.retry_at = None;
        }
        self.link_since = now;
        self.rise_to(resumed.epoch);
        self.stage = Stage::Open;
        self.continue_on_link(cx);
        self.inbox.must_state(); // R6
        Ok(())
    }

    pub(super) fn on_resume_refused(&mut self, cx: &mut Cx<'_>, refused: &wire::Refused<'_>) {
        if let RejectCode::Busy | RejectCode::Full = RejectCode::from_code(refused.code) {
            self.linked = false;
            self.stage = Stage::Down;
            self.wake(Wake::LINK);
            let after = match refusal::retry_of(refused.retry) {
                Retry::After(after) => Some(after),
                Retry::Now | Retry::Never => None,
            };
            return self.retry(cx, after);
        }
        self.outbox.ack_finally(refused.taken);
        let reason = ending::mirrored(refused.code);
        let closed = match Reason::from_code(refused.code) {
            Some(Reason::Draining) => self.drained(refused.retry, refused.redirect, refused.text),
            // A reason has its own sentence, and its own blame: what the peer adds is words and when to come again.
            Some(_) if refused.redirect.is_empty() => Closed::new(reason)
                .with_text(refused.text)
                .with_retry(refusal::retry_of(refused.retry)),
            _ => Closed::new(reason).with_rejection(refusal::rejection(refused)),
        };
        if self.phase == Phase::Ended {
            self.settle();
        } else {
            self.end(cx, closed);
        }
    }

    /// What RESUME states, with the attempt raised (R1).
    pub(super) fn next_resume(&mut self) -> Option<Resume> {
        let (received, taken) = self.inbox.state_positions();
        let dialer = self.dialer_mut()?;
        dialer.attempt += 1;
        Some(Resume {
            version: wire::VERSION,
            session: dialer.session,
            secret: dialer.secret.clone(),
            attempt: dialer.attempt,
            received,
            taken,
        })
    }
}

impl Machine {
    /// Both sides: the session goes on, on this link.
    fn continue_on_link(&mut self, cx: &mut Cx<'_>) {
        self.link_since = cx.now;
        self.liveness.link_up(cx.now);
        let (received, replayed) = (self.inbox.received(), self.outbox.to_replay());
        let trouble = self.trouble_mut();
        trouble.link_base = received;
        trouble.resumed += 1;
        trouble.replayed += replayed;
        self.wake(Wake::ALL);
        if self.phase == Phase::Reconnecting {
            self.step(Step::Resumed);
            self.emit(cx, EventKind::Resumed { replayed });
        }
    }
}
