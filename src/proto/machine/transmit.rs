use bytes::Bytes;

use super::{Acceptor, Cx, Farewell, LinkId, Machine, Stage, Wake, refusal};
use crate::{
    canary::{self, Canary, sings},
    proto::{dialer::Login as Wish, terms},
    wire::{
        Close, Frame, LONG_BYTES, Login, LongPayload, Resumed, VERSION, Welcome, encode_data,
        encode_volatile, payload_header,
    },
};

/// What [`Machine::transmit`] left to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use]
#[expect(clippy::exhaustive_structs, reason = "made by the machine alone")]
pub struct Transmit {
    /// This turn's budget is used up and there is more: come again after others had their turn.
    pub more: bool,
    /// Write what there is, then close the link.
    pub close: bool,
}

impl Machine {
    /// Appends to `out` what this link may write now: at most a turn's frames and bytes.
    pub fn transmit(&mut self, cx: &mut Cx<'_>, link: LinkId, out: &mut Vec<u8>) -> Transmit {
        self.transmit_parts(cx, link, out, None)
    }

    /// The same. Long messages go to `long`, where there is one, to be written from where they lie.
    pub fn transmit_parts(
        &mut self,
        cx: &mut Cx<'_>,
        link: LinkId,
        out: &mut Vec<u8>,
        long: Option<&mut Vec<LongPayload>>,
    ) -> Transmit {
        if self.current_link() != Some(link) {
            return Transmit {
                more: false,
                close: !canary::is_lax_about_links(),
            };
        }
        let before = out.len();
        self.write_handshake(cx, out);
        if let Farewell::Refusing(refusing) = &self.farewell {
            refusing.refusal.encode(out);
            self.settle();
            return Transmit {
                more: false,
                close: true,
            };
        }
        let mut transmit = Transmit::default();
        if self.stage == Stage::Open {
            transmit.more = self.write_open(cx, out, long, before);
            if !transmit.more {
                transmit.close = self.write_farewell(out);
            }
        }
        if out.len() > before {
            self.liveness.say(cx.now);
        }
        transmit
    }

    /// The one frame that a link begins with, on this side, where it is due.
    fn write_handshake(&mut self, cx: &Cx<'_>, out: &mut Vec<u8>) {
        match self.stage {
            Stage::Login => self.write_login(cx, out),
            Stage::Answer => {
                if let Some(Wish::Answering { answer, .. }) =
                    self.dialer_mut().map(|dialer| &dialer.login)
                {
                    Frame::Answer(answer).encode(out);
                }
                self.stage = Stage::AwaitWelcome;
            }
            Stage::Resume => {
                if let Some(resume) = self.next_resume() {
                    Frame::Resume(resume).encode(out);
                }
                if sings(Canary::FrameBeforeResumed) {
                    Frame::Ping(self.liveness.ping(cx.now, cx.tick)).encode(out);
                }
                self.stage = Stage::AwaitResumed;
                if let Some(dialer) = self.dialer_mut() {
                    dialer.resumed_by = cx.now + cx.settings.login_deadline;
                }
            }
            Stage::Challenge => {
                if let Some(greeting) = self.acceptor_mut().and_then(Acceptor::greeting_mut) {
                    Frame::Challenge(&std::mem::take(&mut greeting.ask)).encode(out);
                }
                self.stage = Stage::AwaitAnswer;
            }
            Stage::Welcome => self.write_welcome(out),
            Stage::Resumed => self.write_resumed(out),
            _ => {}
        }
    }

    fn write_login(&mut self, cx: &Cx<'_>, out: &mut Vec<u8>) {
        self.stage = Stage::AwaitWelcome;
        let Some(dialer) = self.dialer_mut() else {
            return;
        };
        let Wish::Wanted { credentials, .. } = &dialer.login else {
            return;
        };
        Frame::Login(Login {
            version: VERSION,
            oldest: VERSION,
            features: 0,
            instance: dialer.instance,
            attempt: dialer.login_attempt,
            terms: terms::wanted(cx.settings),
            credentials,
        })
        .encode(out);
    }

    fn write_welcome(&mut self, out: &mut Vec<u8>) {
        self.stage = Stage::Open;
        let (session, epoch, terms) = (self.key.as_u64(), self.epoch, self.terms);
        let Some(secret) = self
            .acceptor_mut()
            .and_then(|acceptor| acceptor.opening.as_mut()?.fresh.take())
        else {
            return;
        };
        let identity = self
            .identity
            .as_ref()
            .map(|identity| identity.as_bytes())
            .unwrap_or_default();
        Frame::Welcome(Welcome {
            version: VERSION,
            features: 0,
            session,
            epoch,
            secret,
            terms,
            identity,
        })
        .encode(out);
    }

    fn write_resumed(&mut self, out: &mut Vec<u8>) {
        self.stage = Stage::Open;
        let (received, taken) = self.inbox.state_positions();
        let epoch = self.epoch;
        let Some(secret) = self
            .acceptor_mut()
            .and_then(|acceptor| acceptor.opening.as_mut()?.fresh.take())
        else {
            return;
        };
        Frame::Resumed(Resumed {
            epoch,
            secret,
            received,
            taken,
        })
        .encode(out);
    }

