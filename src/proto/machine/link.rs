use std::net::SocketAddr;

use super::{Cx, Machine, Role, Stage, Time};
use crate::{
    Closed, EventKind, LossCause, Reason, ReconnectMode, Retry,
    canary::{Canary, sings},
    proto::{Effect, LinkId, Phase, Step, Wake, dialer::Login, terms},
};

impl Machine {
    /// A dialed link is there. False where nobody wants it any more.
    pub fn link_up(&mut self, cx: &mut Cx<'_>, link: LinkId, remote: Option<SocketAddr>) -> bool {
        if self.current_link() != Some(link) {
            return false;
        }
        self.remote = remote;
        self.link_since = cx.now;
        self.wake(Wake::LINK);
        if self.phase == Phase::Dialing {
            self.step(Step::LinkUp);
            self.emit(cx, EventKind::LinkUp);
            self.stage = Stage::Quiet;
            if self
                .dialer_mut()
                .is_some_and(|dialer| dialer.login.is_under_way())
            {
                self.begin_login(cx);
            }
        } else {
            self.stage = Stage::Resume;
            if sings(Canary::BackoffResetOnConnect)
                && let Some(dialer) = self.dialer_mut()
            {
                dialer.backoff.reset();
            }
        }
        true
    }

    /// The first link of a client was dialed before the session existed: it is the current one.
    pub fn first_link(&mut self, cx: &mut Cx<'_>, remote: Option<SocketAddr>) -> LinkId {
        let link = self.new_link();
        self.link_up(cx, link, remote);
        link
    }

    /// A dial failed; `why` is for people, `again` says whether a login may hope that the next one does not.
    pub fn dial_failed(&mut self, cx: &mut Cx<'_>, link: LinkId, why: &str, again: Retry) {
        if self.current_link() != Some(link) {
            return;
        }
        self.linked = false;
        self.stage = Stage::Down;
        if self.phase == Phase::Dialing {
            let closed = Closed::new(Reason::LinkLost)
                .with_text(why)
                .with_retry(again);
            self.fail_login(cx, closed, None);
        } else {
            self.retry(cx, None);
        }
    }

    /// A link ended. What it was the current link of goes on without one, or ends.
    pub fn link_down(&mut self, cx: &mut Cx<'_>, link: LinkId, cause: LossCause) {
        if self.current_link() == Some(link) {
            self.lose(cx, cause);
        }
    }

    /// The link's task has something written that the transport does not take, or again takes.
    pub fn blocked(&mut self, cx: &Cx<'_>, link: LinkId, blocked: bool) {
        if self.current_link() == Some(link) {
            match blocked {
                true => self.trouble_mut().blocked_since = Some(cx.now),
                false => self.unblock(),
            }
        }
    }

    /// Cuts the current link and does what its loss means in this phase.
    pub(super) fn lose(&mut self, cx: &mut Cx<'_>, cause: LossCause) {
        self.linked = false;
        self.stage = Stage::Down;
        self.unblock();
        self.loss = cause;
        self.ping_now = false;
        self.inbox.link_lost();
        self.drop_volatile(self.volatile.len() as u64);
        self.volatile.clear();
        if let Some(away) = &mut self.away {
            away.said &= sings(Canary::GoAwayNotRepeated); // the next link is told again
        }
        self.wake(Wake::ALL);
        match self.phase {
            Phase::LoggedIn | Phase::Suspect => {
                self.emit(
                    cx,
                    match cause {
                        LossCause::Silence => EventKind::TimedOut,
                        cause => EventKind::LinkLost(cause),
                    },
                );
                self.step(Step::LinkLost);
                self.await_return(cx);
            }
            Phase::Connecting => match self.role {
                Role::Acceptor(_) => self.end(cx, Closed::new(Reason::LinkLost)),
                Role::Dialer(_) => {
                    self.emit(cx, EventKind::LinkLost(cause));
                    self.step(Step::LinkLost);
                    self.fail_login(
                        cx,
                        Closed::new(Reason::LinkLost)
                            .with_text(&cause.to_string())
                            .with_retry(cause.retry()),
                        None,
                    );
                }
            },
            Phase::Reconnecting => self.retry(cx, None),
            Phase::Ended => self.farewell_link_lost(cx),
            Phase::Dialing => {}
        }
    }

