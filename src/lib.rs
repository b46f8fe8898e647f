//! sessile: links break, sessions stay.

mod driver;
#[doc(hidden)]
pub mod proto;
#[doc(hidden)]
pub mod registry;
pub mod testing;
#[doc(hidden)]
pub mod wire;

pub use driver::Spawn;
