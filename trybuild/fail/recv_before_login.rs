//! A session that is not logged in cannot receive.

use sessile::{Connecting, Session};

async fn listen(mut session: Session<Connecting>) {
    session.recv().await.ok();
}

fn main() {}
