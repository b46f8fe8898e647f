//! Canaries: mistakes that are seeded into the core on purpose, one at a time, so that a check that finds nothing can show
//! that it would have found something.
//!
//! They exist in builds with `--cfg sessile_canary` alone; in every other build `sings` is `false` at compile time and
//! nothing of them is left. A build has all of them, and a thread chooses the one that it runs with: the core itself stays
//! free of state.

/// One seeded mistake.
///
/// Where a number stands, leaving out that rule of the resume protocol is the mistake (`docs/DESIGN.md` tells of the rules).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Canary {
    /// R4: the secret that was just used is dropped at once, though the reply with the new one may be lost.
    PreviousSecretDropped,
    /// R5: the older secret stays valid for ever, also after the newer one was proven.
    ProofIgnored,
    /// R2: attempts are not compared, so that an abandoned link can steal the session back.
    AttemptNotChecked,
    /// R8: `taken` is stated where `received` belongs, so that replay repeats what lies in the mailbox.
    TakenInsteadOfReceived,
    /// R9: a stated `received` trims the sender, though nobody may ever take what it covers.
    ReceivedTrims,
    /// R9: what was taken is not stated again on a new link.
    AckNotRepeated,
    /// R11: a frame of an older link counts, unless it is a message. The driver closes an older link before it reads it, so
    /// that this shows where ports are fed without one.
    EpochOnDataOnly,
    /// R11: a frame of an older link counts, whatever it is; where that shows is said above.
    NoEpochCheck,
    /// R6: the dialer writes a heartbeat between RESUME and RESUMED, and the acceptor takes it for proof.
    FrameBeforeResumed,
    /// R14: whatever is not acknowledged is called `NeverSent`, though it was written, and may have arrived. (To judge by where
    /// the current link stands would be harmless here: replay starts at `received`, and no older link delivers after that.)
    NeverSentIfUnacked,
    /// R12: a client's second login is taken for another client's.
    NoInstance,
    /// R13: a session that ended is forgotten at once.
    NoTombstone,
    /// R16: a session whose WELCOME nobody proved lives on.
    NeverProvenLives,
    /// Acknowledgements say what arrived, not what the application took.
    AckBeforeDelivery,
    /// The window admits one message more than it has room for.
    WindowOffByOne,
    /// The end of a session leaves the planned dial standing.
    TimerNotCancelledOnClose,
    /// A link that came up resets the backoff, however short it lives.
    BackoffResetOnConnect,
    /// Whoever slept declares everybody dead on waking.
    NoForgiveness,
    /// What was written and not acknowledged is not written again on the next link.
    NoReplay,
    /// A peer's CLOSE drops the mailbox.
    MailboxDroppedOnClose,
    /// A takeover leaves the older session as it was.
    TakeoverKeepsOld,
    /// A message that was accepted wakes nobody to write it.
    LinkNotWoken,
    /// Strangers that leave are still counted.
    StrangersNeverLeave,
    /// The deadline is not armed again after a timeout.
    DeadlineNotRearmed,
    /// Who comes back while its server goes down is not told so once more.
    GoAwayNotRepeated,
    /// A server that goes down lets newcomers in.
    DrainAdmits,
    /// A ban ends the session of whoever has a link, and leaves the one whose peer is away to come back.
    BanSparesTheAbsent,
}

impl Canary {
    /// All of them.
    pub const ALL: [Self; 27] = [
        Self::PreviousSecretDropped,
        Self::ProofIgnored,
        Self::AttemptNotChecked,
        Self::TakenInsteadOfReceived,
        Self::ReceivedTrims,
        Self::AckNotRepeated,
        Self::EpochOnDataOnly,
        Self::NoEpochCheck,
        Self::FrameBeforeResumed,
        Self::NeverSentIfUnacked,
        Self::NoInstance,
        Self::NoTombstone,
        Self::NeverProvenLives,
        Self::AckBeforeDelivery,
        Self::WindowOffByOne,
        Self::TimerNotCancelledOnClose,
        Self::BackoffResetOnConnect,
        Self::NoForgiveness,
        Self::NoReplay,
        Self::MailboxDroppedOnClose,
        Self::TakeoverKeepsOld,
        Self::LinkNotWoken,
        Self::StrangersNeverLeave,
        Self::DeadlineNotRearmed,
        Self::GoAwayNotRepeated,
        Self::DrainAdmits,
        Self::BanSparesTheAbsent,
    ];
}

/// Whether this thread runs with a mistake about which link a frame came by: several fences are down then, not one.
pub(crate) fn is_lax_about_links() -> bool {
    sings(Canary::NoEpochCheck) || sings(Canary::EpochOnDataOnly)
}

#[cfg(sessile_canary)]
mod chosen {
    use super::Canary;
    use std::cell::Cell;

    thread_local! {
        static CHOSEN: Cell<Option<Canary>> = const { Cell::new(None) };
    }

    /// From here on, this thread runs with this mistake, or with none.
    pub fn choose(canary: Option<Canary>) {
        CHOSEN.set(canary);
    }

    /// Whether this thread runs with this mistake.
    pub(crate) fn sings(canary: Canary) -> bool {
        CHOSEN.get() == Some(canary)
    }
}

#[cfg(sessile_canary)]
pub use chosen::choose;
#[cfg(sessile_canary)]
pub(crate) use chosen::sings;

/// Whether this thread runs with this mistake: never, in a build that is meant for use.
#[cfg(not(sessile_canary))]
pub(crate) const fn sings(_: Canary) -> bool {
    false
}
