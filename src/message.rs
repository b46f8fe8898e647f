use bytes::Bytes;
use std::{fmt, ops::Deref};

/// A message that arrived: bytes, borrowed in a host's hands, owned from `recv` and `drain`.
///
/// It reads like a `&[u8]`. A borrowed message lives as long as the call that lent it; [`into_owned`](Self::into_owned)
/// keeps it (one copy), and does nothing to one that is owned already.
///
/// ```
/// use sessile::Message;
///
/// fn words(message: &Message<'_>) -> usize {
///     message.split(|byte| *byte == b' ').count()
/// }
/// ```
#[derive(Clone)]
pub struct Message<'a> {
    bytes: Repr<'a>,
    volatile: bool,
}

#[derive(Clone)]
enum Repr<'a> {
    Borrowed(&'a [u8]),
    Shared(Bytes),
}

/// What can be sent: `[u8]`, `[u8; N]`, `Vec<u8>`, `str` and `String` are copied once,
/// `bytes::Bytes` and [`Message`] are
/// shared without a copy. Sealed.
///
/// Messages are lent, not given away: whatever happens to the send, the caller still has the message.
///
/// ```
/// use sessile::AsMessage;
///
/// fn queue(messages: &[&dyn AsMessage]) -> usize {
///     messages.len()
/// }
/// assert_eq!(queue(&[&"text", &b"bytes", &String::new(), &bytes::Bytes::new()]), 4);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be sent: a message is bytes or text",
    label = "not bytes, not text",
    note = "messages are `[u8]`, `Vec<u8>`, `[u8; N]`, `str`, `String`, `bytes::Bytes` or a received `Message`; encode other values first"
)]
pub trait AsMessage: sealed::Sealed {
    #[doc(hidden)]
    fn lend(&self) -> Lent<'_>;
}

/// A message's bytes for the time of one call, and whether they can be shared instead of copied.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_enums, reason = "no part of the public surface")]
pub enum Lent<'a> {
    Slice(&'a [u8]),
    Shared(&'a Bytes),
}

impl<'a> Message<'a> {
    pub(crate) const fn borrowed(bytes: &'a [u8], volatile: bool) -> Self {
        Self {
            bytes: Repr::Borrowed(bytes),
            volatile,
        }
    }

    pub(crate) const fn shared(bytes: Bytes, volatile: bool) -> Self {
        Self {
            bytes: Repr::Shared(bytes),
            volatile,
        }
    }

    /// Whether it was sent with `send_volatile`: then others before or after it may be missing.
    #[must_use]
    pub const fn is_volatile(&self) -> bool {
        self.volatile
    }

    /// The bytes, to keep and to share. Copies only where the message is borrowed.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        match self.bytes {
            Repr::Borrowed(bytes) => Bytes::copy_from_slice(bytes),
            Repr::Shared(bytes) => bytes,
        }
    }

    /// The same message, to keep. Copies only where it is borrowed.
    ///
    /// ```
    /// use sessile::{Message, Turn};
    ///
    /// /// What is kept for a peer: all that it said.
    /// fn on_message(peer: &mut Turn<'_, Vec<Message<'static>>>, message: Message<'_>) {
    ///     peer.state().push(message.into_owned());
    /// }
    /// ```
    #[must_use]
    pub fn into_owned(self) -> Message<'static> {
        let volatile = self.volatile;
        Message::shared(self.into_bytes(), volatile)
    }
}

/// A message as a host is given it: for tests of one that need no session.
impl<'a> From<&'a [u8]> for Message<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::borrowed(bytes, false)
    }
}

impl Deref for Message<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.bytes {
            Repr::Borrowed(bytes) => bytes,
            Repr::Shared(bytes) => bytes,
        }
    }
}

impl AsRef<[u8]> for Message<'_> {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

/// Bytes that `Debug` shows of a message: enough to recognise it, not enough to flood a log.
const SHOWN: usize = 64;

impl fmt::Debug for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.get(..SHOWN).unwrap_or(self);
        write!(f, "Message(b\"{}\"", shown.escape_ascii())?;
        if shown.len() < self.len() {
            write!(f, "… {} bytes", self.len())?;
        }
        f.write_str(if self.volatile { ", volatile)" } else { ")" })
    }
}

