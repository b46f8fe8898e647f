use std::time::Duration;

use super::{Listed, Registry, Room, Whom, failures::Patience, rate::Who};
use crate::{
    Closed, Identity, RejectCode, Rejection, Takeover,
    canary::{Canary, sings},
    config::Settings,
    proto::{Effect, Effects, Key, Machine, Time, Verdict},
    wire::Secret,
};

/// Failed resumes are forgiven so many times sooner than failed logins: see `FAILED_RESUMES`.
const RESUMES_A_LOGIN: u32 = 50;

/// What is told to an identity that logs in more often than `Config::comings_a_minute` says.
const TOO_OFTEN: &str = "too many logins in a short time";

/// What a newcomer is told where `Config::takeover_pause` has not passed.
const TAKEN_LATELY: &str = "another client took it over a moment ago";

/// Whom the host is asked about.
impl Registry {
    /// A stranger's LOGIN is complete. The host is asked about it, unless too many of its network failed or there are too
    /// many logins at this moment: then it hears when to come again.
    pub(super) fn offer(&mut self, key: Key, now: Time, fx: &mut Effects) {
        let Some(machine) = self.get(key) else { return };
        let remote = machine.remote();
        let patience = patience_of_logins(&self.settings);
        let may = match self.bans.refusal_from(remote, now) {
            Some(why) => Err(why),
            None => self
                .failed_logins
                .wait(remote, now, patience)
                .map_or_else(|| self.rate.take(Who::New, now, &self.settings), Err)
                .map_err(Rejection::busy),
        };
        match may {
            Ok(()) => fx.push(Effect::Offered(key)),
            Err(why) => {
                self.input(key, now, fx, |machine, cx| machine.reject(cx, &why));
            }
        }
    }

    /// Whether a session that proved its secret may come back now; else when.
    pub(super) fn let_back(&mut self, key: Key, now: Time) -> Result<(), Duration> {
        let early = self.get(key).and_then(|machine| {
            let window = machine.resume_window();
            let lost = machine.lost_since();
            self.restless
                .before_resume(machine.identity()?, now, lost, window)
        });
        if let Some(after) = early {
            return Err(after);
        }
        let Some(slot) = self.slots.get_mut(key.slot() as usize) else {
            return Ok(());
        };
        let who = Who::Back {
            booked: slot.booked,
        };
        let taken = self.rate.take(who, now, &self.settings);
        slot.booked = taken.is_err();
        taken
    }

    /// A session came back.
    pub(super) fn count_return(&mut self, key: Key, now: Time) {
        let machine = self.get(key);
        let identity = machine.and_then(|machine| machine.identity().cloned());
        let before = machine.map(Machine::logged_in_at);
        if let Some((identity, before)) = identity.zip(before) {
            let settings = &self.settings;
            (self.restless).count_again(&identity, before, now, settings, false);
        }
    }

    /// A session left the collection, whose client may come again.
    pub(super) fn count_leaving(&mut self, identity: &Identity, before: Time, now: Time) {
        self.restless
            .count_end(identity, before, now, &self.settings);
    }
}

pub(super) const fn patience_of_logins(settings: &Settings) -> Patience {
    Patience {
        most: settings.failed_logins,
        pause: settings.failed_login_pause,
    }
}

pub(super) fn patience_of_resumes(settings: &Settings) -> Patience {
    Patience {
        most: settings.failed_resumes,
        pause: settings.failed_login_pause / RESUMES_A_LOGIN,
    }
}

/// Whether the host refused this stranger for what it presented. That the server is full or busy is nobody's failure.
pub(super) fn is_failed_login(machine: &Machine) -> bool {
    let code = machine.ended().and_then(Closed::rejection);
    matches!(
        code.map(Rejection::code),
        Some(RejectCode::BadCredentials | RejectCode::Banned | RejectCode::Other(_))
    )
}

/// The host's judgement: who a stranger is, and who has to make room for it.
impl Registry {
    /// The host says who a peer is. In this one step a live session of that identity makes room, so that there are never
    /// more than it may have.
    pub fn admit(
        &mut self,
        key: Key,
        now: Time,
        identity: Identity,
        secret: Secret,
        fx: &mut Effects,
    ) -> Verdict {
        self.admit_over(key, now, identity, secret, None, fx)
    }

