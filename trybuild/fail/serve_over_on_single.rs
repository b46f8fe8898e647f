//! A client has no host, over any transport.

use sessile::{Runtime, Single, transport::memory::Network};

fn f(runtime: Runtime<Single>, network: Network) {
    runtime.serve_over(network.listener(), ());
}

fn main() {}
