//! A client has no inbox for peers.

use sessile::{Runtime, Single};

async fn f(runtime: Runtime<Single>) {
    runtime.intake("0.0.0.0:7000", ()).await.ok();
}

fn main() {}
