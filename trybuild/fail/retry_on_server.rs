//! A server cannot dial its peer.

use sessile::{Multi, Reconnecting, Session};

fn back(session: &Session<Reconnecting, Multi>) {
    session.peer().retry_now();
}

fn main() {}
