use std::{
    collections::{HashMap, hash_map::Entry},
    net::SocketAddr,
    time::Duration,
};

use tracing::{Level, Span, field};

use crate::{
    Event, EventKind,
    proto::{Phase, Side},
};

/// Writes the program's log: a span for each session, and in it an event for each thing that happened.
///
/// Whatever came from a peer was escaped and capped when it was read; secrets and credentials are in no event.
#[derive(Default)]
pub(super) struct Log {
    sessions: HashMap<u64, Session>,
    strangers: Strangers,
}

/// Of whom a server tells although nobody let them in: so many in a second, and of the others how many lines were left out. Who comes
/// again and again to be refused fills no disk (threat T23).
#[derive(Default)]
struct Strangers {
    second: u64,
    told: u32,
    left_out: u64,
}

/// A flood that is judged at all is thousands a second, of up to four lines each; twenty of them show what it is. A quiet server's
/// failures are all told.
const STRANGERS_A_SECOND: u32 = 20;

struct Session {
    span: Span,
    /// What its span says. It is said again only where it changed, because subscribers append.
    epoch: u64,
    remote: Option<SocketAddr>,
}

impl Log {
    pub(super) fn tell(&mut self, event: &Event, stands: Option<(Side, Phase)>) {
        let id = event.session();
        if let Some(left_out) = self.strangers.begin(event.at()) {
            tracing::warn!(target: "sessile", left_out, "lines about peers that nobody let in were left out");
        }
        let session = match self.sessions.entry(id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(_) if is_strangers(event, stands) && !self.strangers.tell() => return,
            Entry::Vacant(new) => new.insert(Session {
                span: begin(id, stands),
                epoch: 0,
                remote: None,
            }),
        };
        session.follow(event);
        session.span.in_scope(|| say(event));
        if matches!(event.kind(), EventKind::Ended(_)) {
            self.sessions.remove(&id);
        }
    }
}

impl Strangers {
    /// Time has come this far: how much was left out, where a second is over.
    fn begin(&mut self, now: Duration) -> Option<u64> {
        if now.as_secs() == self.second {
            return None;
        }
        (self.second, self.told) = (now.as_secs(), 0);
        Some(std::mem::take(&mut self.left_out)).filter(|&left_out| left_out > 0)
    }

    /// Whether one more is told of.
    fn tell(&mut self) -> bool {
        let tells = self.told < STRANGERS_A_SECOND;
        self.told += u32::from(tells);
        self.left_out += u64::from(!tells);
        tells
    }
}

/// Whether this is about a peer that nobody has let in.
fn is_strangers(event: &Event, stands: Option<(Side, Phase)>) -> bool {
    event.identity().is_none() && stands.is_none_or(|(side, _)| side == Side::Acceptor)
}

fn begin(id: u64, stands: Option<(Side, Phase)>) -> Span {
    let side = stands.map(|(side, _)| side.name());
    tracing::info_span!(
        target: "sessile",
        parent: None,
        "session",
        id,
        side,
        identity = field::Empty,
        epoch = field::Empty,
        remote = field::Empty,
    )
}

impl Session {
    /// A login, another link.
    fn follow(&mut self, event: &Event) {
        if self.epoch == 0
            && let Some(identity) = event.identity()
        {
            self.span.record("identity", field::display(identity));
        }
        if event.epoch() != self.epoch {
            self.epoch = event.epoch();
            self.span.record("epoch", self.epoch);
        }
        if let Some(remote) = event
            .remote_addr()
            .filter(|remote| self.remote != Some(*remote))
        {
            self.remote = Some(remote);
            self.span.record("remote", field::display(remote));
        }
    }
}

/// The levels: `WARN` for what somebody may have to look into, `INFO` for a session's milestones, `DEBUG` for the steps between.
fn say(event: &Event) {
    let (kind, name) = (event.kind(), event.kind().name());
    macro_rules! at {
        ($level:expr) => {
            tracing::event!(target: "sessile", $level, kind = name, "{kind}")
        };
    }
    match kind {
        EventKind::LoginFailed(_)
        | EventKind::Suspect
        | EventKind::TimedOut
        | EventKind::LinkLost(_) => at!(Level::WARN),
        EventKind::LinkUp | EventKind::LoginStarted | EventKind::ReconnectStarted { .. } => {
            at!(Level::DEBUG)
        }
        _ => at!(Level::INFO),
    }
}
