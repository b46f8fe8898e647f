use bytes::Bytes;

use super::{Cx, LinkId, Machine, Phase, Role, Stage, Wake};
use crate::{
    EventKind, LossCause,
    canary::{Canary, sings},
    message::Lent,
    proto::{Step, liveness::Nothing, terms},
    wire::{Frame, Resume, Violation},
};

/// What a frame brought about.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "the registry acts on each of them")]
pub enum Heard {
    /// It was applied; go on with the next.
    Applied,
    /// It was a message, and it counts as taken: give it to the host now ([`Cx::direct`]).
    Direct,
    /// The link is not the session's current one (any more): close it. Whatever else it brings is nobody's (R11).
    Stale,
    /// A stranger presented itself: the registry decides whether its host is asked.
    Offered,
    /// A stranger's link brings back another session: the registry decides, and moves the link there.
    Resume(Box<Resume>),
}

impl Machine {
    /// A complete frame arrived on this link. No frame, whatever its bytes, can do more than end its own link.
    pub fn handle_frame(&mut self, cx: &mut Cx<'_>, link: LinkId, frame: &Frame<'_>) -> Heard {
        let message = matches!(frame, Frame::Data(_) | Frame::Volatile(_));
        if self.is_fenced(link, message) {
            return Heard::Stale;
        }
        match self.apply(cx, frame) {
            Ok(Heard::Resume(resume)) => Heard::Resume(resume),
            Ok(_) if self.is_fenced(link, message) => Heard::Stale,
            Ok(heard) => {
                self.hear(cx);
                heard
            }
            Err(violation) => {
                self.lose(cx, LossCause::Protocol(violation));
                Heard::Stale
            }
        }
    }

    /// Whether what this link brings is nobody's, for it is not the session's current one (R11): messages, or anything else.
    pub(crate) fn is_fenced(&self, link: LinkId, message: bool) -> bool {
        let lax = sings(Canary::NoEpochCheck) || (sings(Canary::EpochOnDataOnly) && !message);
        self.current_link() != Some(link) && !lax
    }

    /// What may come in which state; everything else is out of place.
    fn apply(&mut self, cx: &mut Cx<'_>, frame: &Frame<'_>) -> Result<Heard, Violation> {
        match (self.stage, frame) {
            (Stage::Open, Frame::Extension(_)) => self.spend(cx, Nothing::Else)?,
            (_, Frame::Extension(_)) => {}
            // Whoever was refused a resume is not heard again on that link, whether it was told by now or not. It may have
            // closed before it knew: REFUSED answers that, too.
            (Stage::Greeting, Frame::Close(_)) if self.phase == Phase::Ended => {}
            (Stage::Greeting, _) if self.phase == Phase::Ended => {
                return Err(Violation::OutOfPlace);
            }
            (Stage::Greeting, Frame::Login(login)) => return self.on_login(cx, login),
            (Stage::Greeting, Frame::Resume(resume)) => {
                return Ok(Heard::Resume(Box::new(resume.clone())));
            }
            (Stage::AwaitAnswer, Frame::Answer(answer)) => self.on_answer(answer),
            (Stage::AwaitWelcome, Frame::Challenge(asked)) => self.on_challenge(asked)?,
            (Stage::AwaitWelcome, Frame::Welcome(welcome)) => self.on_welcome(cx, welcome)?,
            (Stage::Login | Stage::Answer | Stage::AwaitWelcome, Frame::Refused(refused)) => {
                self.on_login_refused(cx, refused);
            }
            (Stage::AwaitResumed, Frame::Resumed(resumed)) => self.on_resumed(cx, resumed)?,
            (Stage::Resume | Stage::AwaitResumed, Frame::Refused(refused)) => {
                self.on_resume_refused(cx, refused)
            }
            // The one frame that a dialer may write before it read RESUMED (R6).
            (Stage::Resumed | Stage::Open, Frame::Close(close)) => self.on_close(cx, close),
            (Stage::Resumed, Frame::Ping(_)) if sings(Canary::FrameBeforeResumed) => {
                if let Some(acceptor) = self.acceptor_mut() {
                    acceptor.keys.prove();
                }
            }
            (Stage::Open, frame) => return self.apply_open(cx, frame),
            _ => return Err(Violation::OutOfPlace),
        }
        Ok(Heard::Applied)
    }

