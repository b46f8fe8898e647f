//! Which thread runs when: the library's real code under shuttle, which decides at every lock and every counter who goes on,
//! and tries thousands of such schedules from a seed.
//!
//! The core is pure and needs none of this. What does: one lock a runtime, wakers that are registered under it and woken after
//! it, the count of owners, feeds of events, the clock of tests, the network in memory.
//!
//! Time stands still unless a test moves it. So a waker that is lost is never healed by a heartbeat or a timeout: whoever
//! sleeps for ever is a deadlock, which shuttle reports, with the schedule that leads there.
//!
//! In builds with `--cfg sessile_shuttle` alone (`docs/TESTING.md` has the command). Why shuttle and not loom: loom tries *all*
//! schedules and every order of memory, which two threads and a handful of steps survive; a login over a link is a thousand
//! steps of eight tasks. All state here is behind a lock, and the one counter outside has its orderings from `Arc`, so what
//! can go wrong is the order of whole steps, and that is what shuttle varies.

mod clock;
mod events;
mod gates;
mod mistakes;
mod network;
mod owners;
mod sessions;
mod world;

use shuttle::{
    Config, Runner,
    scheduler::{PctScheduler, RandomScheduler, ReplayScheduler},
};

/// Schedules a test, unless `SESSILE_SCHEDULES` says how many.
const SCHEDULES: usize = 10_000;

/// How many times PCT takes the processor from whoever has it, beyond what is forced: most races need one or two.
const PREEMPTIONS: usize = 3;

/// Any other would do. `SHUTTLE_RANDOM_SEED` is another.
const SEED: u64 = 4;

/// Far more steps than any life here takes: a schedule that gets there is one that never ends.
const STEPS: usize = 200_000;

/// Tries `life` in many schedules: half of them random, half with few and well placed preemptions. Or in the one that is in
/// the file which `SESSILE_SCHEDULE` names: what shuttle printed when a test failed.
fn in_any_schedule(life: fn()) {
    if let Ok(file) = std::env::var("SESSILE_SCHEDULE") {
        let replay = ReplayScheduler::new_from_file(file).expect("a file with a schedule");
        Runner::new(replay, config()).run(life);
        return;
    }
    let schedules = std::env::var("SESSILE_SCHEDULES");
    let schedules = schedules.map_or(SCHEDULES, |text| text.parse().expect("a number"));
    try_schedules(life, schedules);
}

fn try_schedules(life: impl Fn() + Clone + Send + Sync + 'static, schedules: usize) {
    let half = schedules.div_ceil(2);
    Runner::new(RandomScheduler::new_from_seed(SEED, half), config()).run(life.clone());
    let pct = PctScheduler::new_from_seed(SEED, PREEMPTIONS, half);
    Runner::new(pct, config()).run(life);
}

fn config() -> Config {
    let mut config = Config::new();
    config.stack_size = 256 * 1024;
    config.max_steps = shuttle::MaxSteps::FailAfter(STEPS);
    config
}
