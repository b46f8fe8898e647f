//! A client logs in; it does not try to admit.

use sessile::{Connecting, Session};

async fn judge(session: Session<Connecting>) {
    session.try_admit(42u64).await.ok();
}

fn main() {}
