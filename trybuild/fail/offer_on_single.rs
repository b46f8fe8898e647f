//! Nobody presents anything to a client.

use sessile::{Connecting, Session};

fn look(session: &Session<Connecting>) {
    println!("{:?}", session.offer());
}

fn main() {}
