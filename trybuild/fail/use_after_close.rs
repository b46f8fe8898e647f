//! A session is gone once it is closed.

use sessile::{LoggedIn, Session};

async fn last_word(mut session: Session<LoggedIn>) {
    session.close("bye").await;
    session.send("one more thing").await.ok();
}

fn main() {}
