//! The end of standard input.

use std::{io, thread};

/// Standard input, of which only the end is of interest. It comes too when whoever started this program is no more.
#[derive(Clone)]
pub(crate) struct Input(async_channel::Receiver<()>);

impl Input {
    pub(crate) fn open() -> Self {
        let (open, ended) = async_channel::bounded::<()>(1);
        thread::spawn(move || {
            io::copy(&mut io::stdin(), &mut io::sink()).ok(); // blocks, so it has a thread of its own
            drop(open);
        });
        Self(ended)
    }

    /// Waits for the end.
    pub(crate) async fn ended(&self) {
        self.0.recv().await.ok();
    }
}
