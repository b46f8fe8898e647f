//! What must hold after every step. The numbers are those of the list of invariants in `docs/TESTING.md`.

use std::time::Duration;

use super::{
    sessions::{check_counts, check_machine, who},
    simulation::{Checked, Sim},
    watch::{Past, Told, Watched, earlier},
};
use crate::{
    Closed, Event, EventKind, LossCause, Reason,
    proto::{Key, Phase, Side, Vitals},
    registry::{Registry, Wheel},
};

/// How late a deadline may be where nothing else is to do: the tick that it is rounded up to, and no more.
const TICK: Duration = Duration::from_micros(Wheel::TICK_MICROS);

/// Sessions of one runtime that are looked at after each step; the others have their turn later, by chance.
const AT_ONCE: usize = 12;

impl Sim {
    /// A process has run: what it told, and how its sessions stand.
    pub(super) fn check_process(&mut self, process: usize) -> Checked {
        let started = std::mem::take(&mut self.world.state().started);
        self.watched.extend(started);
        for index in 0..self.watched.len() {
            if self.watched[index].node == process {
                self.hear(index)?;
                self.check_runtime(index)?;
                let watched = &mut self.watched[index];
                let going = |registry: &Registry, _| registry.is_draining();
                watched.went_down = watched.inspector.look(going).unwrap_or_default();
            }
        }
        Ok(())
    }

    /// Everything that a runtime told since it was asked last.
    fn hear(&mut self, index: usize) -> Checked {
        let now = self.world.now();
        loop {
            let told = {
                let mut state = self.world.state();
                self.watched[index].next(now, &mut state.trace)
            };
            match told {
                None => return Ok(()),
                Some(told) => self.judge(index, told?)?,
            }
        }
    }

