//! A session that was lost is resumed, not logged in.

use sessile::{Credentials, Reconnecting, Session};

async fn again(session: Session<Reconnecting>, me: &Credentials) {
    session.login(me).await.ok();
}

fn main() {}
