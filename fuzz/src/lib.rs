//! What the fuzz targets do, written once: `fuzz_targets/` gives it to libFuzzer, `tests/corpus.rs` replays with it what was
//! found worth keeping, on every `cargo test`. See `README.md`.
//!
//! A target is a function of bytes that panics where something is wrong.
#![forbid(unsafe_code)]

mod app;
mod books;
#[path = "../../src/sim/grammar.rs"]
#[allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    reason = "the simulator uses the rest, and shows it to others"
)]
mod checker;
mod choices;
mod client;
mod decoder;
mod deliver;
#[path = "../../src/registry/tests/direction.rs"]
mod direction;
mod faults;
mod grammar;
mod limits;
mod link;
#[path = "../../src/registry/tests/pair.rs"]
#[allow(dead_code, reason = "the library's own tests use the rest")]
mod pair;
mod reach;
mod seeds;
mod server;
mod split;
#[path = "../../tests/vectors/file.rs"]
#[allow(dead_code, reason = "tests/vectors.rs uses the rest")]
mod vectors;
mod world;

// What those files expect at the root of the crate that they are in.
use sessile::{
    Closed, Config, Event, EventKind, Fate, Identity, Lent, LossCause, Reason, Undelivered, proto,
    registry, wire,
};
use std::{ffi::OsString, fs, io, path::Path, time::Instant};

pub use client::client;
pub use decoder::decoder;
pub use faults::pair;
pub use reach::{Met, reach};
pub use seeds::{CLIENT, FRAMES, SERVER, seeds};
pub use server::server;
pub use split::split;

/// What a target is.
pub type Target = fn(&[u8]);

/// Every target, by name.
pub const TARGETS: [(&str, Target); 5] = [
    ("decoder", decoder),
    ("split", split),
    ("server", server),
    ("client", client),
    ("pair", pair),
];

/// Gives these files to a target, without libFuzzer: for a look at an input that failed. `--seeds FOLDER` writes all seeds.
#[expect(clippy::disallowed_methods, reason = "how long an input takes")]
pub fn replay(target: Target, files: impl Iterator<Item = OsString>) -> io::Result<()> {
    let mut files = files.peekable();
    if files.next_if(|file| file == "--seeds").is_some() {
        return write_seeds(Path::new(&files.next().unwrap_or_default()));
    }
    for file in files {
        let (bytes, begun) = (fs::read(&file)?, Instant::now());
        target(&bytes);
        println!(
            "{}: {} bytes, {:?}",
            file.display(),
            bytes.len(),
            begun.elapsed()
        );
    }
    Ok(())
}

fn write_seeds(folder: &Path) -> io::Result<()> {
    for (target, _) in TARGETS {
        fs::create_dir_all(folder.join(target))?;
        for (name, bytes) in seeds(target) {
            fs::write(folder.join(target).join(name), bytes)?;
        }
    }
    Ok(())
}
