//! A session that was never logged in has nothing to resume.

use sessile::{Connecting, Session};

async fn back(session: Session<Connecting>) {
    session.resume().await.ok();
}

fn main() {}
