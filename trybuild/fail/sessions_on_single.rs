//! A client has one session and no collection of them.

use sessile::{Runtime, Single};

fn shout(runtime: &Runtime<Single>) {
    runtime.sessions().broadcast("hello");
}

fn main() {}
