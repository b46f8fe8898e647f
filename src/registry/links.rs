use std::net::SocketAddr;

use bytes::Bytes;

use super::{
    Port, Reading, Registry, admission::patience_of_resumes, port::Knock, strangers::Room,
};
use crate::{
    Closed,
    proto::{Cx, Effects, Heard, Key, LinkId, Machine, ResumeRefusal, Time, Transmit},
    wire::{self, Frame, LongPayload, Resume, Secret},
};

/// What links do: they are accepted, bring bytes and take bytes, and one of them may bring a session back.
impl Registry {
    /// A link was accepted: its stranger has until the login deadline to present himself, or until others need its place. `None`
    /// where there is no room for one more.
    pub fn accept(
        &mut self,
        now: Time,
        remote: Option<SocketAddr>,
        fx: &mut Effects,
    ) -> Option<Port> {
        let chance = self.chance.u32(..);
        match self.strangers.room(remote, &self.settings, chance) {
            Room::Free => {}
            Room::Short if self.make_way(now, fx) => {}
            Room::Short | Room::None => return None,
        }
        let key = self.free_key();
        let login_by = now + self.settings.login_deadline;
        let (machine, link) = Machine::acceptor(key, now, remote, login_by);
        self.put(machine);
        self.wheel.arm(key.slot(), login_by);
        self.rearmed = true;
        Some(Port::of_stranger(key, link))
    }

    /// Bytes arrived on a link: whole frames are applied, in order, and at most a turn's. What is left of `bytes` then is for
    /// the next turn.
    pub fn read(
        &mut self,
        port: &mut Port,
        now: Time,
        bytes: &mut &[u8],
        fx: &mut Effects,
        fresh: &mut dyn FnMut() -> Secret,
    ) -> Reading {
        let mut frames = self.settings.turn_frames;
        self.read_some(port, now, bytes, &mut frames, fx, fresh)
    }

    /// The same for a turn that is made of several reads: so many frames of it are left.
    pub fn read_some(
        &mut self,
        port: &mut Port,
        now: Time,
        bytes: &mut &[u8],
        frames: &mut usize,
        fx: &mut Effects,
        fresh: &mut dyn FnMut() -> Secret,
    ) -> Reading {
        loop {
            let key = port.key();
            let feed =
                |machine: &mut Machine, cx: &mut Cx<'_>| port.feed(machine, cx, bytes, frames);
            match self.input(key, now, fx, feed) {
                None => return Reading::Close,
                Some(Ok(reading)) => return reading,
                // Accepted or refused: what came with it in one piece is read as if it had come later.
                Some(Err(Knock::Login)) => {
                    self.has_spoken(key);
                    self.offer(key, now, fx);
                }
                Some(Err(Knock::Resume(resume))) => {
                    self.has_spoken(key);
                    let known = self.knows(now, port.key(), &resume);
                    if known.is_ok() && self.asks_about(port.key(), &resume) {
                        return Reading::More; // once the host has said yes
                    }
                    let adopted = known.and_then(|()| self.adopt(port, now, &resume, fx, fresh));
                    self.answer(port, now, adopted, fx);
                }
            }
        }
    }

    /// One frame arrived for a session whose host is at hand: a message is not stored, it is to be given to the host. `whole` is the
    /// same message where it can be kept without a copy.
    pub fn apply_direct(
        &mut self,
        key: Key,
        link: LinkId,
        now: Time,
        frame: &Frame<'_>,
        whole: Option<&Bytes>,
        fx: &mut Effects,
    ) -> Heard {
        self.input(key, now, fx, |machine, cx| {
            cx.direct = true;
            cx.whole = whole.cloned();
            machine.handle_frame(cx, link, frame)
        })
        .unwrap_or(Heard::Stale)
    }

