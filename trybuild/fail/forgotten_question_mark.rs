//! A login can fail, and its result is not the session.

use sessile::{Connecting, Credentials, Session};

async fn greet(session: Session<Connecting>, me: &Credentials) {
    let mut session = session.login(me).await;
    session.send("hello").await.ok();
}

fn main() {}
