//! Sessions in two states are of two types.

use sessile::{Connecting, LoggedIn, Session};

fn all(new: Session<Connecting>, old: Session<LoggedIn>) {
    let _all = vec![new, old];
}

fn main() {}
