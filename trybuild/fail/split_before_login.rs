//! A session that is not logged in has no halves.

use sessile::{Connecting, Session};

fn halves(mut session: Session<Connecting>) {
    let (_sender, _receiver) = session.split();
}

fn main() {}
