//! The acceptor goes away: what it says of that, what the dialer knows then, and the end when the time has come.

use std::time::Duration;

use super::{Cx, Farewell, Machine, Phase, Role, Stage, Time, Wake, refusal};
use crate::{
    Closed, EventKind, Reason, Retry,
    wire::{AWAY_WITHIN_MS, Frame, GoAway, RetryClass},
};

/// What GOAWAY says: where it is to be written, and where it was read.
#[derive(Clone, Debug)]
pub(super) struct Away {
    /// The acceptor closes the session then.
    pub(super) by: Time,
    /// How it ends: the reason, where to go instead, and when.
    end: Closed,
    /// When it was said first, by which the wait of `end` is counted.
    since: Time,
    /// It was written on the current link.
    pub(super) said: bool,
    /// The dialer has answered the end.
    pub(super) answered: bool,
}

/// How a session ended that was told to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the three that are counted")]
pub enum Departure {
    /// By itself, before its time.
    Left,
    /// At its time, in order: the peer knows, and both agree about what was taken.
    Closed,
    /// At its time, without a word from the peer.
    Cut,
}

/// How long the end of a session that goes away may take: its CLOSE is answered by then, or nobody waits any longer.
pub(super) const LINGER: Duration = Duration::from_millis(900);

/// How long after the time that GOAWAY named a dialer without a link still hopes: as long as the acceptor lingers.
const HOPE: Duration = Duration::from_secs(1);

/// The acceptor's part.
impl Machine {
    /// This side goes away: it tells the peer, on this link and every later one, and closes the session by `by`. The peer is
    /// asked to log in anew after `slot`, and at `redirect` where that says something.
    pub fn go_away(
        &mut self,
        cx: &mut Cx<'_>,
        by: Time,
        slot: Duration,
        redirect: &str,
        text: &str,
    ) {
        let lives = self.phase.is_up() || self.phase == Phase::Reconnecting;
        if !lives || !matches!(self.role, Role::Acceptor(_)) {
            return;
        }
        let end = Closed::new(Reason::Draining)
            .with_text(text)
            .with_redirect(redirect)
            .with_retry(Retry::After(slot));
        self.note_away(cx, by, end);
        self.wake(Wake::LINK);
    }

    /// Whether this link was not told yet that its peer goes away.
    pub(super) fn owes_go_away(&self) -> bool {
        self.stage == Stage::Open
            && self.ended.is_none()
            && matches!(self.role, Role::Acceptor(_))
            && self.away.as_ref().is_some_and(|away| !away.said)
    }

    pub(super) fn write_go_away(&mut self, cx: &Cx<'_>, out: &mut Vec<u8>) {
        if !self.owes_go_away() {
            return;
        }
        let Some(away) = &mut self.away else { return };
        away.said = true;
        let left = u32::try_from(away.by.since(cx.now).as_millis()).unwrap_or(u32::MAX);
        let retry = match away.end.retry() {
            Retry::After(slot) => Retry::After((away.since + slot).since(cx.now)),
            other => other,
        };
        Frame::GoAway(GoAway {
            within_ms: left.min(AWAY_WITHIN_MS),
            retry: refusal::retry_class(retry),
            redirect: away.end.redirect().unwrap_or_default(),
            text: away.end.text().unwrap_or_default(),
        })
        .encode(out);
    }

    /// The dialer has seen the end of a session that was closed because this side goes away.
    pub(super) fn answered(&mut self) {
        if let Some(away) = &mut self.away {
            away.answered = true;
        }
    }

    /// How this session ended, once it has, and everything about it was said. Told once, and only of one that was told to go.
    pub fn take_departure(&mut self) -> Option<Departure> {
        if !self.is_settled() {
            return None;
        }
        let away = self.away.take()?;
        let closed = self.ended.as_ref()?.reason() == Reason::Draining;
        Some(match (closed, away.answered) {
            (false, _) => Departure::Left,
            (true, true) => Departure::Closed,
            (true, false) => Departure::Cut,
        })
    }
}

/// The dialer's part.
impl Machine {
    pub(super) fn on_go_away(&mut self, cx: &mut Cx<'_>, said: &GoAway<'_>) {
        if self.ended.is_some() {
            return; // it leaves already
        }
        let by = cx.now + Duration::from_millis(u64::from(said.within_ms));
        let end = Closed::new(Reason::Draining)
            .with_text(said.text)
            .with_redirect(said.redirect)
            .with_retry(refusal::retry_of(said.retry));
        self.note_away(cx, by, end);
    }

    /// How the session will end, where its acceptor has said so: the reason, where to go instead, and when.
    #[must_use]
    pub fn going(&self) -> Option<&Closed> {
        self.away.as_ref().map(|away| &away.end)
    }

    /// The end that CLOSE or REFUSED with the code of going away names, with what GOAWAY said where this does not.
    pub(super) fn drained(&self, retry: RetryClass, redirect: &str, text: &str) -> Closed {
        let known = self.going();
        let redirect = match redirect {
            "" => known.and_then(Closed::redirect).unwrap_or_default(),
            said => said,
        };
        Closed::new(Reason::Draining)
            .with_text(text)
            .with_redirect(redirect)
            .with_retry(refusal::retry_of(retry))
    }
}

impl Machine {
    /// The newest counts; it is an event once.
    fn note_away(&mut self, cx: &mut Cx<'_>, by: Time, end: Closed) {
        let first = self.away.is_none();
        self.away = Some(Box::new(Away {
            by,
            end,
            since: cx.now,
            said: false,
            answered: false,
        }));
        if first {
            self.emit(cx, EventKind::Draining);
        }
    }

    /// When going away makes something due: the end, or the end of waiting for its answer; at a dialer, the end of hoping for
    /// a link to an acceptor that has gone.
    pub(super) fn away_at(&self) -> Option<Time> {
        let away = self.away.as_ref()?;
        match (&self.role, self.phase) {
            (Role::Acceptor(_), Phase::Ended) if self.is_settled() => None,
            (Role::Acceptor(_), Phase::Ended) => Some(away.by + LINGER),
            (Role::Acceptor(_), _) => Some(away.by),
            (Role::Dialer(_), Phase::Reconnecting) => Some(away.by + HOPE),
            (Role::Dialer(_), _) => None,
        }
    }

    /// The time has come. True where that ended the session, or what was left of its end.
    pub(super) fn leave_if_due(&mut self, cx: &mut Cx<'_>) -> bool {
        if self.away_at().is_none_or(|at| at > cx.now) {
            return false;
        }
        let Some(away) = &mut self.away else {
            return false;
        };
        let end = away.end.clone();
        match self.phase {
            Phase::Ended => self.settle(),
            Phase::LoggedIn | Phase::Suspect => {
                away.by = cx.now; // the answer has its time also where this timeout came late
                let until = cx.now + cx.settings.close_linger.min(LINGER);
                // Nobody will take what is not taken by now: `taken` is final, and the peer gets the rest back.
                self.inbox.clear();
                self.end_with(
                    cx,
                    end,
                    Farewell::Closing {
                        until,
                        said: false,
                        redial: false,
                    },
                );
            }
            _ => {
                if matches!(self.role, Role::Acceptor(_)) {
                    self.inbox.clear();
                }
                self.end(cx, end);
            }
        }
        true
    }
}
