//! A closure admits peers by way of `admit_with`.

use sessile::{Admission, Multi, Offer, Runtime};

async fn f(runtime: Runtime<Multi>) {
    let admit = |_: Offer| async { Ok(Admission::from(1u64)) };
    runtime.intake("0.0.0.0:7000", admit).await.ok();
}

fn main() {}
