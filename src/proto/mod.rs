//! The heart: one machine per session, the same for both sides.

mod time;

pub use time::Time;
