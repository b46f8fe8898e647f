use crate::{
    proto::Time,
    testing::{ManualClock, ManualSleep},
};
use async_io::Timer;
use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

/// Where a runtime gets its time from: the system's monotonic clock, or one that a test moves by hand.
///
/// A clock counts from its origin. A clone has the same origin.
#[derive(Clone, Debug)]
pub(crate) struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    Real {
        origin: Instant,
    },
    Manual {
        clock: ManualClock,
        origin: Duration,
    },
}

/// Waits until a time, and can be set to another one again and again without being made anew.
///
/// Ready once per time set; pending for ever while none is. To be polled after each [`set`](Self::set).
#[derive(Debug)]
pub(crate) struct Sleep(Timing);

#[derive(Debug)]
enum Timing {
    Real {
        origin: Instant,
        timer: Timer,
        armed: bool,
    },
    Manual {
        origin: Duration,
        sleep: ManualSleep,
    },
}

impl Clock {
    /// The system's monotonic clock, counting from now.
    pub(crate) fn real() -> Self {
        Self(Source::Real { origin: instant() })
    }

    /// A clock moved by hand, counting from what it shows now.
    pub(crate) fn manual(clock: ManualClock) -> Self {
        let origin = clock.now();
        Self(Source::Manual { clock, origin })
    }

    /// Whether time passes by itself.
    pub(crate) const fn is_real(&self) -> bool {
        matches!(self.0, Source::Real { .. })
    }

    /// Time since the origin.
    pub(crate) fn now(&self) -> Time {
        Time::START
            + match &self.0 {
                Source::Real { origin } => instant().saturating_duration_since(*origin),
                Source::Manual { clock, origin } => clock.now().saturating_sub(*origin),
            }
    }

    /// Waits until `at`. Allocates nothing on the system's clock.
    pub(crate) fn sleep_until(&self, at: Time) -> Sleep {
        let mut sleep = self.sleep();
        sleep.set(Some(at));
        sleep
    }

    /// A sleep that is not set to any time yet.
    pub(crate) fn sleep(&self) -> Sleep {
        Sleep(match &self.0 {
            Source::Real { origin } => Timing::Real {
                origin: *origin,
                timer: Timer::never(),
                armed: false,
            },
            Source::Manual { clock, origin } => Timing::Manual {
                origin: *origin,
                sleep: clock.sleep(),
            },
        })
    }
}

impl Sleep {
    /// Waits until `at` instead, or for ever.
    pub(crate) fn set(&mut self, at: Option<Time>) {
        match &mut self.0 {
            Timing::Real {
                origin,
                timer,
                armed,
            } => {
                // A time beyond what the system can express is as good as never.
                match at.and_then(|at| origin.checked_add(at.since_start())) {
                    Some(at) => {
                        timer.set_at(at);
                        *armed = true;
                    }
                    None if *armed => {
                        timer.clear();
                        *armed = false;
                    }
                    None => {}
                }
            }
            Timing::Manual { origin, sleep } => {
                sleep.set(at.map(|at| origin.saturating_add(at.since_start())));
            }
        }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        match &mut self.0 {
            Timing::Real { armed: false, .. } => Poll::Pending,
            Timing::Real { timer, armed, .. } => {
                ready!(Pin::new(timer).poll(context));
                *armed = false;
                Poll::Ready(())
            }
            Timing::Manual { sleep, .. } => sleep.poll(context),
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the clock"
)]
fn instant() -> Instant {
    Instant::now()
}
