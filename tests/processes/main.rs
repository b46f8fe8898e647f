//! Real processes, and what really happens to them: a server and clients that are killed or stopped, a network that breaks.
//! Every process writes down what it did, and a checker compares all that was written.
//!
//! `cargo test` has each fault once. For a thousand kills, with what they did to everybody as a table:
//!
//!     cargo build --release --examples
//!     cargo test --release --test processes -- --ignored --nocapture
//!
//! `SESSILE_KILLS` is another number, `SESSILE_SEED` another plan. The same seed makes the same plan: which faults, in which
//! order, at whom and for how long. It does not make the same run, because processes and kernels have their own time.
#![cfg(unix)] // the signals

mod checker;
mod doctored;
mod drained;
mod flow;
mod journal;
mod plan;
mod process;
#[expect(dead_code, reason = "the tests of the examples need more of it")]
#[path = "../examples/program.rs"]
mod program;
mod proxied;
mod proxy;
mod report;
mod sessions;
mod world;

use std::{
    env,
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    thread,
};

use fastrand::Rng;
use plan::{Kind, Round};
use report::Figures;
use world::{LEASE, World};

/// Worlds of the long form that live at the same time. Mostly they wait.
const AT_ONCE: usize = 4;

/// Kills in the life of one world.
const KILLS_OF_A_WORLD: usize = 10;

#[test]
fn whatever_breaks_once_loses_nothing_and_doubles_nothing() {
    let rounds = plan::each_once(&mut Rng::with_seed(1), LEASE);
    let plans: Vec<Vec<Round>> = rounds.chunks(2).map(<[Round]>::to_vec).collect();
    let figures = live("once", &plans, plans.len());
    println!("{figures}");
    assert!(Kind::ALL.into_iter().all(|kind| figures.count(kind) == 1));
}

#[test]
#[ignore = "a thousand kills take ten minutes"]
fn a_thousand_kills_lose_nothing_and_double_nothing() {
    let number = |variable: &str| {
        let text = env::var(variable).ok()?;
        Some(
            text.parse()
                .unwrap_or_else(|_| panic!("{variable}: {text:?} is no number")),
        )
    };
    let kills = number("SESSILE_KILLS").unwrap_or(1_000) as usize;
    let seed = number("SESSILE_SEED").unwrap_or(1);
    println!("{kills} kills, seed {seed}");
    let mut rng = Rng::with_seed(seed);
    let worlds = (0..kills.div_ceil(KILLS_OF_A_WORLD)).map(|world| {
        let left = kills - world * KILLS_OF_A_WORLD;
        plan::kills(&mut rng, left.min(KILLS_OF_A_WORLD), LEASE)
    });
    let figures = live(
        &format!("seed-{seed}"),
        &worlds.collect::<Vec<_>>(),
        AT_ONCE,
    );
    println!("\n{figures}");
    assert_eq!(figures.kills(), kills);
}

#[test]
fn a_seed_makes_one_plan() {
    let plan = |seed| {
        let rounds = plan::kills(&mut Rng::with_seed(seed), 100, LEASE);
        let kills = rounds.iter().filter(|it| it.fault.kind().is_kill());
        assert_eq!((kills.count(), rounds.len()), (100, 200));
        format!("{rounds:?}")
    };
    assert_eq!(plan(1), plan(1));
    assert_ne!(plan(1), plan(2));
}

/// A world for each plan, some at a time.
fn live(name: &str, plans: &[Vec<Round>], at_once: usize) -> Figures {
    let (next, all) = (AtomicUsize::new(0), Mutex::new(Figures::default()));
    let work = || {
        loop {
            let number = next.fetch_add(1, Relaxed);
            let Some(plan) = plans.get(number) else {
                return;
            };
            let world = format!("processes/{name}-{number}");
            let figures = one(&world, plan);
            let mut all = all.lock().expect("no world has failed");
            all.add(figures);
            println!(
                "{world}: {} rounds, well; {} kills so far",
                plan.len(),
                all.kills()
            );
        }
    };
    thread::scope(|scope| {
        for _ in 0..at_once {
            scope.spawn(work);
        }
    });
    all.into_inner().expect("no world has failed")
}

fn one(name: &str, plan: &[Round]) -> Figures {
    let mut world = World::begin(Path::new(env!("CARGO_TARGET_TMPDIR")).join(name));
    for &round in plan {
        world.go_through(round);
    }
    let (mut figures, verdict) = world.end();
    let violations: Vec<String> = verdict.violations.iter().map(ToString::to_string).collect();
    assert!(
        violations.is_empty(),
        "{name}, logs are kept: {plan:#?}\n{}",
        violations.join("\n")
    );
    figures.sums = verdict.sums;
    figures
}