    /// One event, beside what is known of other runtimes.
    fn judge(&mut self, index: usize, told: Told) -> Checked {
        let watched = &self.watched[index];
        let (side, node) = (watched.side, watched.node);
        let identity = told.known.identity.clone();
        let wrong = |what: String| Err((identity.clone(), what));
        if self.is_rogue(&watched.who, identity.as_deref()) {
            return Ok(());
        }
        match told.event.kind() {
            // Both ends keep to the protocol, so neither ever finds that the other does not.
            EventKind::LinkLost(LossCause::Protocol(violation)) => {
                return wrong(format!("an honest peer broke the protocol: {violation}"));
            }
            // T21: whoever slept for a lease declares nobody dead at once.
            EventKind::TimedOut => {
                let process = &self.processes[node];
                let awake = self.world.now().saturating_sub(process.woke);
                let lease = told.known.lease;
                if process.slept >= lease && awake < lease / 4 {
                    return wrong(format!(
                        "declared dead {awake:?} after a stop of {:?}, with a lease of {lease:?}",
                        process.slept
                    ));
                }
            }
            EventKind::Ended(closed) => match side {
                Side::Acceptor => self.remember(index, &told, closed),
                Side::Dialer => {
                    if let Err(what) = self.judge_end(&told, closed) {
                        return wrong(what);
                    }
                }
            },
            EventKind::LoggedIn if watched.went_down => {
                return wrong("D1: a server that goes down lets somebody in".into());
            }
            EventKind::Draining if side == Side::Acceptor => {
                self.leaving.insert(told.event.session(), told.event.at());
            }
            EventKind::TakenOver if side == Side::Acceptor => {
                if let Some(what) = own_ghost(watched, &told.event) {
                    return wrong(what);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn remember(&mut self, index: usize, told: &Told, closed: &Closed) {
        let watched = &self.watched[index];
        let Some(vitals) = watched.vitals(Key::from_u64(told.event.session())) else {
            return;
        };
        let past = Past {
            reason: closed.reason(),
            until: self.world.now() + vitals.resume_window,
            inspector: watched.inspector.clone(),
            node: watched.node,
            life: self.processes[watched.node].life,
        };
        self.past.insert(told.event.session(), past);
    }

    /// S5: what a client hears of its session's end is what became of it.
    fn judge_end(&self, told: &Told, closed: &Closed) -> Result<(), String> {
        let (id, reason) = (told.known.common_id, closed.reason());
        if told.known.identity.is_none() {
            return Ok(());
        }
        // RESUMED and GOAWAY go out together, and CLOSE later.
        let leaving = self.leaving.get(&id).zip(told.known.back_since);
        if reason == Reason::Draining
            && !told.known.told_to_go
            && leaving.is_some_and(|(since, back)| *since <= back)
        {
            return Err("D2: it came back to a server that goes down, and was not told".into());
        }
        // A stranger was faster with this client's own RESUME: plain links can be read, and that is what Stale is for.
        if reason == Reason::Stale && self.world.state().replayed.contains(&id) {
            return Ok(());
        }
        let key = Key::from_u64(id);
        let holds = |one: &&Watched| {
            let lives = |registry: &Registry, _| {
                let machine = registry.get(key)?;
                let lives = machine.phase() != Phase::Ended && who(machine) == told.known.identity;
                lives.then_some(())
            };
            one.side == Side::Acceptor && one.inspector.look(lives).flatten().is_some()
        };
        let refused = matches!(reason, Reason::Gone | Reason::Stale);
        if refused && self.watched.iter().any(|one| holds(&one)) {
            return Err(format!(
                "locked out: the client hears {reason:?} of a session that its server keeps"
            ));
        }
        let Some(past) = self.past.get(&id) else {
            return Ok(());
        };
        // A server that went down in order may start again within its process, and knows nobody then.
        let same_server = self.processes[past.node].life == past.life && !past.inspector.is_over();
        if refused && same_server && self.world.now() < past.until {
            return Err(format!(
                "R13: the client hears {reason:?} of a session that ended as {:?}",
                past.reason
            ));
        }
        let told_by_server = matches!(
            reason,
            Reason::TakenOver
                | Reason::Superseded
                | Reason::Removed
                | Reason::Expired
                | Reason::NeverProven
        );
        if told_by_server && past.reason != reason {
            return Err(format!(
                "the client hears {reason:?}, its session ended as {:?}",
                past.reason
            ));
        }
        Ok(())
    }

    /// How a runtime's sessions stand.
    fn check_runtime(&mut self, index: usize) -> Checked {
        let watched = &self.watched[index];
        let rng = &mut self.rng;
        let login_slack = Duration::from_millis(200);
        let process = &self.processes[watched.node];
        let stopped_lately =
            self.world.now().saturating_sub(process.woke) < login_slack || process.paused;
        let found = watched.inspector.look(|registry, now| {
            let keys = registry.keys();
            let from = match keys.len().checked_sub(AT_ONCE) {
                Some(more) => rng.usize(..=more),
                None => 0,
            };
            check_counts(registry, &keys)?;
            let some = keys.iter().skip(from).take(AT_ONCE);
            let mut pairs = Vec::new();
            for machine in some.filter_map(|&key| registry.get(key)) {
                let vitals = machine.vitals(now, registry.settings());
                let unproven = registry.settings().login_deadline + login_slack;
                let late = now.since(vitals.logged_in_at) > unproven && !stopped_lately;
                let banned = |identity| registry.is_banned(identity, now);
                if vitals.phase != Phase::Ended && machine.identity().is_some_and(banned) {
                    return Err((who(machine), "D3: who is banned is there".into()));
                }
                check_machine(registry.settings(), machine, &vitals, late)
                    .map_err(|what| (who(machine), what))?;
                if vitals.phase != Phase::Ended && machine.identity().is_some() {
                    pairs.push((vitals, who(machine)));
                }
            }
            Ok(pairs)
        });
        let Some(pairs) = found else { return Ok(()) };
        for (vitals, identity) in pairs? {
            self.check_pair(index, &vitals, identity)?;
        }
        Ok(())
    }

    /// S2: what is acknowledged was taken by the application at the other end.
    fn check_pair(&self, index: usize, mine: &Vitals, identity: Option<String>) -> Checked {
        if self.is_rogue(&self.watched[index].who, identity.as_deref()) {
            return Ok(());
        }
        for other in &self.watched {
            if other.side == mine.side {
                continue;
            }
            let key = match other.side {
                Side::Acceptor => Some(Key::from_u64(mine.common_id)),
                Side::Dialer => other
                    .known
                    .iter()
                    .find(|(_, known)| known.common_id == mine.common_id)
                    .map(|(&id, _)| Key::from_u64(id)),
            };
            let theirs = key.and_then(|key| other.vitals(key));
            let Some(theirs) = theirs.filter(|theirs| theirs.common_id == mine.common_id) else {
                continue;
            };
            let same = |one: &Option<String>| *one == identity;
            if !other.known.values().any(|known| same(&known.identity)) {
                continue;
            }
            for (from, to) in [(mine, &theirs), (&theirs, mine)] {
                if from.phase != Phase::Ended && from.acked > to.taken {
                    let what = format!(
                        "S2: {} messages are acknowledged, {} were taken",
                        from.acked, to.taken
                    );
                    return Err((identity, what));
                }
            }
            return Ok(());
        }
        Ok(())
    }

    /// All tasks wait. What should have been done by now?
    pub(super) fn check_stillness(&self) -> Checked {
        for watched in &self.watched {
            let process = &self.processes[watched.node];
            if !process.is_up() || watched.inspector.is_over() {
                continue;
            }
            let found = watched.inspector.look(|registry, now| {
                for machine in registry.keys().into_iter().filter_map(|key| registry.get(key)) {
                    let wrong = |what: String| Err((who(machine), what));
                    let vitals = machine.vitals(now, registry.settings());
                    if let Some(deadline) = vitals.deadline
                        && deadline + TICK < now
                    {
                        let late = now.since(deadline);
                        return wrong(format!("L3: a deadline passed {late:?} ago, and nothing came of it"));
                    }
                    let before = machine.vitals(earlier(now, TICK * 2), registry.settings());
                    if before.unwritten {
                        return wrong("a message, an answer or a beat waits to be written, and nobody was woken".into());
                    }
                }
                Ok(())
            });
            found.unwrap_or(Ok(()))?;
        }
        Ok(())
    }

    fn is_rogue(&self, who: &str, identity: Option<&str>) -> bool {
        let state = self.world.state();
        state.rogues.contains(who) || identity.is_some_and(|one| state.rogues.contains(one))
    }
}

/// R12: nobody hears of a takeover by its own next login.
fn own_ghost(watched: &Watched, event: &Event) -> Option<String> {
    let ghost = watched.inspector.look(|registry, _| {
        let old = registry.get(Key::from_u64(event.session()))?;
        let now = registry.holders(event.identity()?.as_bytes());
        let mut now = now.into_iter().filter_map(|key| registry.get(key));
        now.any(|new| old.instance().0 == new.instance().0)
            .then_some(())
    });
    ghost
        .flatten()
        .map(|()| "R12: a client was taken over by its own next login".to_owned())
}
