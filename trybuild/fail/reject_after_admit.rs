//! A peer that was admitted cannot be rejected.

use sessile::{LoggedIn, Multi, Rejection, Session};

fn regret(session: Session<LoggedIn, Multi>) {
    session.reject(Rejection::full());
}

fn main() {}
