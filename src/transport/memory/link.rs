use super::{
    control::{Direction, LinkControl},
    pipe::Wire,
};
use crate::{
    driver::{Clock, Sleep},
    proto::Time,
    transport::Link,
};
use futures::io::{AsyncRead, AsyncWrite};
use std::{
    fmt,
    future::Future,
    io,
    pin::Pin,
    sync::{Arc, Weak},
    task::{Context, Poll, Waker, ready},
    time::Duration,
};

/// One end of a link in memory.
///
/// Each direction holds 64 KiB; a write waits when it is full. Closing or dropping an end gives the other one
/// the end of the stream after what was written before; a [cut](LinkControl::cut) gives both a reset at once.
pub struct MemoryLink {
    wire: Arc<Wire>,
    /// The direction this end writes in; it reads from the opposite one.
    writes: Direction,
    /// Waits for bytes under way; made when the first are.
    sleep: Option<Sleep>,
}

/// Both ends of a new link, the dialer's first.
pub(super) fn pair(id: u64, clock: Clock, delay: Duration) -> (MemoryLink, MemoryLink) {
    let wire = Wire::new(id, clock, delay);
    let end = |writes| MemoryLink {
        wire: wire.clone(),
        writes,
        sleep: None,
    };
    (end(Direction::ToAcceptor), end(Direction::ToDialer))
}

impl MemoryLink {
    /// The test's hand on this link.
    #[must_use]
    pub fn control(&self) -> LinkControl {
        LinkControl::new(self.wire.clone())
    }

    pub(super) fn downgrade(&self) -> Weak<Wire> {
        Arc::downgrade(&self.wire)
    }
}

/// What a look at a pipe came to.
enum Outcome {
    /// The result, and whom to wake outside the lock: the other end, and everybody where the link was cut.
    Done(io::Result<usize>, Option<Waker>, Vec<Waker>),
    /// Until when, if that is known, and the waker that was registered before: to be dropped outside the lock.
    Wait(Option<Time>, Option<Waker>),
}

impl MemoryLink {
    fn try_read(&self, waker: &Waker, into: &mut [u8]) -> Outcome {
        let mut state = self.wire.state();
        if state.cut || state.pipe(self.writes).severed {
            return Outcome::Done(Err(reset()), None, Vec::new());
        }
        if into.is_empty() {
            return Outcome::Done(Ok(0), None, Vec::new());
        }
        let now = self.wire.clock.now();
        let chunk = state.chunk;
        let pipe = state.pipe(self.writes.opposite());
        let left = pipe.cut_after.unwrap_or(u64::MAX);
        let limit = usize::try_from(left).unwrap_or(usize::MAX).min(chunk);
        let read = pipe.take(now, limit, into);
        if read > 0 {
            let writer = pipe.writer.take();
            if pipe.cut_after.is_some() {
                pipe.cut_after = Some(left - read as u64);
            }
            let all = match pipe.cut_after {
                Some(0) => state.cut(),
                _ => Vec::new(),
            };
            return Outcome::Done(Ok(read), writer, all);
        }
        if pipe.held {
            return Outcome::Wait(None, register(&mut pipe.reader, waker));
        }
        let end = pipe.finished.filter(|_| !pipe.black_hole);
        let next = pipe.parts.front().map(|&(at, _)| at).or(end);
        if next.is_some_and(|at| at <= now) {
            return Outcome::Done(Ok(0), None, Vec::new());
        }
        Outcome::Wait(next, register(&mut pipe.reader, waker))
    }

    fn try_write(&self, waker: &Waker, bytes: &[u8]) -> Outcome {
        let mut state = self.wire.state();
        let (delay, chunk, capacity) = (state.delay, state.chunk, state.capacity);
        let cut = state.cut;
        let pipe = state.pipe(self.writes);
        let failure = if cut || pipe.severed {
            Some(reset())
        } else if pipe.finished.is_some() {
            Some(broken("this end finished writing"))
        } else if pipe.deaf && !pipe.black_hole {
            Some(broken("the other end is gone"))
        } else {
            None
        };
        if let Some(error) = failure {
            return Outcome::Done(Err(error), None, Vec::new());
        }
        let bytes = &bytes[..bytes.len().min(chunk)];
        if pipe.black_hole || bytes.is_empty() {
            return Outcome::Done(Ok(bytes.len()), None, Vec::new());
        }
        let room = bytes.len().min(capacity.saturating_sub(pipe.bytes.len()));
        if room == 0 {
            return Outcome::Wait(None, register(&mut pipe.writer, waker));
        }
        pipe.bytes.extend(&bytes[..room]);
        let at = pipe.arrival(self.wire.clock.now(), delay);
        match pipe.parts.back_mut() {
            Some((last, len)) if *last == at => *len += room,
            _ => pipe.parts.push_back((at, room)),
        }
        Outcome::Done(Ok(room), pipe.reader.take(), Vec::new())
    }
}

impl Link for MemoryLink {}

impl AsyncRead for MemoryLink {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        loop {
            let outcome = self.try_read(context.waker(), into);
            let Self { wire, sleep, .. } = &mut *self;
            let at = match &outcome {
                Outcome::Wait(at, _) => *at,
                Outcome::Done(..) => None,
            };
            if at.is_some() && sleep.is_none() {
                *sleep = Some(wire.clock.sleep());
            }
            if let Some(sleep) = sleep {
                sleep.set(at);
            }
            match outcome {
                Outcome::Done(result, other, all) => {
                    other.into_iter().chain(all).for_each(Waker::wake);
                    return Poll::Ready(result);
                }
                Outcome::Wait(_, former) => drop(former),
            }
            match sleep {
                Some(sleep) => ready!(Pin::new(sleep).poll(context)),
                None => return Poll::Pending,
            }
        }
    }
}

impl AsyncWrite for MemoryLink {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.try_write(context.waker(), bytes) {
            Outcome::Done(result, other, all) => {
                other.into_iter().chain(all).for_each(Waker::wake);
                Poll::Ready(result)
            }
            Outcome::Wait(_, former) => {
                drop(former);
                Poll::Pending
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let now = self.wire.clock.now();
        self.wire.update(|state| state.finish(self.writes, now));
        Poll::Ready(Ok(()))
    }
}

impl Drop for MemoryLink {
    fn drop(&mut self) {
        self.wire.update(|state| {
            let unread = !state.pipe(self.writes.opposite()).bytes.is_empty();
            if unread && state.reset_unread && !state.pipe(self.writes).black_hole {
                return state.cut();
            }
            let mut wakers = state.finish(self.writes, self.wire.clock.now());
            let pipe = state.pipe(self.writes.opposite());
            pipe.deaf = true;
            pipe.clear();
            wakers.extend(pipe.wake_both());
            wakers
        });
    }
}

impl fmt::Debug for MemoryLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MemoryLink({}, {:?})", self.wire.id, self.writes)
    }
}

/// Returns the waker that was registered before.
fn register(slot: &mut Option<Waker>, waker: &Waker) -> Option<Waker> {
    match slot {
        Some(known) if known.will_wake(waker) => None,
        _ => slot.replace(waker.clone()),
    }
}

fn reset() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionReset, "the link was cut")
}

fn broken(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::BrokenPipe, why)
}
