//! A client does not listen.

use sessile::{Runtime, Single};

async fn serve(runtime: Runtime<Single>) {
    runtime.listen("0.0.0.0:7000").await.ok();
}

fn main() {}
