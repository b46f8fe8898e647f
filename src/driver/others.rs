//! After a turn others come first: also those whose bytes still lie in the kernel.

use std::task::{Context, Poll};

use super::shared::Shared;

/// So many turns in a row may pass before the reactor has to look: what it costs (some 5 us) is little beside four turns, and
/// four turns of 64 frames are little beside what a network takes.
const TURNS: u8 = 4;

/// A task that wakes itself is run again at once, where nobody else waits to be run. Who has bytes in the kernel does not: it is the
/// reactor that finds them, and an executor of smol runs 200 tasks before it lets the reactor look. One session that always has
/// something would be 200 turns, milliseconds for everybody else (threat T26). So now and then it is the reactor by whom such a task is woken:
/// then nobody is left to be run, and it looks.
#[derive(Debug, Default)]
pub(super) struct Turns(u8);

/// What a task waits for meanwhile.
pub(super) type Others = ready::Written;

impl Turns {
    /// A turn is over. Where something is given back, it is to be kept until the task is woken.
    pub(super) fn end(&mut self, shared: &Shared, cx: &mut Context<'_>) -> Option<Others> {
        self.0 = (self.0 + 1) % TURNS;
        // Where time is moved by hand, nothing of the system's is to wake anybody.
        if self.0 == 0 && shared.clock.is_real() {
            let others = ready::wait(cx);
            if others.is_some() {
                return others;
            }
        }
        cx.waker().wake_by_ref();
        None
    }
}

#[cfg(unix)]
mod ready {
    // The standard library's lock: the system's reactor is in no schedule that a test tries.
    use std::{
        future::Future,
        os::unix::net::UnixDatagram,
        pin::Pin,
        sync::{Arc, Mutex, PoisonError},
    };

    use async_io::{Async, WritableOwned};

    use super::{Context, Poll};

    /// A socket that can always be written to: the next look of the reactor finds it so. Nobody ever writes. One for the process.
    static SOCKET: Mutex<Option<Arc<Async<UnixDatagram>>>> = Mutex::new(None);

    pub(in crate::driver) type Written = WritableOwned<UnixDatagram>;

    /// `None` where there is no open file left.
    pub(super) fn wait(cx: &mut Context<'_>) -> Option<Written> {
        let mut socket = SOCKET.lock().unwrap_or_else(PoisonError::into_inner);
        if socket.is_none() {
            let new = UnixDatagram::unbound().and_then(Async::new);
            *socket = new.ok().map(Arc::new);
        }
        let mut written = Arc::clone(socket.as_ref()?).writable_owned();
        drop(socket);
        match Pin::new(&mut written).poll(cx) {
            Poll::Pending => Some(written),
            Poll::Ready(_) => None,
        }
    }
}

#[cfg(not(unix))]
mod ready {
    use super::Context;

    pub(in crate::driver) type Written = std::convert::Infallible;

    pub(super) fn wait(_: &mut Context<'_>) -> Option<Written> {
        None
    }
}
