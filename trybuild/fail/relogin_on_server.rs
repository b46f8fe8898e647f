//! A server does not log in anew: its peer does, or does not.

use sessile::{Multi, ResumeError};

fn again(gone: ResumeError<Multi>) {
    gone.into_connecting().ok();
}

fn main() {}
