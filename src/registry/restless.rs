use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use crate::{Identity, config::Settings, error::RETRY_AFTER_MAX, proto::Time};

/// Identities that come too often, and those that throw each other out (threat T18): so many times at once, then after a wait that
/// doubles each time, up to 5 min, until it was quiet for a while.
///
/// A login and a resume are a coming; a takeover of a session that has a link is one more thing, of which none is free but the
/// first. Only who was let in is counted: a client that knocks too early is told how long it still has to wait, and makes that no longer.
///
/// Of whoever logged in once, nothing is kept here: when that was is known from the session while it lives, and is counted when
/// somebody comes again or the session ends. So a million who log in at once and stay cost nothing.
#[derive(Clone, Debug, Default)]
pub(super) struct Restless {
    known: HashMap<Identity, Unrest>,
    /// The same identities. The first ones are looked at whenever one is counted, and forgotten or put last.
    order: VecDeque<Identity>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Unrest {
    comings: Account,
    takeovers: Account,
}

/// What is kept of one kind.
#[derive(Clone, Copy, Debug, Default)]
struct Account {
    /// When all that was counted is forgiven: each moves this by a pause.
    forgiven: Time,
    /// When it was counted last.
    last: Time,
    /// From when on the next one is let in.
    next: Time,
    /// Until when the next wait would be longer than this one.
    restless: Time,
    /// How many waits there were in a row.
    waits: u32,
}

/// What is borne with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// So many at once.
    free: u32,
    /// After which each is forgiven; and the first wait.
    pause: Duration,
}

/// Of whom something is remembered, at most, at 150 to 290 bytes each. A coming is forgiven after 4 s by default, and no more than
/// 40,000 are let in meanwhile: nobody who is restless is washed out by a storm of others. Where more are, the first are forgotten.
const MOST: usize = 65_536;

/// How long it must have been quiet, at least, before a wait begins anew at its shortest: a link counts as stable after half of that.
const QUIET: Duration = Duration::from_secs(60);

/// How many of the oldest are looked at when one is counted: more than one, or they would grow in number.
const SWEPT: usize = 2;

impl Restless {
    /// How long this identity has to wait before it may log in; `None` where it may.
    pub(super) fn before_login(&self, identity: &Identity, now: Time) -> Option<Duration> {
        let comings = &self.known.get(identity)?.comings;
        some(comings.next.since(now))
    }

    /// The same where its session is to come back. At most half of what the session is kept without a link, counted from when the
    /// identity came last, or from when this session lost its link where others of the identity came since: nobody loses a session
    /// by waiting as it was told.
    pub(super) fn before_resume(
        &self,
        identity: &Identity,
        now: Time,
        lost: Option<Time>,
        window: Duration,
    ) -> Option<Duration> {
        let comings = &self.known.get(identity)?.comings;
        let since = lost.map_or(comings.last, |lost| lost.min(comings.last));
        some(comings.next.min(since + window / 2).since(now))
    }

    /// How long it takes until somebody may take this identity over from a client that is there.
    pub(super) fn before_takeover(&self, identity: &Identity, now: Time) -> Option<Duration> {
        let takeovers = &self.known.get(identity)?.takeovers;
        some(takeovers.next.since(now))
    }

    /// It logged in where nobody had its identity.
    pub(super) fn count_login(&mut self, identity: &Identity, now: Time, settings: &Settings) {
        if let Some(unrest) = self.known.get_mut(identity) {
            unrest.comings.count(now, patience_of_comings(settings));
        }
    }

    /// It came again: its session came back, or it logged in while a session had its identity; `by_takeover` where that one goes
    /// and its client was there. That session's login was at `before`.
    pub(super) fn count_again(
        &mut self,
        identity: &Identity,
        before: Time,
        now: Time,
        settings: &Settings,
        by_takeover: bool,
    ) {
        self.sweep(now);
        self.remember(identity, before, now, settings);
        let unrest = self.entry(identity);
        unrest.comings.count(now, patience_of_comings(settings));
        if by_takeover {
            unrest.takeovers.count(now, patience_of_takeovers(settings));
        }
    }

    /// Its session is over, which began at `before`.
    pub(super) fn count_end(
        &mut self,
        identity: &Identity,
        before: Time,
        now: Time,
        settings: &Settings,
    ) {
        self.sweep(now);
        self.remember(identity, before, now, settings);
    }

    /// Counts a login that only the session knew of, if it is not forgiven yet.
    fn remember(&mut self, identity: &Identity, before: Time, now: Time, settings: &Settings) {
        let patience = patience_of_comings(settings);
        if before + patience.pause > now && !self.known.contains_key(identity) {
            self.entry(identity).comings.count(before, patience);
        }
    }

    fn entry(&mut self, identity: &Identity) -> &mut Unrest {
        if !self.known.contains_key(identity) {
            if self.order.len() >= MOST
                && let Some(first) = self.order.pop_front()
            {
                self.known.remove(&first);
            }
            self.order.push_back(identity.clone());
        }
        self.known.entry(identity.clone()).or_default()
    }

    /// Forgets those of the oldest who are forgiven.
    pub(super) fn sweep(&mut self, now: Time) {
        for _ in 0..SWEPT.min(self.order.len()) {
            let Some(first) = self.order.pop_front() else {
                return;
            };
            if self
                .known
                .get(&first)
                .is_some_and(|unrest| unrest.lasts(now))
            {
                self.order.push_back(first);
            } else {
                self.known.remove(&first);
            }
        }
        // A storm leaves room behind that nobody needs.
        let few = self.order.len() * 2;
        if self.known.capacity() > few.saturating_mul(8).max(MOST / 64) {
            self.known.shrink_to(few);
            self.order.shrink_to(few);
        }
    }
}

impl Unrest {
    fn lasts(&self, now: Time) -> bool {
        let Self { comings, takeovers } = self;
        [comings, takeovers]
            .iter()
            .any(|one| one.forgiven.max(one.restless) > now)
    }
}

impl Account {
    fn count(&mut self, now: Time, patience: Patience) {
        let Patience { free, pause } = patience;
        if self.restless <= now {
            self.waits = 0;
        }
        self.last = now;
        self.forgiven = self.forgiven.max(now) + pause;
        if self.waits == 0 && self.forgiven.since(now) < pause.saturating_mul(free) {
            return;
        }
        let doubled = 1u32.checked_shl(self.waits).unwrap_or(u32::MAX);
        let wait = pause.saturating_mul(doubled).min(RETRY_AFTER_MAX);
        self.waits = self.waits.saturating_add(1);
        self.next = now + wait;
        self.restless = self.next + wait.max(QUIET);
    }
}

/// So many comings in a minute are nobody's fault: of each of the sessions that there may be, for a router that starts anew breaks
/// the links of all of them at once.
fn patience_of_comings(settings: &Settings) -> Patience {
    let sessions = u32::try_from(settings.sessions_per_identity).unwrap_or(u32::MAX);
    let free = settings.comings_a_minute.saturating_mul(sessions);
    Patience {
        free,
        pause: Duration::from_micros(60_000_000 / u64::from(free)),
    }
}

/// Each takeover makes the next one wait.
const fn patience_of_takeovers(settings: &Settings) -> Patience {
    Patience {
        free: 0,
        pause: settings.takeover_pause,
    }
}

fn some(wait: Duration) -> Option<Duration> {
    (!wait.is_zero()).then_some(wait)
}

#[cfg(test)]
mod tests;
