//! Every golden frame, in two and in three pieces, cut at every pair of points: the same comes of it as of the whole, in a decoder
//! and in a session.

use sessile::wire::{Decoder, Frame, Violation};

use crate::{
    say,
    stages::{Stage, at, one_of_each_row, stages},
    vectors::{Vector, golden},
};

/// What a decoder makes of pieces that come one after another: the frames, written anew, and what ended them.
fn decoded(pieces: &[&[u8]], limit: usize) -> (Vec<u8>, Option<Violation>) {
    let (mut decoder, mut found) = (Decoder::new(), Vec::new());
    decoder.set_max(limit);
    let mut came = 0;
    for piece in pieces {
        let mut rest = *piece;
        came += rest.len();
        loop {
            match decoder.next(&mut rest) {
                Ok(Some(frame)) => match frame {
                    // Its body is dropped, and none is written.
                    Frame::Extension(kind) => found.push(kind),
                    frame => frame.encode(&mut found),
                },
                Ok(None) => break,
                Err(violation) => return (found, Some(violation)),
            }
        }
        assert!(decoder.partial_len() <= came && decoder.reserved() <= came + 64 * 1024);
    }
    (found, None)
}

/// Every pair of points, with those where a piece is empty: so every single point, too.
fn pairs(len: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..=len).flat_map(move |first| (first..=len).map(move |second| (first, second)))
}

fn split_in_decoder(vectors: &[Vector]) -> usize {
    let mut splits = 0;
    for vector in vectors {
        let (bytes, limit) = (&vector.bytes[..], vector.limit);
        let whole = decoded(&[bytes], limit);
        for (first, second) in pairs(bytes.len()) {
            let pieces = [&bytes[..first], &bytes[first..second], &bytes[second..]];
            let found = decoded(&pieces, limit);
            assert!(found == whole, "{} at {first}, {second}", vector.name);
            splits += 1;
        }
    }
    splits
}

/// What comes of bytes in a stage: what it is afterwards, what was heard, what is written.
fn result(mut stage: Stage) -> impl PartialEq + std::fmt::Debug {
    let state = (stage.print(), stage.heard(), stage.link.is_closed());
    (state, stage.scene.takes(&mut stage.link))
}

/// Cuts at every pair of points of these, in these stages; at every single point where `twice` is not wanted.
fn split_in_session(stages: &[Stage], vectors: &[Vector], twice: bool) -> usize {
    let read = |stage: &Stage, piece: &[u8]| {
        let mut stage = stage.clone();
        stage.reads(&[piece]);
        stage
    };
    let mut splits = 0;
    for stage in stages {
        for vector in vectors {
            let bytes = &vector.bytes[..];
            let whole = result(read(stage, bytes));
            for first in 0..=bytes.len() {
                let begun = read(stage, &bytes[..first]);
                let last = if twice { bytes.len() } else { first };
                for second in first..=last {
                    let middle = read(&begun, &bytes[first..second]);
                    let found = result(read(&middle, &bytes[second..]));
                    let (name, frame) = (&stage.name, &vector.name);
                    assert!(found == whole, "{frame} at {first}, {second}, {name}");
                    splits += 1;
                }
            }
        }
    }
    splits
}

/// The golden bytes that are no longer than this, and behind each of them the shortest frame that there is and a longer one: a cut
/// must not take anything of what follows.
fn up_to(len: usize) -> Vec<Vector> {
    let mut vectors = golden();
    vectors.retain(|vector| vector.bytes.len() <= len);
    for vector in &mut vectors {
        vector.bytes.extend(say::bytes(&[
            Frame::Data(b""),
            Frame::Data(b""),
            Frame::Ack(0),
        ]));
    }
    vectors
}

#[test]
fn a_decoder_makes_the_same_of_pieces_as_of_the_whole() {
    let splits = split_in_decoder(&up_to(160));
    assert!(splits > 100_000, "{splits}");
}

#[test]
fn a_session_makes_the_same_of_pieces_as_of_the_whole() {
    // The other stages are in the long form.
    let open = [
        "acceptor: nothing was said",
        "acceptor: open",
        "dialer: LOGIN was written",
        "dialer: open",
    ]
    .map(at);
    let splits = split_in_session(&open, &up_to(16), true);
    assert!(splits > 10_000, "{splits}");
}

#[test]
#[ignore = "long: cargo test --release --test exhaustive -- --ignored --nocapture"]
fn a_decoder_makes_the_same_of_any_golden_bytes_in_pieces_as_of_the_whole() {
    let splits = split_in_decoder(&up_to(usize::MAX));
    println!("{splits} splits in a decoder");
}

#[test]
#[ignore = "long: cargo test --release --test exhaustive -- --ignored --nocapture"]
fn a_session_makes_the_same_of_golden_bytes_in_pieces_in_every_stage_as_of_the_whole() {
    let rows = one_of_each_row();
    let mut splits = split_in_session(&stages(), &up_to(64), true);
    splits += split_in_session(&rows, &up_to(512), true);
    // Of those of 4 KiB every pair of points is another test's, in a decoder.
    splits += split_in_session(&rows, &up_to(usize::MAX), false);
    println!("{splits} splits in sessions");
}
