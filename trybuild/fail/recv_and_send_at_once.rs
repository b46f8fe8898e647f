//! A session that is being received from cannot send meanwhile; its halves can.

use sessile::{LoggedIn, Session};

async fn both(session: &mut Session<LoggedIn>) {
    let heard = session.recv();
    session.send("hello").await.ok();
    heard.await.ok();
}

fn main() {}
