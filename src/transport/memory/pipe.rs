use super::control::Direction;
use crate::{
    driver::Clock,
    proto::Time,
    sync::{Mutex, MutexGuard},
};
use std::{
    collections::VecDeque,
    sync::{Arc, PoisonError},
    task::Waker,
    time::Duration,
};

/// What both ends and the test share.
pub(super) struct Wire {
    pub(super) id: u64,
    pub(super) clock: Clock,
    state: Mutex<State>,
}

pub(super) struct State {
    pub(super) cut: bool,
    pub(super) delay: Duration,
    pub(super) chunk: usize,
    /// What one direction holds; a write waits when it is full.
    pub(super) capacity: usize,
    /// An end that is dropped with bytes unread resets the link, as TCP does (RFC 1122, 4.2.2.13).
    pub(super) reset_unread: bool,
    pipes: [Pipe; 2],
}

#[derive(Default)]
pub(super) struct Pipe {
    pub(super) bytes: VecDeque<u8>,
    /// What arrives when: lengths of the parts of `bytes`, in order.
    pub(super) parts: VecDeque<(Time, usize)>,
    /// The writer finished, and when the reader hears of it.
    pub(super) finished: Option<Time>,
    /// The reader is gone.
    pub(super) deaf: bool,
    pub(super) black_hole: bool,
    /// What was written waits, and so does the end of the stream.
    pub(super) held: bool,
    /// The end that writes here has heard of a reset, and the other has not.
    pub(super) severed: bool,
    /// The link is cut when so many more bytes were read.
    pub(super) cut_after: Option<u64>,
    pub(super) reader: Option<Waker>,
    pub(super) writer: Option<Waker>,
}

/// What one direction holds unless a test says otherwise.
const CAPACITY: usize = 64 * 1024;

impl Wire {
    pub(super) fn new(id: u64, clock: Clock, delay: Duration) -> Arc<Self> {
        let state = Mutex::new(State {
            cut: false,
            delay,
            chunk: usize::MAX,
            capacity: CAPACITY,
            reset_unread: false,
            pipes: Default::default(),
        });
        Arc::new(Self { id, clock, state })
    }

    pub(super) fn is_up(&self) -> bool {
        let state = self.state();
        !state.cut && state.pipes.iter().any(|pipe| !pipe.deaf)
    }

    /// Changes the state, and wakes outside the lock: a waker may run a task that reads here at once.
    pub(super) fn update(&self, change: impl FnOnce(&mut State) -> Vec<Waker>) {
        let wakers = change(&mut self.state());
        wakers.into_iter().for_each(Waker::wake);
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    pub(super) fn cut(&mut self) -> Vec<Waker> {
        self.cut = true;
        let mut wakers = Vec::new();
        for pipe in &mut self.pipes {
            pipe.clear();
            wakers.extend(pipe.wake_both());
        }
        wakers
    }

    /// Whoever writes in this direction has finished: the other end hears the end of the stream, after what was written.
    pub(super) fn finish(&mut self, direction: Direction, now: Time) -> Vec<Waker> {
        let delay = self.delay;
        let pipe = self.pipe(direction);
        if pipe.finished.is_some() {
            return Vec::new();
        }
        pipe.finished = Some(pipe.arrival(now, delay));
        pipe.wake_both()
    }

    pub(super) fn wake_writers(&mut self) -> Vec<Waker> {
        let writers = self.pipes.iter_mut().filter_map(|pipe| pipe.writer.take());
        writers.collect()
    }

    pub(super) fn pipe(&mut self, direction: Direction) -> &mut Pipe {
        &mut self.pipes[direction as usize]
    }
}

impl Pipe {
    pub(super) fn clear(&mut self) {
        (self.bytes, self.parts) = Default::default();
    }

    pub(super) fn wake_both(&mut self) -> Vec<Waker> {
        self.reader
            .take()
            .into_iter()
            .chain(self.writer.take())
            .collect()
    }

    /// When something that is written now arrives: not before what was written earlier.
    pub(super) fn arrival(&self, now: Time, delay: Duration) -> Time {
        let last = self.parts.back().map_or(Time::START, |&(at, _)| at);
        if delay.is_zero() {
            last
        } else {
            last.max(now + delay)
        }
    }

    /// Takes bytes that have arrived, up to the part's end and to `limit`.
    pub(super) fn take(&mut self, now: Time, limit: usize, into: &mut [u8]) -> usize {
        let mut taken = 0;
        let limit = if self.held { 0 } else { limit.min(into.len()) };
        while taken < limit {
            let Some((_, len)) = self.parts.front_mut().filter(|part| part.0 <= now) else {
                break;
            };
            let count = (*len).min(limit - taken);
            *len -= count;
            if *len == 0 {
                self.parts.pop_front();
            }
            for (place, byte) in into[taken..].iter_mut().zip(self.bytes.drain(..count)) {
                *place = byte;
            }
            taken += count;
        }
        taken
    }
}
