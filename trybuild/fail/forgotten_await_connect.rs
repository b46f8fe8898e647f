//! A connect is a future, not yet a session.

use sessile::{Credentials, Runtime, Single};

async fn join(runtime: Runtime<Single>, me: &Credentials) {
    let session = runtime.connect("127.0.0.1:7000");
    session.login(me).await.ok();
}

fn main() {}
