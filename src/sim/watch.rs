//! What is known of the runtimes of a world, and what is wrong with them.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use super::{
    grammar::{Fact, Grammar},
    node::Node,
    trace::Trace,
};
use crate::{
    Event, EventKind, LossCause, Notice, Reason,
    driver::{Feed, Inspector, Owner},
    proto::{Key, Phase, Side, Step, Time, Vitals},
};

/// One runtime, watched from its start on.
pub(super) struct Watched {
    pub(super) node: usize,
    pub(super) who: Arc<str>,
    pub(super) side: Side,
    pub(super) inspector: Inspector,
    feed: Feed,
    pub(super) grammar: Grammar,
    pub(super) known: BTreeMap<u64, Known>,
    /// This server went down already before the last step: nobody comes in any more.
    pub(super) went_down: bool,
}

/// What is known of one session, from what was told of it.
#[derive(Clone, Debug)]
pub(super) struct Known {
    phase: Phase,
    /// The session's id at the acceptor, from login on.
    pub(super) common_id: u64,
    pub(super) identity: Option<String>,
    /// The last attempt to come back, since the last login or stable link.
    attempt: u32,
    up_since: Duration,
    pub(super) lease: Duration,
    /// A client heard that its server goes down.
    pub(super) told_to_go: bool,
    /// When the dial began that made its link, where that link brought it back.
    pub(super) back_since: Option<Duration>,
    dialed_at: Duration,
}

/// How an acceptor's session ended.
#[derive(Clone, Debug)]
pub(super) struct Past {
    pub(super) reason: Reason,
    /// In the world's time.
    pub(super) until: Duration,
    /// Of the runtime that had it.
    pub(super) inspector: Inspector,
    pub(super) node: usize,
    pub(super) life: u32,
}

/// What was told, to be judged together with other runtimes.
pub(super) struct Told {
    pub(super) event: Event,
    pub(super) known: Known,
}

impl Watched {
    pub(super) fn new(node: &Node, side: Side, owner: &Owner) -> Self {
        Self {
            node: node.index,
            who: Arc::clone(&node.name),
            side,
            inspector: owner.inspector(),
            feed: owner.whole_feed(),
            grammar: Grammar::new(side),
            known: BTreeMap::new(),
            went_down: false,
        }
    }

    /// The next thing that was told, where it can be judged alone: the grammar of events, the table of phases, the backoff.
    pub(super) fn next(
        &mut self,
        now: Duration,
        trace: &mut Trace,
    ) -> Option<Result<Told, (Option<String>, String)>> {
        let event = match self.feed.try_next()? {
            Notice::Event(event) => event,
            Notice::Lagged(missed) => {
                return Some(Err((None, format!("{missed} events were missed"))));
            }
        };
        trace.event(now, &self.who, event.clone());
        let identity = event.identity().map(ToString::to_string);
        Some(self.judge(event, trace).map_err(|what| (identity, what)))
    }

    fn judge(&mut self, event: Event, trace: &mut Trace) -> Result<Told, String> {
        self.grammar.hear(&Fact::of(&event))?;
        let side = match self.side {
            Side::Dialer => "dialer",
            Side::Acceptor => "acceptor",
        };
        let key = Key::from_u64(event.session());
        let vitals = self.vitals(key);
        let known = self.known.entry(event.session()).or_insert(Known {
            phase: match self.side {
                Side::Dialer => Phase::Dialing,
                Side::Acceptor => Phase::Connecting,
            },
            common_id: 0,
            identity: None,
            attempt: 0,
            up_since: Duration::ZERO,
            lease: Duration::ZERO,
            told_to_go: false,
            back_since: None,
            dialed_at: Duration::ZERO,
        });
        known.identity = event.identity().map(ToString::to_string);
        if let Some(vitals) = vitals.filter(|_| known.identity.is_some()) {
            known.common_id = vitals.common_id;
            known.lease = vitals.lease;
        }
        let was = known.phase;
        if let Some(step) = step(self.side, was, event.kind()) {
            known.phase = was
                .on(step)
                .ok_or_else(|| format!("{} while {was}", event.kind()))?;
            trace.mark(&format!("{side}:{was}>{}", known.phase));
        }
        trace.mark(&format!("{side}:{}", event.kind().name()));
        let stable_after = self
            .inspector
            .look(|registry, _| registry.settings().reconnect.stable_after);
        let stable_after = stable_after.unwrap_or(Duration::ZERO);
        match event.kind() {
            EventKind::LoggedIn => {
                known.attempt = 0;
                known.up_since = event.at();
            }
            EventKind::Resumed { .. } => {
                known.up_since = event.at();
                known.back_since = Some(known.dialed_at);
            }
            EventKind::ReconnectStarted { .. } => known.dialed_at = event.at(),
            EventKind::Draining => known.told_to_go = true,
            EventKind::TimedOut | EventKind::LinkLost(_) => {
                known.back_since = None;
                let cause = match event.kind() {
                    EventKind::LinkLost(cause) => *cause,
                    _ => LossCause::Silence,
                };
                trace.mark(&format!("lost:{}", cause.name()));
                if event.at() - known.up_since >= stable_after {
                    known.attempt = 0;
                }
            }
            EventKind::ReconnectScheduled { attempt, .. } if was == Phase::Reconnecting => {
                // LOSS-4: the backoff starts over after a stable link, not after any link.
                if *attempt <= known.attempt {
                    return Err(format!(
                        "attempt {attempt} after attempt {}, and no link was stable between them",
                        known.attempt
                    ));
                }
                known.attempt = *attempt;
            }
            EventKind::Ended(closed) => trace.mark(&format!("{side}:ended:{:?}", closed.reason())),
            EventKind::LoginFailed(closed) => {
                trace.mark(&format!("{side}:login-failed:{:?}", closed.reason()));
            }
            _ => {}
        }
        let known = known.clone();
        Ok(Told { event, known })
    }

    /// How a session stands, while its runtime knows it.
    pub(super) fn vitals(&self, key: Key) -> Option<Vitals> {
        self.inspector.look(|registry, now| {
            let machine = registry.get(key)?;
            Some(machine.vitals(now, registry.settings()))
        })?
    }
}

/// What an event says about the phase.
const fn step(side: Side, phase: Phase, kind: &EventKind) -> Option<Step> {
    Some(match (side, kind) {
        (Side::Dialer, EventKind::LinkUp) => Step::LinkUp,
        (_, EventKind::LoggedIn) => Step::LoginOk,
        // A refused client's link goes without a word of its own.
        (Side::Dialer, EventKind::LoginFailed(_)) if matches!(phase, Phase::Connecting) => {
            Step::LinkLost
        }
        (_, EventKind::Suspect) => Step::Silence,
        (_, EventKind::Recovered) => Step::Heard,
        (_, EventKind::TimedOut | EventKind::LinkLost(_)) => Step::LinkLost,
        (_, EventKind::Resumed { .. }) => Step::Resumed,
        (_, EventKind::Ended(_)) => Step::End,
        _ => return None,
    })
}

/// Time of a runtime that began with its world.
pub(super) fn earlier(now: Time, by: Duration) -> Time {
    Time::START + now.since_start().saturating_sub(by)
}
