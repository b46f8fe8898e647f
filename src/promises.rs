//! What the types promise, held to by the compiler: sizes, and who may cross to another thread.

use crate::*;
use bytes::Bytes;
use futures::{Sink, Stream, future::FusedFuture, stream::FusedStream};
use static_assertions::{assert_eq_size, assert_impl_all, assert_not_impl_any, const_assert};
use std::{error::Error as StdError, fmt::Debug, hash::Hash, mem::needs_drop};

// Modes exist in types only.
assert_eq_size!(Single, ());
assert_eq_size!(Multi, ());

// Each state is one word, so a handle is three words in every state and mode: turning it into another is a move.
#[cfg(target_pointer_width = "64")]
mod words {
    use super::*;

    assert_eq_size!(Connecting, usize);
    assert_eq_size!(LoggedIn, usize);
    assert_eq_size!(Reconnecting, usize);
    assert_eq_size!(Session<Connecting>, [usize; 3]);
    assert_eq_size!(Session<Connecting, Multi>, [usize; 3]);
    assert_eq_size!(Session<LoggedIn>, [usize; 3]);
    assert_eq_size!(Session<LoggedIn, Multi>, [usize; 3]);
    assert_eq_size!(Session<Reconnecting>, [usize; 3]);
    assert_eq_size!(Session<Reconnecting, Multi>, [usize; 3]);
    assert_eq_size!(Option<Session<LoggedIn>>, [usize; 3]);
    assert_eq_size!(AnySession, [usize; 4]);
    assert_eq_size!(AnySession<Multi>, [usize; 4]);
    assert_eq_size!(Peer<Single>, Peer<Multi>);
    assert_eq_size!(Runtime<Single>, usize);
    assert_eq_size!(Runtime<Multi>, usize);
    assert_eq_size!(Receiving<'static>, [usize; 3]);
    assert_eq_size!(Resume<Single>, Session<Reconnecting>);
    assert_eq_size!(Resume<Multi>, Session<Reconnecting, Multi>);
    assert_eq_size!(Error, usize);
    // Evidence and failures travel in results of every call: they stay small.
    assert_eq_size!(Lost, [u64; 2]);
    assert_eq_size!(Closed, usize);
    const_assert!(size_of::<Ended>() <= 24 && size_of::<SendError>() <= 24);
    const_assert!(size_of::<LoginError>() <= 32 && size_of::<ResumeError>() <= 64);
    const_assert!(size_of::<Sending<'static>>() <= 48);
    // One identity a session and one message in flight: these sizes are part of what a session costs.
    const_assert!(size_of::<Identity>() == 24 && size_of::<Option<Identity>>() == 24);
    const_assert!(size_of::<Message<'static>>() == 40);
    // A time that may be none is no larger: a session has several (docs/PERFORMANCE.md).
    assert_eq_size!(Option<proto::Time>, u64);
    // What a session has while nothing happens to it; what it has while something does lies in boxes (docs/PERFORMANCE.md).
    const_assert!(size_of::<proto::Machine>() <= 416);
    const_assert!(size_of::<registry::Port>() <= 32);
}

// Sessions go from thread to thread, in every state and mode, and into boxed errors.
assert_impl_all!(Session<Connecting>: Debug, Send, Sync, Unpin);
assert_impl_all!(Session<Connecting, Multi>: Debug, Send, Sync, Unpin);
assert_impl_all!(Session<LoggedIn>: Debug, Send, Sync, Unpin);
assert_impl_all!(Session<LoggedIn, Multi>: Debug, Send, Sync, Unpin);
assert_impl_all!(Session<Reconnecting>: Debug, Send, Sync, Unpin);
assert_impl_all!(Session<Reconnecting, Multi>: Debug, Send, Sync, Unpin);
assert_impl_all!(AnySession<Single>: Debug, Send, Sync, Unpin);
assert_impl_all!(AnySession<Multi>: Debug, Send, Sync, Unpin);
assert_impl_all!(SendHalf<'static>: Debug, Send, Sync, Unpin);
assert_impl_all!(RecvHalf<'static>: Debug, Send, Sync, Unpin);
assert_impl_all!(Offer: Clone, Debug, Send, Sync, Unpin);

// Every wait can be selected on where it stands, spawned, and asked whether it is over.
assert_impl_all!(Challenge: Debug, FusedFuture, Send, Unpin);
assert_impl_all!(Close: Debug, FusedFuture, Send, Unpin);
assert_impl_all!(Connect: Debug, FusedFuture, Send, Unpin);
assert_impl_all!(Draining: Debug, FusedFuture, Send, Unpin);
assert_impl_all!(Drained: Copy, Debug, Send, Sync, Unpin);
assert_impl_all!(Listen<Door>: Debug, FusedFuture, Send, Unpin);
assert_impl_all!(Login: Debug, FusedFuture, Send, Unpin);
assert_impl_all!(Next<'static, Door>: Debug, FusedFuture, Send, Unpin);
assert_impl_all!(Next<'static, Events>: Debug, FusedFuture, Send, Unpin);
assert_impl_all!(Receiving<'static>: Debug, FusedFuture, Send, Unpin);
assert_impl_all!(Resume<Single>: Debug, FusedFuture, Send, Unpin);
assert_impl_all!(Resume<Multi>: Debug, FusedFuture, Send, Unpin);
assert_impl_all!(Sending<'static>: Debug, FusedFuture, Send, Unpin);
assert_impl_all!(TryAdmit: Debug, FusedFuture, Send, Unpin);

assert_impl_all!(Runtime<Single>: Debug, Send, Sync, Unpin);
assert_impl_all!(Runtime<Multi>: Debug, Send, Sync, Unpin);
assert_impl_all!(Door: Debug, FusedStream, Send, Stream<Item = Session<Connecting, Multi>>, Unpin);
assert_impl_all!(Events: Debug, FusedStream, Send, Stream<Item = Notice>, Unpin);
assert_impl_all!(Client: Debug, FusedStream, Send, Sink<Bytes, Error = SendError>, Stream<Item = Update>, Unpin);
assert_impl_all!(Next<'static, Client>: Debug, FusedFuture, Send, Unpin);
assert_impl_all!(Posting<'static>: Debug, FusedFuture, Send, Unpin);
assert_impl_all!(Update: Clone, Debug, Send, Sync, Unpin);
assert_impl_all!(Updates<'static>: Debug, Iterator<Item = Update>, Send, Unpin);
// A server without a task a peer: what it holds goes to whatever thread it likes, and its peers' state needs no lock.
assert_impl_all!(Inbox<Vec<u8>>: Debug, Send, Unpin);
assert_impl_all!(Drain<'static, Vec<u8>>: Debug, Iterator<Item = Incoming<Vec<u8>>>, Send, Unpin);
assert_impl_all!(Serving: Debug, Send, Unpin);
assert_impl_all!(Turn<'static, Vec<u8>>: Debug, Send, Unpin);
assert_impl_all!(Listen<Serving>: Debug, FusedFuture, Send, Unpin);
assert_impl_all!(Listen<Inbox<u8>>: Debug, FusedFuture, Send, Unpin);
assert_impl_all!(Admission<u8>: Debug, Send, Sync, Unpin);
assert_impl_all!(Limits: Copy, Debug, Send, Sync, Unpin);
assert_impl_all!(Returning: Clone, Debug, Send, Sync, Unpin);
assert_impl_all!(Peer<Single>: Clone, Debug, Eq, Hash, Send, Sync, Unpin);
assert_impl_all!(Peer<Multi>: Clone, Debug, Eq, Hash, Send, Sync, Unpin);
assert_impl_all!(Sessions: Clone, Debug, Send, Sync, Unpin);
assert_impl_all!(Broadcast: Clone, Debug, Send, Sync, Unpin);
assert_impl_all!(Group: Clone, Debug, Send, Sync, Unpin);
assert_impl_all!(PastSession: Clone, Debug, Send, Sync, Unpin);
assert_impl_all!(PastEvent: Clone, Debug, Send, Sync, Unpin);

assert_impl_all!(AdmitError: StdError, Send, Sync, Unpin);
assert_impl_all!(Closed: Clone, StdError, Send, Sync, Unpin);
assert_impl_all!(ConfigError: Clone, StdError, Send, Sync, Unpin);
assert_impl_all!(ConnectError: StdError, Send, Sync, Unpin);
assert_impl_all!(Ended: StdError, Send, Sync, Unpin);
assert_impl_all!(Error: StdError, Send, Sync, Unpin);
assert_impl_all!(JoinError: Clone, StdError, Send, Sync, Unpin);
assert_impl_all!(LoginError: StdError, Send, Sync, Unpin);
assert_impl_all!(Lost: StdError, Send, Sync, Unpin);
assert_impl_all!(Rejection: Clone, StdError, Send, Sync, Unpin);
assert_impl_all!(ResumeError<Single>: StdError, Send, Sync, Unpin);
assert_impl_all!(ResumeError<Multi>: StdError, Send, Sync, Unpin);
assert_impl_all!(SendError: StdError, Send, Sync, Unpin);
assert_impl_all!(TooLong: Copy, StdError, Send, Sync, Unpin);
assert_impl_all!(Undelivered: Clone, Debug, Send, Sync, Unpin);

assert_impl_all!(Config: Clone, Debug, Send, Sync, Unpin);
assert_impl_all!(Credentials: Clone, Debug, Send, Sync, Unpin);
assert_impl_all!(Event: Clone, Debug, Send, Sync, Unpin);
assert_impl_all!(Identity: Clone, Debug, Ord, Send, Sync, Unpin);
assert_impl_all!(Message<'static>: Clone, Debug, Send, Sync, Unpin);
assert_impl_all!(Notice: Clone, Debug, Send, Sync, Unpin);
assert_impl_all!(Snapshot: Clone, Debug, Send, Sync, Unpin);

// What borrows a session has no drop glue (why: `session/transfer.rs`); what owns one closes it.
const_assert!(!needs_drop::<Receiving<'static>>());
const_assert!(!needs_drop::<Sending<'static>>());
const_assert!(!needs_drop::<SendHalf<'static>>());
const_assert!(!needs_drop::<RecvHalf<'static>>());
const_assert!(needs_drop::<Login>() && needs_drop::<Resume<Multi>>());
const_assert!(needs_drop::<Session<LoggedIn>>());

// A session has one owner. Every loss is reported once: evidence that could be copied would tear down a session that works.
assert_not_impl_any!(Session<Connecting>: Clone, Default);
assert_not_impl_any!(Session<Connecting, Multi>: Clone, Default);
assert_not_impl_any!(Session<LoggedIn>: Clone, Default);
assert_not_impl_any!(Session<LoggedIn, Multi>: Clone, Default);
assert_not_impl_any!(Session<Reconnecting>: Clone, Default);
assert_not_impl_any!(Session<Reconnecting, Multi>: Clone, Default);
assert_not_impl_any!(AnySession<Single>: Clone, Default);
assert_not_impl_any!(AnySession<Multi>: Clone, Default);
assert_not_impl_any!(Connecting: Clone, Default);
assert_not_impl_any!(LoggedIn: Clone, Default);
assert_not_impl_any!(Reconnecting: Clone, Default);
assert_not_impl_any!(Login: Clone);
assert_not_impl_any!(Resume<Single>: Clone);
assert_not_impl_any!(Runtime<Single>: Clone, Default);
assert_not_impl_any!(Ended: Clone, Default);
assert_not_impl_any!(Lost: Clone, Default, From<u64>);
