//! A client that is dropped closes its session.
#![deny(unused_must_use)]

use sessile::{Credentials, Runtime, Single};

fn f(runtime: Runtime<Single>, me: Credentials) {
    runtime.supervise("example.org:7000", me);
}

fn main() {}