    /// Control first, so that no amount of data holds a heartbeat up; then messages. True where the budget ran out.
    fn write_open(
        &mut self,
        cx: &Cx<'_>,
        out: &mut Vec<u8>,
        mut long: Option<&mut Vec<LongPayload>>,
        before: usize,
    ) -> bool {
        let suspect = self.phase == super::Phase::Suspect;
        if let Some(pong) = self.liveness.pong(cx.now, cx.tick) {
            Frame::Pong(pong).encode(out);
            self.beat(cx.now);
        }
        self.write_go_away(cx, out);
        let ping = std::mem::take(&mut self.ping_now)
            || (self.ended.is_none()
                && self
                    .liveness
                    .is_ping_due(cx.now, &self.terms, self.side(), suspect));
        let company =
            out.len() > before || ping || self.has_unwritten() || !self.volatile.is_empty();
        if self.inbox.is_due(cx.now) || (company && self.inbox.has_news()) {
            Frame::Ack(self.inbox.state()).encode(out);
        }
        let (mut frames, mut lent) = (0, 0);
        let spent = |frames: usize, lent: usize, out: &Vec<u8>| {
            frames >= cx.settings.turn_frames || out.len() - before + lent >= cx.settings.turn_bytes
        };
        while !self.volatile.is_empty() {
            if spent(frames, lent, out) {
                return true;
            }
            let Some(one) = self.volatile.pop_front() else {
                break;
            };
            match &mut long {
                Some(long) if one.payload.len() >= LONG_BYTES => {
                    lent += lend(one.payload, true, out, long);
                }
                _ => encode_volatile(&one.payload, out),
            }
            frames += 1;
        }
        while self.has_unwritten() {
            if spent(frames, lent, out) {
                return true;
            }
            let Some(payload) = self.outbox.write_next(&self.terms) else {
                break;
            };
            match &mut long {
                Some(long) if payload.len() >= LONG_BYTES => {
                    lent += lend(payload.clone(), false, out, long);
                }
                _ => encode_data(payload, out),
            }
            frames += 1;
        }
        // A probe goes out whatever else does; a mere beat only where nothing else did.
        if ping && (suspect || self.probed || frames == 0) {
            Frame::Ping(self.liveness.ping(cx.now, cx.tick)).encode(out);
        }
        false
    }

    /// The last words on this link, once everything before them was written. True where the link closes after them.
    fn write_farewell(&mut self, out: &mut Vec<u8>) -> bool {
        match &mut self.farewell {
            Farewell::None | Farewell::Done | Farewell::Refusing(_) => false,
            Farewell::Closing { said, .. } => {
                if self.outbox.is_written() && !std::mem::replace(said, true) {
                    self.write_close(out);
                }
                false
            }
            Farewell::LastWord { .. } => {
                self.write_close(out);
                self.settle();
                true
            }
            Farewell::Answering { .. } => {
                if !self.inbox.is_empty() {
                    return false;
                }
                Frame::Closed(self.inbox.taken()).encode(out);
                self.settle();
                true
            }
        }
    }

    fn write_close(&self, out: &mut Vec<u8>) {
        let Some(closed) = &self.ended else { return };
        let text = closed.text().unwrap_or_default();
        let (code, retry) = (closed.code(), refusal::retry_class(closed.retry()));
        Frame::Close(Close {
            code,
            retry,
            taken: self.inbox.taken(),
            text,
        })
        .encode(out);
    }

    /// Whether this link has something to write, or to close.
    #[must_use]
    pub fn wants_transmit(&self, cx: &Cx<'_>) -> bool {
        match self.stage {
            Stage::Login
            | Stage::Answer
            | Stage::Resume
            | Stage::Challenge
            | Stage::Welcome
            | Stage::Resumed => true,
            Stage::Open => {
                self.liveness.owes_pong()
                    || self.ping_now
                    || self.owes_go_away()
                    || self.inbox.is_due(cx.now)
                    || self.has_unwritten()
                    || !self.volatile.is_empty()
                    || self
                        .farewell
                        .has_words(self.inbox.is_empty(), self.outbox.is_written())
            }
            _ => matches!(self.farewell, Farewell::Refusing(_)),
        }
    }

    /// Whether messages wait that this link may carry. None once the peer closed: it skips them, and what was never written
    /// can be handed back as never sent.
    fn has_unwritten(&self) -> bool {
        !matches!(self.farewell, Farewell::Answering { .. })
            && self.outbox.has_unwritten(&self.terms)
    }

    /// Wakes the link's task if there is something for it to write.
    pub fn wake_if_due(&mut self, cx: &Cx<'_>) {
        if self.wants_transmit(cx) {
            self.wake(Wake::LINK);
        }
    }
}

/// Only what stands before a long message is written to `out`. How many bytes the message has.
fn lend(payload: Bytes, volatile: bool, out: &mut Vec<u8>, long: &mut Vec<LongPayload>) -> usize {
    let len = payload.len();
    out.extend_from_slice(&payload_header(volatile, len));
    let at = out.len();
    long.push(LongPayload { at, payload });
    len
}
