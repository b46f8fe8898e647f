//! A login is a future, not yet a session.

use sessile::{Connecting, Credentials, Session};

async fn greet(session: Session<Connecting>, me: &Credentials) {
    let mut session = session.login(me);
    session.send("hello").await.ok();
}

fn main() {}
