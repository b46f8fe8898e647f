//! A peer is admitted once.

use sessile::{LoggedIn, Multi, Session};

fn again(session: Session<LoggedIn, Multi>) -> Session<LoggedIn, Multi> {
    session.admit(42u64)
}

fn main() {}
