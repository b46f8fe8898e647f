//! A client cannot remove itself: it closes its session.

use sessile::{LoggedIn, Session};

fn leave(session: &Session<LoggedIn>) {
    session.peer().remove("bye");
}

fn main() {}
