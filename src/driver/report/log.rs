use std::{collections::HashMap, net::SocketAddr};

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
}

struct Session {
    span: Span,
    /// What its span says. It is said again only where it changed, because subscribers append.
    epoch: u64,
    remote: Option<SocketAddr>,
}

impl Log {
    pub(super) fn tell(&mut self, event: &Event, stands: Option<(Side, Phase)>) {
        let id = event.session();
        let session = self.sessions.entry(id).or_insert_with(|| Session {
            span: begin(id, stands),
            epoch: 0,
            remote: None,
        });
        session.follow(event);
        session.span.in_scope(|| say(event));
        if matches!(event.kind(), EventKind::Ended(_)) {
            self.sessions.remove(&id);
        }
    }
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
