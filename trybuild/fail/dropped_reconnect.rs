//! Reconnecting alone does nothing: the session must be kept.
#![deny(unused_must_use)]

use sessile::{LoggedIn, Lost, Session};

fn back(session: Session<LoggedIn>, lost: Lost) {
    session.reconnect(lost);
}

fn main() {}
