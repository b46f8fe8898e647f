//! What the search finds where a rule is left out: each mistake that it can see, by the shortest way to its harm.
//!
//! It cannot see two of them, for it has neither a process that sleeps (`NoForgiveness`) nor a clock by which a backoff is
//! long or short (`BackoffResetOnConnect`).

use sessile::canary::{Canary, choose};

use super::{
    bounds::{Bounds, Often},
    search::{Found, Search},
};

const NONE: Often = Bounds::new("").often;

/// A mistake, the least that must happen for it to do harm, and how many steps that takes.
type Case = (Canary, Bounds, usize);

fn cases() -> Vec<Case> {
    let two = Bounds::new("two links");
    let up = Bounds { up: 1, ..two };
    let three = Bounds { links: 3, ..two };
    let one = Bounds { links: 1, ..two };
    let often = |often: Often, bounds: Bounds| Bounds { often, ..bounds };
    vec![
        (Canary::PreviousSecretDropped, two, 9),
        (Canary::ProofIgnored, two, 12),
        (Canary::AttemptNotChecked, three, 11),
        (Canary::TakenInsteadOfReceived, up, 10),
        (Canary::ReceivedTrims, up, 14),
        (Canary::AckNotRepeated, up, 11),
        (Canary::EpochOnDataOnly, up, 10),
        (Canary::NoEpochCheck, up, 10),
        (Canary::FrameBeforeResumed, two, 10),
        (
            Canary::NeverSentIfUnacked,
            often(
                Often {
                    removals: 1,
                    ..NONE
                },
                up,
            ),
            10,
        ),
        (Canary::NoInstance, two, 7),
        (
            Canary::NoTombstone,
            Bounds {
                clients: 2,
                ..three
            },
            13,
        ),
        (
            Canary::NeverProvenLives,
            often(Often { leases: 1, ..NONE }, one),
            4,
        ),
        (Canary::AckBeforeDelivery, Bounds { up: 2, ..one }, 14),
        (
            Canary::WindowOffByOne,
            Bounds {
                up: 2,
                window: 1,
                ..one
            },
            8,
        ),
        (
            Canary::TimerNotCancelledOnClose,
            often(
                Often {
                    closes: 1,
                    leases: 1,
                    ..NONE
                },
                two,
            ),
            8,
        ),
        (Canary::NoReplay, up, 8),
        (
            Canary::MailboxDroppedOnClose,
            often(Often { closes: 1, ..NONE }, Bounds { up: 1, ..one }),
            11,
        ),
        (Canary::TakeoverKeepsOld, Bounds { clients: 2, ..two }, 3),
        (Canary::LinkNotWoken, Bounds { up: 1, ..one }, 7),
        (Canary::StrangersNeverLeave, one, 2),
        (
            Canary::DeadlineNotRearmed,
            often(Often { beats: 2, ..NONE }, one),
            6,
        ),
    ]
}

fn search(bounds: Bounds) -> Found {
    let report = &mut |_| {};
    Search {
        bounds,
        most: 1_000_000,
        threads: 1,
        report,
    }
    .run()
}

#[test]
fn every_mistake_that_can_do_harm_here_is_found_by_its_shortest_way() {
    let mut wrong = Vec::new();
    for (canary, bounds, steps) in cases() {
        choose(Some(canary));
        // Debug assertions of the core find some before the search does.
        let found = std::panic::catch_unwind(|| search(bounds));
        choose(None);
        match found {
            Ok(Found {
                violation: Some((way, what)),
                states,
                ..
            }) => {
                eprintln!("{canary:?}: {} steps, {states} states: {what}", way.len());
                for action in &way {
                    eprintln!("    {action:?}");
                }
                if way.len() != steps {
                    wrong.push(format!("{canary:?}: {} steps, not {steps}", way.len()));
                }
            }
            Ok(found) => wrong.push(format!("{canary:?}: not found in {} states", found.states)),
            Err(_) if cfg!(debug_assertions) => {}
            Err(_) => wrong.push(format!("{canary:?}: a panic")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn without_a_mistake_the_same_searches_find_nothing() {
    for (canary, bounds, _) in cases() {
        let found = search(bounds);
        assert_eq!(found.violation, None, "{canary:?}");
    }
}
