use std::time::Duration;

use super::{Cx, Farewell, LinkId, Machine, Phase, Role, Stage, Time, Wake};
use crate::{
    Closed, EventKind, LossCause, Reason,
    canary::{Canary, sings},
    config::Settings,
    proto::{Step, liveness::Silence, terms},
    wire::Terms,
};

/// See [`Machine::course`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Course {
    phase: Phase,
    link: Option<LinkId>,
    ack_at: Option<Time>,
    blocked_since: Option<Time>,
    ping_now: bool,
    leave_by: Option<Time>,
}

impl Machine {
    /// When this session must be looked at again, if nothing happens before: the earliest of everything it waits for.
    ///
    /// Computed, not stored: activity only ever moves deadlines *later*, so a timer set for an earlier one finds nothing
    /// to do, asks again, and is set anew. After a [beat](Self::take_beaten) it is set anew at once.
    #[must_use]
    pub fn deadline(&self, settings: &Settings) -> Option<Time> {
        let mut soonest = Soonest(None);
        match &self.role {
            Role::Dialer(dialer) => {
                soonest.add(dialer.login.ends_by());
                soonest.add(dialer.retry_at);
                if self.phase == Phase::Reconnecting {
                    soonest.add(self.gives_up_at(settings));
                }
            }
            Role::Acceptor(acceptor) if self.phase != Phase::Ended => {
                soonest.add(acceptor.login_by());
                if self.phase == Phase::Reconnecting {
                    soonest.add(Some(self.expires_at()));
                }
            }
            // Nothing is forgotten before its last word, whenever that is.
            Role::Acceptor(acceptor) if self.is_past() => {
                soonest.add(Some(acceptor.forget_at));
            }
            Role::Acceptor(_) => {}
        }
        soonest.add(self.resumed_by());
        if self.phase.is_up() {
            let suspect = self.phase == Phase::Suspect;
            soonest.add(Some(self.liveness.judged_at(&self.terms, suspect)));
            // A ping that is due already waits for the link, not for time.
            if !self.ping_now {
                let side = self.side();
                soonest.add(Some(self.liveness.ping_at(&self.terms, side, suspect)));
            }
        }
        // On any other link an acknowledgement cannot be written: it waits for positions to be stated.
        if self.stage == Stage::Open {
            soonest.add(self.inbox.due_at());
        }
        if self.linked {
            let since = self.trouble().blocked_since;
            soonest.add(since.map(|since| since + settings.stalled_write));
        }
        soonest.add(self.farewell.until());
        soonest.add(self.away_at());
        soonest.0
    }

