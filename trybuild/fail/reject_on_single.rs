//! A client cannot reject its server.

use sessile::{Connecting, Rejection, Session};

fn judge(session: Session<Connecting>) {
    session.reject(Rejection::full());
}

fn main() {}
