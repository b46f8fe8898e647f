use std::net::SocketAddr;

use super::{
    Cx, Effect, Key, LinkId, Phase, Side, Snapshot, Step, Time, Wake, dialer::Dialer, inbox::Inbox,
    keys::Keys, line::Line, liveness::Liveness, outbox::Outbox,
};
use crate::{Closed, Event, EventKind, Identity, LossCause, wire::Terms};

mod app;
mod away;
mod ending;
mod fingerprint;
mod frames;
mod greeting;
mod link;
mod login;
mod pause;
mod refusal;
mod resume;
mod timers;
mod transmit;
mod trouble;
#[cfg(feature = "sim")]
mod vitals;

#[cfg(feature = "sim")]
pub(crate) use self::vitals::Vitals;
pub use self::{
    away::Departure, frames::Heard, login::Verdict, resume::ResumeRefusal, timers::Course,
    transmit::Transmit,
};
pub use super::{dialer::LoginFailure, inbox::Received};
use away::Away;
use ending::Farewell;
use greeting::Opening;
use trouble::Trouble;

/// One session, on either side: everything that happens to it, and nothing of how.
///
/// Methods are of five kinds:
///
/// * what the **link** does: [`link_up`](Self::link_up), [`handle_frame`](Self::handle_frame),
///   [`link_down`](Self::link_down), [`dial_failed`](Self::dial_failed), [`blocked`](Self::blocked);
/// * what **time** does: [`deadline`](Self::deadline), [`handle_timeout`](Self::handle_timeout);
/// * what the **application** does: [`login`](Self::login), [`admit`](Self::admit), [`send`](Self::send),
///   [`recv`](Self::recv), [`close`](Self::close) and their kin;
/// * what **goes out**: [`transmit`](Self::transmit);
/// * what **is**: getters and [`snapshot`](Self::snapshot).
///
/// After each of the first three: drain effects, look at the deadline, transmit. See the [module](super).
#[derive(Clone, Debug)]
pub struct Machine {
    key: Key,
    phase: Phase,
    /// The phase changed since [`stamp`](Self::stamp) was called last.
    stepped: bool,
    phase_since: Time,
    logged_in_at: Time,
    stage: Stage,
    wake: Wake,
    /// Observers may hear of it. An acceptor's session is a stranger's until LOGIN was read.
    announced: bool,
    /// No handle will ever ask for it (again).
    abandoned: bool,
    ping_now: bool,
    /// A beat moved the deadline: it is worth arming anew at once.
    beaten: bool,
    /// Somebody asked whether the peer is there and waits to hear of it.
    probed: bool,
    epoch: u64,
    /// Whether the last link is the current one: there is none otherwise.
    linked: bool,
    last_link: LinkId,
    link_since: Time,
    remote: Option<SocketAddr>,
    identity: Option<Identity>,
    terms: Terms,
    inbox: Inbox,
    outbox: Outbox,
    volatile: Line,
    liveness: Liveness,
    role: Role,
    loss: LossCause,
    trouble: Option<Box<Trouble>>,
    ended: Option<Closed>,
    farewell: Farewell,
    /// The acceptor goes away; there is next to never anything here.
    away: Option<Box<Away>>,
}

/// What each side alone keeps.
#[derive(Clone, Debug)]
enum Role {
    Dialer(Box<Dialer>),
    Acceptor(Acceptor),
}

/// What only the side that accepts keeps.
#[derive(Clone, Debug)]
struct Acceptor {
    keys: Keys,
    instance: [u8; 16],
    login_attempt: u64,
    /// Nothing once the newest secret is proven.
    opening: Option<Box<Opening>>,
    /// How long the end is remembered, for a peer that comes back to hear of it (R13).
    forget_at: Time,
}

