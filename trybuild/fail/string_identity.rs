//! Text may be too long for an identity, so it is checked first.

use sessile::{Connecting, Multi, Session};

fn by_name(session: Session<Connecting, Multi>, name: String) {
    let _session = session.admit(name);
}

fn main() {}