    /// A stranger's link brings a session back, in one step (R3).
    pub(super) fn adopt(
        &mut self,
        port: &Port,
        now: Time,
        resume: &Resume,
        fx: &mut Effects,
        fresh: &mut dyn FnMut() -> Secret,
    ) -> Result<(Key, LinkId), ResumeRefusal> {
        let remote = self.get(port.key()).and_then(Machine::remote);
        let target = Key::from_u64(resume.session);
        // Nobody is wanted from there: the session ends for both, and its peer hears what was taken.
        if let Some(why) = self.bans.refusal_from(remote, now) {
            self.input(target, now, fx, |machine, cx| {
                machine.kick(cx, Closed::kicked(&why))
            });
        }
        // A timer that should have fired by now says how long we slept, also where the peer is read before it fires.
        let planned = self.wheel.armed(target.slot()).unwrap_or(now);
        let late = now.since(planned);
        let others = self.others_epoch(target);
        self.input_late(target, now, late, fx, |machine, cx| {
            machine.resume(cx, resume, remote, fresh(), others)
        })
        .unwrap_or(Err(ResumeRefusal::Gone))
        .map(|link| (target, link))
    }

    /// The link moves to the session that it brought back, and the stranger was never anybody; or it hears why not.
    pub(super) fn answer(
        &mut self,
        port: &mut Port,
        now: Time,
        adopted: Result<(Key, LinkId), ResumeRefusal>,
        fx: &mut Effects,
    ) {
        let stranger = port.key();
        match adopted {
            Ok((target, link)) => {
                self.count_return(target, now);
                self.forget(stranger);
                port.move_to(target, link);
            }
            Err(refusal) => {
                self.input(stranger, now, fx, |machine, cx| {
                    machine.refuse_resume(cx, refusal)
                });
            }
        }
    }

    /// Whether this RESUME is looked at: its secret is the session's, and it may come back now. The work is the same whether
    /// there is no such session or another secret: who guesses learns nothing from the clock.
    fn knows(&mut self, now: Time, stranger: Key, resume: &Resume) -> Result<(), ResumeRefusal> {
        let target = Key::from_u64(resume.session);
        let remote = self.get(stranger).and_then(Machine::remote);
        if resume.version != wire::VERSION {
            return Err(ResumeRefusal::Incompatible);
        }
        let patience = patience_of_resumes(&self.settings);
        if let Some(after) = self.failed_resumes.wait(remote, now, patience) {
            return Err(ResumeRefusal::Busy(after));
        }
        if !self.is_proven(stranger, target, &resume.secret) {
            self.failed_resumes.count(remote, now, patience);
            return Err(ResumeRefusal::Gone);
        }
        self.let_back(target, now).map_err(ResumeRefusal::Busy)
    }

    /// Looks at the keys of whoever has the slot, be it the session that is meant or a later one; at the stranger's own, which
    /// has none, where nobody has it. Only then it counts whether it was the one.
    fn is_proven(&self, stranger: Key, target: Key, secret: &Secret) -> bool {
        let slot = self.slots.get(target.slot() as usize);
        let there = slot.and_then(|slot| slot.machine.as_ref());
        let meant = slot.is_some_and(|slot| slot.generation == target.generation());
        let knows = there
            .or_else(|| self.get(stranger))
            .is_some_and(|machine| machine.knows(secret));
        // So that nothing of the above is left out where the rest decides.
        std::hint::black_box(knows) & std::hint::black_box(meant & there.is_some())
    }

    /// Tells a port how large a frame may be now, and whether its peer is a stranger still; what [`Registry::read`] does by itself.
    pub fn prepare(&self, port: &mut Port) {
        if let Some(machine) = self.get(port.key()) {
            port.prepare(machine);
        }
    }

    /// Appends to `out` what this link may write now.
    pub fn transmit(
        &mut self,
        port: &Port,
        now: Time,
        out: &mut Vec<u8>,
        fx: &mut Effects,
    ) -> Transmit {
        self.transmit_parts(port, now, out, None, fx)
    }

    /// The same. Long messages go to `long`, where there is one, to be written from where they lie.
    pub fn transmit_parts(
        &mut self,
        port: &Port,
        now: Time,
        out: &mut Vec<u8>,
        long: Option<&mut Vec<LongPayload>>,
        fx: &mut Effects,
    ) -> Transmit {
        if port.is_strangers() {
            self.look_at(port.key(), now);
        }
        let (link, closed) = (
            port.link(),
            Transmit {
                more: false,
                close: true,
            },
        );
        self.input(port.key(), now, fx, |machine, cx| {
            machine.transmit_parts(cx, link, out, long)
        })
        .unwrap_or(closed)
    }
}
