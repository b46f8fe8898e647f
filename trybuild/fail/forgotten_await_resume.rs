//! A resume is a future, not yet a session.

use sessile::{Reconnecting, Session};

async fn greet(session: Session<Reconnecting>) {
    let mut session = session.resume();
    session.send("hello").await.ok();
}

fn main() {}
