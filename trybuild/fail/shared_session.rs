//! A session is not shared, its observers are.

use sessile::{LoggedIn, Session};
use std::sync::Arc;

async fn greet(session: Arc<Session<LoggedIn>>) {
    session.send("hello").await.ok();
}

fn main() {}
