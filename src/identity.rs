use crate::{TooLong, error::is_invisible};
use std::{borrow::Borrow, fmt, hash, sync::Arc};

/// Who a remote is, decided by the server's host at login: opaque bytes, at most 128.
///
/// Three words, cheap to clone, hashable. Numbers and UUIDs become identities as they are; text and bytes can be too
/// long, so they go through [`Identity::new`]. Two identities are equal where their bytes are (`u64` and `u128` are
/// big-endian), however they were made: one server should use one kind.
///
/// ```
/// use sessile::Identity;
///
/// let alice = Identity::new("alice")?;
/// assert_eq!((alice.as_str(), alice.as_u64()), (Some("alice"), None));
/// assert_eq!(alice.to_string(), "alice");
///
/// let seven = Identity::from(7u64);
/// assert_eq!((seven.as_u64(), seven.to_string().as_str()), (Some(7), "7"));
/// # Ok::<(), sessile::TooLong>(())
/// ```
#[derive(Clone)]
pub struct Identity(Repr);

/// Up to 22 bytes in place: numbers, UUIDs and most names need no allocation, and a clone of one is a copy.
#[derive(Clone)]
enum Repr {
    Inline { len: u8, bytes: [u8; INLINE] },
    Shared(Arc<[u8]>),
}

/// What makes the identity three words long on 64-bit machines: 24 bytes less the variant and the length.
const INLINE: usize = 22;

/// What can be looked up: `u64`, `u128`, `[u8; N]`, text, bytes, an [`Identity`], and references to them. Sealed.
///
/// A key of more than 128 bytes can be looked up, too: it is simply not there.
///
/// ```
/// use sessile::{AsIdentity, Identity, TooLong};
///
/// fn all(keys: impl IntoIterator<Item = impl AsIdentity>) -> Result<Vec<Identity>, TooLong> {
///     keys.into_iter().map(Identity::new).collect()
/// }
/// assert_eq!(all(["a", "b"])?.len(), 2);
/// # Ok::<(), TooLong>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the key of a session",
    label = "not an identity",
    note = "identities are `u64`, `u128` (as `Uuid::as_u128`), `&str`, `&[u8]` of at most 128 bytes, or an `&Identity`; a number says which it is: `42u64`"
)]
pub trait AsIdentity: sealed::Sealed {
    #[doc(hidden)]
    fn key(&self) -> Key<'_>;
}

/// What a peer can be admitted as without failing: `u64`, `u128`, `[u8; 16]`, an [`Identity`] or a reference to one. Sealed.
///
/// Text is not among them, because a peer may have chosen it and it can be too long: `Identity::new(&name)?`.
///
/// ```
/// use sessile::{Identity, IntoIdentity};
///
/// fn admitted(who: impl IntoIdentity) -> Identity {
///     who.into_identity()
/// }
/// assert_eq!(admitted(7u64).as_u64(), Some(7));
/// assert_eq!(admitted([1; 16]).as_u128(), Some(0x01010101_01010101_01010101_01010101));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be admitted as an identity",
    label = "not an `Identity`, `u64`, `u128` or `[u8; 16]`",
    note = "text and bytes can be longer than 128 bytes, so they are checked first: `Identity::new(&name)?`; a number says which it is: `42u64`"
)]
pub trait IntoIdentity: sealed::Sealed {
    /// The identity.
    fn into_identity(self) -> Identity;
}

/// The bytes of a key for the time of one look-up.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_enums, reason = "no part of the public surface")]
pub enum Key<'a> {
    Slice(&'a [u8]),
    U64([u8; 8]),
    U128([u8; 16]),
}

impl Identity {
    /// The longest identity in bytes: enough for a UUID, an e-mail address or a key's fingerprint.
    pub const MAX: usize = 128;

    /// An identity from a number, text or bytes.
    ///
    /// # Errors
    ///
    /// [`TooLong`] with more than 128 bytes.
    pub fn new(key: impl AsIdentity) -> Result<Self, TooLong> {
        let key = key.key();
        let key = key.as_bytes();
        if key.len() > Self::MAX {
            return Err(TooLong::new(key.len(), Self::MAX));
        }
        Ok(Self::from_bounded(key))
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Repr::Inline { len, bytes } => bytes.get(..usize::from(*len)).unwrap_or(bytes),
            Repr::Shared(bytes) => bytes,
        }
    }

    /// The number, where there are exactly 8 bytes.
    #[must_use]
    pub fn as_u64(&self) -> Option<u64> {
        self.as_bytes().try_into().ok().map(u64::from_be_bytes)
    }

    /// The number or UUID, where there are exactly 16 bytes.
    #[must_use]
    pub fn as_u128(&self) -> Option<u128> {
        self.as_bytes().try_into().ok().map(u128::from_be_bytes)
    }

    /// The text, where the bytes are UTF-8. A peer may have chosen it: `Display` is what is safe to log.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        str::from_utf8(self.as_bytes()).ok()
    }

    /// No bytes at all: what a session answers that nobody was ever logged in to.
    pub(crate) fn nobody() -> Self {
        Self::from_bounded(&[])
    }

    /// From at most 128 bytes.
    fn from_bounded(key: &[u8]) -> Self {
        let mut bytes = [0; INLINE];
        match (bytes.get_mut(..key.len()), u8::try_from(key.len())) {
            (Some(place), Ok(len)) => {
                place.copy_from_slice(key);
                Self(Repr::Inline { len, bytes })
            }
            _ => Self(Repr::Shared(key.into())),
        }
    }
}

