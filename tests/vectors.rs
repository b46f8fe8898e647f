//! The golden vectors in `tests/vectors/`: what they say holds, however their bytes are cut or damaged.

#[path = "vectors/fields.rs"]
mod fields;
#[path = "vectors/file.rs"]
mod file;

use std::collections::BTreeSet;

use file::Vector;
use sessile::wire::{Decoder, Frame, HEADER_BYTES, Violation, decode, decode_body, needed};

/// Above the limit of every vector.
const LARGE: usize = (1 << 20) + 1;

fn frames() -> Vec<Vector> {
    file::read(include_str!("vectors/frames.txt"))
}

fn invalid() -> Vec<Vector> {
    file::read(include_str!("vectors/invalid.txt"))
}

#[test]
fn the_vectors_cover_every_frame_and_every_violation() {
    let (frames, invalid) = (frames(), invalid());
    assert!(
        frames.len() >= 40 && invalid.len() >= 40,
        "{} and {}",
        frames.len(),
        invalid.len()
    );
    let names: BTreeSet<&str> = frames
        .iter()
        .chain(&invalid)
        .map(|v| v.name.as_str())
        .collect();
    assert_eq!(names.len(), frames.len() + invalid.len(), "a name twice");

    let types: BTreeSet<&str> = frames.iter().map(|v| v.get("type")).collect();
    assert_eq!(types.len(), 16, "{types:?}");
    let violations: BTreeSet<&str> = invalid.iter().map(|v| v.get("violation")).collect();
    let expected = [
        "BadMagic",
        "BadText",
        "BadValue",
        "Empty",
        "TooLong",
        "Trailing",
        "Truncated",
        "UnknownType",
    ];
    assert_eq!(violations, BTreeSet::from(expected));
}

// [FRAME-3]
#[test]
fn bytes_decode_to_the_fields() {
    for v in frames() {
        let (frame, used) = decode(&v.bytes, v.limit).expect(&v.name).expect(&v.name);
        assert_eq!(used, v.bytes.len(), "{}", v.name);
        assert_eq!(needed(&v.bytes), Some(used), "{}", v.name);
        assert_eq!(fields::of(&frame, used), v.fields, "{}", v.name);

        let unit = decode_body(&v.bytes[HEADER_BYTES..], v.limit).expect(&v.name);
        assert_eq!(
            fields::of(&unit, used),
            v.fields,
            "{}, without its length",
            v.name
        );
    }
}

// [FRAME-1] [FRAME-2]
#[test]
fn fields_encode_to_the_bytes() {
    for v in frames() {
        if let Some(bytes) = fields::encode(&v) {
            assert_eq!(file::to_hex(&bytes), file::to_hex(&v.bytes), "{}", v.name);
        }
    }
}

// [FRAME-4] [FRAME-5] [FRAME-7] [FRAME-8] [FRAME-9] [FRAME-10] [FRAME-11] [LIMIT-3] [LIMIT-4]
#[test]
fn invalid_bytes_fail_as_they_should() {
    for v in invalid() {
        let expected = v.get("violation");
        let found = decode(&v.bytes, v.limit).map(|frame| frame.map(|(frame, _)| frame.name()));
        assert_eq!(name(found), expected, "{}", v.name);
        for size in [1, 2, 3, 5, v.bytes.len()] {
            assert_eq!(
                name(in_pieces(&v, size)),
                expected,
                "{} in pieces of {size}",
                v.name
            );
        }
        // Nothing that follows mends it.
        let mut more = v.bytes.clone();
        more.resize(v.bytes.len() + 8192, 0);
        assert_eq!(
            name(decode(&more, v.limit).map(drop)),
            expected,
            "{} and zeros",
            v.name
        );
    }
}

// [FRAME-13]
#[test]
fn every_beginning_of_a_frame_waits_for_the_rest() {
    for v in frames() {
        for end in 0..v.bytes.len() {
            let mut bytes = &v.bytes[..end];
            assert!(
                matches!(decode(bytes, v.limit), Ok(None)),
                "{} cut at {end}",
                v.name
            );
            let mut decoder = decoder(&v);
            assert!(
                matches!(decoder.next(&mut bytes), Ok(None)),
                "{} cut at {end}",
                v.name
            );
            assert!(
                bytes.is_empty() && decoder.partial_len() == end,
                "{} cut at {end}",
                v.name
            );
        }
    }
}

// [FRAME-12]
#[test]
fn every_split_gives_the_same_frame() {
    for v in frames() {
        let (len, expected) = (v.bytes.len(), without_skipped(&v));
        for first in 0..=len {
            // Long frames: every first point, and every second one that is near it or near an end.
            let near = |second: &usize| {
                len <= 512 || second - first <= 8 || len - second <= 8 || *second <= 64
            };
            for second in (first..=len).filter(near) {
                let pieces = [
                    &v.bytes[..first],
                    &v.bytes[first..second],
                    &v.bytes[second..],
                ];
                assert_eq!(
                    again(&mut decoder(&v), &pieces),
                    [&expected[..]],
                    "{} at {first}, {second}",
                    v.name
                );
            }
        }
    }
}

