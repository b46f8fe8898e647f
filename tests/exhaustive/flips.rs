//! Every single bit of every frame, flipped, in every stage of a link: what comes is another frame, a wait for more, or a named
//! violation; and a violation is worth exactly the loss of its link: the session is what it would be if the link had broken by
//! itself, and the session beside it is untouched (S7, S8, T10, T20).

use std::collections::BTreeMap;

use sessile::{
    Identity, LossCause,
    wire::{Violation, decode},
};

use crate::{
    say::samples,
    stages::{Row, Stage, one_of_each_row, stages},
    table,
    vectors::{self, golden},
};

/// What came of bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    Frames(usize),
    Waits,
    Violation(String),
    /// The link is not the current one.
    Nobodys,
}

/// Every violation that bytes of a peer can be.
const VIOLATIONS: [Violation; 12] = [
    Violation::Empty,
    Violation::TooLong,
    Violation::UnknownType,
    Violation::Truncated,
    Violation::Trailing,
    Violation::BadMagic,
    Violation::BadText,
    Violation::BadValue,
    Violation::OutOfPlace,
    Violation::AckOutOfRange,
    Violation::WindowExceeded,
    Violation::PositionOutOfRange,
];

fn named(name: &str) -> Violation {
    let of = |one: &&Violation| format!("{one:?}") == name;
    *VIOLATIONS.iter().find(of).expect("a known violation")
}

fn flipped(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    (0..bytes.len() * 8).map(|bit| {
        let mut bytes = bytes.to_vec();
        bytes[bit / 8] ^= 1 << (bit % 8);
        bytes
    })
}

/// Gives a stage all the bytes at once, and holds what comes of it against what comes of the same frames one by one, with the
/// plain loss of the link in the place of a violation. No other way leads to the same state by chance.
fn check(before: &Stage, bytes: &[u8]) -> Outcome {
    let mut found = before.clone();
    found.reads(&[bytes]);
    if let Some(neighbour) = before.neighbour {
        assert_eq!(found.session(neighbour), before.session(neighbour));
    }
    if before.row == Row::Older {
        assert!(found.link.is_closed());
        assert_eq!(
            (found.print(), found.heard()),
            (before.print(), before.heard())
        );
        return Outcome::Nobodys;
    }
    let (mut expected, mut rest, mut frames) = (before.clone(), bytes, 0);
    let mut kept = numbers(before);
    let outcome = loop {
        if expected.link.is_closed() {
            break Outcome::Frames(frames);
        }
        let limit = expected.limit();
        match decode(rest, limit) {
            Ok(Some((_, used))) => {
                let (frame, behind) = rest.split_at(used);
                if let Some(violation) = expected.violation(frame) {
                    expected.loses_link(LossCause::Protocol(named(&violation)));
                    break Outcome::Violation(violation);
                }
                expected.reads(&[frame]);
                kept = numbers(&expected);
                (frames, rest) = (frames + 1, behind);
            }
            Ok(None) => {
                expected.reads(&[rest]);
                break match frames {
                    0 => Outcome::Waits,
                    frames => Outcome::Frames(frames),
                };
            }
            Err(violation) => {
                expected.loses_link(LossCause::Protocol(violation));
                break Outcome::Violation(format!("{violation:?}"));
            }
        }
    };
    if matches!(outcome, Outcome::Violation(_)) {
        assert!(found.link.is_closed());
        assert_eq!(numbers(&found), kept, "more than the link was lost");
    }
    assert_eq!(found.link.is_closed(), expected.link.is_closed());
    assert_eq!(found.print(), expected.print());
    assert_eq!(found.heard(), expected.heard());
    outcome
}

/// What no violation may change of a session that somebody is logged in with: who it is, whether it goes on, its numbers.
fn numbers(stage: &Stage) -> Option<(Identity, bool, [u64; 5])> {
    let now = stage.scene.registry.snapshot(stage.key, stage.scene.now)?;
    let numbers = [now.sent, now.acked, now.received, now.taken, now.epoch];
    Some((now.identity?, now.ended.is_some(), numbers))
}

/// Flips every bit of these frames in these stages. How often what came of it.
fn flip_all(stages: &[Stage], frames: &[Vec<u8>]) -> BTreeMap<Outcome, usize> {
    let mut outcomes = BTreeMap::new();
    for stage in stages {
        for frame in frames {
            for bytes in flipped(frame) {
                *outcomes.entry(check(stage, &bytes)).or_default() += 1;
            }
        }
    }
    outcomes
}

/// All that a peer may say by itself, with the session's own secrets where there are any.
fn of_each_type() -> Vec<Vec<u8>> {
    samples().iter().map(table::bytes).collect()
}

#[test]
fn a_flipped_bit_makes_another_frame_or_a_violation_or_waits_for_more() {
    let mut outcomes = [0; 3];
    for vector in vectors::read(vectors::FRAMES) {
        for bytes in flipped(&vector.bytes) {
            let at = match decode(&bytes, vector.limit) {
                Ok(Some((_, used))) => {
                    assert!(used <= bytes.len());
                    0
                }
                Ok(None) => 1,
                Err(violation) => {
                    assert!(VIOLATIONS.contains(&violation), "{violation:?}");
                    2
                }
            };
            outcomes[at] += 1;
        }
    }
    let [frames, waits, violations] = outcomes;
    let enough = frames > 5_000 && waits > 100 && violations > 500;
    assert!(enough, "{frames} {waits} {violations}");
}

#[test]
fn a_flipped_bit_of_each_type_of_frame_costs_a_session_its_link_at_most() {
    // The other stages of each row are in the long form.
    let outcomes = flip_all(&one_of_each_row(), &of_each_type());
    let total: usize = outcomes.values().sum();
    assert!(total > 30_000, "{total}");
    println!("{total} flips: {outcomes:?}");
}

// Minutes in release.
#[test]
#[ignore = "long: cargo test --release --test exhaustive -- --ignored --nocapture"]
fn a_flipped_bit_of_any_golden_frame_in_any_stage_costs_a_session_its_link_at_most() {
    let stages = stages();
    let golden = golden().into_iter().map(|vector| vector.bytes);
    let (short, long): (Vec<_>, Vec<_>) = golden.partition(|bytes| bytes.len() <= 512);
    let mut outcomes = flip_all(&stages, &of_each_type());
    for (outcome, count) in flip_all(&stages, &short) {
        *outcomes.entry(outcome).or_default() += count;
    }
    // Frames of 4 KiB are all payload: one stage of each row is enough for them.
    for (outcome, count) in flip_all(&one_of_each_row(), &long) {
        *outcomes.entry(outcome).or_default() += count;
    }
    let met = |one: &Violation| outcomes.contains_key(&Outcome::Violation(format!("{one:?}")));
    let missing: Vec<_> = VIOLATIONS.iter().filter(|one| !met(one)).collect();
    assert!(
        missing.iter().all(|one| **one == Violation::WindowExceeded),
        "no flipped bit brings {missing:?}"
    );
    let total: usize = outcomes.values().sum();
    println!("{total} flips: {outcomes:?}");
}
