//! A server does not dial, over whatever transport.

use sessile::{Multi, Runtime, transport::memory::Network};

async fn join(runtime: Runtime<Multi>, network: &Network) {
    runtime.connect_over(network.dialer()).await.ok();
}

fn main() {}
