//! A session without a link cannot receive.

use sessile::{Multi, Reconnecting, Session};

async fn listen(mut session: Session<Reconnecting, Multi>) {
    session.recv().await.ok();
}

fn main() {}
