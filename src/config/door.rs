use std::time::Duration;

use super::Config;

/// The door: who may knock, how often, and how many are let in.
impl Config {
    /// How many peers may be between connecting and admission. For one more, a peer that has said nothing for 200 to 400 ms gives
    /// way; where there is none, the new one is turned away at once.
    ///
    /// Default 1,024; 1 to 65,536.
    pub const fn pending_logins(mut self, logins: usize) -> Self {
        self.settings.pending_logins = logins;
        self
    }

    /// How many of them may come from one IPv4 address or one IPv6 /64 network. More are turned away at
    /// once. Raise it where many clients come from behind one address.
    ///
    /// Default 32, or `pending_logins` where that is less; 1 to [`pending_logins`](Self::pending_logins).
    pub const fn pending_per_prefix(mut self, logins: usize) -> Self {
        self.pending_per_prefix = Some(logins);
        self
    }

    /// From how many percent of [`pending_logins`](Self::pending_logins) on new peers are turned away at random, the likelier
    /// the fewer places are left, where nobody gives way: so a flood from many networks never keeps everybody else out.
    ///
    /// Default 70; 0 to 100, where 100 turns nobody away before the last place is taken.
    pub const fn early_drop(mut self, percent: u32) -> Self {
        self.settings.early_drop = percent;
        self
    }

    /// How many bytes a peer may send before it is admitted: its login, and its answers where the host asks back. Who sends more
    /// is cut.
    ///
    /// Default 16 KiB; 4,100 bytes (one whole frame) to 1 MiB.
    pub const fn stranger_bytes(mut self, bytes: usize) -> Self {
        self.settings.stranger_bytes = bytes;
        self
    }

    /// How many logins of one IPv4 address or one IPv6 /64 network may fail for what they presented (bad credentials, banned, a
    /// code of the host's own). Further ones hear `Busy` and when to come again, and the host is not asked, until a
    /// [`failed_login_pause`](Self::failed_login_pause) has passed for each.
    ///
    /// Default 30; 1 to 65,536.
    pub const fn failed_logins(mut self, logins: u32) -> Self {
        self.settings.failed_logins = logins;
        self
    }

    /// After how long one failed login is forgiven; a failed resume in a fiftieth of that.
    ///
    /// Default 5 s; 10 ms to 1 h.
    pub const fn failed_login_pause(mut self, pause: Duration) -> Self {
        self.settings.failed_login_pause = pause;
        self
    }

    /// How many resumes of one network may fail for an unknown session or a wrong secret. Further ones hear `Busy` and
    /// when to come again, and their secret is not looked at.
    ///
    /// Default 1,024; 1 to 1,048,576.
    pub const fn failed_resumes(mut self, resumes: u32) -> Self {
        self.settings.failed_resumes = resumes;
        self
    }

    /// How many peers are let in each second, those that come back included. Who comes too early hears `Busy` with a time of its
    /// own to come again: the times are spread over the backlog, and those that come back pass before new logins.
    ///
    /// A storm of clients that lost their server together is over after their number divided by this rate; that must be less
    /// than [`resume_window`](Self::resume_window), or the last of them come too late.
    ///
    /// Default 10,000; 1 to 100,000.
    pub const fn admission_rate(mut self, a_second: u32) -> Self {
        self.settings.admission_rate = a_second;
        self
    }

    /// How many of them may come at once after a quiet time. A quarter of that is kept for those who come back.
    ///
    /// Default: [`admission_rate`](Self::admission_rate), a second's worth; 1 to 1,000,000.
    pub const fn admission_burst(mut self, peers: u32) -> Self {
        self.admission_burst = Some(peers);
        self
    }

    /// How many peers [`Admit::admit`](crate::Admit::admit) judges at the same time in one runtime, so that what it asks (a slow hash
    /// of a password, a database) is not asked by a whole crowd at once. The others wait in line, oldest first, until their
    /// [`login_deadline`](Self::login_deadline). Whoever is asked back ([`Offer::challenge`](crate::Offer::challenge)) counts again once it has answered.
    ///
    /// A [`Door`](crate::Door) judges as many as its program does.
    ///
    /// Default 64; 1 to 65,536.
    pub const fn admits_at_once(mut self, peers: usize) -> Self {
        self.settings.admits_at_once = peers;
        self
    }

    /// How many times one identity may log in or come back in a minute, for each of the
    /// [`sessions_per_identity`](Self::sessions_per_identity). Further ones hear `Busy` and when to come again: the first
    /// wait is this number's part of a minute, each is twice the one before, up to 5 min, until the identity has been quiet for as
    /// long as it had to wait, or for a minute. Who is to come back to a session waits for half its
    /// [`resume_window`](Self::resume_window) at most. Raise it where a program logs in and out as its way of working.
    ///
    /// Default 15; 1 to 65,536.
    pub const fn comings_a_minute(mut self, comings: u32) -> Self {
        self.settings.comings_a_minute = comings;
        self
    }

    /// How long whoever took an identity over from another client that was there keeps it, under
    /// [`Takeover::Replace`](crate::Takeover::Replace). Another newcomer hears `Occupied` and when to come again. The pause
    /// doubles with each takeover, up to 5 min, until there was none for as long, or for a minute. A first takeover waits for
    /// nothing, nor does a client that replaces a ghost of its own, or a session that has no link.
    ///
    /// Default 1 s; 0 (two clients may throw each other out as often as they like) to 5 min.
    pub const fn takeover_pause(mut self, pause: Duration) -> Self {
        self.settings.takeover_pause = pause;
        self
    }

    /// How many sessions one identity may have side by side, each with a link, a secret and a life of its own: somebody's phone and
    /// laptop. A login that would be one too many is what [`takeover`](Self::takeover) is about. A client that logs in again replaces
    /// its own older session and never counts twice.
    ///
    /// What asks by identity then means several: [`Sessions::get`](crate::Sessions::get) is the newest,
    /// [`Sessions::all_of`](crate::Sessions::all_of) all, and [`Sessions::kick`](crate::Sessions::kick),
    /// [`remove`](crate::Sessions::remove) and [`ban`](crate::Sessions::ban) end all. A [`Peer`](crate::Peer) is always one.
    ///
    /// Default 1; 1 to 64.
    ///
    /// ```
    /// use sessile::{Config, Takeover};
    ///
    /// // three devices; a fourth is turned away while all of them answer
    /// let config = Config::new().sessions_per_identity(3).takeover(Takeover::Reject);
    /// # let _ = config;
    /// ```
    pub const fn sessions_per_identity(mut self, sessions: usize) -> Self {
        self.settings.sessions_per_identity = sessions;
        self
    }

    /// How many bans are kept: see [`Sessions::ban`](crate::Sessions::ban).
    ///
    /// Default 10,000; 0 (none) to 1,048,576.
    pub const fn max_bans(mut self, bans: usize) -> Self {
        self.settings.max_bans = bans;
        self
    }
}
