//! Bytes to frames and back. Knows no session and no time.

mod violation;

pub use violation::Violation;
