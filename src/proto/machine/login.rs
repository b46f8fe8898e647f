use bytes::Bytes;

use super::{
    Cx, Heard, LoginFailure, Machine, Phase, Role, Stage, Time, Wake, greeting::Greeting, refusal,
};
use crate::{
    Closed, EventKind, Identity, Reason, RejectCode, Rejection,
    canary::{Canary, sings},
    proto::{Offer, Step, dialer::Login, keys::Keys, terms},
    wire::{self, Secret, Violation},
};

/// What became of an admission.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "admitted or not")]
pub enum Verdict {
    /// Logged in.
    Admitted,
    /// Too late: the peer had gone, or its login deadline had passed (R16).
    Gone,
}

/// The dialer's part.
impl Machine {
    /// Logs in with these credentials, dialing first where there is no link. The outcome comes from
    /// [`login_outcome`](Self::login_outcome).
    pub fn login(&mut self, cx: &mut Cx<'_>, credentials: Bytes) {
        let stage = self.stage;
        let Some(dialer) = self.dialer_mut() else {
            return;
        };
        let too_long = credentials.len() > wire::CREDENTIALS_BYTES;
        let len = credentials.len();
        dialer.nudged = false;
        dialer.login = Login::Wanted {
            credentials,
            ends_by: None,
        };
        if too_long {
            let text = format!(
                "credentials of {len} bytes: at most {} fit",
                wire::CREDENTIALS_BYTES
            );
            return self.fail_login(cx, Closed::new(Reason::Refused).with_text(&text), None);
        }
        match stage {
            Stage::Down => self.dial(cx),
            Stage::Quiet => self.begin_login(cx),
            _ => {}
        }
    }

    pub(super) fn begin_login(&mut self, cx: &mut Cx<'_>) {
        let ends_by_now = cx.now + cx.settings.login_deadline;
        let Some(dialer) = self.dialer_mut() else {
            return;
        };
        dialer.login_attempt += 1;
        if let Login::Wanted { ends_by, .. } = &mut dialer.login {
            *ends_by = Some(ends_by_now);
        }
        self.stage = Stage::Login;
        self.wake(Wake::LINK);
        self.emit(cx, EventKind::LoginStarted);
    }

    /// Gives a login up that is under way. Its link is abandoned: an answer that still comes is nobody's (R7). False where
    /// it has succeeded already: this machine can never be another login's.
    pub fn cancel_login(&mut self, cx: &mut Cx<'_>) -> bool {
        self.end_login(cx, Closed::new(Reason::ClosedHere), None);
        if let Some(dialer) = self.dialer_mut() {
            dialer.login = Login::None;
        }
        self.identity.is_none()
    }

    /// The login under way failed, and its link goes with it.
    pub(super) fn end_login(
        &mut self,
        cx: &mut Cx<'_>,
        closed: Closed,
        rejection: Option<Rejection>,
    ) {
        if !self
            .dialer_mut()
            .is_some_and(|dialer| dialer.login.is_under_way())
        {
            return;
        }
        self.fail_login(cx, closed, rejection);
        self.linked = false;
        self.stage = Stage::Down;
        self.unblock();
        self.wake(Wake::LINK);
        if self.phase == Phase::Connecting {
            self.step(Step::LinkLost);
        }
    }

    /// The outcome of a login, once there is one; taking it makes a failed session ready to log in again.
    ///
    /// A session that has lost its link or ended since is a success all the same: what arrived before is to be read first.
    pub fn login_outcome(&mut self) -> Option<Result<(), LoginFailure>> {
        if self.identity.is_some() {
            return Some(Ok(()));
        }
        let ended = self.ended.clone();
        let dialer = self.dialer_mut()?;
        match std::mem::replace(&mut dialer.login, Login::None) {
            Login::Failed(failure) => Some(Err(failure)),
            login => {
                dialer.login = login;
                ended.map(|closed| {
                    Err(LoginFailure {
                        closed,
                        rejection: None,
                    })
                })
            }
        }
    }

