use std::time::Duration;

use super::{Registry, failures::Patience, rate::Who};
use crate::{
    Closed, Identity, RejectCode, Rejection,
    canary::{Canary, sings},
    config::Settings,
    proto::{Effect, Effects, Key, Machine, Time, Verdict},
    wire::Secret,
};

/// Failed resumes are forgiven so many times sooner than failed logins: see `FAILED_RESUMES`.
const RESUMES_A_LOGIN: u32 = 50;

/// Whom the host is asked about.
impl Registry {
    /// A stranger's LOGIN is complete. The host is asked about it, unless too many of its network failed or there are too
    /// many logins at this moment: then it hears when to come again.
    pub(super) fn offer(&mut self, key: Key, now: Time, fx: &mut Effects) {
        let Some(machine) = self.get(key) else { return };
        let patience = patience_of_logins(&self.settings);
        let wait = self
            .failed_logins
            .wait(machine.remote(), now, patience)
            .map_or_else(|| self.rate.take(Who::New, now, &self.settings), Err);
        match wait {
            Ok(()) => fx.push(Effect::Offered(key)),
            Err(after) => {
                self.input(key, now, fx, |machine, cx| {
                    machine.reject(cx, &Rejection::busy(after));
                });
            }
        }
    }

    /// Whether a session that proved its secret may come back now; else when.
    pub(super) fn let_back(&mut self, key: Key, now: Time) -> Result<(), Duration> {
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
    /// The host says who a peer is. In this one step a live session of that identity makes room, so that there is never
    /// more than one link an identity.
    pub fn admit(
        &mut self,
        key: Key,
        now: Time,
        identity: Identity,
        secret: Secret,
        fx: &mut Effects,
    ) -> Verdict {
        if let Err(why) = self.make_room(key, now, &identity, fx) {
            self.input(key, now, fx, |machine, cx| {
                if let Some(why) = why {
                    machine.reject(cx, &why);
                }
                machine.name_the_dead(identity);
            });
            return Verdict::Gone;
        }
        let (held, bytes) = (self.holder(&identity), identity.as_bytes());
        self.by_identity.insert(bytes, key.slot(), |slot| {
            held.is_some_and(|held| held.slot() == slot)
        });
        let epoch = self.last_epoch + 1;
        self.input(key, now, fx, |machine, cx| {
            machine.admit(cx, identity, epoch, secret)
        })
        .unwrap_or(Verdict::Gone)
    }

    /// Ends whoever holds the identity. Fails where the peer cannot be admitted, with what to tell it if it is there.
    fn make_room(
        &mut self,
        key: Key,
        now: Time,
        identity: &Identity,
        fx: &mut Effects,
    ) -> Result<(), Option<Rejection>> {
        let Some(machine) = self.get(key).filter(|machine| machine.is_admissible(now)) else {
            return Err(None);
        };
        let ((instance, attempt), reserved) = (machine.instance(), machine.is_reserved());
        if let Some(why) = self.no_entry() {
            return Err(Some(why));
        }
        let holder = self.holder(identity).filter(|&holder| holder != key);
        let Some((holder, machine)) = holder.and_then(|holder| Some((holder, self.get(holder)?)))
        else {
            let kept = if reserved {
                0
            } else {
                self.settings.reserved_sessions
            };
            let full = self.by_identity.len() + kept >= self.settings.max_sessions;
            return if full {
                Err(Some(Rejection::full()))
            } else {
                Ok(())
            };
        };
        let (its_instance, its_attempt) = machine.instance();
        let same = its_instance == instance && !sings(Canary::NoInstance);
        if same && attempt <= its_attempt {
            return Err(Some(Rejection::new(RejectCode::Stale)));
        }
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
