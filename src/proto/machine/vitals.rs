use std::time::Duration;

use super::{Cx, Machine, Role, Stage, Time};
use crate::{
    config::Settings,
    proto::{Effects, Phase, Side, terms},
};

/// The numbers that invariants are about, for whoever watches the core from outside: a simulator.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Vitals {
    pub(crate) side: Side,
    pub(crate) phase: Phase,
    /// The session's id at the acceptor: what a dialer's session and its peer have in common.
    pub(crate) common_id: u64,
    pub(crate) accepted: u64,
    pub(crate) acked: u64,
    pub(crate) unacked_messages: usize,
    pub(crate) unacked_bytes: usize,
    pub(crate) window_messages: usize,
    pub(crate) window_bytes: usize,
    pub(crate) received: u64,
    pub(crate) taken: u64,
    pub(crate) unread: usize,
    pub(crate) logged_in_at: Time,
    /// Whether the newest secret is known to have arrived, or there was none to prove. Always, for a dialer.
    pub(crate) proven: bool,
    /// The highest attempt to resume that was accepted; 0 for a dialer.
    pub(crate) attempt: u64,
    pub(crate) resumed: u64,
    pub(crate) lease: Duration,
    pub(crate) resume_window: Duration,
    pub(crate) deadline: Option<Time>,
    pub(crate) settled: bool,
    /// No handle will read any more.
    pub(crate) abandoned: bool,
    /// There is something to write, a link that would carry it, and a transport that takes it.
    pub(crate) unwritten: bool,
}

impl Machine {
    pub(crate) fn vitals(&self, now: Time, settings: &Settings) -> Vitals {
        let (unacked_messages, unacked_bytes) = self.outbox.in_flight();
        let mut fx = Effects::default();
        let cx = Cx {
            now,
            late: Duration::ZERO,
            settings,
            tick: 0,
            direct: false,
            whole: None,
            fx: &mut fx,
        };
        Vitals {
            side: self.side(),
            phase: self.phase,
            common_id: match &self.role {
                Role::Dialer(dialer) => dialer.session,
                Role::Acceptor(_) => self.key.as_u64(),
            },
            accepted: self.outbox.accepted(),
            acked: self.outbox.acked(),
            unacked_messages,
            unacked_bytes,
            window_messages: self.terms.window_messages as usize,
            window_bytes: self.terms.window_bytes as usize,
            received: self.inbox.received(),
            taken: self.inbox.taken(),
            unread: self.inbox.len(),
            logged_in_at: self.logged_in_at,
            proven: match &self.role {
                Role::Dialer(_) => true,
                Role::Acceptor(acceptor) => acceptor.is_proven(),
            },
            attempt: match &self.role {
                Role::Dialer(_) => 0,
                Role::Acceptor(acceptor) => acceptor.keys.attempt(),
            },
            resumed: self.trouble().resumed,
            lease: terms::lease(&self.terms),
            resume_window: terms::resume_window(&self.terms),
            deadline: self.deadline(settings),
            settled: self.is_settled(),
            abandoned: self.abandoned,
            unwritten: self.linked
                && self.trouble().blocked_since.is_none()
                && !matches!(self.stage, Stage::Down | Stage::Dialing)
                && self.wants_transmit(&cx),
        }
    }
}
