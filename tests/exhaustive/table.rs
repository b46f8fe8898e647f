//! What every frame, every type byte and every first byte does in every stage of a link: written out in `outcomes.txt`, for a
//! reader to hold against `docs/protocol.md`. `documented.rs` holds the frames against it, too.
//!
//! Where something changed on purpose, `SESSILE_WRITE=1 cargo test --test exhaustive written_down` writes the file anew; read the
//! difference.

use std::fmt::Write;

use sessile::wire::{Frame, kind};

use crate::{
    say::{self, samples},
    stages::{Row, Stage, stages},
};

const HEAD: &str = "\
# What comes of each frame in each stage of a link. Written by tests/exhaustive/table.rs, which says how; read by people.
#
# A violation is named; it costs the link. `now` is the phase where it changed, `closes` says that the link is over without one,
# `writes` what is on the link afterwards, whether because of the frame or because it was due. In brackets: the row of
# \"States of a link\" in docs/protocol.md, or `older` for a link that is not the session's current one (STATE-5).
";

/// The bytes of one frame.
pub(crate) fn bytes(frame: &Frame<'_>) -> Vec<u8> {
    match frame {
        // Nobody writes them in version 1, our encoder neither.
        Frame::Extension(kind) => vec![0, 0, 0, 1, *kind],
        frame => say::bytes(std::slice::from_ref(frame)),
    }
}

/// What comes of bytes in a stage.
fn outcome(stage: &Stage, bytes: &[u8]) -> String {
    let violation = stage.violation(bytes);
    let mut stage = stage.clone();
    let before = stage.scene.phase(stage.key);
    stage.reads(&[bytes]);
    let after = stage.scene.phase(stage.key);
    let closed = stage.link.is_closed();
    let written = stage.scene.hears(&mut stage.link).join(", ");
    let mut text = match (violation, closed) {
        (Some(violation), true) => violation,
        (Some(violation), false) => panic!("{violation}, and the link is still open"),
        (None, true) => "closes".to_owned(),
        (None, false) => "goes on".to_owned(),
    };
    if before != after {
        write!(text, ", now {after}").unwrap();
    }
    if !written.is_empty() {
        write!(text, ", writes {written}").unwrap();
    }
    text
}

/// A line for each outcome, and of what it is one.
fn lines(text: &mut String, outcomes: &[(String, String)]) {
    let mut different: Vec<&str> = Vec::new();
    for (_, outcome) in outcomes {
        if !different.contains(&outcome.as_str()) {
            different.push(outcome);
        }
    }
    for outcome in different {
        let of = outcomes.iter().filter(|(_, other)| other == outcome);
        let of: Vec<&str> = of.map(|(what, _)| what.as_str()).collect();
        writeln!(text, "    {}: {outcome}", ranges(&of)).unwrap();
    }
}

/// Bytes as ranges; names as they are.
fn ranges(of: &[&str]) -> String {
    let number = |text: &str| match text.len() {
        2 => u8::from_str_radix(text, 16).ok(),
        _ => None,
    };
    let mut parts: Vec<(&str, &str)> = Vec::new();
    for &one in of {
        match parts.last_mut() {
            Some((_, last)) if number(one).is_some_and(|it| Some(it - 1) == number(last)) => {
                *last = one
            }
            _ => parts.push((one, one)),
        }
    }
    let show = |&(first, last): &(&str, &str)| match first == last {
        true => first.to_owned(),
        false => format!("{first}-{last}"),
    };
    parts.iter().map(show).collect::<Vec<_>>().join(" ")
}

fn table() -> String {
    let mut text = HEAD.to_owned();
    for stage in stages() {
        let row = match stage.row {
            Row::Acceptor(row) | Row::Dialer(row) => row,
            Row::Older => "older",
        };
        writeln!(text, "\n{} [{row}]", stage.name).unwrap();
        let frames: Vec<_> = samples()
            .iter()
            .map(|frame| (frame.name().to_owned(), outcome(&stage, &bytes(frame))))
            .collect();
        assert_eq!(frames.len(), 16, "one of each type");
        lines(&mut text, &frames);
        let every = |make: fn(u8) -> Vec<u8>| -> Vec<_> {
            let bytes = 0..=u8::MAX;
            bytes
                .map(|byte| (format!("{byte:02x}"), outcome(&stage, &make(byte))))
                .collect()
        };
        text.push_str("  type bytes, of frames without a body\n");
        lines(&mut text, &every(|byte| vec![0, 0, 0, 1, byte]));
        text.push_str("  first bytes\n");
        lines(&mut text, &every(|byte| vec![byte]));
        text.push_str("  first bytes, and three zeros\n");
        lines(&mut text, &every(|byte| vec![byte, 0, 0, 0]));
    }
    text
}

#[test]
fn every_frame_and_every_first_byte_in_every_stage_has_the_outcome_that_is_written_down() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/exhaustive/outcomes.txt");
    let found = table();
    if std::env::var_os("SESSILE_WRITE").is_some() {
        std::fs::write(path, &found).expect("the file can be written");
    }
    let written = std::fs::read_to_string(path).expect("outcomes.txt");
    for (number, (found, written)) in found.lines().zip(written.lines()).enumerate() {
        assert_eq!(found, written, "line {} of outcomes.txt", number + 1);
    }
    assert_eq!(found.lines().count(), written.lines().count());
}

#[test]
fn the_frames_of_the_table_are_one_of_each_type_that_there_is() {
    let mut kinds: Vec<u8> = samples().iter().map(Frame::kind).collect();
    kinds.sort_unstable();
    let known = (0..=kind::FIRST_EXTENSION).filter(|&byte| kind::is_known(byte));
    assert_eq!(kinds, known.collect::<Vec<_>>());
}
