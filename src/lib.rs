//! sessile: links break, sessions stay.

mod address;
mod driver;
#[doc(hidden)]
pub mod proto;
#[doc(hidden)]
pub mod registry;
pub mod testing;
pub mod transport;
#[doc(hidden)]
pub mod wire;

pub use address::Address;
pub use driver::Spawn;
