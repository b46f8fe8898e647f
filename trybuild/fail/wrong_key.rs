//! A session is looked up by an identity.

use sessile::Sessions;

fn find(sessions: &Sessions) -> bool {
    sessions.contains(42)
}

fn main() {}
