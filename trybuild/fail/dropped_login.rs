//! A login must be awaited, or the session is closed.
#![deny(unused_must_use)]

use sessile::{Connecting, Credentials, Session};

fn join(session: Session<Connecting>, me: &Credentials) {
    session.login(me);
}

fn main() {}
