//! A session has one reader at a time.

use sessile::{LoggedIn, Session};

fn both(session: &mut Session<LoggedIn>) {
    let (_, mut one) = session.split();
    let (_, mut other) = session.split();
    one.try_recv().ok();
    other.try_recv().ok();
}

fn main() {}
