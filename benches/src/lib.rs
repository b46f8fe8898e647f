//! What things cost: the core alone, without sockets, and the driver over the network in memory.
//!
//! Each thing that is measured is one [`Case`], and three programs measure it: `benches/wall.rs` by the clock, `counts` by
//! instructions and allocations, which are the same on every run, and `million` by the memory that a million sessions take.
//! Nothing is switched off for it: acknowledgements, heartbeats, resume and every limit are as `Config` has them.

pub mod cases;
pub mod crowd;
mod executor;
pub mod pair;
pub mod town;
pub mod world;

pub use cases::{Case, all};

/// What is counted: the call is a function of its own, by whose name the counter is switched on and off.
#[inline(never)]
pub fn measured(act: &mut dyn FnMut()) {
    act();
}