    /// What the acceptor asks back, once, for the caller to [`answer`](Self::answer).
    pub fn take_challenge(&mut self) -> Option<Bytes> {
        match &mut self.dialer_mut()?.login {
            Login::Challenged { ask, .. } if !ask.is_empty() => Some(std::mem::take(ask)),
            _ => None,
        }
    }

    /// Answers the challenge; with `None` the login fails, for nobody here can.
    pub fn answer(&mut self, cx: &mut Cx<'_>, answer: Option<Bytes>) {
        let Some(dialer) = self.dialer_mut() else {
            return;
        };
        let Login::Challenged { ends_by, .. } = dialer.login else {
            return;
        };
        match answer {
            Some(answer) if answer.len() < wire::LOGIN_FRAME_BYTES => {
                dialer.login = Login::Answering { answer, ends_by };
                self.stage = Stage::Answer;
                self.wake(Wake::LINK);
            }
            _ => {
                let text = "the server asked back and these credentials have no answer that fits";
                self.end_login(cx, Closed::new(Reason::Refused).with_text(text), None);
            }
        }
    }

    pub(super) fn on_challenge(&mut self, asked: &[u8]) -> Result<(), Violation> {
        let Some(dialer) = self.dialer_mut() else {
            return Err(Violation::OutOfPlace);
        };
        if matches!(dialer.login, Login::Challenged { .. }) {
            return Err(Violation::OutOfPlace);
        }
        let ends_by = dialer.login.ends_by();
        if asked.is_empty() {
            return Err(Violation::BadValue);
        }
        dialer.login = Login::Challenged {
            ask: Bytes::copy_from_slice(asked),
            ends_by,
        };
        self.wake(Wake::STATE);
        Ok(())
    }

    pub(super) fn on_welcome(
        &mut self,
        cx: &mut Cx<'_>,
        welcome: &wire::Welcome<'_>,
    ) -> Result<(), Violation> {
        let identity = Identity::new(welcome.identity).map_err(|_| Violation::BadValue)?;
        // LOGIN offers one version and no features.
        if welcome.version != wire::VERSION || welcome.features != 0 || welcome.epoch == 0 {
            return Err(Violation::BadValue);
        }
        terms::check_granted(cx.settings, &welcome.terms)?;
        let Some(dialer) = self.dialer_mut() else {
            return Err(Violation::OutOfPlace);
        };
        if matches!(dialer.login, Login::Challenged { .. }) {
            return Err(Violation::OutOfPlace);
        }
        dialer.login = Login::None;
        dialer.session = welcome.session;
        dialer.secret = welcome.secret.clone();
        dialer.attempt = 0;
        self.terms = welcome.terms;
        self.identity = Some(identity);
        self.begin_session(cx, welcome.epoch);
        self.stage = Stage::Open;
        self.inbox.must_state(); // R6: proof never waits for traffic
        Ok(())
    }

    pub(super) fn on_login_refused(&mut self, cx: &mut Cx<'_>, refused: &wire::Refused<'_>) {
        let reason = match RejectCode::from_code(refused.code) {
            RejectCode::Incompatible => Reason::Incompatible,
            RejectCode::Stale => Reason::Stale,
            _ => Reason::Refused,
        };
        let rejection = refusal::rejection(refused);
        let closed = Closed::new(reason).with_rejection(rejection.clone());
        self.end_login(cx, closed, Some(rejection));
    }

    /// Both sides: logged in, from here on.
    fn begin_session(&mut self, cx: &mut Cx<'_>, epoch: u64) {
        self.epoch = epoch;
        self.inbox.reset();
        self.outbox.reset();
        self.trouble = None;
        self.logged_in_at = cx.now;
        self.link_since = cx.now;
        self.liveness.link_up(cx.now);
        self.step(Step::LoginOk);
        self.emit(cx, EventKind::LoggedIn);
        self.wake(Wake::ALL);
    }
}

