//! A session without a link cannot send a volatile message.

use sessile::{Reconnecting, Session};

fn tick(mut session: Session<Reconnecting>) {
    session.send_volatile("x=1").ok();
}

fn main() {}
