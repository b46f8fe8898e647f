//! One loss is evidence for one reconnect.

use sessile::{LoggedIn, Lost, Session};

fn both(one: Session<LoggedIn>, other: Session<LoggedIn>, lost: Lost) {
    let _one = one.reconnect(lost);
    let _other = other.reconnect(lost);
}

fn main() {}