    /// The same, where the host has a wish who of several is to make room.
    pub fn admit_over(
        &mut self,
        key: Key,
        now: Time,
        identity: Identity,
        secret: Secret,
        over: Option<Key>,
        fx: &mut Effects,
    ) -> Verdict {
        if let Err(why) = self.make_room(key, now, &identity, over, fx) {
            self.input(key, now, fx, |machine, cx| {
                if let Some(why) = why {
                    machine.reject(cx, &why);
                }
                machine.name_the_dead(identity);
            });
            return Verdict::Gone;
        }
        let epoch = self.highest_epoch(identity.as_bytes(), key) + 1;
        self.by_identity.insert(identity.as_bytes(), key.slot());
        self.input(key, now, fx, |machine, cx| {
            machine.admit(cx, identity, epoch, secret)
        })
        .unwrap_or(Verdict::Gone)
    }

    /// Ends whoever has to go. Fails where the peer cannot be admitted, with what to tell it if it is there.
    fn make_room(
        &mut self,
        key: Key,
        now: Time,
        identity: &Identity,
        over: Option<Key>,
        fx: &mut Effects,
    ) -> Result<(), Option<Rejection>> {
        let Some(machine) = self.get(key).filter(|machine| machine.is_admissible(now)) else {
            return Err(None);
        };
        let ((_, attempt), reserved) = (machine.instance(), machine.is_reserved());
        if let Some(why) = self.no_entry().filter(|_| !sings(Canary::DrainAdmits)) {
            return Err(Some(why));
        }
        if let Some(why) = self.bans.refusal(&Whom::Identity(identity.clone()), now) {
            return Err(Some(why));
        }
        if let Some(after) = self.restless.before_login(identity, now) {
            return Err(Some(Rejection::busy(after).text(TOO_OFTEN)));
        }
        let room = self.room(key, identity.as_bytes(), over);
        let holder = room.holder();
        let Some((holder, machine)) = holder.and_then(|holder| Some((holder, self.get(holder)?)))
        else {
            let kept = if reserved {
                0
            } else {
                self.settings.reserved_sessions
            };
            let full = self.by_identity.len() + kept >= self.settings.max_sessions;
            if full {
                return Err(Some(Rejection::full()));
            }
            let beside = match room {
                Room::Free(beside) => beside.and_then(|beside| self.get(beside)),
                Room::Own(_) | Room::Taken(_) => None,
            };
            match beside.map(Machine::logged_in_at) {
                Some(before) => {
                    (self.restless).count_again(identity, before, now, &self.settings, false);
                }
                None => self.restless.count_login(identity, now, &self.settings),
            }
            return Ok(());
        };
        let same = matches!(room, Room::Own(_));
        if same && attempt <= machine.instance().1 {
            return Err(Some(Rejection::new(RejectCode::Stale)));
        }
        // Whoever is not there is not thrown out, and a host that is asked has decided.
        let throws_out =
            !same && machine.phase().is_up() && self.settings.takeover == Takeover::Replace;
        if throws_out && let Some(after) = self.restless.before_takeover(identity, now) {
            let why = Rejection::new(RejectCode::Occupied);
            return Err(Some(why.retry_after(after).text(TAKEN_LATELY)));
        }
        let before = machine.logged_in_at();
        self.restless
            .count_again(identity, before, now, &self.settings, throws_out);
        if sings(Canary::TakeoverKeepsOld) {
            return Ok(());
        }
        self.input(holder, now, fx, |machine, cx| {
            if same {
                machine.supersede(cx);
            } else {
                machine.take_over(cx);
            }
        });
        Ok(())
    }
}

/// Who is not wanted.
impl Registry {
    /// Bans somebody for so long, or for as long as this process lives. False where no more are kept.
    pub fn ban(
        &mut self,
        whom: Whom,
        now: Time,
        lasting: Option<Duration>,
        why: &Rejection,
    ) -> bool {
        let most = self.settings.max_bans;
        self.bans.insert(whom, now, lasting, why, most)
    }

    /// Bans somebody no longer. False where nobody did.
    pub fn unban(&mut self, whom: &Whom, now: Time) -> bool {
        self.bans.remove(whom, now)
    }

    /// What whoever is banned is told, where it is.
    pub fn banned(&mut self, whom: &Whom, now: Time) -> Option<Rejection> {
        self.bans.refusal(whom, now)
    }

    /// Whether this identity is banned, for who only looks.
    #[must_use]
    pub fn is_banned(&self, identity: &Identity, now: Time) -> bool {
        self.bans.has(identity, now)
    }

    /// At most `most` bans, in order, behind this one.
    #[must_use]
    pub fn bans(&self, after: Option<&Whom>, now: Time, most: usize) -> Vec<Listed> {
        self.bans.page(after, now, most)
    }
}
