//! A runtime is started as a client or as a server.

use sessile::{Config, Runtime};

fn start() {
    let _runtime = Runtime::start(Config::new());
}

fn main() {}
