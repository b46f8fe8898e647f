//! The golden vectors.

#[path = "../vectors/file.rs"]
#[allow(dead_code, reason = "tests/vectors.rs uses the rest")]
mod file;

pub(crate) use file::{Vector, read};

/// Those that are frames.
pub(crate) const FRAMES: &str = include_str!("../vectors/frames.txt");

/// All of them, those that are no frames, too.
pub(crate) fn golden() -> Vec<Vector> {
    let mut all = read(FRAMES);
    all.extend(read(include_str!("../vectors/invalid.txt")));
    all
}
