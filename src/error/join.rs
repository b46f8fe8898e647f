use super::{Closed, TooLong};

/// Why a session did not join a group. It is in the groups in which it was.
///
/// ```
/// use sessile::{Group, JoinError, Peer};
///
/// fn enter(room: &Group, peer: &Peer) -> &'static str {
///     match room.join(peer) {
///         Ok(()) => "welcome",
///         Err(JoinError::TooMany { .. }) => "leave another room first",
///         Err(JoinError::NameTooLong(_)) => "no such room",
///         Err(_) => "good bye",
///     }
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JoinError {
    /// The group's name is longer than [`Group::NAME_MAX`](crate::Group::NAME_MAX) bytes.
    #[error("the group's name: {0}")]
    NameTooLong(TooLong),
    /// The session is in as many groups as [`Config::groups_per_session`](crate::Config::groups_per_session) allows.
    #[error("the session is in {max} groups already, as many as groups_per_session allows")]
    TooMany {
        /// How many groups a session may be in.
        max: usize,
    },
    /// The peer is not logged in yet: admit it first.
    #[error("the peer is not logged in yet; admit it first")]
    NotLoggedIn,
    /// The session is over, and in no group.
    #[error(transparent)]
    Ended(#[from] Closed),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Reason;

    #[test]
    fn every_failure_says_what_it_is() {
        assert_eq!(
            JoinError::NameTooLong(TooLong::new(200, 128)).to_string(),
            "the group's name: 200 bytes, and at most 128 are allowed"
        );
        let closed = Closed::new(Reason::Gone);
        assert_eq!(
            JoinError::from(closed.clone()).to_string(),
            closed.to_string()
        );
    }
}
