//! A server does not dial, over any transport.

use sessile::{Credentials, Multi, Runtime, transport::memory::Network};

fn f(runtime: Runtime<Multi>, me: Credentials) {
    runtime.supervise_over(Network::new().dialer(), me).retry_now();
}

fn main() {}
