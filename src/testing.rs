//! What a test of a program that uses sessions needs: time that moves only when the test says so.
//!
//! A network without sockets, whose links a test can cut, slow down and swallow, is in
//! [`transport::memory`](crate::transport::memory). A test of a whole host is in the [guide](crate::guide::testing).

use std::{
    collections::VecDeque,
    fmt, mem,
    sync::{Arc, PoisonError},
    task::{Context, Poll, Waker},
    time::Duration,
};

use crate::sync::{Mutex, MutexGuard};

/// A clock that stands still until it is moved by hand.
///
/// Clones show the same time. A runtime that runs on it declares nobody dead, sends no heartbeat and retries
/// nothing until the test moves it, so that a test of a two-minute resume window takes no time and always
/// takes the same course.
///
/// Only tasks that already wait are woken: let the tasks run until they all wait before moving the clock.
///
/// ```
/// use sessile::testing::ManualClock;
/// use std::time::Duration;
///
/// let clock = ManualClock::new();
/// assert_eq!(clock.now(), Duration::ZERO);
/// clock.advance(Duration::from_secs(6));
/// assert_eq!(clock.clone().now(), Duration::from_secs(6));
/// assert_eq!(clock.next_deadline(), None); // nobody waits
/// ```
#[derive(Clone, Default)]
pub struct ManualClock(Arc<Mutex<State>>);

/// A sleeper's deadline, and its number.
type When = (Duration, u64);

#[derive(Default)]
struct State {
    now: Duration,
    /// By deadline, then by age, so that tasks wake in one order in every run.
    sleepers: VecDeque<(When, Waker)>,
    /// How many sleeps were made: the next one's number.
    made: u64,
}

impl ManualClock {
    /// A clock that shows zero.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How far this clock was moved since it was made.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.state().now
    }

    /// Moves the clock by `by` in one step and then wakes every task whose time has come, earliest first.
    ///
    /// A task that was to be woken on the way finds that it is late, as after a pause of the machine. To step
    /// through every moment at which something is to happen, use [`advance_to_next`](Self::advance_to_next).
    ///
    /// ```
    /// use sessile::testing::ManualClock;
    /// use std::time::Duration;
    ///
    /// /// Lets time pass as it does in life, where `settle` lets every task run until all wait.
    /// fn pass(clock: &ManualClock, time: Duration, settle: impl Fn()) {
    ///     let end = clock.now() + time;
    ///     settle();
    ///     while clock.next_deadline().is_some_and(|next| next <= end) {
    ///         clock.advance_to_next();
    ///         settle();
    ///     }
    ///     clock.advance(end.saturating_sub(clock.now()));
    /// }
    /// # pass(&ManualClock::new(), Duration::from_secs(6), || {});
    /// ```
    pub fn advance(&self, by: Duration) {
        let state = self.state();
        let target = state.now.saturating_add(by);
        move_to(self, state, target);
    }

    /// Moves the clock to the next moment that a task waits for, wakes the tasks that wait for it, and returns
    /// that moment. `None`, and no move, where no task waits.
    ///
    /// ```
    /// use sessile::testing::ManualClock;
    /// assert_eq!(ManualClock::new().advance_to_next(), None);
    /// ```
    pub fn advance_to_next(&self) -> Option<Duration> {
        let state = self.state();
        let target = state.next_deadline()?;
        move_to(self, state, target);
        Some(target)
    }

    /// The next moment that a task waits for.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Duration> {
        self.state().next_deadline()
    }

    pub(crate) fn sleep(&self) -> ManualSleep {
        let mut state = self.state();
        state.made += 1;
        ManualSleep {
            number: state.made,
            clock: self.clone(),
            at: None,
            waits: None,
        }
    }

    /// A waker's own lock is never taken while this one is held, so a poisoned state is still a whole one.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn next_deadline(&self) -> Option<Duration> {
        self.sleepers.front().map(|((at, _), _)| *at)
    }

    /// Where a sleeper is, or where it belongs.
    fn find(&self, when: When) -> Result<usize, usize> {
        self.sleepers.binary_search_by_key(&when, |(when, _)| *when)
    }
}

impl fmt::Debug for ManualClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ManualClock").field(&self.now()).finish()
    }
}

/// What [`ManualClock`] gives instead of a timer. To be polled after each `set`.
pub(crate) struct ManualSleep {
    clock: ManualClock,
    number: u64,
    at: Option<Duration>,
    /// The deadline under which the clock knows this sleep.
    waits: Option<Duration>,
}

impl ManualSleep {
    pub(crate) fn set(&mut self, at: Option<Duration>) {
        self.forget();
        self.at = at;
    }

    pub(crate) fn poll(&mut self, context: &Context<'_>) -> Poll<()> {
        let Some(at) = self.at else {
            return Poll::Pending;
        };
        let mut state = self.clock.state();
        if at <= state.now {
            drop(state);
            self.set(None);
            return Poll::Ready(());
        }
        let waker = context.waker().clone();
        let former = match state.find((at, self.number)) {
            Ok(place) => Some(mem::replace(&mut state.sleepers[place].1, waker)),
            Err(place) => {
                state.sleepers.insert(place, ((at, self.number), waker));
                None
            }
        };
        drop(state);
        drop(former); // a waker's drop may run anything: not under the lock
        self.waits = Some(at);
        Poll::Pending
    }

