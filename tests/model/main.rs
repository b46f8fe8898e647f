//! Everything that can happen, within bounds, to the code that ships.

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
mod search;
mod world;

use bounds::{Bounds, Often};
use search::{Found, Search};

fn run(bounds: Bounds, most: usize) -> Found {
    let t = std::time::Instant::now();
    let found = Search {
        bounds,
        most,
        threads: 1,
        report: &mut |_| {},
    }
    .run();
    eprintln!(
        "{}: {} states {} steps depth {} complete {} {:?} {}/s\n{}",
        bounds.name,
        found.states,
        found.steps,
        found.depth,
        found.complete,
        t.elapsed(),
        found.states as f64 / t.elapsed().as_secs_f64(),
        found.marks.words()
    );
    if let Some((way, what)) = &found.violation {
        for a in way {
            eprintln!("   {a:?}");
        }
        eprintln!("   => {what}");
    }
    found
}

#[test]
fn scratch() {
    let f = run(
        Bounds {
            up: 1,
            ..Bounds::new("1x0 2 links")
        },
        5_000_000,
    );
    assert!(f.violation.is_none());
    let f = run(
        Bounds {
            up: 1,
            down: 1,
            ..Bounds::new("1x1 2 links")
        },
        5_000_000,
    );
    assert!(f.violation.is_none());
    let f = run(
        Bounds {
            up: 1,
            links: 3,
            ..Bounds::new("1x0 3 links")
        },
        3_000_000,
    );
    assert!(f.violation.is_none());
}
