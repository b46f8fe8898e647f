//! Target `decoder`: bytes as they are. Whatever they are, decoding them has an outcome, and what was decoded is encoded to
//! the very bytes it came from.

use sessile::wire::{
    CONTROL_FRAME_BYTES, Frame, HEADER_BYTES, Violation, decode, decode_body, kind, needed,
    payload_header,
};

/// The first byte chooses the limit for messages, the rest is decoded, frame after frame.
pub fn decoder(bytes: &[u8]) {
    let Some((&limit, mut rest)) = bytes.split_first() else {
        return;
    };
    let limit = limit_of(limit);
    loop {
        match decode(rest, limit) {
            Ok(Some((frame, used))) => {
                check_frame(&frame, &rest[..used], limit);
                rest = &rest[used..];
            }
            Ok(None) => return check_begun(rest, limit),
            Err(violation) => return check_violation(violation, rest, limit),
        }
    }
}

/// Below the limit of control frames, at it, above it, and far above it.
pub(crate) fn limit_of(choice: u8) -> usize {
    match choice % 4 {
        0 => 1 + usize::from(choice),
        1 => CONTROL_FRAME_BYTES,
        2 => CONTROL_FRAME_BYTES + usize::from(choice),
        _ => 1 << 20,
    }
}

fn check_frame(frame: &Frame<'_>, bytes: &[u8], limit: usize) {
    assert_eq!(needed(bytes), Some(bytes.len()));
    assert_eq!(frame.kind(), bytes[HEADER_BYTES]);
    let payload = matches!(frame, Frame::Data(_) | Frame::Volatile(_));
    let most = if payload { limit } else { CONTROL_FRAME_BYTES };
    assert!(bytes.len() - HEADER_BYTES <= most, "beyond the limit");
    // The same frame without its length field, as transports carry it that keep boundaries.
    let unit =
        decode_body(&bytes[HEADER_BYTES..], limit).expect("a frame is one, however it is carried");
    for frame in [frame, &unit] {
        let mut again = Vec::new();
        frame.encode(&mut again);
        assert_eq!(again.len(), frame.encoded_len());
        match frame {
            // Its body was skipped, so nobody can write it again.
            Frame::Extension(kind) => assert_eq!(again, [0, 0, 0, 1, *kind]),
            _ => assert_eq!(again, bytes, "one form only for each value"),
        }
        assert!(!format!("{frame:?}").is_empty() && !frame.name().is_empty());
    }
    if let Frame::Data(payload) | Frame::Volatile(payload) = frame {
        let volatile = matches!(frame, Frame::Volatile(_));
        assert!(bytes.starts_with(&payload_header(volatile, payload.len())));
    }
    // Nothing shorter is a frame, and nothing shorter is refused.
    for cut in [
        bytes.len() - 1,
        bytes.len() / 2,
        HEADER_BYTES,
        HEADER_BYTES - 1,
    ] {
        assert!(
            matches!(decode(&bytes[..cut], limit), Ok(None)),
            "cut at {cut}"
        );
    }
}

/// More bytes are needed: no fewer than the length says, and what it says is within the limit.
fn check_begun(rest: &[u8], limit: usize) {
    match needed(rest) {
        None => assert!(rest.len() < HEADER_BYTES),
        Some(total) => {
            assert!(total > rest.len());
            assert!(total <= HEADER_BYTES + limit.max(CONTROL_FRAME_BYTES));
            // A frame that nobody knows is not waited for.
            assert!(
                rest.get(HEADER_BYTES)
                    .is_none_or(|&kind| kind::is_known(kind))
            );
        }
    }
}

/// What broke the protocol stays broken, whatever follows, and can be told.
fn check_violation(violation: Violation, rest: &[u8], limit: usize) {
    assert!(!violation.to_string().is_empty());
    let mut longer = rest.to_vec();
    longer.extend_from_slice(&[0xA5; 9]);
    assert_eq!(decode(&longer, limit).map(drop), Err(violation));
}
