//! The connecting handle is gone once its peer is admitted.

use sessile::{Connecting, Multi, Rejection, Session};

fn judge(session: Session<Connecting, Multi>) {
    let _session = session.admit(42u64);
    session.reject(Rejection::full());
}

fn main() {}
