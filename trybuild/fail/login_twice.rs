//! A session that is logged in cannot log in again.

use sessile::{Credentials, LoggedIn, Session};

async fn again(session: Session<LoggedIn>, me: &Credentials) {
    session.login(me).await.ok();
}

fn main() {}
