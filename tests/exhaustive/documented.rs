//! Every frame in every stage, held against the two tables of "States of a link" in `docs/protocol.md`: what they name goes on,
//! everything else is out of place.

use std::collections::{BTreeMap, BTreeSet};

use sessile::wire::Frame;

use crate::{
    say::samples,
    stages::{Row, Stage, stages},
    table::bytes,
};

/// What may be read, by side and state.
type States = BTreeMap<(&'static str, String), String>;

/// The chapter's tables.
fn documented() -> States {
    let text = include_str!("../../docs/protocol.md");
    let (_, chapter) = text
        .split_once("\n## States of a link\n")
        .expect("the chapter");
    let (chapter, _) = chapter.split_once("\n## ").expect("the next one");
    let (mut states, mut side) = (States::new(), "");
    for line in chapter.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        match cells[0] {
            "dialer's state" => side = "dialer",
            "acceptor's state" => side = "acceptor",
            _ if cells[0].starts_with("---") => {}
            state => drop(states.insert((side, state.to_owned()), cells[2].to_owned())),
        }
    }
    states
}

/// Whether the page lets this frame come in this stage.
fn may_come(states: &States, stage: &Stage, frame: &Frame<'_>) -> bool {
    let (side, row) = match stage.row {
        Row::Acceptor(row) => ("acceptor", row),
        Row::Dialer(row) => ("dialer", row),
        Row::Older => return false,
    };
    let words = &states[&(side, row.to_owned())];
    let (always, after_close) = match words.split_once("; ") {
        Some((always, rest)) => {
            assert_eq!(rest, "CLOSED after own CLOSE");
            (always, stage.closed)
        }
        None => (words.as_str(), false),
    };
    let named = always.split(", ").any(|name| name == frame.name());
    named
        || matches!(frame, Frame::Extension(_))
        || (after_close && matches!(frame, Frame::Closed(_)))
}

// [STATE-1] [STATE-2] [STATE-4] [STATE-5] [FRAME-6] [CLOSE-8] [RESUME-16]
#[test]
fn every_frame_in_every_stage_is_in_place_where_the_page_says_so_and_nowhere_else() {
    let states = documented();
    let (mut in_place, mut out_of_place, mut older) = (0, 0, 0);
    for stage in stages() {
        for frame in samples() {
            let raw = bytes(&frame);
            let violation = stage.violation(&raw);
            let what = format!("{} in \"{}\"", frame.name(), stage.name);
            if stage.row == Row::Older {
                let mut after = stage.clone();
                after.reads(&[&raw]);
                assert!(after.link.is_closed() && violation.is_none(), "{what}");
                assert_eq!(after.print(), stage.print(), "{what}");
                assert_eq!(after.heard(), stage.heard(), "{what}");
                older += 1;
            } else if may_come(&states, &stage, &frame) {
                // In place is not yet in range: there one message was acknowledged already.
                let below = frame.name() == "ACK" && stage.name.contains("mail and acks");
                assert_eq!(
                    violation.as_deref(),
                    below.then_some("AckOutOfRange"),
                    "{what}"
                );
                in_place += 1;
            } else {
                assert_eq!(violation.as_deref(), Some("OutOfPlace"), "{what}");
                out_of_place += 1;
            }
        }
    }
    assert_eq!(in_place + out_of_place + older, stages().len() * 16);
    assert!(in_place > 100 && out_of_place > 300 && older > 100);
}

#[test]
fn every_state_of_the_page_is_met_by_a_stage_of_these_tests() {
    let met = stages().into_iter().filter_map(|stage| match stage.row {
        Row::Acceptor(row) => Some(("acceptor", row.to_owned())),
        Row::Dialer(row) => Some(("dialer", row.to_owned())),
        Row::Older => None,
    });
    // A link that is over closes: nothing can be read from it but as from an older one.
    let over = ["acceptor", "dialer"].map(|side| (side, "over".to_owned()));
    let met: BTreeSet<_> = met.chain(over).collect();
    assert_eq!(met, documented().into_keys().collect());
}
