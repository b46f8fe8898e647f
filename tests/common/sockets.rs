//! For tests with real sockets and real time.

use std::{future::Future, time::Duration};

use sessile::{Config, Reconnect};
use smol::Timer;

/// Runs a test, and fails it where it hangs.
pub(crate) fn run<T>(test: impl Future<Output = T>) -> T {
    smol::block_on(smol::future::or(test, async {
        Timer::after(Duration::from_secs(60)).await;
        panic!("the test hangs");
    }))
}

/// Reconnects as fast as a test wants it.
pub(crate) fn quick() -> Config {
    let ms = Duration::from_millis;
    Config::new().reconnect(Reconnect::new().base(ms(2)).cap(ms(20)))
}
