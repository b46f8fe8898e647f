use bytes::Bytes;

use super::{Time, backoff::Backoff};
use crate::{Closed, Rejection, wire::Secret};

/// What only the side that dials keeps of a session.
#[derive(Clone, Debug)]
pub(super) struct Dialer {
    /// This client, whatever links and logins it makes (R12).
    pub(super) instance: [u8; 16],
    /// Raised before every LOGIN.
    pub(super) login_attempt: u64,
    pub(super) login: Login,
    /// The session's id at the acceptor, and what proves that it is ours. Meaningless before WELCOME.
    pub(super) session: u64,
    pub(super) secret: Secret,
    /// Raised before every RESUME (R1).
    pub(super) attempt: u64,
    pub(super) backoff: Backoff,
    pub(super) lost_at: Time,
    /// When RESUMED or REFUSED must have come, once RESUME was written.
    pub(super) resumed_by: Time,
    /// When the next link is dialed, while none is.
    pub(super) retry_at: Option<Time>,
    /// Somebody waits for the session to come back: what `ReconnectMode::OnResume` dials for.
    pub(super) wanted: bool,
    /// The network is back, said between two logins: the pause before the next one is over.
    pub(super) nudged: bool,
}

/// Where a login is.
#[derive(Clone, Debug)]
pub(super) enum Login {
    /// None is under way.
    None,
    /// Under way: it ends by this time, if the exchange has begun.
    Wanted {
        credentials: Bytes,
        ends_by: Option<Time>,
    },
    /// The acceptor asked back.
    Challenged { ask: Bytes, ends_by: Option<Time> },
    /// The answer is to be written.
    Answering {
        answer: Bytes,
        ends_by: Option<Time>,
    },
    /// It failed; the caller has not been told.
    Failed(LoginFailure),
}

/// Why a login failed. The session is as before it: it can log in again.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "made by the machine alone")]
pub struct LoginFailure {
    /// The reason, with its retry class.
    pub closed: Closed,
    /// What the server said, if it was the server that refused.
    pub rejection: Option<Rejection>,
}

impl Dialer {
    pub(super) fn new(instance: [u8; 16], login_attempt: u64, seed: u64) -> Self {
        Self {
            instance,
            login_attempt,
            login: Login::None,
            session: 0,
            secret: Secret::new([0; 16]),
            attempt: 0,
            backoff: Backoff::new(seed),
            lost_at: Time::START,
            resumed_by: Time::START,
            retry_at: None,
            wanted: false,
            nudged: false,
        }
    }
}

impl Login {
    /// When a login under way has failed.
    pub(super) const fn ends_by(&self) -> Option<Time> {
        match self {
            Self::Wanted { ends_by, .. }
            | Self::Challenged { ends_by, .. }
            | Self::Answering { ends_by, .. } => *ends_by,
            Self::None | Self::Failed(_) => None,
        }
    }

    pub(super) const fn is_under_way(&self) -> bool {
        matches!(
            self,
            Self::Wanted { .. } | Self::Challenged { .. } | Self::Answering { .. }
        )
    }
}
