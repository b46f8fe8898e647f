//! Whether these lives would notice: each mistake that a canary build has is found, or the test fails.

use std::panic::{AssertUnwindSafe, catch_unwind};

use sessile::{
    canary::{self, Canary},
    sim::Sim,
};

use crate::{drain, world};

/// Lives until a mistake must have shown itself.
const LIVES: u64 = 2_000;

/// How a life was found out.
fn live(seed: u64, build: fn(&mut Sim)) -> Option<String> {
    let mut sim = Sim::new(seed);
    build(&mut sim);
    match catch_unwind(AssertUnwindSafe(|| sim.run())) {
        Ok(Ok(_)) => None,
        Ok(Err(failure)) => Some(failure.what),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            Some(format!("panic: {}", text.unwrap_or_default()))
        }
    }
}

#[test]
fn every_canary_is_found() {
    std::panic::set_hook(Box::new(|_| {})); // a panic is one of the ways to be found
    canary::choose(None);
    let sane = (0..100).find_map(|seed| {
        let what = live(seed, world::build).or_else(|| live(seed, drain::build));
        what.map(|what| (seed, what))
    });
    assert_eq!(sane, None, "without a mistake nothing is wrong");
    let only = std::env::var("SESSILE_CANARY").ok();
    let mut missed = Vec::new();
    for bird in Canary::ALL {
        let name = format!("{bird:?}");
        if only.as_ref().is_some_and(|only| *only != name) {
            continue;
        }
        canary::choose(Some(bird));
        let build = match bird {
            Canary::GoAwayNotRepeated | Canary::DrainAdmits => drain::build,
            _ => world::build,
        };
        let found = (0..LIVES).find_map(|seed| Some((seed, live(seed, build)?)));
        canary::choose(None);
        match found {
            Some((seed, what)) => println!("{name:<26} seed {seed:>4}  {what}"),
            None => {
                println!("{name:<26} missed in {LIVES} lives");
                missed.push(name);
            }
        }
    }
    let _ = std::panic::take_hook();
    assert!(missed.is_empty(), "no life in {LIVES} shows {missed:?}");
}
