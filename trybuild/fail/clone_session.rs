//! A session has one owner and cannot be cloned.

use sessile::{LoggedIn, Session};

fn second(session: &Session<LoggedIn>) -> Session<LoggedIn> {
    session.clone()
}

fn main() {}
