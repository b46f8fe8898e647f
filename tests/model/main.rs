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
mod prints;
mod search;
mod world;

use bounds::{Bounds, Often};
use search::{Found, Search};

fn run(bounds: Bounds, most: usize) -> Found {
    let t = std::time::Instant::now();
    let found = Search {
        bounds,
        most,
        threads: 2,
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
    let most: usize = std::env::var("MOST")
        .ok()
        .and_then(|m| m.parse().ok())
        .unwrap_or(300_000);
    let want = std::env::var("WANT").unwrap_or_default();
    let b = Bounds::new("");
    let o = b.often;
    let all = [
        Bounds {
            name: "A 2x2 2 links",
            up: 2,
            down: 2,
            links: 2,
            ..b
        },
        Bounds {
            name: "B 1x1 3 links",
            up: 1,
            down: 1,
            links: 3,
            ..b
        },
        Bounds {
            name: "C 1x0 2 links all faults",
            up: 1,
            links: 2,
            often: Often {
                crashes: 1,
                server_crashes: 1,
                closes: 1,
                removals: 1,
                probes: 1,
                ..o
            },
            ..b
        },
        Bounds {
            name: "D 1x0 2 links time",
            up: 1,
            links: 2,
            often: Often {
                beats: 1,
                leases: 1,
                windows: 1,
                ..o
            },
            ..b
        },
        Bounds {
            name: "E 1x0 3 links 2 clients",
            up: 1,
            links: 3,
            clients: 2,
            ..b
        },
        Bounds {
            name: "F 0x0 4 links 2 clients crash",
            links: 4,
            clients: 2,
            often: Often { crashes: 1, ..o },
            ..b
        },
        Bounds {
            name: "G 0x0 3 links time crash",
            links: 3,
            often: Often {
                crashes: 1,
                leases: 1,
                windows: 1,
                ..o
            },
            ..b
        },
        Bounds {
            name: "H 1x1 2 links close crash probe torn",
            up: 1,
            down: 1,
            links: 2,
            torn: true,
            often: Often {
                crashes: 1,
                closes: 1,
                probes: 1,
                ..o
            },
            ..b
        },
        Bounds {
            name: "I 1x1 3 links 2 clients crash",
            up: 1,
            down: 1,
            links: 3,
            clients: 2,
            often: Often { crashes: 1, ..o },
            ..b
        },
        Bounds {
            name: "J 0x0 3 links 2 clients everything",
            links: 3,
            clients: 2,
            often: Often {
                crashes: 1,
                server_crashes: 1,
                closes: 1,
                removals: 1,
                probes: 1,
                beats: 1,
                leases: 1,
                windows: 1,
            },
            ..b
        },
        Bounds {
            name: "K 0x0 3 links 2 clients stable crash",
            links: 3,
            clients: 2,
            stable_instance: true,
            often: Often {
                crashes: 2,
                closes: 1,
                ..o
            },
            ..b
        },
        Bounds {
            name: "L 3x3 4 links 2 clients crash",
            up: 3,
            down: 3,
            links: 4,
            clients: 2,
            often: Often { crashes: 1, ..o },
            ..b
        },
    ];
    for b in all {
        if b.name.contains(&want) {
            let f = run(b, most);
            let _ = f;
        }
    }
}

#[test]
fn bisim() {
    let b = Bounds::new("");
    let o = b.often;
    for b in [
        Bounds {
            up: 1,
            down: 1,
            ..b
        },
        Bounds {
            up: 1,
            links: 1,
            often: Often {
                crashes: 1,
                closes: 1,
                removals: 1,
                probes: 1,
                beats: 1,
                leases: 1,
                windows: 1,
                ..o
            },
            ..b
        },
        Bounds {
            links: 2,
            often: Often {
                crashes: 1,
                leases: 1,
                windows: 1,
                ..o
            },
            ..b
        },
        Bounds {
            links: 2,
            often: Often {
                server_crashes: 1,
                closes: 1,
                ..o
            },
            clients: 2,
            ..b
        },
        Bounds { links: 3, ..b },
    ] {
        let t = std::time::Instant::now();
        eprintln!("{b:?}: {:?} {:?}", prints::compare(b), t.elapsed());
    }
}
