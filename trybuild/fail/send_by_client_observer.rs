//! A client sends by its session, not by its observer.

use sessile::{LoggedIn, Session};

fn greet(session: &Session<LoggedIn>) {
    session.peer().try_send("hello").ok();
}

fn main() {}
