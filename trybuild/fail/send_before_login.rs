//! A session that is not logged in cannot send.

use sessile::{Connecting, Session};

async fn greet(mut session: Session<Connecting>) {
    session.send("hello").await.ok();
}

fn main() {}
