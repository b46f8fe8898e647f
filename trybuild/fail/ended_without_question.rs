//! Sending fails in one way more than receiving.

use sessile::{Ended, LoggedIn, Session};

async fn greet(session: &mut Session<LoggedIn>) -> Result<(), Ended> {
    session.send("hello").await?;
    Ok(())
}

fn main() {}
