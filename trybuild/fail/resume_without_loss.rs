//! A session that has lost nothing cannot resume.

use sessile::{LoggedIn, Session};

async fn back(session: Session<LoggedIn>) {
    session.resume().await.ok();
}

fn main() {}
