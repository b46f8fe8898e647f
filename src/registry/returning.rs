//! A session comes back, and the host is asked first whether it may: its peer may have been banned since.
//!
//! Nothing happens to the session meanwhile. Its peer is a stranger with a stranger's deadline, and what it brought is tried once
//! more, in one step (R3), when the host has said yes.

use super::{Port, Registry};
use crate::{
    RejectCode, Rejection,
    proto::{Effects, Key, ResumeRefusal, Time},
    wire::{Resume, Secret},
};

/// A RESUME that proved its session's secret, while the host is asked.
#[derive(Clone, Debug)]
pub struct Returning {
    resume: Resume,
    stranger: Key,
}

impl Returning {
    /// The session that is to come back.
    #[must_use]
    pub const fn session(&self) -> Key {
        Key::from_u64(self.resume.session)
    }

    /// Whose link it is until then.
    #[must_use]
    pub const fn stranger(&self) -> Key {
        self.stranger
    }
}

impl Registry {
    /// From here on, the host is asked about sessions that come back: [`take_returning`](Self::take_returning).
    pub const fn recheck(&mut self) {
        self.rechecks = true;
    }

    /// Whom to ask the host about, right after [`read`](Self::read) said that there is more: nothing is to be read of that link until
    /// [`let_return`](Self::let_return) was told the answer.
    pub const fn take_returning(&mut self) -> Option<Box<Returning>> {
        self.returning.take()
    }

    /// Whether the host is asked about this RESUME. Where the answer would be no in any case it is not.
    pub(super) fn asks_about(&mut self, stranger: Key, resume: &Resume) -> bool {
        let session = Key::from_u64(resume.session);
        let asks = self.rechecks
            && self
                .get(session)
                .is_some_and(|machine| machine.is_resumable(resume));
        if asks {
            let resume = resume.clone();
            self.returning = Some(Box::new(Returning { resume, stranger }));
        }
        asks
    }

    /// The host has answered. Who may come back does so where its secret, its attempt and its positions are still good; else the
    /// session ends, and the peer hears the host's words. That the host is full or busy ends nothing.
    pub fn let_return(
        &mut self,
        port: &mut Port,
        now: Time,
        returning: &Returning,
        verdict: Result<(), Rejection>,
        fx: &mut Effects,
        fresh: &mut dyn FnMut() -> Secret,
    ) {
        // Whose login deadline has passed is nobody any more.
        if self.get(returning.stranger).is_none() {
            return;
        }
        let resume = &returning.resume;
        let adopted = match verdict {
            Ok(()) => self.adopt(port, now, resume, fx, fresh),
            Err(why) => Err(match why.code() {
                RejectCode::Full | RejectCode::Busy => ResumeRefusal::NotNow(why),
                _ => self
                    .input(returning.session(), now, fx, |machine, cx| {
                        machine.bar(cx, resume, why)
                    })
                    .unwrap_or(ResumeRefusal::Gone),
            }),
        };
        self.answer(port, now, adopted, fx);
    }
}
