//! A message that is not awaited is not sent.
#![deny(unused_must_use)]

use sessile::{LoggedIn, Session};

fn greet(session: &mut Session<LoggedIn>) {
    session.send("hello");
}

fn main() {}
