//! Mistakes of order, seeded on purpose, so that trying schedules can show that it would find one (see `schedules`).
//!
//! As with [`crate::canary`]: in a build with the cfg a thread chooses one; in every other build there is none, at compile time.

/// One seeded mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Race {
    /// Whoever asks in vain sits down to wait in a second step: what comes in between wakes nobody.
    SitsDownLate,
    /// Owners are counted by looking first and writing then.
    OwnersInTwoSteps,
    /// A link enters by a gate that was closed while it was accepted. Was once so.
    EntersClosedGate,
    /// Whoever calls hosts is not told when the last of them went. Was once so.
    LastHostUnheard,
    /// Who is let in by a gate that was closed meanwhile stays. Was once so.
    LetInAfterClosing,
}

#[cfg(all(test, sessile_shuttle))]
mod chosen {
    use std::cell::Cell;

    use super::Race;

    thread_local! {
        static CHOSEN: Cell<Option<Race>> = const { Cell::new(None) };
    }

    /// From here on, this thread runs with this mistake.
    pub(in crate::driver) fn choose(race: Race) {
        CHOSEN.set(Some(race));
    }

    /// Whether this thread runs with this mistake.
    pub(in crate::driver) fn is_on(race: Race) -> bool {
        CHOSEN.get() == Some(race)
    }
}

#[cfg(all(test, sessile_shuttle))]
pub(super) use chosen::{choose, is_on};

/// Whether this thread runs with this mistake: never, but where schedules are tried.
#[cfg(not(all(test, sessile_shuttle)))]
pub(super) const fn is_on(_: Race) -> bool {
    false
}