/// How far the current link has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// There is none.
    Down,
    /// Dialer: being dialed.
    Dialing,
    /// Dialer: up, nothing asked of it.
    Quiet,
    /// Dialer: LOGIN is to be written.
    Login,
    /// Dialer: waits for WELCOME, REFUSED or CHALLENGE.
    AwaitWelcome,
    /// Dialer: ANSWER is to be written.
    Answer,
    /// Dialer: RESUME is to be written.
    Resume,
    /// Dialer: waits for RESUMED or REFUSED.
    AwaitResumed,
    /// Acceptor: waits for LOGIN or RESUME.
    Greeting,
    /// Acceptor: the host judges the offer.
    Offered,
    /// Acceptor: CHALLENGE is to be written.
    Challenge,
    /// Acceptor: waits for ANSWER.
    AwaitAnswer,

    /// Acceptor: WELCOME is to be written.
    Welcome,
    /// Acceptor: RESUMED is to be written.
    Resumed,
    /// Messages flow.
    Open,
}

impl Machine {
    /// A client's session, not yet connected. `instance` names the client, `seed` makes its jitter.
    #[must_use]
    pub fn dialer(key: Key, instance: [u8; 16], login_attempt: u64, seed: u64) -> Self {
        let role = Role::Dialer(Box::new(Dialer::new(instance, login_attempt, seed)));
        Self {
            announced: true,
            ..Self::new(key, role)
        }
    }

    /// A server's end of a link that was just accepted: a stranger, who has until `login_by` to present himself.
    #[must_use]
    pub fn acceptor(
        key: Key,
        now: Time,
        remote: Option<SocketAddr>,
        login_by: Time,
    ) -> (Self, LinkId) {
        let link = LinkId(1);
        let role = Role::Acceptor(Acceptor {
            keys: Keys::default(),
            instance: [0; 16],
            login_attempt: 0,
            opening: Some(Box::new(Opening::until(login_by))),
            forget_at: now,
        });
        let machine = Self {
            phase: Phase::Connecting,
            stepped: false,
            phase_since: now,
            stage: Stage::Greeting,
            abandoned: true,
            linked: true,
            last_link: link,
            link_since: now,
            remote,
            ..Self::new(key, role)
        };
        (machine, link)
    }

    fn new(key: Key, role: Role) -> Self {
        Self {
            key,
            phase: Phase::Dialing,
            stepped: true,
            phase_since: Time::START,
            logged_in_at: Time::START,
            stage: Stage::Down,
            wake: Wake::NONE,
            announced: false,
            abandoned: false,
            ping_now: false,
            beaten: false,
            probed: false,
            epoch: 0,
            linked: false,
            last_link: LinkId(0),
            link_since: Time::START,
            remote: None,
            identity: None,
            terms: Terms::default(),
            inbox: Inbox::default(),
            outbox: Outbox::default(),
            volatile: Line::default(),
            liveness: Liveness::default(),
            role,
            loss: LossCause::ClosedByPeer,
            trouble: None,
            ended: None,
            farewell: Farewell::None,
            away: None,
        }
    }

    /// The session's key.
    #[must_use]
    pub const fn key(&self) -> Key {
        self.key
    }

    /// Which end of the links this is.
    #[must_use]
    pub const fn side(&self) -> Side {
        match self.role {
            Role::Dialer(_) => Side::Dialer,
            Role::Acceptor(_) => Side::Acceptor,
        }
    }

    /// Where the session is in its life.
    #[must_use]
    pub const fn phase(&self) -> Phase {
        self.phase
    }

    /// Number of the current or last link within the session; 0 before login.
    #[must_use]
    pub const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// When the session began: its login, whatever its links did since.
    #[must_use]
    pub const fn logged_in_at(&self) -> Time {
        self.logged_in_at
    }

    /// Who the remote is, from login on.
    #[must_use]
    pub const fn identity(&self) -> Option<&Identity> {
        self.identity.as_ref()
    }

    /// The link whose frames count. Every other link of this session is stale (R11).
    #[must_use]
    pub const fn current_link(&self) -> Option<LinkId> {
        if self.linked {
            Some(self.last_link)
        } else {
            None
        }
    }

    /// Why the session ended, if it did.
    #[must_use]
    pub const fn ended(&self) -> Option<&Closed> {
        self.ended.as_ref()
    }

