//! What things cost: the core alone, without sockets, and the driver over the network in memory.
//!
//! Each thing that is measured is one [`Case`], and these programs measure it: `benches/wall.rs` by the clock, `counts` by
//! instructions and allocations, which are the same on every run, and `million` by the memory that a million sessions take.
//! `threads` says how much more two threads do than one, `siege` what others feel while one attacks, `sealed` what TLS
//! takes of the server's memory.
//! Nothing is switched off for it: acknowledgements, heartbeats, resume and every limit are as `Config` has them.

pub mod cases;
pub mod crowd;
mod executor;
pub mod pair;
pub mod town;
pub mod world;

use std::{fs, io, time::Duration};

use sessile::wire::{self, Frame, Login};

pub use cases::{Case, all};
pub use crowd::TERMS;

/// What is counted: the call is a function of its own, by whose name the counter is switched on and off.
#[inline(never)]
pub fn measured(act: &mut dyn FnMut()) {
    act();
}

/// Appends the login of a client that asks for what a default [`Config`](sessile::Config) says.
pub fn encode_login(number: u64, credentials: &[u8], out: &mut Vec<u8>) {
    Frame::Login(Login {
        version: wire::VERSION,
        oldest: wire::VERSION,
        features: 0,
        instance: u128::from(number).to_be_bytes(),
        attempt: 1,
        terms: TERMS,
        credentials,
    })
    .encode(out);
}

/// Time on a CPU of the threads that this process has.
///
/// # Errors
///
/// Where the kernel does not say.
pub fn processor_time() -> io::Result<Duration> {
    processor_time_of("self")
}

/// The same of another process, by its number.
///
/// # Errors
///
/// Where the kernel does not say, or knows no such process.
pub fn processor_time_of(process: &str) -> io::Result<Duration> {
    let mut nanoseconds = 0;
    for task in fs::read_dir(format!("/proc/{process}/task"))? {
        let text = fs::read_to_string(task?.path().join("schedstat"))?;
        let on_cpu = text.split_whitespace().next().unwrap_or_default();
        nanoseconds += on_cpu.parse::<u64>().map_err(io::Error::other)?;
    }
    Ok(Duration::from_nanos(nanoseconds))
}
