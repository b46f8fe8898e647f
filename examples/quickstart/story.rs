//! What happens, told as it happens; and whether everything did that should.

use std::{
    collections::BTreeSet,
    fmt::Display,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use anyhow::{Result, bail, ensure};
use smol::Timer;

use crate::talk::{Book, Sums};

#[derive(Clone)]
pub(crate) struct Story {
    began: Instant,
    reached: Arc<Mutex<BTreeSet<Step>>>,
    pub(crate) book: Book,
}

/// What must have happened by the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    Refused,
    Scheduled,
    Resumed,
    TakenOver,
    StayedAway,
    Removed,
}

const STEPS: [Step; 6] = [
    Step::Refused,
    Step::Scheduled,
    Step::Resumed,
    Step::TakenOver,
    Step::StayedAway,
    Step::Removed,
];

impl Story {
    #[expect(
        clippy::disallowed_methods,
        reason = "the library's clock is its own; this is the reader's"
    )]
    pub(crate) fn new() -> Self {
        Self {
            began: Instant::now(),
            reached: Arc::default(),
            book: Book::default(),
        }
    }

    /// One line: when, who, what.
    pub(crate) fn tell(&self, who: &str, what: impl Display) {
        let when = self.began.elapsed().as_secs_f64();
        println!("{when:7.3}s  {who:<9}{what}");
    }

    pub(crate) fn reached(&self, step: Step) {
        self.steps().insert(step);
    }

    /// The sums, and whether they are as promised.
    pub(crate) fn end(&self) -> Result<()> {
        let sums = self.book.sums();
        println!();
        println!("accepted {}, seen {}", sums.accepted, sums.heard);
        println!("lost {}, duplicated {}", sums.lost, sums.duplicated);
        let Sums {
            reordered,
            invented,
            ..
        } = sums;
        ensure!(
            sums.lost == 0 && sums.duplicated == 0 && reordered == 0 && invented == 0,
            "a promise was broken: {sums:?}"
        );
        ensure!(sums.accepted > 0, "nobody said anything");
        let reached = self.steps();
        let missing: Vec<Step> = STEPS
            .into_iter()
            .filter(|step| !reached.contains(step))
            .collect();
        ensure!(missing.is_empty(), "did not happen: {missing:?}");
        Ok(())
    }

    fn steps(&self) -> MutexGuard<'_, BTreeSet<Step>> {
        self.reached.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits until it is so, for a while.
pub(crate) async fn until(what: &str, so: impl Fn() -> bool) -> Result<()> {
    for _ in 0..2_000 {
        if so() {
            return Ok(());
        }
        Timer::after(Duration::from_millis(5)).await;
    }
    bail!("waited in vain for {what}")
}
