//! A network in memory, for tests: links that can be cut to the byte, swallow, delay and refuse.
//!
//! No sockets, no threads, no randomness: together with a
//! [`ManualClock`](crate::testing::ManualClock) every run takes the same course.

mod control;
mod link;
mod network;
mod pipe;
#[cfg(test)]
mod tests;

pub use control::{Direction, LinkControl};
pub use link::MemoryLink;
pub use network::{MemoryAcceptor, MemoryDialer, Network};
