use std::fmt;

/// How a peer broke the protocol: the link ends, the session does not change.
///
/// Found in [`LossCause::Protocol`](crate::LossCause::Protocol). It is always the peer's doing (or that of
/// something between that changed bytes), never the caller's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Violation {
    /// A frame of length zero: not even a type.
    Empty,
    /// A length above the limit in force (4 KiB before login).
    TooLong,
    /// A frame type that this version neither knows nor may skip.
    UnknownType,
    /// A body that ends before its fixed fields do.
    Truncated,
    /// Bytes after the end of a body of fixed size.
    Trailing,
    /// The first frame does not begin with the protocol's magic bytes: not a sessile peer.
    BadMagic,
    /// A text field that is not UTF-8.
    BadText,
    /// A field outside its range.
    BadValue,
    /// A frame that may not come in this state (data before login, a second login, …).
    OutOfPlace,
    /// An acknowledgement of something that was never sent, or below an earlier one.
    AckOutOfRange,
    /// More unacknowledged messages or bytes than the window allows.
    WindowExceeded,
    /// A resume position outside what this side still has or ever sent.
    PositionOutOfRange,
    /// A sequence number would pass its largest value.
    Exhausted,
    /// More bytes before login than a stranger may send.
    TooMuch,
    /// More pings than the terms have a use for, or more of other frames that carry nothing.
    TooMany,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "a frame without a type",
            Self::TooLong => "a frame longer than the limit",
            Self::UnknownType => "an unknown frame type",
            Self::Truncated => "a frame cut short",
            Self::Trailing => "bytes after the end of a frame's body",
            Self::BadMagic => "no sessile peer at the other end",
            Self::BadText => "text that is not UTF-8",
            Self::BadValue => "a field out of range",
            Self::OutOfPlace => "a frame that may not come now",
            Self::AckOutOfRange => "an acknowledgement of what was never sent",
            Self::WindowExceeded => "more unacknowledged data than the window allows",
            Self::PositionOutOfRange => "a resume position that cannot be",
            Self::Exhausted => "sequence numbers are used up",
            Self::TooMuch => "more bytes before login than allowed",
            Self::TooMany => "more pings, or frames that carry nothing, than allowed",
        })
    }
}
