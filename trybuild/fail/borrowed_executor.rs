//! A runtime's tasks outlive a loan of their executor.

use sessile::{Config, Multi, Runtime};

fn start() {
    let executor = smol::Executor::new();
    Runtime::<Multi>::start_on(Config::new(), &executor).ok();
}

fn main() {}
