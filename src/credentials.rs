use bytes::Bytes;
use std::{fmt, sync::Arc};

/// What a client presents at login: opaque to this library, read by the server's host.
///
/// Kept by the session, because a login can be repeated after a session expired. `Debug` shows none of it.
/// A login fits into one frame of 4 KiB, so credentials have about 4,000 bytes.
///
/// ```
/// use sessile::Credentials;
///
/// let me = Credentials::token("s3cret");
/// assert_eq!(format!("{me:?}"), "Credentials(redacted)");
/// ```
#[derive(Clone)]
pub struct Credentials {
    bytes: Bytes,
    answer: Option<Arc<Answer>>,
}

/// From what the server asks to what the client answers.
type Answer = dyn Fn(&[u8]) -> Vec<u8> + Send + Sync;

impl Credentials {
    /// A token, a password or a name, as text.
    ///
    /// The library does not encrypt: over a network that others can read, use a transport that does.
    #[must_use]
    pub fn token(token: &str) -> Self {
        Self::bytes(token)
    }

    /// Any bytes: a signed ticket, an encoded structure.
    #[must_use]
    pub fn bytes(bytes: impl AsRef<[u8]>) -> Self {
        Self {
            bytes: Bytes::copy_from_slice(bytes.as_ref()),
            answer: None,
        }
    }

    /// Answers a server that asks a question (`offer.challenge(ask)`) before it admits, so that a secret need not cross
    /// the network. Called on the runtime's tasks, once for each question: it must be quick. Without it a challenged
    /// login fails.
    ///
    /// ```
    /// use sessile::Credentials;
    ///
    /// let key = [7; 32];
    /// let me = Credentials::token("alice")
    ///     .answer_with(move |nonce| blake3::keyed_hash(&key, nonce).as_bytes().to_vec());
    /// # let _ = me;
    /// ```
    #[must_use]
    pub fn answer_with(
        mut self,
        answer: impl Fn(&[u8]) -> Vec<u8> + Send + Sync + 'static,
    ) -> Self {
        self.answer = Some(Arc::new(answer));
        self
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The answer to `challenge`; `None` where these credentials cannot answer.
    pub(crate) fn answer(&self, challenge: &[u8]) -> Option<Vec<u8>> {
        self.answer.as_ref().map(|answer| answer(challenge))
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_secret_is_printed() {
        let me = Credentials::token("s3cret").answer_with(<[u8]>::to_vec);
        assert!(!format!("{me:?} {me:#?}").contains("s3cret"));
    }

    #[test]
    fn answers_only_where_it_can() {
        assert_eq!(Credentials::token("x").answer(b"?"), None);
        let me = Credentials::bytes([1, 2]).answer_with(|ask| ask.iter().rev().copied().collect());
        assert_eq!(
            (me.as_bytes(), me.clone().answer(b"ab")),
            (&[1, 2][..], Some(b"ba".to_vec()))
        );
    }
}
