//! A message is lent, not given.

use sessile::{LoggedIn, Session};

async fn say(session: &mut Session<LoggedIn>, line: String) {
    session.send(line).await.ok();
}

fn main() {}
