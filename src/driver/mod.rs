//! The only room that awaits, locks, spawns and reads the clock.

mod clock;
mod spawn;

pub(crate) use clock::{Clock, Sleep};
pub use spawn::Spawn;
pub(crate) use spawn::Spawner;
