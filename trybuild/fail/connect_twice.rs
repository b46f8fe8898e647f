//! A client runtime has one session.

use sessile::{Runtime, Single};

async fn both(runtime: Runtime<Single>) {
    let _one = runtime.connect("one.example:7000").await;
    let _other = runtime.connect("other.example:7000").await;
}

fn main() {}