    /// The session has lost its link: the acceptor's resume window opens, the dialer plans to come back.
    fn await_return(&mut self, cx: &mut Cx<'_>) {
        if self.leave_if_due(cx) {
            return; // it said that it would be gone by now
        }
        let stable = cx.now.since(self.link_since) >= cx.settings.reconnect.stable_after;
        match &mut self.role {
            Role::Acceptor(_) => {
                self.trouble_mut().lost_at = cx.now;
                if self.terms.resume_window_ms == 0 {
                    self.end(cx, Closed::new(Reason::Expired));
                }
            }
            Role::Dialer(dialer) => {
                dialer.lost_at = cx.now;
                dialer.wanted = false;
                if stable {
                    dialer.backoff.reset();
                }
                if cx.settings.reconnect.mode == ReconnectMode::Never {
                    self.end(cx, Closed::new(Reason::LinkLost));
                } else {
                    self.retry(cx, None);
                }
            }
        }
    }

    /// Plans the next attempt to come back, or gives up where attempts or time are used up.
    pub(super) fn retry(&mut self, cx: &mut Cx<'_>, retry_after: Option<std::time::Duration>) {
        if self.phase == Phase::Ended {
            return self.farewell_link_lost(cx);
        }
        let policy = &cx.settings.reconnect;
        let Role::Dialer(dialer) = &mut self.role else {
            return;
        };
        if policy.mode == ReconnectMode::OnResume && !dialer.wanted {
            return;
        }
        if policy
            .attempts
            .is_some_and(|most| dialer.backoff.attempt() >= most)
        {
            return self.end(cx, Closed::new(Reason::GaveUp));
        }
        let (attempt, after) = dialer.backoff.next(policy, retry_after);
        dialer.retry_at = Some(cx.now + after);
        self.emit(cx, EventKind::ReconnectScheduled { attempt, after });
    }

    /// Dials now.
    pub(super) fn redial(&mut self, cx: &mut Cx<'_>) {
        let Some(dialer) = self.dialer_mut() else {
            return;
        };
        let attempt = dialer.backoff.attempt();
        self.cancel_dial();
        if self.phase == Phase::Reconnecting {
            self.emit(cx, EventKind::ReconnectStarted { attempt });
        }
        self.dial(cx);
    }

    /// No dial is planned any more.
    pub(super) fn cancel_dial(&mut self) {
        let forgotten = self.phase == Phase::Ended && sings(Canary::TimerNotCancelledOnClose);
        if let Some(dialer) = self.dialer_mut()
            && !forgotten
        {
            dialer.retry_at = None;
        }
    }

    pub(super) fn dial(&mut self, cx: &mut Cx<'_>) {
        self.stage = Stage::Dialing;
        let link = self.new_link();
        cx.fx.push(Effect::Dial(self.key, link));
    }

    /// "The network is back": whatever delay was planned is over. Where no attempt is planned, nobody wants one.
    pub fn retry_now(&mut self, cx: &mut Cx<'_>) {
        if self.phase == Phase::Dialing && self.stage == Stage::Down {
            return self.nudge();
        }
        let planned = self
            .dialer_mut()
            .is_some_and(|dialer| dialer.retry_at.is_some());
        if planned && self.phase == Phase::Reconnecting {
            self.redial(cx);
        }
    }

    /// Somebody waits for the session to come back, or no longer does: decides under `ReconnectMode::OnResume`.
    pub fn want(&mut self, cx: &mut Cx<'_>, wanted: bool) {
        let mode = cx.settings.reconnect.mode;
        let lost = self.phase == Phase::Reconnecting;
        let idle = !self.linked;
        let Some(dialer) = self.dialer_mut() else {
            return;
        };
        dialer.wanted = wanted;
        if lost && mode == ReconnectMode::OnResume {
            match wanted {
                true if idle && dialer.retry_at.is_none() => self.retry(cx, None),
                false => dialer.retry_at = None,
                true => {}
            }
        }
    }

    /// When a dialer gives its session up: the acceptor has forgotten it by then, or the budget is used up. The
    /// acceptor may notice the loss up to a lease later than we did.
    pub(super) fn gives_up_at(&self, cx: &crate::config::Settings) -> Option<Time> {
        let Role::Dialer(dialer) = &self.role else {
            return None;
        };
        let forgotten = terms::resume_window(&self.terms) + terms::lease(&self.terms);
        let budget = cx
            .reconnect
            .budget
            .map_or(forgotten, |budget| budget.min(forgotten));
        Some(dialer.lost_at + budget)
    }

    /// A login that was under way has failed; the session can log in again.
    pub(super) fn fail_login(
        &mut self,
        cx: &mut Cx<'_>,
        closed: Closed,
        rejection: Option<crate::Rejection>,
    ) {
        let Some(dialer) = self.dialer_mut() else {
            return;
        };
        if dialer.login.is_under_way() {
            dialer.login = Login::Failed(super::LoginFailure {
                closed: closed.clone(),
                rejection,
            });
            self.emit(cx, EventKind::LoginFailed(closed));
            self.wake(Wake::STATE);
        }
    }
}
