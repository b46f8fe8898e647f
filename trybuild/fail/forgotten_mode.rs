//! A helper of a server must say that its session is a server's.

use sessile::{LoggedIn, Multi, Session};

async fn chat(_session: &mut Session<LoggedIn>) {}

async fn peer(mut session: Session<LoggedIn, Multi>) {
    chat(&mut session).await
}

fn main() {}
