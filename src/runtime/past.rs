use crate::{
    Closed, EventKind, Identity, Snapshot,
    driver::{KEPT, Record},
};
use std::{fmt, sync::Arc, time::Duration};

/// A session that ended: why, when, and what happened to it before. One word, cheap to clone; it keeps nothing alive.
///
/// Its text is one line, safe to log. Times are times since the runtime started, as [`Event::at`](crate::Event::at).
///
/// ```
/// use sessile::Sessions;
///
/// fn support(sessions: &Sessions, customer: u64) {
///     let Some(past) = sessions.why(customer) else {
///         return println!("never here, or too long ago");
///     };
///     println!("{past}");
///     for event in past.events() {
///         println!("  {event}");
///     }
/// }
/// ```
#[derive(Clone)]
pub struct PastSession(Arc<Record>);

/// One event in the life of a session that ended.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct PastEvent {
    /// When it happened: time since the runtime started.
    pub at: Duration,
    /// The number of the session's link then.
    pub epoch: u64,
    /// What happened.
    pub kind: EventKind,
}

impl PastSession {
    pub(super) const fn new(record: Arc<Record>) -> Self {
        Self(record)
    }

    /// Who was logged in.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.0.identity
    }

    /// The session's number, as [`Peer::id`](crate::Peer::id).
    #[must_use]
    pub fn id(&self) -> u64 {
        self.0.snapshot.id
    }

    /// The number of its last link.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.0.snapshot.epoch
    }

    /// Why it ended.
    #[must_use]
    pub fn closed(&self) -> &Closed {
        &self.0.closed
    }

    /// When it ended.
    #[must_use]
    pub fn ended_at(&self) -> Duration {
        self.0.snapshot.at
    }

    /// How long it lived, from its login on.
    #[must_use]
    pub fn lived(&self) -> Duration {
        self.ended_at().saturating_sub(self.logged_in_at())
    }

    /// How it stood at the moment of its end. What its peer acknowledged after that is not in it.
    #[must_use]
    pub fn snapshot(&self) -> &Snapshot {
        &self.0.snapshot
    }

    /// The last 16 of its events from `LoggedIn` to `Ended`, oldest first.
    ///
    /// ```
    /// use sessile::{EventKind, PastSession};
    ///
    /// fn lost_links(past: &PastSession) -> usize {
    ///     past.events()
    ///         .filter(|event| matches!(event.kind, EventKind::LinkLost(_) | EventKind::TimedOut))
    ///         .count()
    /// }
    /// ```
    pub fn events(&self) -> impl Iterator<Item = PastEvent> + '_ {
        let whole = self.0.history.len() < KEPT;
        let login = whole.then(|| PastEvent {
            at: self.logged_in_at(),
            epoch: self.0.snapshot.first_epoch,
            kind: EventKind::LoggedIn,
        });
        let between = self.0.history.iter().map(|mark| PastEvent {
            at: mark.at.since_start(),
            epoch: mark.epoch,
            kind: mark.kind(),
        });
        let end = PastEvent {
            at: self.ended_at(),
            epoch: self.epoch(),
            kind: EventKind::Ended(self.closed().clone()),
        };
        login.into_iter().chain(between).chain([end])
    }

    fn logged_in_at(&self) -> Duration {
        self.0.snapshot.logged_in_at.unwrap_or_default()
    }
}

impl fmt::Display for PastSession {
    /// One line: `12.345s session 7 (alice) after 3.210s, resumed 2 times: the session ended: …`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:.3}s session {} ({}) after {:.3}s, resumed {} times: {}",
            self.ended_at().as_secs_f64(),
            self.id(),
            self.identity(),
            self.lived().as_secs_f64(),
            self.0.snapshot.resumed,
            self.closed(),
        )
    }
}

impl fmt::Debug for PastSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PastSession")
            .field("id", &self.id())
            .field("identity", self.identity())
            .field("ended_at", &self.ended_at())
            .field("closed", self.closed())
            .finish_non_exhaustive()
    }
}

impl fmt::Display for PastEvent {
    /// One line: `12.345s epoch 2: link-lost: …`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:.3}s epoch {}: {}",
            self.at.as_secs_f64(),
            self.epoch,
            self.kind
        )
    }
}
