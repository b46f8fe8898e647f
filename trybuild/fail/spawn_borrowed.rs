//! A task needs the session, not a loan of it.

use sessile::{LoggedIn, Session};

fn spawn(_task: impl Future<Output = ()> + Send + 'static) {}

async fn chat(_session: &mut Session<LoggedIn>) {}

fn start(mut session: Session<LoggedIn>) {
    spawn(chat(&mut session));
}

fn main() {}
