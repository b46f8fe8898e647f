//! Sessions, their index and their deadlines: plain data, no locks, no clock.

mod wheel;

pub use wheel::Wheel;
