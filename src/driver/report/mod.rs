//! What happens, told to the program's log and meters: features `tracing` and `metrics`. Without them everything here is empty.
//!
//! Subscribers and recorders are code of others, so nothing is told under the lock. What happened waits in [`Reports`] and
//! is told by whoever leaves the lock next, one at a time and in order.

#[cfg(feature = "tracing")]
mod log;
#[cfg(feature = "metrics")]
mod meters;
#[cfg(not(any(feature = "tracing", feature = "metrics")))]
mod off;
#[cfg(any(feature = "tracing", feature = "metrics"))]
mod on;

#[cfg(not(any(feature = "tracing", feature = "metrics")))]
pub(super) use off::{Batch, Reports};
#[cfg(any(feature = "tracing", feature = "metrics"))]
pub(super) use on::{Batch, Reports};

#[cfg(feature = "metrics")]
pub(super) use meters::Traffic;
#[cfg(not(feature = "metrics"))]
pub(super) use silent::Traffic;

#[cfg(not(feature = "metrics"))]
mod silent {
    /// Bytes that links carry, where nobody counts them.
    pub(in crate::driver) struct Traffic;

    impl Traffic {
        pub(in crate::driver) const fn new() -> Self {
            Self
        }

        pub(in crate::driver) const fn read(&self, _bytes: usize) {}

        pub(in crate::driver) const fn written(&self, _bytes: usize) {}
    }
}
