//! A client has no inbox for peers, over any transport.

use sessile::{Runtime, Single, transport::memory::Network};

fn f(runtime: Runtime<Single>, network: Network) {
    runtime.intake_over(network.listener(), ());
}

fn main() {}
