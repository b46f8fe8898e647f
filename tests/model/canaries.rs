//! What the search finds where a rule is left out: each mistake that it can see, by the shortest way to its harm.

use sessile::canary::{Canary, choose};

use super::{
    bounds::{Bounds, Often},
    search::{Found, Search},
};

const NONE: Often = Bounds::new("").often;

/// A mistake, and the least that must happen for it to do harm.
type Case = (Canary, Bounds);

fn cases() -> Vec<Case> {
    let two = Bounds::new("two links");
    let up = Bounds { up: 1, ..two };
    let three = Bounds { links: 3, ..two };
    let one = Bounds { links: 1, ..two };
    let often = |often: Often, bounds: Bounds| Bounds { often, ..bounds };
    vec![
        (Canary::PreviousSecretDropped, two),
        (Canary::ProofIgnored, two),
        (Canary::AttemptNotChecked, three),
        (Canary::TakenInsteadOfReceived, up),
        (Canary::ReceivedTrims, up),
        (Canary::AckNotRepeated, up),
        (Canary::EpochOnDataOnly, up),
        (Canary::NoEpochCheck, up),
        (Canary::FrameBeforeResumed, two),
        (
            Canary::NeverSentIfUnacked,
            often(
                Often {
                    removals: 1,
                    ..NONE
                },
                up,
            ),
        ),
        (Canary::NoInstance, two),
        (
            Canary::NoTombstone,
            Bounds {
                clients: 2,
                ..three
            },
        ),
        (
            Canary::NeverProvenLives,
            often(Often { leases: 1, ..NONE }, one),
        ),
        (Canary::AckBeforeDelivery, Bounds { up: 2, ..one }),
        (
            Canary::WindowOffByOne,
            Bounds {
                up: 2,
                window: 1,
                ..one
            },
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
        ),
        (Canary::NoReplay, up),
        (
            Canary::MailboxDroppedOnClose,
            often(Often { closes: 1, ..NONE }, Bounds { up: 1, ..one }),
        ),
        (Canary::TakeoverKeepsOld, Bounds { clients: 2, ..two }),
        (Canary::LinkNotWoken, Bounds { up: 1, ..one }),
        (Canary::StrangersNeverLeave, one),
        (
            Canary::DeadlineNotRearmed,
            often(Often { beats: 2, ..NONE }, one),
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

// Not among them: `BackoffResetOnConnect` and `NoForgiveness` are about time, which stands still here but for a few leaps. The
// simulator finds them.
#[test]
fn every_mistake_that_can_do_harm_here_is_found() {
    let mut missed = Vec::new();
    for (canary, bounds) in cases() {
        choose(Some(canary));
        let found = std::panic::catch_unwind(|| search(bounds));
        choose(None);
        match found {
            Ok(Found {
                violation: Some((way, what)),
                states,
                ..
            }) => println!(
                "{canary:<26?} {:>2} steps, {states:>6} states: {what}",
                way.len()
            ),
            Ok(_) => missed.push(format!("{canary:?}")),
            // An assertion of the core's own.
            Err(_) => println!("{canary:<26?} an assertion of the machine"),
        }
    }
    assert!(missed.is_empty(), "no order of events shows {missed:?}");
}
