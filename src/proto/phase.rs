use std::fmt;

/// Where a session is in its life: the core's truth, while a `Session<S>` is a permission to act.
///
/// ```text
///             transport up           login ok                 silence             silence > lease, link error
///  Dialing ──────────────▶ Connecting ───────▶ LoggedIn ───────────▶ Suspect ─────────────▶ Reconnecting
///     ▲                       │  │                ▲  │ ◀────heard──────┘                       │   │
///     └──────link lost────────┘  │                │  └──────────────link lost──────────────────▶   │
///                                │                └──────────────────resumed───────────────────┘   │
///                                ▼                                                                 ▼
///                              Ended  ◀──────────── from every phase: closed, refused, expired, given up
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// There is no link yet: it is being dialed, or a login will dial it.
    Dialing,
    /// The transport is up; nobody is logged in.
    Connecting,
    /// Logged in, and the peer was heard lately.
    LoggedIn,
    /// Logged in, but silent for half the lease: it is being probed.
    Suspect,
    /// The link is gone; the session is kept and may come back.
    Reconnecting,
    /// Over, with a reason. Nothing follows.
    Ended,
}

/// What moves a session from phase to phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(
    clippy::exhaustive_enums,
    reason = "with `Phase` it is the whole table"
)]
pub enum Step {
    /// The transport has a link.
    LinkUp,
    /// The login was accepted.
    LoginOk,
    /// Half the lease passed in silence.
    Silence,
    /// A frame came from a peer under suspicion.
    Heard,
    /// The link ended, for whatever cause.
    LinkLost,
    /// The peer is back on a new link.
    Resumed,
    /// The session is over.
    End,
}

impl Phase {
    /// Its name in a log, in lower case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dialing => "dialing",
            Self::Connecting => "connecting",
            Self::LoggedIn => "logged-in",
            Self::Suspect => "suspect",
            Self::Reconnecting => "reconnecting",
            Self::Ended => "ended",
        }
    }

    /// Every phase, in the order of a life.
    pub const ALL: [Self; 6] = [
        Self::Dialing,
        Self::Connecting,
        Self::LoggedIn,
        Self::Suspect,
        Self::Reconnecting,
        Self::Ended,
    ];

    /// The phase that follows on `step`, or `None` where the table has no such transition.
    #[must_use]
    pub const fn on(self, step: Step) -> Option<Self> {
        Some(match (self, step) {
            (Self::Dialing, Step::LinkUp) => Self::Connecting,
            (Self::Connecting, Step::LoginOk) => Self::LoggedIn,
            (Self::Connecting, Step::LinkLost) => Self::Dialing,
            (Self::LoggedIn, Step::Silence) => Self::Suspect,
            (Self::Suspect, Step::Heard) => Self::LoggedIn,
            (Self::LoggedIn | Self::Suspect, Step::LinkLost) => Self::Reconnecting,
            (Self::Reconnecting, Step::Resumed) => Self::LoggedIn,
            (
                Self::Dialing
                | Self::Connecting
                | Self::LoggedIn
                | Self::Suspect
                | Self::Reconnecting,
                Step::End,
            ) => Self::Ended,
            _ => return None,
        })
    }

    /// Whether messages may flow: logged in, under suspicion or not.
    #[must_use]
    pub const fn is_up(self) -> bool {
        matches!(self, Self::LoggedIn | Self::Suspect)
    }
}

impl Step {
    /// Every step.
    pub const ALL: [Self; 7] = [
        Self::LinkUp,
        Self::LoginOk,
        Self::Silence,
        Self::Heard,
        Self::LinkLost,
        Self::Resumed,
        Self::End,
    ];
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The whole table, readable; the diagram above and docs/ARCHITECTURE.md say the same.
    const MATRIX: &str = "
             LinkUp     LoginOk   Silence Heard    LinkLost     Resumed  End
Dialing      Connecting -         -       -        -            -        Ended
Connecting   -          LoggedIn  -       -        Dialing      -        Ended
LoggedIn     -          -         Suspect -        Reconnecting -        Ended
Suspect      -          -         -       LoggedIn Reconnecting -        Ended
Reconnecting -          -         -       -        -            LoggedIn Ended
Ended        -          -         -       -        -            -        -
";

    #[test]
    fn the_whole_matrix_is_as_written_out() {
        let mut rows = MATRIX.lines().filter(|line| !line.is_empty());
        let steps: Vec<&str> = rows.next().unwrap().split_whitespace().collect();
        assert_eq!(steps, Step::ALL.map(|step| format!("{step:?}")));
        for (phase, row) in Phase::ALL.iter().zip(rows.by_ref()) {
            let found: Vec<String> = std::iter::once(format!("{phase:?}"))
                .chain(Step::ALL.iter().map(|&step| {
                    phase
                        .on(step)
                        .map_or_else(|| "-".into(), |next| format!("{next:?}"))
                }))
                .collect();
            assert_eq!(row.split_whitespace().collect::<Vec<_>>(), found);
        }
        assert_eq!(rows.next(), None);
    }
}
