//! A session without a link cannot send without waiting either.

use sessile::{Reconnecting, Session};

fn greet(mut session: Session<Reconnecting>) {
    session.try_send("hello").ok();
}

fn main() {}