/// The acceptor's part.
impl Machine {
    pub(super) fn on_login(
        &mut self,
        cx: &mut Cx<'_>,
        login: &wire::Login<'_>,
    ) -> Result<Heard, Violation> {
        terms::check_asked(&login.terms)?;
        let Some(acceptor) = self.acceptor_mut() else {
            return Err(Violation::OutOfPlace);
        };
        acceptor.instance = login.instance;
        acceptor.login_attempt = login.attempt;
        if let Some(opening) = &mut acceptor.opening {
            opening.greeting = Some(Greeting {
                credentials: Bytes::copy_from_slice(login.credentials),
                asked: login.terms,
                ask: Bytes::new(),
                answer: None,
                limits: None,
                reserved: false,
            });
        }
        self.announced = true;
        self.stage = Stage::Offered;
        self.emit(cx, EventKind::LinkUp);
        self.emit(cx, EventKind::LoginStarted);
        if login.oldest > wire::VERSION || login.version < wire::VERSION {
            self.reject(cx, &Rejection::new(RejectCode::Incompatible));
            return Ok(Heard::Applied);
        }
        Ok(Heard::Offered)
    }

    /// What the peer presented, while nobody has answered it.
    #[must_use]
    pub fn offer(&self) -> Option<Offer> {
        let Role::Acceptor(acceptor) = &self.role else {
            return None;
        };
        let greeting = acceptor.greeting()?;
        Some(Offer {
            credentials: greeting.credentials.clone(),
            remote: self.remote,
        })
    }

    /// Bytes that are kept of what the peer presented.
    #[must_use]
    pub fn kept_of_offer(&self) -> usize {
        let Role::Acceptor(acceptor) = &self.role else {
            return 0;
        };
        acceptor.greeting().map_or(0, |greeting| {
            greeting.credentials.len() + greeting.answer.as_ref().map_or(0, Bytes::len)
        })
    }

    /// The host says who this is. The registry has made room for the identity in the same step.
    pub fn admit(
        &mut self,
        cx: &mut Cx<'_>,
        identity: Identity,
        epoch: u64,
        secret: Secret,
    ) -> Verdict {
        if !self.is_admissible(cx.now) {
            return Verdict::Gone;
        }
        let prove_by = cx.now + cx.settings.login_deadline;
        let Some(acceptor) = self.acceptor_mut() else {
            return Verdict::Gone;
        };
        let Some(opening) = &mut acceptor.opening else {
            return Verdict::Gone;
        };
        let Some(greeting) = opening.greeting.take() else {
            return Verdict::Gone;
        };
        acceptor.keys = Keys::new(&secret);
        opening.fresh = Some(secret);
        opening.login_by = (!sings(Canary::NeverProvenLives)).then_some(prove_by);
        let ours = greeting
            .limits
            .unwrap_or_else(|| terms::wanted(cx.settings));
        self.terms = terms::granted(&ours, &greeting.asked);
        self.identity = Some(identity);
        self.begin_session(cx, epoch);
        // A host need not wait for the answer to its question; WELCOME does.
        if self.stage != Stage::AwaitAnswer {
            self.stage = Stage::Welcome;
        }
        Verdict::Admitted
    }

    /// The host said who this is, too late: the peer had gone. Its handle can still say who it was for.
    pub fn name_the_dead(&mut self, identity: Identity) {
        if self.phase == Phase::Ended {
            self.identity.get_or_insert(identity);
        }
    }

    /// Whether the peer still waits to be admitted: its link is up and its deadline has not passed (R16).
    #[must_use]
    pub fn is_admissible(&self, now: Time) -> bool {
        let Role::Acceptor(acceptor) = &self.role else {
            return false;
        };
        self.phase == Phase::Connecting
            && acceptor.greeting().is_some()
            && acceptor.login_by().is_some_and(|by| now < by)
    }

    /// The host says no.
    pub fn reject(&mut self, cx: &mut Cx<'_>, why: &Rejection) {
        if self.phase != Phase::Connecting {
            return;
        }
        let closed = Closed::new(Reason::Refused).with_rejection(why.clone());
        let refusal = refusal::Refusal::of(why);
        self.refuse(cx, closed, refusal);
    }

    /// Which client this is and its how manieth login (R12).
    #[must_use]
    pub const fn instance(&self) -> ([u8; 16], u64) {
        match &self.role {
            Role::Acceptor(acceptor) => (acceptor.instance, acceptor.login_attempt),
            Role::Dialer(dialer) => (dialer.instance, dialer.login_attempt),
        }
    }
}
