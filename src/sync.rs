//! What threads share: the standard library's locks and counters, or, where a test tries schedules (`src/driver/schedules`),
//! shuttle's, whose every use is a point at which another thread may run.
//!
//! Whoever locks takes its lock from here, or no schedule is tried around it.

#[cfg(not(all(test, sessile_shuttle)))]
pub(crate) use std::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicUsize, Ordering},
};

#[cfg(all(test, sessile_shuttle))]
pub(crate) use shuttle::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicUsize, Ordering},
};
