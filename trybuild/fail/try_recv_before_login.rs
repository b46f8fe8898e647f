//! A session that is not logged in cannot receive without waiting either.

use sessile::{Connecting, Session};

fn look(mut session: Session<Connecting>) {
    session.try_recv().ok();
}

fn main() {}
