//! Admitting a peer makes its session, which must be kept.
#![deny(unused_must_use)]

use sessile::{Connecting, Multi, Session};

fn judge(session: Session<Connecting, Multi>) {
    session.admit(42u64);
}

fn main() {}
