//! What a search over all that can happen remembers of a session: two machines with the same print behave the same from
//! here on, towards their peer and their host.

use std::hash::{Hash, Hasher};

use super::{Acceptor, Away, Dialer, Farewell, Machine, Role, Time, refusal::Refusal};
use crate::{proto::dialer::Login, wire::Secret};

impl Machine {
    /// Adds to `state` all that decides what this session will do. Left out is what only people read (counters,
    /// measurements), the session's number, which a search knows by another name, and the backoff's length.
    ///
    /// Times count from `now`; where time `stands_still` for good, all that counts of one is whether it has passed.
    pub fn fingerprint(&self, now: Time, stands_still: bool, state: &mut dyn Hasher) {
        let mut state = Print {
            now,
            stands_still,
            state,
        };
        // Whoever adds a field has to say here whether it decides anything.
        let Self {
            key: _,
            phase,
            stepped: _,
            phase_since: _,
            logged_in_at: _,
            stage,
            wake: _, // drained after every input
            announced,
            abandoned,
            ping_now,
            beaten: _, // taken at once
            probed,
            epoch,
            linked,
            last_link,
            link_since: _, // decides about the backoff alone
            remote: _,
            identity,
            terms: _, // those of the settings, from login on
            inbox,
            outbox,
            volatile,
            liveness,
            role,
            loss: _,
            trouble: _, // by what is in it
            ended,
            farewell,
            away,
        } = self;
        let flags = (announced, abandoned, ping_now, probed, identity.is_some());
        let trouble = self.trouble();
        (phase, flags, epoch, linked, last_link, trouble.link_base).hash(&mut state);
        inbox.hash_course(&mut state);
        inbox.due_at().is_some().hash(&mut state);
        state.time(inbox.due_at());
        outbox.hash_course(&mut state);
        volatile.len().hash(&mut state);
        ended.as_ref().map(crate::Closed::reason).hash(&mut state);
        std::mem::discriminant(stage).hash(&mut state);
        state.time(self.resumed_by());
        state.time(trouble.blocked_since);
        let (times, owes_pong) = liveness.course();
        owes_pong.hash(&mut state);
        // Before and between links nobody looks at when the last one spoke.
        for time in times.into_iter().filter(|_| phase.is_up()) {
            state.time(time);
        }
        state.farewell(farewell);
        state.away(away.as_deref());
        match role {
            Role::Dialer(dialer) => state.dialer(dialer),
            Role::Acceptor(acceptor) => {
                state.acceptor(acceptor);
                state.time(self.lost_since());
            }
        }
    }
}

struct Print<'a> {
    now: Time,
    stands_still: bool,
    state: &'a mut dyn Hasher,
}

/// A hasher that is no type parameter.
impl Hasher for Print<'_> {
    fn finish(&self) -> u64 {
        self.state.finish()
    }

    fn write(&mut self, bytes: &[u8]) {
        self.state.write(bytes);
    }
}

impl Print<'_> {
    fn time(&mut self, time: Option<Time>) {
        let now = self.now;
        if self.stands_still {
            time.map(|time| time <= now).hash(self);
        } else {
            let from_now = |time: Time| (time.since(now), now.since(time));
            time.map(from_now).hash(self);
        }
    }

    fn farewell(&mut self, farewell: &Farewell) {
        std::mem::discriminant(farewell).hash(self);
        self.time(farewell.until());
        match farewell {
            Farewell::Closing {
                until: _,
                said,
                redial,
            } => (said, redial).hash(self),
            Farewell::Refusing(refusing) => {
                let Refusal {
                    code,
                    retry: _,
                    taken,
                    attempt,
                    redirect: _,
                    text: _,
                } = &refusing.refusal;
                (code, taken, attempt).hash(self);
            }
            Farewell::Answering { until: _, said } => said.hash(self),
            Farewell::None | Farewell::LastWord { .. } | Farewell::Done => {}
        }
    }

    fn away(&mut self, away: Option<&Away>) {
        away.is_some().hash(self);
        let Some(away) = away else { return };
        (away.said, away.answered).hash(self);
        self.time(Some(away.by));
    }

    fn dialer(&mut self, dialer: &Dialer) {
        let Dialer {
            instance,
            login_attempt,
            login,
            session: _,
            secret,
            attempt,
            backoff: _,
            lost_at,
            resumed_by: _, // counts with the stage
            retry_at,
            wanted,
            nudged,
        } = dialer;
        (instance, login_attempt, secret.as_bytes(), attempt).hash(self);
        (retry_at.is_some(), wanted, nudged).hash(self);
        self.time(Some(*lost_at));
        self.time(*retry_at);
        std::mem::discriminant(login).hash(self);
        self.time(login.ends_by());
        if let Login::Failed(failure) = login {
            failure.closed.reason().hash(self);
        }
    }

    fn acceptor(&mut self, acceptor: &Acceptor) {
        let Acceptor {
            keys,
            instance,
            login_attempt,
            opening,
            forget_at,
        } = acceptor;
        let opening = opening.as_deref();
        let fresh = opening.map(|opening| opening.fresh.as_ref().map(Secret::as_bytes));
        let greeting = acceptor.greeting();
        let greeting = greeting.map(|greeting| (greeting.limits, greeting.reserved));
        (keys, fresh, instance, login_attempt, greeting).hash(self);
        self.time(acceptor.login_by());
        self.time(Some(*forget_at));
    }
}