    /// Where the current or last link comes from.
    #[must_use]
    pub const fn remote(&self) -> Option<SocketAddr> {
        self.remote
    }

    /// The largest message that may be sent; the decoder's limit once messages flow.
    #[must_use]
    pub const fn max_message(&self) -> usize {
        self.terms.max_message as usize
    }

    /// How long silence is tolerated; zero before login.
    #[must_use]
    pub const fn lease(&self) -> std::time::Duration {
        super::terms::lease(&self.terms)
    }

    /// How long it is kept without a link; zero before login.
    #[must_use]
    pub const fn resume_window(&self) -> std::time::Duration {
        super::terms::resume_window(&self.terms)
    }

    /// Takes who is to be woken.
    pub const fn take_wake(&mut self) -> Wake {
        std::mem::replace(&mut self.wake, Wake::NONE)
    }

    /// Notes when the phase changed, where it did: called after every input, at its time.
    pub const fn stamp(&mut self, now: Time) {
        if std::mem::replace(&mut self.stepped, false) {
            self.phase_since = now;
        }
    }

    /// How the session stands.
    #[must_use]
    pub fn snapshot(&self, now: Time) -> Snapshot {
        let (unacked_messages, unacked_bytes) = self.outbox.in_flight();
        let logged_in = self.epoch > 0;
        Snapshot {
            at: now.since_start(),
            id: self.key.as_u64(),
            identity: self.identity.clone(),
            phase: self.phase,
            phase_since: self.phase_since.since_start(),
            logged_in_at: logged_in.then(|| self.logged_in_at.since_start()),
            ended: self.ended.clone(),
            epoch: self.epoch,
            link_since: self.link_since.since_start(),
            remote_addr: self.remote,
            round_trip: self.liveness.round_trip(),
            min_round_trip: self.liveness.min_round_trip(),
            clock_offset_micros: self.liveness.clock_offset_micros(),
            remote_tick: self.liveness.remote_tick(),
            window_messages: self.terms.window_messages as usize,
            window_bytes: self.terms.window_bytes as usize,
            sent: self.outbox.accepted(),
            sent_bytes: self.outbox.accepted_bytes(),
            acked: self.outbox.acked(),
            unacked_messages,
            unacked_bytes,
            received: self.inbox.received(),
            received_bytes: self.inbox.received_bytes(),
            taken: self.inbox.taken(),
            first_epoch: self.first_epoch(),
            resumed: self.trouble().resumed,
            replayed: self.trouble().replayed,
            volatile_dropped: self.trouble().volatile_dropped,
        }
    }

    /// Goes on by the table, which is the only thing that decides what may follow what.
    fn step(&mut self, step: Step) {
        let next = self.phase.on(step);
        debug_assert!(next.is_some(), "{step:?} in {:?}", self.phase);
        if let Some(next) = next {
            self.phase = next;
            self.stepped = true;
            self.wake(Wake::STATE);
        }
    }

    fn wake(&mut self, who: Wake) {
        self.wake = self.wake | who;
    }

    fn emit(&self, cx: &mut Cx<'_>, kind: EventKind) {
        if self.announced {
            let id = self.key.as_u64();
            let event = Event::new(
                id,
                self.identity.clone(),
                self.remote,
                self.epoch,
                cx.now,
                kind,
            );
            cx.fx.push(Effect::Event(event));
        }
    }

    /// Makes the next link of this session the current one: every other is stale from here on.
    fn new_link(&mut self) -> LinkId {
        self.last_link = LinkId(self.last_link.0.wrapping_add(1));
        self.linked = true;
        self.last_link
    }

    fn dialer_mut(&mut self) -> Option<&mut Dialer> {
        match &mut self.role {
            Role::Dialer(dialer) => Some(dialer),
            Role::Acceptor(_) => None,
        }
    }

    fn acceptor_mut(&mut self) -> Option<&mut Acceptor> {
        match &mut self.role {
            Role::Acceptor(acceptor) => Some(acceptor),
            Role::Dialer(_) => None,
        }
    }
}
