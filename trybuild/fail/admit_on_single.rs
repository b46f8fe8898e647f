//! A client logs in; it does not admit.

use sessile::{Connecting, Session};

fn judge(session: Session<Connecting>) {
    let _session = session.admit(42u64);
}

fn main() {}
