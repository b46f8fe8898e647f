//! Target `split`: one stream of bytes, cut in any way. However it is cut, the frames are the same, so is the end, and no cut
//! makes the decoder keep more than was paid for.

use sessile::wire::{Decoder, Frame, HEADER_BYTES, Violation, decode};

use crate::{choices::Choices, decoder::limit_of};

/// The lengths of the pieces are used in turn, so that a few bytes cut a long stream in as many ways as there are.
const CUTS: usize = 6;

/// How far a decoder may reserve ahead of what it received.
const AHEAD: usize = 64 * 1024;

/// Two limits, some lengths of pieces, then the stream.
pub fn split(bytes: &[u8]) {
    let mut choices = Choices::new(bytes);
    // The limit changes with every frame, as it does where a login is followed by messages.
    let limits = [limit_of(choices.byte()), limit_of(choices.byte())];
    let cuts = choices.take(CUTS);
    let stream = choices.take(usize::MAX);
    let whole = read_whole(stream, limits);
    assert_eq!(
        read_pieces(stream, limits, cuts),
        whole,
        "in pieces of {cuts:?}"
    );
    assert_eq!(read_pieces(stream, limits, &[1]), whole, "byte by byte");
}

/// Frames as bytes, and how the stream ended.
type Outcome = (Vec<Vec<u8>>, Option<Violation>);

fn read_whole(mut stream: &[u8], limits: [usize; 2]) -> Outcome {
    let mut frames = Vec::new();
    loop {
        match decode(stream, limits[frames.len() % 2]) {
            Ok(Some((frame, used))) => {
                stream = &stream[used..];
                frames.push(written(&frame));
            }
            Ok(None) => return (frames, None),
            Err(violation) => return (frames, Some(violation)),
        }
    }
}

fn read_pieces(stream: &[u8], limits: [usize; 2], cuts: &[u8]) -> Outcome {
    let (mut decoder, mut frames, mut rest) = (Decoder::default(), Vec::new(), stream);
    decoder.set_max(limits[0]);
    let mut lengths = cuts.iter().cycle();
    let mut zeros = 0;
    while !rest.is_empty() {
        // An empty piece is one, too; but a stream of nothing else never ends.
        let len = lengths.next().map_or(rest.len(), |&len| usize::from(len));
        zeros = if len == 0 { zeros + 1 } else { 0 };
        let len = if zeros > CUTS {
            rest.len()
        } else {
            len.min(rest.len())
        };
        let (mut piece, after) = rest.split_at(len);
        rest = after;
        loop {
            match decoder.next(&mut piece) {
                Ok(Some(frame)) => {
                    frames.push(written(&frame));
                    decoder.set_max(limits[frames.len() % 2]);
                }
                Ok(None) => break,
                Err(violation) => return (frames, Some(check_broken(decoder, piece, violation))),
            }
        }
        assert!(piece.is_empty(), "{} bytes were left over", piece.len());
        check_memory(&decoder, limits);
    }
    (frames, None)
}

/// A violation is for good, takes no more bytes, and frees what was kept.
fn check_broken(mut decoder: Decoder, mut rest: &[u8], violation: Violation) -> Violation {
    let left = rest.len();
    for more in [&mut rest, &mut &[0, 0, 0, 1, 0x80][..]] {
        assert_eq!(decoder.next(more).map(drop), Err(violation));
    }
    assert_eq!((rest.len(), decoder.reserved()), (left, 0));
    assert_eq!(decoder.partial_len(), 0);
    assert!(!format!("{decoder:?}").is_empty());
    violation
}

/// Nothing is kept but a frame that has begun, and little is reserved ahead of it.
fn check_memory(decoder: &Decoder, limits: [usize; 2]) {
    let most = HEADER_BYTES
        + limits[0]
            .max(limits[1])
            .max(sessile::wire::CONTROL_FRAME_BYTES);
    assert!(decoder.partial_len() < most);
    assert!(decoder.reserved() <= decoder.partial_len() + AHEAD);
    assert!(decoder.reserved() <= most + HEADER_BYTES + 1);
    assert!(
        decoder.partial_len() > 0 || decoder.reserved() == 0,
        "nothing is torn"
    );
}

fn written(frame: &Frame<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    frame.encode(&mut bytes);
    bytes
}
