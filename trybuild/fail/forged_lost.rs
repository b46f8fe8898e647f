//! The evidence of a loss cannot be made by hand.

use sessile::{LoggedIn, Lost, Reconnecting, Session};

fn back(session: Session<LoggedIn>) -> Session<Reconnecting> {
    session.reconnect(Lost { epoch: 1 })
}

fn main() {}
