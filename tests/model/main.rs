//! Everything that can happen, within bounds, to the code that ships: two registries and every order of what the network, the
//! programs and time may do to them. See `search.rs` for how, `look.rs` for what must hold, `heal.rs` for that nobody is locked out.

mod action;
mod apply;
mod apps;
mod bounds;
#[cfg(sessile_canary)]
mod canaries;
mod heal;
mod look;
mod marks;
mod print;
mod prints;
mod search;
mod world;

use std::time::Duration;

use bounds::{Bounds, Often};
use search::{Found, Progress, Search};

const NONE: Often = Bounds::new("").often;

fn search(bounds: Bounds, most: usize, report: &mut dyn FnMut(Progress)) -> Found {
    let found = Search {
        bounds,
        most,
        threads: 2,
        report,
    }
    .run();
    if let Some((way, what)) = &found.violation {
        let steps: Vec<String> = way.iter().map(|action| format!("    {action:?}")).collect();
        panic!("{}: {what}, after\n{}", bounds.name, steps.join("\n"));
    }
    found
}

/// Looks at all of it. The number of states is pinned: another one means that the machine does something else, or that the search
/// tells states apart in another way. Where that is meant, read what changed in what was met, and write the new number here.
fn complete(bounds: Bounds, states: usize, met: &[&str]) {
    let found = search(bounds, 20_000_000, &mut |_| {});
    assert!(found.complete, "{}: more than it was made for", bounds.name);
    let words = found.marks.words();
    for line in met {
        let (kind, wanted) = line.split_once(": ").expect("`kind: words`");
        let had = words
            .lines()
            .find_map(|line| line.strip_prefix(kind)?.strip_prefix(':'))
            .unwrap_or_default();
        for word in wanted.split(' ') {
            assert!(
                had.split(' ').any(|one| one == word),
                "{}: {kind}: {word} was never met, only{had}",
                bounds.name
            );
        }
    }
    assert_eq!(found.states, states, "{}: its states", bounds.name);
    println!(
        "{:<44} {:>9} states, {:>9} steps, {:>2} deep",
        bounds.name, found.states, found.steps, found.depth
    );
}

/// What happens to messages and links, whatever else may.
const ALWAYS: [&str; 4] = [
    "read by the client: WELCOME RESUMED",
    "read by the server: LOGIN RESUME DATA ACK",
    "heard at the client: logged-in link-lost reconnect-scheduled reconnect-started resumed",
    "healed: came-back logged-in",
];

#[test]
fn one_message_over_two_links_holds_what_is_promised() {
    let bounds = Bounds {
        up: 1,
        ..Bounds::new("1 message, 2 links")
    };
    complete(bounds, 1_103, &ALWAYS);
}

#[test]
#[cfg_attr(debug_assertions, ignore = "long: cargo test --release --test model")]
fn states_that_have_one_print_go_on_in_the_same_way() {
    let talk = Bounds {
        up: 1,
        down: 1,
        ..Bounds::new("talk")
    };
    let ends = Bounds {
        up: 1,
        links: 1,
        often: Often {
            crashes: 1,
            closes: 1,
            removals: 1,
            leases: 1,
            ..NONE
        },
        ..Bounds::new("ends")
    };
    for bounds in [talk, ends] {
        let (states, again) = prints::compare(bounds);
        assert!(
            states > 1_000 && again > states,
            "{}: {states} states, {again} again: there was nothing to compare",
            bounds.name
        );
    }
}

// G4: some minutes in release.
#[test]
#[cfg_attr(debug_assertions, ignore = "long: cargo test --release --test model")]
fn a_million_states_and_more_hold_what_is_promised() {
    let talk = Bounds {
        up: 3,
        down: 2,
        ..Bounds::new("3 messages up, 2 down, 2 links")
    };
    complete(talk, 1_117_533, &ALWAYS);
}

#[test]
#[ignore = "long: cargo test --release --test model -- --ignored --nocapture completion"]
fn three_messages_each_way_and_other_worlds_are_looked_at_to_completion() {
    let talk = Bounds {
        up: 3,
        down: 3,
        ..Bounds::new("3 messages each way, 2 links")
    };
    complete(talk, 5_394_376, &ALWAYS);
    let links = Bounds {
        up: 1,
        down: 1,
        links: 3,
        ..Bounds::new("1 message each way, 3 links")
    };
    complete(links, 234_918, &ALWAYS);
    let crash = Bounds {
        up: 2,
        down: 1,
        often: Often { crashes: 1, ..NONE },
        ..Bounds::new("2 messages up, 1 down, 2 links, a crash")
    };
    complete(crash, 576_808, &ALWAYS);
    let time = Bounds {
        links: 3,
        often: Often {
            crashes: 1,
            leases: 1,
            windows: 1,
            ..NONE
        },
        ..Bounds::new("3 links, a crash, a lease, a window")
    };
    complete(time, 538_547, &["heard at the server: timed-out"]);
}

/// A configuration with everything in it, as far as `SESSILE_STATES` goes (default: 50 million).
#[test]
#[ignore = "hours: cargo test --release --test model -- --ignored --nocapture as_many"]
fn as_many_states_as_you_like() {
    let most = std::env::var("SESSILE_STATES").ok();
    let most = most.map_or(50_000_000, |text| {
        text.parse().expect("SESSILE_STATES is a number")
    });
    let bounds = Bounds {
        up: 3,
        down: 3,
        links: 4,
        clients: 2,
        often: Often { crashes: 1, ..NONE },
        ..Bounds::new("3 messages each way, 4 links, a takeover, a crash")
    };
    let mut told = Duration::ZERO;
    let found = search(bounds, most, &mut |progress| {
        let elapsed = progress.began.elapsed();
        if elapsed - told > Duration::from_secs(10) {
            told = elapsed;
            eprintln!(
                "{:>11} states, {:>11} to be looked at, {:>2} deep, {:>7.0} a second, {:>6} MiB",
                progress.states,
                progress.waiting,
                progress.depth,
                progress.states as f64 / elapsed.as_secs_f64(),
                memory_mib()
            );
        }
    });
    println!(
        "{}: {} states, {}; nothing that must never be\n{}",
        bounds.name,
        found.states,
        if found.complete {
            "all there are"
        } else {
            "and more"
        },
        found.marks.words()
    );
}

/// Of this process, as Linux tells.
fn memory_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = status
        .split(' ')
        .nth(1)
        .and_then(|pages| pages.parse().ok());
    pages.unwrap_or(0_u64) * 4 / 1024
}
