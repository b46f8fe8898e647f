//! A port alone is no address.

use sessile::{Runtime, Single};

async fn join(runtime: Runtime<Single>) {
    runtime.connect(7000).await.ok();
}

fn main() {}
