use crate::{Event, EventKind, LossCause, proto::Time};

/// One event of a session after its login, in 24 bytes: what a flight recorder keeps of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) at: Time,
    pub(crate) epoch: u64,
    what: What,
}

/// The kinds of events that an acceptor's session has between login and end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    LinkUp,
    Suspect,
    Recovered,
    TimedOut,
    LinkLost(LossCause),
    Resumed { replayed: u32 },
    TakenOver,
    Draining,
}

// 15 of them are 360 bytes, and only a session that had trouble has any.
const _: () = assert!(size_of::<Mark>() == 24);

impl Mark {
    /// `None` for what need not be kept: login and end of a session are in its last snapshot.
    pub(super) fn of(event: &Event) -> Option<Self> {
        if event.epoch() == 0 {
            return None;
        }
        let what = match event.kind() {
            EventKind::LinkUp => What::LinkUp,
            EventKind::Suspect => What::Suspect,
            EventKind::Recovered => What::Recovered,
            EventKind::TimedOut => What::TimedOut,
            EventKind::LinkLost(cause) => What::LinkLost(*cause),
            EventKind::Resumed { replayed } => What::Resumed {
                replayed: u32::try_from(*replayed).unwrap_or(u32::MAX),
            },
            EventKind::TakenOver => What::TakenOver,
            EventKind::Draining => What::Draining,
            EventKind::LoginStarted
            | EventKind::LoggedIn
            | EventKind::LoginFailed(_)
            | EventKind::ReconnectScheduled { .. }
            | EventKind::ReconnectStarted { .. }
            | EventKind::Redirected { .. }
            | EventKind::Ended(_) => return None,
        };
        Some(Self {
            at: Time::START + event.at(),
            epoch: event.epoch(),
            what,
        })
    }

    pub(crate) fn kind(&self) -> EventKind {
        match self.what {
            What::LinkUp => EventKind::LinkUp,
            What::Suspect => EventKind::Suspect,
            What::Recovered => EventKind::Recovered,
            What::TimedOut => EventKind::TimedOut,
            What::LinkLost(cause) => EventKind::LinkLost(cause),
            What::Resumed { replayed } => EventKind::Resumed {
                replayed: u64::from(replayed),
            },
            What::TakenOver => EventKind::TakenOver,
            What::Draining => EventKind::Draining,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Closed, Reason};

    #[test]
    fn what_is_kept_comes_back_as_it_was() {
        let event =
            |kind, epoch| Event::new(7, None, None, epoch, Time::from_micros(1_234_567), kind);
        let kept = [
            EventKind::LinkUp,
            EventKind::Suspect,
            EventKind::Recovered,
            EventKind::TimedOut,
            EventKind::LinkLost(LossCause::Io(std::io::ErrorKind::BrokenPipe)),
            EventKind::Resumed { replayed: 9 },
            EventKind::TakenOver,
            EventKind::Draining,
        ];
        for kind in kept {
            let mark = Mark::of(&event(kind.clone(), 3)).unwrap();
            assert_eq!((mark.kind(), mark.epoch), (kind.clone(), 3));
            assert_eq!(mark.at, Time::from_micros(1_234_567));
            assert_eq!(Mark::of(&event(kind, 0)), None, "before the login");
        }
        let ended = EventKind::Ended(Closed::new(Reason::Expired));
        for kind in [EventKind::LoginStarted, EventKind::LoggedIn, ended] {
            assert_eq!(Mark::of(&event(kind, 1)), None);
        }
    }
}
