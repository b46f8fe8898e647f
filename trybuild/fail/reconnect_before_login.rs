//! A session that is not logged in has nothing to reconnect to.

use sessile::{Connecting, Lost, Reconnecting, Session};

fn back(session: Session<Connecting>, lost: Lost) -> Session<Reconnecting> {
    session.reconnect(lost)
}

fn main() {}
