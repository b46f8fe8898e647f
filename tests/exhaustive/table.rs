//! What every frame, and every first byte, does in every stage of a link: written out in `outcomes.txt`, for a reader to hold
//! against `docs/protocol.md`.
//!
//! Where something changed on purpose, `SESSILE_WRITE=1 cargo test --test exhaustive` writes the file anew; read the difference.

use std::fmt::Write;

use sessile::{EventKind, LossCause, wire::Frame};

use crate::stages::{STAGES, Stage, frames, stage};

/// What came of bytes that a stage was given.
fn outcome(stage: &mut Stage, bytes: &[u8]) -> String {
    let Stage {
        scene, link, key, ..
    } = stage;
    let before = scene.phase(*key);
    scene.events.clear();
    scene.writes(link, bytes);
    let cause = scene.events.iter().find_map(|event| match event {
        EventKind::LinkLost(LossCause::Protocol(violation)) => Some(format!("{violation:?}")),
        _ => None,
    });
    let ended_by_it = cause.is_some();
    let after = scene.phase(*key);
    let answers = scene.hears(link).join(", ");
    let mut text = match (before == after, link.is_closed()) {
        (true, false) => "goes on".to_owned(),
        (true, true) => "the link closes".to_owned(),
        (false, false) => format!("now {after}"),
        (false, true) => format!("the link closes, now {after}"),
    };
    if ended_by_it {
        write!(text, " ({})", cause.unwrap_or_default()).unwrap();
    }
    if !answers.is_empty() {
        write!(text, "; writes {answers}").unwrap();
    }
    text
}

fn table() -> String {
    let mut text = String::from(
        "# What each frame does in each stage of a link. Written by tests/exhaustive/table.rs; see there.\n",
    );
    for (at, (name, _)) in STAGES.iter().enumerate() {
        writeln!(text, "\n== {name}").unwrap();
        for frame in frames() {
            let mut stage = stage(at);
            let mut bytes = Vec::new();
            frame.encode(&mut bytes);
            if let Frame::Extension(kind) = frame {
                bytes = vec![0, 0, 0, 1, kind];
            }
            writeln!(text, "{:<10} {}", frame.name(), outcome(&mut stage, &bytes)).unwrap();
        }
        writeln!(text, "an empty frame of each type byte:").unwrap();
        runs(&mut text, |byte| {
            outcome(&mut stage(at), &[0, 0, 0, 1, byte])
        });
        writeln!(text, "each first byte alone:").unwrap();
        runs(&mut text, |byte| outcome(&mut stage(at), &[byte]));
    }
    text
}

/// One line for bytes beside each other of which the same comes.
fn runs(text: &mut String, what: impl Fn(u8) -> String) {
    let all: Vec<String> = (0..=u8::MAX).map(what).collect();
    let mut from = 0;
    while from < all.len() {
        let same = all[from..]
            .iter()
            .take_while(|one| **one == all[from])
            .count();
        let last = from + same - 1;
        writeln!(text, "{from:02x}-{last:02x}      {}", all[from]).unwrap();
        from += same;
    }
}

#[test]
fn every_frame_and_every_first_byte_in_every_stage_has_the_outcome_that_is_written_down() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/exhaustive/outcomes.txt");
    let found = table();
    if std::env::var_os("SESSILE_WRITE").is_some() {
        std::fs::write(path, &found).expect("the file can be written");
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    for (number, (found, written)) in found.lines().zip(written.lines()).enumerate() {
        assert_eq!(found, written, "line {} of outcomes.txt", number + 1);
    }
    assert_eq!(found.lines().count(), written.lines().count());
}
