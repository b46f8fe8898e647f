//! Everything that can happen, within bounds, to the code that ships: real registries on both sides, and between them links
//! whose every frame arrives, waits or is lost, in every order. `search.rs` says how, `look.rs`, `apps.rs` and `heal.rs` what
//! must hold, `bounds.rs` how much may happen.
//!
//! ```text
//! cargo test --test model                                     # small, with debug assertions
//! cargo test --release --test model                           # what CI runs: millions of states
//! cargo test --release --test model -- --ignored --nocapture  # the large one; progress on stderr
//! RUSTFLAGS="--cfg sessile_canary" cargo test --release --target-dir target/canary --test model   # the seeded mistakes
//! ```
//!
//! How many states there are, and what was met on the way, is pinned in `met.txt`: a search that never met a fault has proven
//! nothing about it. If either changes, something about the protocol has: look at what, and whether all of it was meant; then
//! write down the new paragraph, which the failing test prints, in the same commit.

mod action;
mod apply;
mod apps;
mod bounds;
#[cfg(sessile_canary)]
mod canaries;
mod heal;
mod links;
mod look;
mod marks;
mod print;
mod prints;
mod search;
mod world;

use std::fs;

use bounds::{Bounds, Often};
use search::{Found, Progress, Search};

const NEVER: Often = Bounds::new("").often;

/// A message each way, on a link and one more.
const SMALL: Bounds = Bounds {
    up: 1,
    down: 1,
    ..Bounds::new("a message each way, two links")
};

/// Everything that can happen on one link, the passing of time too.
const ON_ONE_LINK: Bounds = Bounds {
    up: 1,
    links: 1,
    often: Often {
        closes: 1,
        probes: 1,
        leases: 1,
        windows: 1,
        ..NEVER
    },
    ..Bounds::new("all on one link")
};

/// Crash and takeover while messages are on their way.
const REPLACED: Bounds = Bounds {
    name: "a crash and a takeover",
    clients: 2,
    often: Often {
        crashes: 1,
        ..NEVER
    },
    ..SMALL
};

/// Closed from either end, at any time.
const CLOSED: Bounds = Bounds {
    name: "closed, probed, and torn",
    often: Often {
        closes: 1,
        probes: 1,
        ..NEVER
    },
    torn: true,
    ..SMALL
};

/// A beat, a lease and a resume window pass, in any order, at any time.
const WAITED: Bounds = Bounds {
    name: "time passes",
    up: 1,
    down: 0,
    often: Often {
        beats: 1,
        leases: 1,
        windows: 1,
        ..NEVER
    },
    ..SMALL
};

/// Two beats' time without a word makes suspects, and a word clears them.
const SUSPECTED: Bounds = Bounds {
    name: "suspected, and cleared",
    down: 0,
    often: Often { beats: 2, ..NEVER },
    ..SMALL
};

/// One resume after the other.
const RESUMED: Bounds = Bounds {
    name: "three links",
    links: 3,
    ..SMALL
};

/// The server begins anew, and its host throws peers out.
const RESTARTED: Bounds = Bounds {
    name: "a server that restarts, and removes",
    up: 1,
    down: 0,
    often: Often {
        server_crashes: 1,
        removals: 1,
        ..NEVER
    },
    ..SMALL
};

/// As many messages as a search to its end can take.
const TALKATIVE: Bounds = Bounds {
    name: "three messages each way",
    up: 3,
    down: 3,
    ..SMALL
};

/// The large one.
const LARGE: Bounds = Bounds {
    name: "the large one",
    links: 3,
    ..REPLACED
};

#[test]
fn a_message_each_way_over_two_links_survives_everything() {
    pinned(SMALL);
}

#[test]
fn states_with_the_same_print_go_on_in_the_same_way() {
    let mut all = vec![Bounds { down: 0, ..SMALL }];
    if !cfg!(debug_assertions) {
        let restarted = Bounds {
            up: 0,
            clients: 2,
            ..RESTARTED
        };
        let waited = Bounds { links: 1, ..WAITED };
        let replaced = Bounds {
            up: 0,
            down: 0,
            ..REPLACED
        };
        all.extend([SMALL, restarted, waited, replaced, ON_ONE_LINK]);
    }
    for bounds in all {
        let (states, again) = prints::compare(bounds);
        assert!(
            again > states,
            "{}: {states} states, reached again {again} times: too few to prove anything",
            bounds.name
        );
        eprintln!(
            "{}: {states} states, reached again {again} times",
            bounds.name
        );
    }
}

