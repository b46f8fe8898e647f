//! A message is bytes or text, not a number.

use sessile::{LoggedIn, Session};

async fn answer(session: &mut Session<LoggedIn>) {
    session.send(&42).await.ok();
}

fn main() {}
