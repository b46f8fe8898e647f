use super::Registry;
use crate::{
    Identity, RejectCode, Rejection,
    canary::{Canary, sings},
    proto::{Effects, Key, Time, Verdict},
    wire::Secret,
};

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
        self.by_identity.insert(identity.clone(), key);
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
        let (instance, attempt) = machine.instance();
        if let Some(why) = self.no_entry() {
            return Err(Some(why));
        }
        let holder = self.holder(identity).filter(|&holder| holder != key);
        let Some((holder, machine)) = holder.and_then(|holder| Some((holder, self.get(holder)?)))
        else {
            let full = self.by_identity.len() >= self.settings.max_sessions;
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