    fn apply_open(&mut self, cx: &mut Cx<'_>, frame: &Frame<'_>) -> Result<Heard, Violation> {
        let direct = cx.direct && self.inbox.is_empty() && self.outbox.is_open(&self.terms);
        let reading = self.phase != Phase::Ended;
        match frame {
            // Nobody will read it; the peer hears so from the final `taken`.
            Frame::Data(_) | Frame::Volatile(_) if !reading => {}
            Frame::Data(payload) => {
                if payload.len() > self.max_message() {
                    return Err(Violation::TooLong);
                }
                if direct {
                    let delay = terms::ack_delay(cx.settings, &self.terms);
                    self.inbox.pass(payload.len(), cx.now, delay, &self.terms)?;
                    return Ok(Heard::Direct);
                }
                self.inbox.put(kept(&cx.whole, payload), &self.terms)?;
                self.wake(Wake::RECV);
            }
            Frame::Volatile(payload) => {
                if payload.len() > self.max_message() {
                    return Err(Violation::TooLong);
                }
                if direct {
                    return Ok(Heard::Direct);
                }
                let (message, most) = (kept(&cx.whole, payload), cx.settings.volatile_messages);
                let dropped = self.inbox.put_volatile(message, most, &self.terms);
                self.drop_volatile(u64::from(dropped));
                self.wake(Wake::RECV);
            }
            Frame::Ack(taken) => {
                if self.outbox.ack(*taken)? {
                    self.wake(Wake::SEND);
                } else {
                    self.spend(cx, Nothing::Else)?;
                }
            }
            Frame::Ping(beat) => {
                // An acceptor may have to ask at any rate whether a dialer is there (TAKE-9), and nobody else waits for a dialer.
                if matches!(self.role, Role::Acceptor(_)) {
                    self.spend(cx, Nothing::Ping)?;
                }
                cx.fx.measured(self.liveness.hear_ping(cx.now, beat));
                self.wake(Wake::LINK);
            }
            Frame::Pong(beat) => {
                if !self.liveness.is_answer(beat) {
                    self.spend(cx, Nothing::Else)?;
                }
                cx.fx.measured(self.liveness.hear_pong(cx.now, beat));
                self.beat(cx.now);
            }
            Frame::Closed(taken) => self.on_closed(*taken)?,
            Frame::GoAway(said) if matches!(self.role, Role::Dialer(_)) => {
                self.on_go_away(cx, said);
            }
            _ => return Err(Violation::OutOfPlace),
        }
        Ok(Heard::Applied)
    }

    /// One more frame that carries nothing, or one too many.
    fn spend(&mut self, cx: &Cx<'_>, what: Nothing) -> Result<(), Violation> {
        self.liveness.spend(cx.now, &self.terms, what)
    }

    /// Bytes that are no frame.
    pub fn handle_violation(&mut self, cx: &mut Cx<'_>, link: LinkId, violation: Violation) {
        self.link_down(cx, link, LossCause::Protocol(violation));
    }

    /// Any complete valid frame of the current link counts as life, and proves that the newest secret arrived.
    fn hear(&mut self, cx: &mut Cx<'_>) {
        if self.stage != Stage::Open {
            return;
        }
        self.liveness.hear(cx.now);
        if std::mem::take(&mut self.probed) {
            self.wake(Wake::PROBE);
        }
        self.prove();
        if self.phase == Phase::Suspect {
            self.step(Step::Heard);
            self.emit(cx, EventKind::Recovered);
        }
    }

    /// The largest frame that the current link may bring now, counted from its type byte.
    #[must_use]
    pub fn frame_limit(&self) -> usize {
        match self.stage {
            Stage::Open => self.max_message() + 1,
            _ => crate::wire::LOGIN_FRAME_BYTES,
        }
    }

    /// Pings the peer now, to see whether it is there. False where there is no link that could answer.
    pub fn probe(&mut self) -> bool {
        let can = self.phase.is_up()
            && matches!(self.role, Role::Acceptor(_))
            && self.stage == Stage::Open;
        if can {
            self.ping_now = true;
            self.probed = true;
            self.wake(Wake::LINK);
        }
        can
    }

    /// Whether the peer was heard after it was probed at `then`; an answer within the same microsecond is one, too.
    #[must_use]
    pub fn heard_since(&self, then: super::Time) -> bool {
        self.phase.is_up() && (!self.probed || self.liveness.heard_since(then))
    }
}

/// A message that arrived, to be shared where it was put together on its own, else to be copied.
fn kept<'a>(whole: &'a Option<Bytes>, payload: &'a [u8]) -> Lent<'a> {
    debug_assert!(
        whole.as_ref().is_none_or(|whole| **whole == *payload),
        "another message than the frame's"
    );
    whole.as_ref().map_or(Lent::Slice(payload), Lent::Shared)
}
