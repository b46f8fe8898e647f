//! Ctrl-C, and other ways to ask a program to end.

use std::io;

use async_signal::{Signal, Signals};
use futures::{FutureExt, StreamExt, future::FusedFuture};

/// Waits for Ctrl-C. From this call on it no longer kills the program.
pub(crate) fn interrupted() -> io::Result<impl FusedFuture<Output = ()> + Unpin> {
    caught(Signal::Int)
}

/// Waits for a signal. From this call on it no longer kills the program.
pub(crate) fn caught(signal: Signal) -> io::Result<impl FusedFuture<Output = ()> + Unpin> {
    let mut signals = Signals::new([signal])?;
    let first = async move { signals.next().await };
    Ok(first.map(drop).boxed().fuse())
}
