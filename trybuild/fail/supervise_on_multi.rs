//! A server does not dial: nothing of it can be supervised.

use sessile::{Credentials, Multi, Runtime};

fn f(runtime: Runtime<Multi>, me: Credentials) {
    runtime.supervise("example.org:7000", me).retry_now();
}

fn main() {}
