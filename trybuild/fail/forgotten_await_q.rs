//! A login that is not awaited has no result to ask.

use sessile::{Connecting, Credentials, Error, Session};

async fn greet(session: Session<Connecting>, me: &Credentials) -> Result<(), Error> {
    let mut session = session.login(me)?;
    session.send("hello").await?;
    Ok(())
}

fn main() {}
