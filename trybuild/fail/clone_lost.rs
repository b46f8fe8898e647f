//! The evidence of a loss cannot be copied.

use sessile::{LoggedIn, Lost, Reconnecting, Session};

fn twice(session: Session<LoggedIn>, lost: Lost) -> (Session<Reconnecting>, Lost) {
    (session.reconnect(lost.clone()), lost)
}

fn main() {}
