//! sessile: links break, sessions stay.

#[doc(hidden)]
pub mod proto;
#[doc(hidden)]
pub mod registry;
#[doc(hidden)]
pub mod wire;
