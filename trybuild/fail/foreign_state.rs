//! The states of a session are this library's.

use sessile::Session;

struct Paused;

fn pause(_session: Session<Paused>) {}

fn main() {}
