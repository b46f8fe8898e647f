//! What the search finds where a rule is left out: each mistake that it can see, by the shortest way to its harm.

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
        (Canary::PreviousSecretDropped, two, 0),
        (Canary::ProofIgnored, two, 0),
        (Canary::AttemptNotChecked, three, 0),
        (Canary::TakenInsteadOfReceived, up, 0),
        (Canary::ReceivedTrims, up, 0),
        (Canary::AckNotRepeated, up, 0),
        (Canary::EpochOnDataOnly, up, 0),
        (Canary::NoEpochCheck, up, 0),
        (Canary::FrameBeforeResumed, two, 0),
        (
            Canary::NeverSentByCursor,
            often(
                Often {
                    removals: 1,
                    ..NONE
                },
                up,
            ),
            0,
        ),
        (Canary::NoInstance, two, 0),
        (
            Canary::NoTombstone,
            Bounds {
                clients: 2,
                ..three
            },
            0,
        ),
        (
            Canary::NeverProvenLives,
            often(Often { leases: 1, ..NONE }, one),
            0,
        ),
        (Canary::AckBeforeDelivery, Bounds { up: 2, ..one }, 0),
        (
            Canary::WindowOffByOne,
            Bounds {
                up: 2,
                window: 1,
                ..one
            },
            0,
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
            0,
        ),
        (Canary::NoReplay, up, 0),
        (
            Canary::MailboxDroppedOnClose,
            often(Often { closes: 1, ..NONE }, Bounds { up: 1, ..one }),
            0,
        ),
        (Canary::TakeoverKeepsOld, Bounds { clients: 2, ..two }, 0),
        (Canary::LinkNotWoken, Bounds { up: 1, ..one }, 0),
        (Canary::StrangersNeverLeave, one, 0),
        (
            Canary::DeadlineNotRearmed,
            often(Often { beats: 2, ..NONE }, one),
            0,
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
fn every_mistake_that_can_do_harm_here_is_found() {
    let mut wrong = Vec::new();
    for (canary, bounds, steps) in cases() {
        choose(Some(canary));
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
                if steps != way.len() {
                    wrong.push(format!("{canary:?}: {} steps, not {steps}", way.len()))
                }
            }
            Ok(found) => wrong.push(format!("{canary:?}: not found, {found:?}")),
            Err(_) => wrong.push(format!("{canary:?}: panic")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
