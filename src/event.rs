use crate::{Closed, Identity, LossCause, proto::Time};
use std::{fmt, net::SocketAddr, time::Duration};

/// Something that happened to one session. Everybody who observes sees the same events in the same order.
///
/// ```
/// use sessile::{Event, EventKind};
///
/// fn log(event: &Event) {
///     match event.kind() {
///         EventKind::Ended(closed) => eprintln!("{event}, blame {}", closed.blame()),
///         _ => eprintln!("{event}"), // one line, safe to log
///     }
/// }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    session: u64,
    identity: Option<Identity>,
    remote: Option<SocketAddr>,
    epoch: u64,
    at: Time,
    kind: EventKind,
}

/// What happened to a session.
///
/// ```
/// use sessile::EventKind;
///
/// let kind = EventKind::Resumed { replayed: 3 };
/// assert_eq!(kind.name(), "resumed");
/// assert_eq!(kind.to_string(), "resumed, 3 messages replayed");
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum EventKind {
    /// A link is up. (A client's later links begin with `ReconnectStarted`.)
    LinkUp,
    /// The login exchange began.
    LoginStarted,
    /// The login succeeded; the session has an identity from here on.
    LoggedIn,
    /// The login failed. A server's session ends with it; a client's can log in again.
    LoginFailed(Closed),
    /// Nothing was heard for half a lease: the peer is being probed.
    Suspect,
    /// The suspected peer was heard again.
    Recovered,
    /// Nothing was heard for a whole lease: the link is given up, the session waits for another one.
    TimedOut,
    /// The link is gone, for another cause than silence; the session waits for another one.
    LinkLost(LossCause),
    /// The next attempt to reconnect has a time; or the next login of a [`Client`](crate::Client), after one that failed or a
    /// session that ended.
    ReconnectScheduled {
        /// Which attempt since things were well, counted from 1.
        attempt: u32,
        /// How long from now.
        after: Duration,
    },
    /// An attempt to reconnect began.
    ReconnectStarted {
        /// Which attempt since things were well, counted from 1.
        attempt: u32,
    },
    /// The session goes on over a new link.
    Resumed {
        /// How many messages this side sent once more.
        replayed: u64,
    },
    /// The same identity logged in elsewhere and replaces this session; `Ended` follows.
    TakenOver,
    /// The server is going down, and closes the session soon: [`Peer::going`](crate::Peer::going) says where to go instead, and
    /// when. Both sides hear this, once.
    Draining,
    /// A [`Client`](crate::Client) logs in elsewhere from now on: told of the session that is to come, before its first link.
    /// Only where [`Reconnect::redirects`](crate::Reconnect::redirects) allows it.
    Redirected {
        /// Where its server sent it; `None` where it goes back to its own address.
        to: Option<Box<str>>,
    },
    /// The session is over. The last event of every session, exactly once.
    Ended(Closed),
}

/// One item of a stream of events: an event, or the honest statement that some were missed.
///
/// ```
/// use sessile::Notice;
///
/// fn show(notice: &Notice) {
///     match notice {
///         Notice::Event(event) => println!("{event}"),
///         Notice::Lagged(missed) => {
///             println!("… {missed} events missed: look at the sessions themselves")
///         }
///     }
/// }
/// ```
#[derive(Clone, Debug, PartialEq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "whoever observes must decide what missed events mean"
)]
pub enum Notice {
    /// An event.
    Event(Event),
    /// This subscriber was too slow: so many events are missing here ([`Config::event_buffer`](crate::Config::event_buffer) is how far it may lag).
    Lagged(u64),
}

impl Event {
    pub(crate) const fn new(
        session: u64,
        identity: Option<Identity>,
        remote: Option<SocketAddr>,
        epoch: u64,
        at: Time,
        kind: EventKind,
    ) -> Self {
        Self {
            session,
            identity,
            remote,
            epoch,
            at,
            kind,
        }
    }

    /// The session's number, the same as `Session::id`.
    #[must_use]
    pub const fn session(&self) -> u64 {
        self.session
    }

    /// Who the peer is; known from `LoggedIn` on.
    #[must_use]
    pub const fn identity(&self) -> Option<&Identity> {
        self.identity.as_ref()
    }

    /// The other end of the link, where the transport knows one.
    #[must_use]
    pub const fn remote_addr(&self) -> Option<SocketAddr> {
        self.remote
    }

    /// The number of the link within the session: growing, 0 before the first login.
    #[must_use]
    pub const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// When it happened: time since the runtime started, on a clock that never jumps.
    #[must_use]
    pub const fn at(&self) -> Duration {
        self.at.since_start()
    }

    /// What happened.
    #[must_use]
    pub const fn kind(&self) -> &EventKind {
        &self.kind
    }
}

impl EventKind {
    /// A short name without the details, for counters and filters: `link-up`, `ended`, …
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::LinkUp => "link-up",
            Self::LoginStarted => "login-started",
            Self::LoggedIn => "logged-in",
            Self::LoginFailed(_) => "login-failed",
            Self::Suspect => "suspect",
            Self::Recovered => "recovered",
            Self::TimedOut => "timed-out",
            Self::LinkLost(_) => "link-lost",
            Self::ReconnectScheduled { .. } => "reconnect-scheduled",
            Self::ReconnectStarted { .. } => "reconnect-started",
            Self::Resumed { .. } => "resumed",
            Self::TakenOver => "taken-over",
            Self::Draining => "draining",
            Self::Redirected { .. } => "redirected",
            Self::Ended(_) => "ended",
        }
    }
}

impl fmt::Display for Event {
    /// One line: `12.345s session 7 (alice) 10.0.0.1:4000 epoch 2: link-lost: nothing heard …`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:.3}s session {}",
            self.at().as_secs_f64(),
            self.session
        )?;
        if let Some(identity) = &self.identity {
            write!(f, " ({identity})")?;
        }
        if let Some(remote) = self.remote {
            write!(f, " {remote}")?;
        }
        write!(f, " epoch {}: {}", self.epoch, self.kind)
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        match self {
            Self::LoginFailed(closed) | Self::Ended(closed) => {
                f.write_str(": ")?;
                closed.fmt_why(f) // its name says already that something ended
            }
            Self::LinkLost(cause) => write!(f, ": {cause}"),
            Self::ReconnectScheduled { attempt, after } => {
                write!(f, ", attempt {attempt} in {after:?}")
            }
            Self::ReconnectStarted { attempt } => write!(f, ", attempt {attempt}"),
            Self::Redirected { to: Some(to) } => write!(f, " to {to}"),
            Self::Redirected { to: None } => f.write_str(", back to its own address"),
            Self::Resumed { replayed } => write!(f, ", {replayed} messages replayed"),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Reason;

    #[test]
    fn an_event_is_one_line() {
        let kind = EventKind::Ended(Closed::new(Reason::Removed).with_text("a\nb"));
        let who = Identity::new("alice").ok();
        let event = Event::new(
            7,
            who,
            Some(([10, 0, 0, 1], 4_000).into()),
            2,
            Time::from_micros(1_500_000),
            kind,
        );
        let line = "1.500s session 7 (alice) 10.0.0.1:4000 epoch 2: ended: removed by the server; \
                    ask its operator before connecting again (\"a\\nb\")";
        assert_eq!(event.to_string(), line);
        assert_eq!(event.at(), Duration::from_millis(1_500));
    }

    #[test]
    fn what_is_not_known_yet_is_left_out() {
        let event = Event::new(0, None, None, 0, Time::START, EventKind::LinkUp);
        assert_eq!(event.to_string(), "0.000s session 0 epoch 0: link-up");
    }
}
