//! The heart: one [`Machine`] per session, the same for both sides.
//!
//! Nothing here awaits, locks, reads a clock, draws a random number or touches a socket: time, bytes and seeds are
//! arguments ([`Cx`]). Nothing here has a type parameter for mode or state: heartbeat, liveness, backoff and resume are
//! compiled once.
//!
//! # The contract
//!
//! **Give one input, then drain the effects, the deadline and the transmits, then wait.**
//!
//! 1. *Inputs*: [`Machine::link_up`], [`Machine::handle_frame`], [`Machine::link_down`], [`Machine::handle_timeout`] and
//!    the commands (`login`, `admit`, `send`, `recv`, `close`, …). Each takes a [`Cx`].
//! 2. *Effects* ([`Effects`]): events to tell, links to dial, sleepers to wake.
//! 3. *Deadline* ([`Machine::deadline`]): one per session, computed, never stored.
//! 4. *Transmits* ([`Machine::transmit`]): the frames that the current link may write now.
//!
//! The registry obeys it in one place (`Registry::input`), the driver performs the effects in one place.

mod backoff;
mod dialer;
mod effects;
mod inbox;
mod keys;
mod line;
mod liveness;
mod machine;
mod outbox;
mod phase;
mod snapshot;
mod terms;
mod time;

pub(crate) use backoff::Backoff;
pub use effects::{Cx, Effect, Effects, Key, LinkId, Offer, Wake};
#[cfg(feature = "sim")]
pub(crate) use machine::Vitals;
pub use machine::{
    Course, Departure, Heard, LoginFailure, Machine, Received, ResumeRefusal, Transmit, Verdict,
};
pub use phase::{Phase, Step};
pub use snapshot::Snapshot;
pub(crate) use terms::wanted;
pub use time::Time;

/// Who opened the links of a session: decides who dials again, who makes ids and secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a link has two ends")]
pub enum Side {
    /// The client: it dials, logs in and comes back.
    Dialer,
    /// The server: it accepts, admits and waits.
    Acceptor,
}

impl Side {
    /// Its name in a log, in lower case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dialer => "dialer",
            Self::Acceptor => "acceptor",
        }
    }
}

/// The end that [`Machine::close`] is given, for tests outside this crate, which cannot make one.
#[must_use]
pub fn closed(reason: crate::Reason) -> crate::Closed {
    crate::Closed::new(reason)
}
