//! A server does not dial.

use sessile::{Multi, Runtime};

async fn join(runtime: Runtime<Multi>) {
    runtime.connect("127.0.0.1:7000").await.ok();
}

fn main() {}
