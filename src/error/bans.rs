use std::fmt;

/// No more bans are kept: [`Config::max_bans`](crate::Config::max_bans) is reached. Lift one, raise it, or ask a database in `admit`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BansFull {
    ended: usize,
}

impl BansFull {
    pub(crate) const fn new(ended: usize) -> Self {
        Self { ended }
    }

    /// How many sessions ended all the same. They can log in again.
    #[must_use]
    pub const fn ended(&self) -> usize {
        self.ended
    }
}

impl fmt::Display for BansFull {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("as many are banned as max_bans allows; lift a ban, or raise it")
    }
}

impl std::error::Error for BansFull {}