impl<'a> Lent<'a> {
    /// The bytes.
    #[must_use]
    pub fn as_bytes(self) -> &'a [u8] {
        match self {
            Self::Slice(bytes) => bytes,
            Self::Shared(bytes) => bytes,
        }
    }

    /// How many bytes.
    #[must_use]
    pub fn len(self) -> usize {
        self.as_bytes().len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The bytes, to keep: shared where possible, copied otherwise.
    #[must_use]
    pub fn to_bytes(self) -> Bytes {
        match self {
            Self::Slice(bytes) => Bytes::copy_from_slice(bytes),
            Self::Shared(bytes) => bytes.clone(),
        }
    }
}

macro_rules! lend_slices {
    ($($message:ty),*) => {
        $(impl AsMessage for $message {
            fn lend(&self) -> Lent<'_> {
                Lent::Slice(self.as_ref())
            }
        }
        impl sealed::Sealed for $message {})*
    };
}

lend_slices!([u8], str, String, Vec<u8>);

impl<const N: usize> AsMessage for [u8; N] {
    fn lend(&self) -> Lent<'_> {
        Lent::Slice(self)
    }
}

impl AsMessage for Bytes {
    fn lend(&self) -> Lent<'_> {
        Lent::Shared(self)
    }
}

impl AsMessage for Message<'_> {
    fn lend(&self) -> Lent<'_> {
        match &self.bytes {
            Repr::Borrowed(bytes) => Lent::Slice(bytes),
            Repr::Shared(bytes) => Lent::Shared(bytes),
        }
    }
}

/// So that `for line in lines { session.send(&line)… }` works where `line` is a `&str`.
impl<T: AsMessage + ?Sized> AsMessage for &T {
    fn lend(&self) -> Lent<'_> {
        (**self).lend()
    }
}

mod sealed {
    #[expect(unnameable_types, reason = "what seals a trait must not be nameable")]
    pub trait Sealed {}

    impl<const N: usize> Sealed for [u8; N] {}
    impl Sealed for super::Bytes {}
    impl Sealed for super::Message<'_> {}
    impl<T: Sealed + ?Sized> Sealed for &T {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_messages_are_never_copied() {
        let bytes = Bytes::from(vec![7; 100]);
        let message = Message::shared(bytes.clone(), false).into_owned();
        assert_eq!(message.as_ptr(), bytes.as_ptr());
        assert_eq!(message.lend().to_bytes().as_ptr(), bytes.as_ptr());
        assert_eq!(message.into_bytes().as_ptr(), bytes.as_ptr());
    }

    #[test]
    fn a_borrowed_message_can_be_kept() {
        let mut buffer = *b"hello";
        let kept = Message::borrowed(&buffer, true).into_owned();
        buffer.fill(0);
        assert_eq!(&*kept, b"hello");
        assert!(kept.is_volatile());
    }

    #[test]
    fn everything_that_can_be_sent_lends_its_bytes() {
        fn lent(message: &(impl AsMessage + ?Sized)) -> Vec<u8> {
            assert_eq!(message.lend().len(), message.lend().to_bytes().len());
            message.lend().as_bytes().to_vec()
        }
        let line: &str = "hi";
        let all = [
            lent("hi"),
            lent(&line),
            lent(b"hi"),
            lent(&String::from("hi")),
            lent(&b"hi"[..]),
            lent(&b"hi".to_vec()),
            lent(&Bytes::from_static(b"hi")),
            lent(&Message::borrowed(b"hi", false)),
        ];
        assert!(all.iter().all(|bytes| bytes == b"hi"));
    }

    #[test]
    fn debug_shows_the_beginning() {
        assert_eq!(
            format!("{:?}", Message::borrowed(b"a\n", false)),
            "Message(b\"a\\n\")"
        );
        let long = format!("{:?}", Message::borrowed(&[b'x'; 1_000], true));
        assert!(
            long.ends_with("x\"… 1000 bytes, volatile)") && long.len() < 120,
            "{long}"
        );
    }
}
