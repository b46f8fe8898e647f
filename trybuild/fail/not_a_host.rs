//! What serves peers implements `Host`.

use sessile::{Multi, Runtime};

struct Chat;

async fn f(runtime: Runtime<Multi>) {
    runtime.serve("0.0.0.0:7000", Chat).await.ok();
}

fn main() {}
