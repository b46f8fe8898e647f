//! A session that is not logged in cannot send without waiting either.

use sessile::{Connecting, Session};

fn greet(mut session: Session<Connecting>) {
    session.try_send("hello").ok();
}

fn main() {}
