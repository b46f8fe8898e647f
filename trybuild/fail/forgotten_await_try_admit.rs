//! An admission that asks first is a future, not yet a session.

use sessile::{Connecting, Multi, Session};

async fn greet(session: Session<Connecting, Multi>) {
    let mut session = session.try_admit(42u64);
    session.send("hello").await.ok();
}

fn main() {}
