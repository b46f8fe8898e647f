//! A message is bytes or text: other values are encoded first.

use sessile::{LoggedIn, Session};

struct Move {
    x: f32,
}

async fn step(session: &mut Session<LoggedIn>, to: Move) {
    session.send(&to).await.ok();
}

fn main() {}
