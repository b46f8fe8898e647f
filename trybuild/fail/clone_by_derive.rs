//! A struct that holds a session cannot be cloned.

use sessile::{LoggedIn, Session};

#[derive(Clone)]
struct App {
    session: Session<LoggedIn>,
}

fn main() {}
