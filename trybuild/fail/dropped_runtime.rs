//! A runtime that nothing holds stops.
#![deny(unused_must_use)]

use sessile::{Config, Multi, Runtime};

fn start() {
    Runtime::<Multi>::start(Config::new()).unwrap();
}

fn main() {}
