use super::{Closed, Ended, Lost};

/// Why a message was not accepted for sending. The message was only lent, so the caller still has it.
///
/// ```
/// use sessile::{Ended, SendError};
///
/// fn ended(error: SendError) -> Option<Ended> {
///     match error {
///         SendError::Full => None,       // wait for room with `send`, or try later
///         SendError::TooLong(_) => None, // the message's fault: the session is well
///         SendError::Ended(ended) => Some(ended),
///     }
/// }
/// ```
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[expect(
    clippy::exhaustive_enums,
    reason = "each asks for another reaction, and there is no fourth"
)]
pub enum SendError {
    /// The unacked window is full: the peer has not taken what was sent before.
    #[error("the unacked window is full; wait for the peer to take messages, or send less")]
    Full,
    /// The message is longer than both sides agreed to.
    #[error(transparent)]
    TooLong(#[from] TooLong),
    /// The session lost its link or is over.
    #[error(transparent)]
    Ended(#[from] Ended),
}

/// Something was longer than its limit: a message, or the bytes of an identity.
///
/// ```
/// use sessile::Identity;
///
/// let error = Identity::new("x".repeat(200)).unwrap_err();
/// assert_eq!((error.len(), error.max()), (200, 128));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{len} bytes, and at most {max} are allowed")]
pub struct TooLong {
    len: usize,
    max: usize,
}

#[expect(clippy::len_without_is_empty, reason = "what is too long is not empty")]
impl TooLong {
    pub(crate) const fn new(len: usize, max: usize) -> Self {
        Self { len, max }
    }

    /// Its length in bytes.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// The most that is allowed, in bytes.
    #[must_use]
    pub const fn max(&self) -> usize {
        self.max
    }
}

impl From<Lost> for SendError {
    fn from(lost: Lost) -> Self {
        Self::Ended(lost.into())
    }
}

impl From<Closed> for SendError {
    fn from(closed: Closed) -> Self {
        Self::Ended(closed.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{LossCause, Reason};

    #[test]
    fn every_failure_says_what_it_is() {
        assert_eq!(
            SendError::from(TooLong::new(9, 8)).to_string(),
            "9 bytes, and at most 8 are allowed"
        );
        assert!(
            SendError::from(LossCause::Silence.of_link(1))
                .to_string()
                .starts_with("link 1")
        );
        let closed = SendError::from(Closed::new(Reason::Gone));
        assert!(matches!(closed, SendError::Ended(Ended::Closed(_))));
    }
}