impl fmt::Display for Identity {
    /// Text where it can be read, a number where there are 8 or 16 bytes, hexadecimal otherwise.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(text) = self
            .as_str()
            .filter(|text| !text.is_empty() && !text.contains(is_invisible))
        {
            return f.write_str(text);
        }
        match (self.as_u64(), self.as_u128()) {
            (Some(number), _) => write!(f, "{number}"),
            (_, Some(number)) => write!(f, "{number}"),
            _ => {
                f.write_str("0x")?;
                self.as_bytes()
                    .iter()
                    .try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({self})")
    }
}

impl PartialEq for Identity {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Identity {}

impl PartialOrd for Identity {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Identity {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl hash::Hash for Identity {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

/// So that a map keyed by identities is searched with bytes.
impl Borrow<[u8]> for Identity {
    fn borrow(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl Key<'_> {
    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Slice(bytes) => bytes,
            Self::U64(bytes) => bytes,
            Self::U128(bytes) => bytes,
        }
    }
}

// The notes of the traits say which types there are, better than a look at impls and into macros does.

macro_rules! keys {
    ($($key:ty: $this:ident => $value:expr),* $(,)?) => {
        $(#[diagnostic::do_not_recommend]
        impl AsIdentity for $key {
            fn key(&self) -> Key<'_> {
                let $this = self;
                $value
            }
        }
        impl sealed::Sealed for $key {})*
    };
}

keys! {
    u64: key => Key::U64(key.to_be_bytes()),
    u128: key => Key::U128(key.to_be_bytes()),
    str: key => Key::Slice(key.as_bytes()),
    String: key => Key::Slice(key.as_bytes()),
    [u8]: key => Key::Slice(key),
    Vec<u8>: key => Key::Slice(key),
    Identity: key => Key::Slice(key.as_bytes()),
}

#[diagnostic::do_not_recommend]
impl<const N: usize> AsIdentity for [u8; N] {
    fn key(&self) -> Key<'_> {
        Key::Slice(self)
    }
}

#[diagnostic::do_not_recommend]
impl<T: AsIdentity + ?Sized> AsIdentity for &T {
    fn key(&self) -> Key<'_> {
        (**self).key()
    }
}

macro_rules! always_fit {
    ($($key:ty),*) => {
        $(impl From<$key> for Identity {
            fn from(key: $key) -> Self {
                Self::from_bounded(key.key().as_bytes())
            }
        }
        #[diagnostic::do_not_recommend]
        impl IntoIdentity for $key {
            fn into_identity(self) -> Identity {
                self.into()
            }
        })*
    };
}

always_fit!(u64, u128, [u8; 16]);

#[diagnostic::do_not_recommend]
impl IntoIdentity for Identity {
    fn into_identity(self) -> Identity {
        self
    }
}

#[diagnostic::do_not_recommend]
impl IntoIdentity for &Identity {
    fn into_identity(self) -> Identity {
        self.clone()
    }
}

mod sealed {
    #[expect(unnameable_types, reason = "what seals a trait must not be nameable")]
    pub trait Sealed {}

    impl<const N: usize> Sealed for [u8; N] {}
    impl<T: Sealed + ?Sized> Sealed for &T {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    #[test]
    fn every_length_up_to_the_limit_is_kept() {
        for len in 0..=Identity::MAX {
            let key = vec![b'k'; len];
            let identity = Identity::new(&key).unwrap();
            assert_eq!(identity.as_bytes(), key);
            assert_eq!(matches!(identity.0, Repr::Inline { .. }), len <= INLINE);
        }
        assert_eq!(Identity::new(vec![0; 129]), Err(TooLong::new(129, 128)));
    }

    #[test]
    fn numbers_come_back() {
        assert_eq!(Identity::from(u64::MAX).as_u64(), Some(u64::MAX));
        assert_eq!(Identity::from(3u128).as_u128(), Some(3));
        assert_eq!(Identity::from(3u128).as_u64(), None);
        assert_eq!(Identity::new(7u64).unwrap(), Identity::from(7u64));
    }

    #[test]
    fn a_map_is_searched_with_any_key() {
        let mut map = HashMap::new();
        map.insert(Identity::new("alice").unwrap(), 1);
        map.insert(Identity::from(7u64), 2);
        let get = |key: &dyn AsIdentity| map.get(key.key().as_bytes()).copied();
        assert_eq!(
            (get(&"alice"), get(&String::from("alice")), get(b"alice")),
            (Some(1), Some(1), Some(1))
        );
        assert_eq!(
            (get(&7u64), get(&Identity::from(7u64)), get(&7u128)),
            (Some(2), Some(2), None)
        );
        assert_eq!(get(&vec![0; 1_000]), None);
    }

    #[test]
    fn display_never_acts_on_a_terminal() {
        let shown = |key: &[u8]| Identity::new(key).unwrap().to_string();
        assert_eq!(shown("née".as_bytes()), "née");
        assert_eq!(shown(b"a\n"), "0x610a");
        assert_eq!(shown("x\u{202e}y".as_bytes()), "0x78e280ae79");
        assert_eq!(shown(b""), "0x");
        assert_eq!(shown(&[0, 0, 0, 0, 0, 0, 1, 0]), "256");
        assert_eq!(shown(&9u128.to_be_bytes()), "9");
        assert_eq!(format!("{:?}", Identity::from(1u64)), "Identity(1)");
    }

    #[test]
    fn order_is_the_order_of_numbers() {
        assert!(Identity::from(255u64) < Identity::from(256u64));
        assert!(Identity::new("a").unwrap() < Identity::new("b").unwrap());
    }
}
