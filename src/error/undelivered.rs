use bytes::Bytes;

/// A message that was accepted for sending and is not known to have been taken by the peer's application.
///
/// ```
/// use sessile::{Fate, Undelivered};
///
/// fn send_again(undelivered: Vec<Undelivered>) -> Vec<bytes::Bytes> {
///     let never_sent =
///         undelivered.into_iter().filter(|message| message.fate() == Fate::NeverSent);
///     never_sent.map(Undelivered::into_message).collect() // those cannot arrive twice
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undelivered {
    message: Bytes,
    sequence: u64,
    fate: Fate,
}

/// What is known about a message that was not acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(
    clippy::exhaustive_enums,
    reason = "whether to send again is decided on exactly this difference"
)]
pub enum Fate {
    /// It was never written to any link: the peer cannot have it, sending it again is safe.
    NeverSent,
    /// It was written at least once and not acknowledged: the peer may or may not have taken it.
    Unknown,
}

impl Undelivered {
    pub(crate) const fn new(message: Bytes, fate: Fate, sequence: u64) -> Self {
        Self {
            message,
            sequence,
            fate,
        }
    }

    /// Whether the peer can have it.
    #[must_use]
    pub const fn fate(&self) -> Fate {
        self.fate
    }

    /// Its number among the messages that this side sent in this session, counted from 0. Growing in one list.
    #[must_use]
    pub const fn sequence(&self) -> u64 {
        self.sequence
    }

    /// The message.
    #[must_use]
    pub const fn message(&self) -> &Bytes {
        &self.message
    }

    /// The message, without a copy.
    #[must_use]
    pub fn into_message(self) -> Bytes {
        self.message
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_back_what_was_sent() {
        let undelivered = Undelivered::new(Bytes::from_static(b"hi"), Fate::Unknown, 7);
        assert_eq!(
            (undelivered.fate(), undelivered.sequence()),
            (Fate::Unknown, 7)
        );
        assert_eq!(undelivered.message(), "hi");
        assert_eq!(undelivered.into_message(), "hi");
    }
}
