//! Every golden frame in two and in three pieces, at every place: the same comes of it as of the whole, in a decoder and in a session.

use sessile::wire::{Decoder, Violation};

use crate::{
    stages::{STAGES, essence, stage},
    vectors::{self, Vector},
};

/// What a decoder makes of pieces that come one after another.
fn decoded(pieces: &[&[u8]], limit: usize) -> Result<Vec<String>, Violation> {
    let (mut decoder, mut found) = (Decoder::new(), Vec::new());
    decoder.set_max(limit);
    for piece in pieces {
        let mut rest = *piece;
        while let Some(frame) = decoder.next(&mut rest)? {
            found.push(format!("{frame:?}"));
        }
        let held = decoder.partial_len();
        assert!(held <= pieces.iter().map(|piece| piece.len()).sum());
    }
    Ok(found)
}

/// Both ends of each piece but the outer ones, ascending.
fn thirds(len: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..=len).flat_map(move |first| (first..=len).map(move |second| (first, second)))
}

fn golden() -> Vec<Vector> {
    let mut all = vectors::read(include_str!("../vectors/frames.txt"));
    all.extend(vectors::read(include_str!("../vectors/invalid.txt")));
    all
}

#[test]
fn a_decoder_makes_the_same_of_pieces_as_of_the_whole() {
    let mut splits = 0;
    for vector in golden().iter().filter(|vector| vector.bytes.len() <= 400) {
        let (bytes, limit) = (&vector.bytes[..], vector.limit);
        let whole = decoded(&[bytes], limit);
        for (first, second) in thirds(bytes.len()) {
            let pieces = [&bytes[..first], &bytes[first..second], &bytes[second..]];
            assert_eq!(
                decoded(&pieces, limit),
                whole,
                "{} at {first}, {second}",
                vector.name
            );
            splits += 1;
        }
    }
    assert!(splits > 50_000, "{splits}");
}

#[test]
fn a_session_makes_the_same_of_two_pieces_as_of_the_whole() {
    let golden = golden();
    for (at, (name, _)) in STAGES.iter().enumerate() {
        for vector in golden.iter().filter(|vector| vector.bytes.len() <= 120) {
            let result = |cut: usize| {
                let mut stage = stage(at);
                stage.scene.events.clear();
                stage.scene.writes(&mut stage.link, &vector.bytes[..cut]);
                stage.scene.writes(&mut stage.link, &vector.bytes[cut..]);
                let events: Vec<_> = stage.scene.events.iter().map(ToString::to_string).collect();
                let answers = stage.scene.hears(&mut stage.link);
                (
                    events,
                    answers,
                    stage.link.is_closed(),
                    essence(&stage.scene, stage.key),
                )
            };
            let whole = result(0);
            for cut in 1..vector.bytes.len() {
                assert_eq!(result(cut), whole, "{} at {cut}, {}", vector.name, name);
            }
        }
    }
}
