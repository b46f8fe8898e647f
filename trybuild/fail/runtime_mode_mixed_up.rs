//! A server is not a client.

use sessile::{Multi, Runtime};

fn join(_runtime: Runtime) {}

fn start(server: Runtime<Multi>) {
    join(server)
}

fn main() {}