    /// What a deadline could have come nearer by, while messages flow: as long as this stays the same, deadlines only move
    /// later, and nobody needs to compute them. `None` in every other state.
    #[must_use]
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "twice an input, and most of what is computed is compared away"
    )]
    pub fn course(&self) -> Option<Course> {
        (self.phase.is_up() && self.stage == Stage::Open).then_some(Course {
            phase: self.phase,
            link: self.current_link(),
            ack_at: self.inbox.due_at(),
            blocked_since: self.trouble().blocked_since,
            ping_now: self.ping_now,
            leave_by: self.away.as_ref().map(|away| away.by),
        })
    }

    /// Whether what was the session's [course](Self::course) still is, but for an acknowledgement that is not waited for any more.
    #[must_use]
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "as above")]
    pub fn stays(&self, before: &Course) -> bool {
        self.course().is_some_and(|now| {
            let is_ack_nearer = now.ack_at.is_some() && now.ack_at != before.ack_at;
            let but_ack = Course {
                ack_at: now.ack_at,
                ..*before
            };
            now == but_ack && !is_ack_nearer
        })
    }

    /// Whether a beat was exchanged since this was asked last. While messages flow, deadlines that move later are left to fire
    /// in vain; of an idle session, which only beats, every deadline would. So a beat arms anew what it moved.
    pub const fn take_beaten(&mut self) -> bool {
        std::mem::replace(&mut self.beaten, false)
    }

    /// A beat was exchanged. An idle session does nothing else, so this is also when it gives memory back.
    pub(super) fn beat(&mut self, now: Time) {
        self.beaten = true;
        self.liveness.forget_spent(now);
        self.release();
    }

    fn release(&mut self) {
        self.inbox.release();
        self.outbox.release();
        self.volatile.release();
    }

    /// Time passed. Does what is due, and nothing where nothing is.
    pub fn handle_timeout(&mut self, cx: &mut Cx<'_>) {
        if self.stage == Stage::Open && self.inbox.ripen(cx.now) {
            self.wake(Wake::LINK);
        }
        if self.leave_if_due(cx) {
            return;
        }
        match self.phase {
            Phase::Dialing | Phase::Connecting => self.login_timeout(cx),
            Phase::LoggedIn | Phase::Suspect => self.open_timeout(cx),
            Phase::Reconnecting => self.reconnect_timeout(cx),
            Phase::Ended => self.farewell_timeout(cx),
        }
    }

    fn login_timeout(&mut self, cx: &mut Cx<'_>) {
        match &self.role {
            Role::Dialer(dialer) if is_due(cx, dialer.login.ends_by()) => {
                self.end_login(cx, Closed::new(Reason::LoginTimedOut), None);
            }
            Role::Acceptor(acceptor) if is_due(cx, acceptor.login_by()) => {
                self.end(cx, Closed::new(Reason::LoginTimedOut));
            }
            _ => {}
        }
        self.check_blocked(cx);
    }

    fn open_timeout(&mut self, cx: &mut Cx<'_>) {
        if self.end_if_unproven(cx) {
            return;
        }
        match self.liveness.silence(cx.now, &self.terms) {
            Silence::None => {}
            Silence::Suspicious => self.suspect(cx),
            // The peer was silent for a lease, but so long we slept ourselves: probe before anyone is declared dead.
            Silence::Dead if is_late(cx, &self.terms) => {
                self.liveness.forgive(cx.now, &self.terms);
                self.suspect(cx);
            }
            Silence::Dead => {
                self.suspect(cx);
                return self.lose(cx, LossCause::Silence);
            }
        }
        self.check_blocked(cx);
        if !self.phase.is_up() {
            return;
        }
        let suspect = self.phase == Phase::Suspect;
        if self
            .liveness
            .is_ping_due(cx.now, &self.terms, self.side(), suspect)
        {
            self.ping_now = true;
            self.wake(Wake::LINK);
        }
        self.liveness.forget_spent(cx.now);
        self.release();
    }

    /// Ends a session whose welcome nobody proved in time, whether its link is up or gone.
    fn end_if_unproven(&mut self, cx: &mut Cx<'_>) -> bool {
        let due = matches!(&self.role, Role::Acceptor(acceptor) if is_due(cx, acceptor.login_by()));
        if due {
            self.end(cx, Closed::new(Reason::NeverProven));
        }
        due
    }

    fn suspect(&mut self, cx: &mut Cx<'_>) {
        if self.phase == Phase::LoggedIn {
            self.step(Step::Silence);
            self.emit(cx, EventKind::Suspect);
            self.ping_now = true;
            self.wake(Wake::LINK);
        }
    }

    fn reconnect_timeout(&mut self, cx: &mut Cx<'_>) {
        if self.end_if_unproven(cx) {
            return;
        }
        self.expire_if_due(cx);
        if self.phase == Phase::Reconnecting && is_due(cx, self.gives_up_at(cx.settings)) {
            self.end(cx, Closed::new(Reason::GaveUp));
        }
        if is_due(cx, self.resumed_by()) {
            self.lose(cx, LossCause::Silence);
        }
        self.check_blocked(cx);
        self.redial_if_due(cx);
    }

    pub(super) fn redial_if_due(&mut self, cx: &mut Cx<'_>) {
        if let Role::Dialer(dialer) = &self.role
            && is_due(cx, dialer.retry_at)
        {
            self.redial(cx);
        }
    }

    fn farewell_timeout(&mut self, cx: &mut Cx<'_>) {
        if is_due(cx, self.farewell.until()) {
            self.settle();
        } else if is_due(cx, self.resumed_by()) {
            self.lose(cx, LossCause::Silence);
        } else if self.farewell != Farewell::Done {
            self.check_blocked(cx);
            self.inbox.ripen(cx.now);
            self.wake_if_due(cx);
        }
    }

    /// When the answer to RESUME must have come, while it is waited for.
    pub(super) fn resumed_by(&self) -> Option<Time> {
        match &self.role {
            Role::Dialer(dialer) => {
                (self.stage == Stage::AwaitResumed).then_some(dialer.resumed_by)
            }
            Role::Acceptor(_) => None,
        }
    }

    fn check_blocked(&mut self, cx: &mut Cx<'_>) {
        let since = self.trouble().blocked_since;
        if is_due(cx, since.map(|since| since + cx.settings.stalled_write)) {
            self.lose(cx, LossCause::WriteStalled);
        }
    }
}

/// Whether this timeout comes so late that silence proves nothing: a quarter of the lease, far above what a busy scheduler
/// adds, and far below what a stop of a whole lease leaves (the timer was at most an interval away when we stopped).
pub(super) fn is_late(cx: &Cx<'_>, terms: &Terms) -> bool {
    cx.late >= (terms::lease(terms) / 4).max(Duration::from_millis(1))
        && !sings(Canary::NoForgiveness)
}

fn is_due(cx: &Cx<'_>, at: Option<Time>) -> bool {
    at.is_some_and(|at| at <= cx.now)
}

struct Soonest(Option<Time>);

impl Soonest {
    fn add(&mut self, at: Option<Time>) {
        self.0 = match (self.0, at) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
    }
}
