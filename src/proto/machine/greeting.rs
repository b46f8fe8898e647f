//! A peer has presented itself, and the host judges it: what is kept of it, and what the host does before it answers.

use bytes::Bytes;

use super::{Acceptor, Machine, Phase, Role, Stage, Time, Wake};
use crate::wire::{self, Secret, Terms};

/// What an acceptor keeps of a peer between LOGIN and the host's answer.
#[derive(Clone, Debug)]
pub(super) struct Greeting {
    pub(super) credentials: Bytes,
    pub(super) asked: Terms,
    /// What CHALLENGE is to ask.
    pub(super) ask: Bytes,
    pub(super) answer: Option<Bytes>,
    /// Where the host wants others for this session than for all.
    pub(super) limits: Option<Terms>,
    /// It may have one of the places that are kept.
    pub(super) reserved: bool,
}

/// What an acceptor keeps from the first byte of a link until its newest secret is proven.
#[derive(Clone, Debug)]
pub(super) struct Opening {
    /// Before login: when it must be over. From admission until the first proof: when that must have come (R16).
    pub(super) login_by: Option<Time>,
    /// The secret that WELCOME or RESUMED is to carry; gone once it was written.
    pub(super) fresh: Option<Secret>,
    pub(super) greeting: Option<Greeting>,
}

impl Opening {
    /// Of a stranger's link.
    pub(super) const fn until(login_by: Time) -> Self {
        Self {
            login_by: Some(login_by),
            fresh: None,
            greeting: None,
        }
    }

    /// The session is over: nobody waits for a login or a proof any more.
    pub(super) fn end(&mut self) {
        self.login_by = None;
        self.greeting = None;
    }

    /// Of a link that brings a session back.
    pub(super) const fn of(fresh: Secret) -> Self {
        Self {
            login_by: None,
            fresh: Some(fresh),
            greeting: None,
        }
    }
}

impl Acceptor {
    pub(super) fn login_by(&self) -> Option<Time> {
        self.opening.as_ref()?.login_by
    }

    pub(super) fn greeting(&self) -> Option<&Greeting> {
        self.opening.as_ref()?.greeting.as_ref()
    }

    pub(super) fn greeting_mut(&mut self) -> Option<&mut Greeting> {
        self.opening.as_mut()?.greeting.as_mut()
    }

    /// Whether the newest secret is known to have arrived, or there is none to prove any more.
    #[cfg(feature = "sim")]
    pub(super) const fn is_proven(&self) -> bool {
        self.opening.is_none()
    }
}

/// While the host judges.
impl Machine {
    /// Asks the peer back before judging it. False where it cannot be asked (any more, or while a question is open).
    pub fn challenge(&mut self, ask: Bytes) -> bool {
        if self.stage != Stage::Offered || ask.is_empty() || ask.len() >= wire::LOGIN_FRAME_BYTES {
            return false;
        }
        let Some(greeting) = self.greeting_mut() else {
            return false;
        };
        greeting.ask = ask;
        greeting.answer = None;
        self.stage = Stage::Challenge;
        self.wake(Wake::LINK);
        true
    }

    /// By when a stranger must have logged in.
    #[must_use]
    pub fn login_by(&self) -> Option<Time> {
        match &self.role {
            Role::Acceptor(acceptor) => acceptor.login_by(),
            Role::Dialer(_) => None,
        }
    }

    /// Whether the answer to the challenge is there.
    #[must_use]
    pub fn is_answered(&self) -> bool {
        let Role::Acceptor(acceptor) = &self.role else {
            return false;
        };
        let greeting = acceptor.greeting();
        greeting.is_some_and(|greeting| greeting.answer.is_some())
    }

    /// The answer to the challenge, once it came.
    pub fn take_answer(&mut self) -> Option<Bytes> {
        self.greeting_mut()?.answer.take()
    }

    pub(super) fn on_answer(&mut self, answer: &[u8]) {
        if let Some(greeting) = self.greeting_mut() {
            greeting.answer = Some(Bytes::copy_from_slice(answer));
            self.stage = Stage::Offered;
            self.wake(Wake::STATE);
        } else if self.phase != Phase::Ended {
            self.stage = Stage::Welcome; // admitted without it
            self.wake(Wake::LINK);
        }
    }

    /// The host wants these terms of ours for this peer, should it be admitted.
    pub fn set_limits(&mut self, limits: Terms) {
        if let Some(greeting) = self.greeting_mut() {
            greeting.limits = Some(limits);
        }
    }

    /// The host lets this peer have one of the places that are kept, should it be admitted.
    pub fn set_reserved(&mut self) {
        if let Some(greeting) = self.greeting_mut() {
            greeting.reserved = true;
        }
    }

    /// Whether the peer may have one of the places that are kept.
    #[must_use]
    pub fn is_reserved(&self) -> bool {
        let Role::Acceptor(acceptor) = &self.role else {
            return false;
        };
        let greeting = acceptor.greeting();
        greeting.is_some_and(|greeting| greeting.reserved)
    }

    fn greeting_mut(&mut self) -> Option<&mut Greeting> {
        self.acceptor_mut()?.greeting_mut()
    }
}
