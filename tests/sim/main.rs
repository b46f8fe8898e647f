//! Nothing lost, nothing twice, whatever breaks: random worlds of real programs, each from one seed.

#[cfg(sessile_canary)]
mod canaries;
mod client;
mod coverage;
mod drain;
mod ledger;
mod patience;
mod server;
mod storm;
mod world;

use sessile::sim::{self, Sim};

#[test]
fn whatever_breaks_what_is_promised_holds() {
    let summary = sim::check(0..30, world::build);
    assert!(
        summary.steps > 100_000,
        "the lives were too short to prove anything: {summary}"
    );
}

// G2, and the same in every build: `.ci/run` compares what this prints in debug with what it prints in release.
#[test]
fn the_same_seed_gives_the_same_life() {
    for seed in 0..10 {
        let live = || {
            let mut sim = Sim::new(seed);
            world::build(&mut sim);
            sim.run().expect("a life in which nothing is wrong")
        };
        let (once, again) = (live(), live());
        assert_eq!(once.trace_hash, again.trace_hash, "seed {seed}");
        println!("trace of seed {seed}: {:016x}", once.trace_hash);
    }
}

// G1. Some 40 s in release.
#[test]
#[ignore = "long: cargo test --release --test sim -- --ignored"]
fn a_thousand_lives_meet_everything_that_can_happen() {
    let summary = sim::check(0..1_000, world::build);
    println!("{summary}");
    let all = coverage::all();
    let missing = summary.missing(all.iter().map(String::as_str));
    assert!(
        missing.is_empty(),
        "what never happened was not tested: {missing:?}"
    );
}
