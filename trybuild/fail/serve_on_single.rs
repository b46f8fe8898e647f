//! A client has no host.

use sessile::{Runtime, Single};

async fn f(runtime: Runtime<Single>) {
    runtime.serve("0.0.0.0:7000", ()).await.ok();
}

fn main() {}
