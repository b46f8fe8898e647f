//! A session without a link cannot send.

use sessile::{Reconnecting, Session};

async fn greet(mut session: Session<Reconnecting>) {
    session.send("hello").await.ok();
}

fn main() {}