#[test]
fn a_stream_gives_the_same_frames_in_pieces_of_any_size() {
    let stream = frames()
        .into_iter()
        .flat_map(|v| v.bytes)
        .collect::<Vec<u8>>();
    let frames: Vec<Vec<u8>> = frames().iter().map(without_skipped).collect();
    for size in (1..=300).chain([1000, 4096, 4100, 4101, 8192, stream.len()]) {
        let mut decoder = Decoder::new();
        decoder.set_max(LARGE);
        let pieces: Vec<&[u8]> = stream.chunks(size).collect();
        assert!(again(&mut decoder, &pieces) == frames, "pieces of {size}");
        assert_eq!(decoder.partial_len(), 0, "pieces of {size}");
    }
}

#[test]
fn every_flipped_bit_has_a_defined_outcome() {
    for v in frames() {
        let mut bytes = v.bytes.clone();
        for bit in 0..bytes.len() * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            outcome(&bytes, v.limit, &format!("{}, bit {bit}", v.name));
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
    }
}

#[test]
fn every_body_cut_or_lengthened_has_a_defined_outcome() {
    for v in frames() {
        let (body, open) = (&v.bytes[HEADER_BYTES..], is_open(v.get("type")));
        for len in 1..body.len() {
            let cut = framed(&body[..len]);
            let took = outcome(&cut, LARGE, &format!("{}, a body of {len}", v.name));
            assert!(open || !took, "{} cannot be {len} long", v.name);
        }
        for more in [1, 2, 4] {
            let mut longer = body.to_vec();
            longer.resize(body.len() + more, 0);
            let took = outcome(&framed(&longer), LARGE, &format!("{}, {more} more", v.name));
            assert!(open || !took, "{} cannot have {more} more", v.name);
        }
    }
}

/// Whether bodies of this type end with bytes of any number.
fn is_open(kind: &str) -> bool {
    [
        "LOGIN",
        "CHALLENGE",
        "ANSWER",
        "DATA",
        "VOLATILE",
        "EXTENSION",
    ]
    .contains(&kind)
}

/// Decodes with `decode` and with a decoder, with one result. A frame that is taken says all that its bytes say: it
/// encodes to the same bytes. Returns whether one was taken.
fn outcome(bytes: &[u8], limit: usize, what: &str) -> bool {
    let found = decode(bytes, limit);
    let mut decoder = Decoder::new();
    decoder.set_max(limit);
    let mut rest = bytes;
    match (&found, decoder.next(&mut rest)) {
        (Ok(Some((frame, used))), Ok(Some(other))) => {
            assert_eq!(*used, bytes.len() - rest.len(), "{what}");
            assert_eq!(bytes_of(frame, &bytes[..*used]), &bytes[..*used], "{what}");
            assert_eq!(bytes_of(&other, &bytes[..*used]), &bytes[..*used], "{what}");
            true
        }
        (Ok(None), Ok(None)) => false,
        (Err(one), Err(other)) => {
            assert_eq!(*one, other, "{what}");
            false
        }
        (found, other) => panic!("{what}: {found:?} or {other:?}"),
    }
}

/// Every frame in `pieces`, encoded anew.
fn again(decoder: &mut Decoder, pieces: &[&[u8]]) -> Vec<Vec<u8>> {
    let mut out = Vec::new();
    for piece in pieces {
        let mut bytes = *piece;
        while let Some(frame) = decoder.next(&mut bytes).expect("valid frames") {
            out.push(bytes_of(&frame, &[]));
        }
        assert!(bytes.is_empty(), "a decoder takes all it is given");
    }
    out
}

/// The frame encoded anew; `original` for an extension, whose body is dropped on purpose.
fn bytes_of(frame: &Frame<'_>, original: &[u8]) -> Vec<u8> {
    if let (Frame::Extension(kind), Some(written)) = (frame, original.get(HEADER_BYTES)) {
        assert_eq!(kind, written);
        return original.to_vec();
    }
    let mut out = Vec::new();
    frame.encode(&mut out);
    out
}

/// The bytes of a vector, but for the body of an extension, which a decoder drops.
fn without_skipped(v: &Vector) -> Vec<u8> {
    match v.get("type") {
        "EXTENSION" => framed(&v.bytes[HEADER_BYTES..=HEADER_BYTES]),
        _ => v.bytes.clone(),
    }
}

fn framed(unit: &[u8]) -> Vec<u8> {
    let len = u32::try_from(unit.len()).expect("short");
    [&len.to_be_bytes(), unit].concat()
}

fn decoder(v: &Vector) -> Decoder {
    let mut decoder = Decoder::new();
    decoder.set_max(v.limit);
    decoder
}

/// The first result that is an error, of a decoder fed with pieces of `size`.
fn in_pieces(v: &Vector, size: usize) -> Result<(), Violation> {
    let mut decoder = decoder(v);
    for mut piece in v.bytes.chunks(size) {
        while decoder.next(&mut piece)?.is_some() {}
    }
    Ok(())
}

fn name<T: std::fmt::Debug>(found: Result<T, Violation>) -> String {
    match found {
        Ok(found) => format!("none, but {found:?}"),
        Err(violation) => format!("{violation:?}"),
    }
}
