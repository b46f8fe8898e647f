//! A client does not listen, over whatever transport.

use sessile::{Runtime, Single, transport::memory::Network};

fn serve(runtime: Runtime<Single>, network: &Network) {
    let _door = runtime.listen_over(network.listener());
}

fn main() {}
