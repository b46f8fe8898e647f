#![doc = include_str!("../../docs/guide/README.md")]

// What the chapters link to.
#[allow(unused_imports, reason = "rustdoc resolves links by it")]
use crate::*;

#[doc = include_str!("../../docs/guide/login.md")]
pub mod login {}

#[doc = include_str!("../../docs/guide/loss.md")]
pub mod loss {}

#[doc = include_str!("../../docs/guide/servers.md")]
pub mod servers {}

#[doc = include_str!("../../docs/guide/games.md")]
pub mod games {}

#[doc = include_str!("../../docs/guide/sending.md")]
pub mod sending {}

#[doc = include_str!("../../docs/guide/moving.md")]
pub mod moving {}

#[doc = include_str!("../../docs/guide/proxy.md")]
pub mod proxy {}

#[cfg(feature = "tls")]
#[doc = include_str!("../../docs/guide/tls.md")]
pub mod tls {}

#[doc = include_str!("../../docs/guide/watching.md")]
pub mod watching {}

#[doc = include_str!("../../docs/guide/testing.md")]
pub mod testing {}

#[doc = include_str!("../../docs/guide/responsibilities.md")]
pub mod responsibilities {}

#[doc = include_str!("../../docs/guide/limits.md")]
pub mod limits {}
