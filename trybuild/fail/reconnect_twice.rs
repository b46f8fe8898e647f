//! A session that is reconnecting is resumed.

use sessile::{Lost, Reconnecting, Session};

fn back(session: Session<Reconnecting>, lost: Lost) -> Session<Reconnecting> {
    session.reconnect(lost)
}

fn main() {}
