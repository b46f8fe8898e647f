//! A server admits; it does not log in.

use sessile::{Connecting, Credentials, Multi, Session};

async fn join(session: Session<Connecting, Multi>, me: &Credentials) {
    session.login(me).await.ok();
}

fn main() {}
