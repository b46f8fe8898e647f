//! A number that is to be an identity says how wide it is.

use sessile::{Connecting, Multi, Session};

fn by_number(session: Session<Connecting, Multi>) {
    let _session = session.admit(42);
}

fn main() {}
