use std::time::Duration;

use crate::{config::Settings, error::RETRY_AFTER_MAX, proto::Time};

/// How many are let in a second (threat T28): a bucket of tokens, and slots for those who find it empty.
///
/// Who comes too early is told when to come again, and everybody something else: one step of the rate behind the one before.
/// So a backlog of any length comes back at just the rate at which it is let in, and nobody is asked to come a third time
/// without need.
#[derive(Clone, Debug, Default)]
pub(super) struct Rate {
    /// When the bucket is full again, if nobody comes.
    full: Time,
    /// Up to when slots were given to those who come back.
    back: Time,
    /// The same for new logins.
    new: Time,
}

/// Who wants in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Who {
    /// A session that comes back. It passes before those who are new.
    Back {
        /// It was given a slot before. While others wait for theirs, only who had one passes: a storm's first wave would take
        /// the tokens of those who do as they were told.
        booked: bool,
    },
    /// A login.
    New,
}

/// The shortest wait that can be said on the wire.
const NEAREST: Duration = Duration::from_millis(1);

/// The part of the bucket that new logins leave to those who come back.
const KEPT: u32 = 4;

impl Rate {
    /// Takes a token. Where there is none, says when to come again.
    pub(super) fn take(
        &mut self,
        who: Who,
        now: Time,
        settings: &Settings,
    ) -> Result<(), Duration> {
        let step = Duration::from_secs(1) / settings.admission_rate;
        let burst = settings.admission_burst;
        let (usable, served) = match who {
            Who::Back { booked } => (burst, booked || self.back <= now),
            Who::New => (burst - burst / KEPT, self.back <= now),
        };
        if served && self.full.since(now) <= step.saturating_mul(usable - 1) {
            self.full = self.full.max(now) + step;
            return Ok(());
        }
        let slot = match who {
            Who::Back { .. } => &mut self.back,
            Who::New => {
                self.new = self.new.max(self.back);
                &mut self.new
            }
        };
        *slot = (*slot).max(now) + step;
        // No client waits longer ([CODE-3]): a longer backlog gets two a slot.
        if slot.since(now) > RETRY_AFTER_MAX {
            *slot = now + step;
        }
        Err(slot.since(now).max(NEAREST))
    }
}

#[cfg(test)]
mod tests;
