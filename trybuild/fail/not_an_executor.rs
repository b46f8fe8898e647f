//! A runtime's tasks run on several threads, a local executor does not.

use sessile::{Config, Multi, Runtime};

fn start() {
    Runtime::<Multi>::start_on(Config::new(), smol::LocalExecutor::new()).ok();
}

fn main() {}
