use std::fmt;

/// What proves at a resume that the dialer owns the session: 128 random bits, made by the acceptor.
///
/// It has no `==` on purpose: whoever holds one compares hashes, in constant time. `Debug` shows none of it.
#[derive(Clone)]
pub struct Secret([u8; Self::BYTES]);

impl Secret {
    /// Length on the wire.
    pub const BYTES: usize = 16;

    /// Takes the bytes as they are; the caller has drawn them from a generator fit for secrets.
    #[must_use]
    pub const fn new(bytes: [u8; Self::BYTES]) -> Self {
        Self(bytes)
    }

    /// The bytes themselves, to be hashed or written to a link.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; Self::BYTES] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}
