//! Reconnecting needs the evidence of a loss.

use sessile::{LoggedIn, Reconnecting, Session};

fn back(session: Session<LoggedIn>) -> Session<Reconnecting> {
    session.reconnect()
}

fn main() {}
