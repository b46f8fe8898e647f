//! The logged-in handle is gone once it reconnects.

use sessile::{LoggedIn, Lost, Session};

async fn listen(mut session: Session<LoggedIn>, lost: Lost) {
    let _back = session.reconnect(lost);
    session.recv().await.ok();
}

fn main() {}