mod millions {
    use super::*;

    #[test]
    #[cfg_attr(debug_assertions, ignore = "long: cargo test --release --test model")]
    fn a_crash_and_a_takeover_at_any_time_lose_nothing() {
        pinned(REPLACED);
    }

    #[test]
    #[cfg_attr(debug_assertions, ignore = "long: cargo test --release --test model")]
    fn a_close_from_either_end_at_any_time_is_told_right() {
        pinned(CLOSED);
    }

    #[test]
    #[cfg_attr(debug_assertions, ignore = "long: cargo test --release --test model")]
    fn time_that_passes_at_any_time_locks_nobody_out() {
        pinned(WAITED);
    }

    #[test]
    #[cfg_attr(debug_assertions, ignore = "long: cargo test --release --test model")]
    fn a_suspect_that_speaks_is_cleared() {
        pinned(SUSPECTED);
    }

    #[test]
    #[cfg_attr(debug_assertions, ignore = "long: cargo test --release --test model")]
    fn one_resume_after_the_other_loses_nothing() {
        pinned(RESUMED);
    }

    #[test]
    #[cfg_attr(debug_assertions, ignore = "long: cargo test --release --test model")]
    fn a_server_that_begins_anew_is_told_from_one_that_remembers() {
        pinned(RESTARTED);
    }

    #[test]
    #[ignore = "minutes"]
    fn three_messages_each_way_survive_everything() {
        pinned(TALKATIVE);
    }

    #[test]
    #[ignore = "the large search: tens of millions of states"]
    fn the_large_one() {
        let found = search(LARGE, most(), &mut progress(LARGE.name));
        let depth = found.depth;
        eprintln!(
            "{}depth {depth}, complete: {}",
            paragraph(&LARGE, &found),
            found.complete
        );
    }

    /// No limit, or what `SESSILE_MODEL_MOST` says.
    fn most() -> usize {
        let most = std::env::var("SESSILE_MODEL_MOST").ok();
        most.map_or(usize::MAX, |most| most.parse().expect("a number of states"))
    }
}

/// All of it was looked at: exactly so many states, in which exactly this was met.
fn pinned(bounds: Bounds) {
    let found = search(bounds, usize::MAX, &mut |_| {});
    assert!(found.complete);
    let is = paragraph(&bounds, &found);
    let known = include_str!("met.txt").replace("\r\n", "\n");
    assert!(
        known.split("\n\n").any(|was| was.trim() == is.trim()),
        "met.txt says something else (see the head of main.rs):\n\n{is}"
    );
}

fn paragraph(bounds: &Bounds, found: &Found) -> String {
    format!(
        "{}: {} states\n{}",
        bounds.name,
        found.states,
        found.marks.words()
    )
}

fn search(bounds: Bounds, most: usize, report: &mut dyn FnMut(Progress)) -> Found {
    let found = Search {
        bounds,
        most,
        threads: if cfg!(debug_assertions) { 1 } else { 2 },
        report,
    }
    .run();
    if let Some((way, what)) = &found.violation {
        let way: Vec<String> = way.iter().map(|action| format!("{action:?}")).collect();
        panic!("{}: {what}, after\n  {}", bounds.name, way.join("\n  "));
    }
    found
}

/// Tells a person how far it is, every half a million states.
fn progress(name: &str) -> impl FnMut(Progress) {
    let mut told = 0;
    move |progress: Progress| {
        if progress.states / 500_000 == told {
            return;
        }
        told = progress.states / 500_000;
        let seconds = progress.began.elapsed().as_secs_f64();
        eprintln!(
            "{name}: {:.1} million states at depth {}, {:.1} million waiting, {:.0} s, {:.0} states/s, {} MiB",
            progress.states as f64 / 1e6,
            progress.depth,
            progress.waiting as f64 / 1e6,
            seconds,
            progress.states as f64 / seconds,
            resident().map_or_else(|| "?".into(), |mib| mib.to_string()),
        );
    }
}

/// Memory in use, where the system says so.
fn resident() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? / 1024)
}