    fn forget(&mut self) {
        if let Some(at) = self.waits.take() {
            let mut state = self.clock.state();
            let place = state.find((at, self.number)).ok();
            let waker = place.and_then(|place| state.sleepers.remove(place));
            drop(state);
            drop(waker);
        }
    }
}

impl Drop for ManualSleep {
    fn drop(&mut self) {
        self.forget();
    }
}

impl fmt::Debug for ManualSleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ManualSleep")
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}

/// Wakes outside the lock: a waker may run the task at once, and the task may ask for the time.
fn move_to<'a>(clock: &'a ManualClock, mut state: MutexGuard<'a, State>, target: Duration) {
    state.now = target;
    loop {
        if state.next_deadline().is_none_or(|next| next > target) {
            return;
        }
        let first = state.sleepers.pop_front();
        drop(state);
        if let Some((_, waker)) = first {
            waker.wake();
        }
        state = clock.state();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{driver::Clock, proto::Time};
    use futures::future::{join_all, poll_immediate};
    use smol::block_on;

    const SECOND: Duration = Duration::from_secs(1);

    fn seconds(seconds: u64) -> Time {
        Time::START + Duration::from_secs(seconds)
    }

    #[test]
    fn sleepers_are_woken_at_their_time_and_not_before() {
        let manual = ManualClock::new();
        manual.advance(100 * SECOND);
        let clock = Clock::manual(manual.clone());
        assert_eq!(clock.now(), Time::START);
        let mut sleep = clock.sleep_until(seconds(3));
        assert!(block_on(poll_immediate(&mut sleep)).is_none());
        assert_eq!(manual.next_deadline(), Some(103 * SECOND));
        manual.advance(3 * SECOND - Duration::from_nanos(1));
        assert!(block_on(poll_immediate(&mut sleep)).is_none());
        manual.advance(Duration::from_nanos(1));
        assert_eq!(manual.next_deadline(), None, "woken and forgotten");
        assert!(block_on(poll_immediate(&mut sleep)).is_some());
        assert!(block_on(poll_immediate(&mut sleep)).is_none(), "only once");
        assert_eq!(clock.now(), seconds(3));
    }

    #[test]
    fn a_sleep_can_be_moved_and_dropped() {
        let manual = ManualClock::new();
        let clock = Clock::manual(manual.clone());
        let mut sleep = clock.sleep();
        assert!(block_on(poll_immediate(&mut sleep)).is_none());
        for (at, expected) in [
            (Some(5), Some(5)),
            (Some(9), Some(9)),
            (None, None),
            (Some(2), Some(2)),
        ] {
            sleep.set(at.map(seconds));
            assert!(block_on(poll_immediate(&mut sleep)).is_none());
            assert_eq!(
                manual.next_deadline(),
                expected.map(Duration::from_secs),
                "{sleep:?}"
            );
        }
        drop(sleep);
        assert_eq!(manual.next_deadline(), None);
    }

    #[test]
    fn stepping_from_deadline_to_deadline_wakes_in_order() {
        let manual = ManualClock::new();
        let clock = Clock::manual(manual.clone());
        let woken = Arc::new(Mutex::new(Vec::new()));
        let executor = smol::LocalExecutor::new();
        for at in [4, 2, 9, 2] {
            let (clock, woken) = (clock.clone(), woken.clone());
            let task = executor.spawn(async move {
                clock.sleep_until(seconds(at)).await;
                woken.lock().unwrap().push((at, clock.now()));
            });
            task.detach();
        }
        while executor.try_tick() {}
        while manual.advance_to_next().is_some() {
            while executor.try_tick() {}
        }
        let order = [2, 2, 4, 9].map(|at| (at, seconds(at)));
        assert_eq!(*woken.lock().unwrap(), order);
        assert_eq!(format!("{manual:?}"), "ManualClock(9s)");
    }

    #[test]
    fn the_real_clock_runs_and_wakes_no_earlier_than_asked() {
        let clock = Clock::real();
        let start = clock.now();
        let mut never = clock.sleep();
        assert!(block_on(poll_immediate(&mut never)).is_none());
        block_on(join_all([5_u64, 1, 3].map(|millis| {
            let at = start + Duration::from_millis(millis);
            let (mut sleep, clock) = (clock.sleep_until(seconds(1_000)), clock.clone());
            async move {
                sleep.set(Some(at));
                (&mut sleep).await;
                assert!(clock.now() >= at);
                assert!(poll_immediate(&mut sleep).await.is_none(), "only once");
                sleep.set(Some(at));
                sleep.await;
            }
        })));
        never.set(Some(Time::from_micros(u64::MAX)));
        assert!(block_on(poll_immediate(&mut never)).is_none());
        never.set(None);
        assert!(block_on(poll_immediate(&mut never)).is_none());
    }
}
