//! The connecting handle is gone once it logs in.

use sessile::{Connecting, Credentials, Session};

fn leave(session: Session<Connecting>, me: &Credentials) {
    let _login = session.login(me);
    let _close = session.close("bye");
}

fn main() {}
