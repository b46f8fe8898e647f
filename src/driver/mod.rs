//! The only room that awaits, locks, spawns and reads the clock.
//!
//! One lock a runtime ([`Shared`]) guards its [`Hub`]: the registry, and beside each session the wakers of whoever waits
//! for it. Every entry takes the lock, gives the registry one input, performs what follows from it, and lets go before
//! anybody is woken, spawned or called. Tasks: one a link ([`link`]), one a listener ([`accept`]), one more where the listener's
//! sessions have no handle ([`hosting`]), one for time ([`timer`]).

mod accept;
mod admitting;
mod bans;
mod beside;
mod clock;
mod dial;
mod drain;
mod group;
mod handle;
mod history;
mod hosting;
mod hub;
#[cfg(feature = "sim")]
mod inspect;
mod link;
mod observe;
mod others;
mod past;
mod places;
mod probing;
mod race;
mod random;
mod report;
mod returning;
#[cfg(all(test, sessile_shuttle))]
mod schedules;
mod scratch;
mod seat;
mod shared;
mod spare;
mod spawn;
mod supervise;
mod timer;
mod unsent;
mod watcher;

pub(crate) use accept::Gate;
pub(crate) use admitting::Admitting;
pub(crate) use beside::KEPT;
pub(crate) use clock::{Clock, Sleep};
pub(crate) use dial::Dialing;
pub(crate) use handle::{Handle, OfferParts};
pub(crate) use hosting::{Hosted, Item};
#[cfg(feature = "sim")]
pub(crate) use inspect::Inspector;
pub(crate) use observe::Feed;
pub(crate) use past::Record;
pub(crate) use probing::{Place, Probing};
pub(crate) use returning::ReturnParts;
pub(crate) use shared::Owner;
pub use spawn::Spawn;
pub(crate) use spawn::Spawner;
pub(crate) use watcher::{Collection, Watcher};
