//! Every length at every value from 0 to two above its limit: what is accepted and what is refused, to the byte, before anything
//! that long has come, and with nothing reserved for it.

use sessile::wire::{
    CONTROL_FRAME_BYTES, Decoder, Frame, IDENTITY_BYTES, Login, REDIRECT_BYTES, TEXT_BYTES, Terms,
    Violation, decode, kind,
};

use crate::{
    say::{TERMS, login, samples},
    scene::{Scene, config},
    stages::{Row, Stage, at, stages},
    table,
};

/// The length that is said, and what comes after it.
fn saying(len: usize, unit: &[u8]) -> Vec<u8> {
    let len = u32::try_from(len).expect("a length field's value");
    [&len.to_be_bytes(), unit].concat()
}

/// A unit with its true length before it.
fn framed(unit: &[u8]) -> Vec<u8> {
    saying(unit.len(), unit)
}

/// Every type that there is, one that may be skipped, and one that there is not.
fn kinds() -> Vec<u8> {
    let known = samples().into_iter().map(|frame| frame.kind());
    known.chain([0xFF, 0x00, 0x7F]).collect()
}

/// By what a header is refused, if it is: the page's sentences, written down once more.
fn refused(len: usize, byte: u8, payload_limit: usize) -> Option<Violation> {
    let limit = match byte {
        0x10 | 0x11 => payload_limit,
        _ => 4_096,
    };
    match byte {
        _ if len == 0 => Some(Violation::Empty),
        _ if len > limit => Some(Violation::TooLong),
        0x01..=0x07 | 0x10..=0x12 | 0x20 | 0x21 | 0x30..=0x32 | 0x80.. => None,
        _ => Some(Violation::UnknownType),
    }
}

/// All of these headers in a stage: a refused one ends the link at once, by this violation; any other waits for its body.
fn headers(stage: &Stage, payload_limit: usize, lens: impl Iterator<Item = usize> + Clone) {
    let held = {
        let mut held = stage.clone();
        held.hold_on();
        held
    };
    for byte in kinds() {
        // A frame of one byte is whole: what it says is another test's.
        for len in lens.clone().filter(|&len| len != 1) {
            let mut after = held.clone();
            after.reads(&[&saying(len, &[byte])]);
            let violation = refused(len, byte, payload_limit);
            let what = format!("{}: {byte:#04x} of {len}", stage.name);
            assert_eq!(after.link.is_closed(), violation.is_some(), "{what}");
            if let Some(violation) = violation {
                let loss = after.loss().expect("held on to");
                assert_eq!(loss, format!("Protocol({violation:?})"), "{what}");
            }
        }
    }
}

/// One below a limit to two above it.
fn around(limit: usize) -> impl Iterator<Item = usize> + Clone {
    (limit - 1..=limit + 2).filter(|&len| len > 0)
}

fn edges(payload_limit: usize) -> impl Iterator<Item = usize> + Clone {
    let ends = [0, 2, 1 << 16, 1 << 24, u32::MAX as usize];
    let limits = around(payload_limit).chain(around(CONTROL_FRAME_BYTES));
    ends.into_iter().chain(limits)
}

/// The stages in which something can be read, and how long a message may be in each.
fn readable() -> impl Iterator<Item = (Stage, usize)> {
    let all = stages().into_iter().filter(|stage| stage.row != Row::Older);
    all.map(|stage| {
        let open = matches!(stage.row, Row::Acceptor("open") | Row::Dialer("open"));
        let limit = if open {
            1 + TERMS.max_message as usize
        } else {
            4_096
        };
        (stage, limit)
    })
}

// [LIMIT-1] [LIMIT-2] [LIMIT-3] [FRAME-2] [FRAME-4] [FRAME-5]
#[test]
fn a_header_is_refused_in_every_stage_exactly_above_the_limit_of_the_stage() {
    for (stage, limit) in readable() {
        headers(&stage, limit, edges(limit));
    }
}

#[test]
#[ignore = "long: cargo test --release --test exhaustive -- --ignored --nocapture"]
fn a_header_of_any_length_is_refused_in_every_stage_exactly_above_the_limit_of_the_stage() {
    for (stage, limit) in readable() {
        headers(&stage, limit, 0..=limit.max(CONTROL_FRAME_BYTES) + 2);
    }
}

/// A server that lets messages be so long, and an open link of it.
fn open_with(max_message: usize) -> Stage {
    let bytes = max_message.max(4096);
    let mut scene = Scene::server_with(config().unacked_bytes(bytes).max_message(max_message));
    let terms = Terms {
        window_bytes: bytes as u32,
        max_message: max_message as u32,
        ..TERMS
    };
    let (key, link) = scene.welcomed(Login { terms, ..login(1) });
    Stage {
        name: "acceptor: open".to_owned(),
        row: Row::Acceptor("open"),
        closed: false,
        scene,
        link,
        key,
        neighbour: None,
    }
}

// [LIMIT-2] [LIMIT-3]
#[test]
fn a_header_is_refused_exactly_above_any_longest_message_that_was_agreed() {
    for max_message in [1, 2, 7, 4094, 4095, 4096, 4097, 65_536, 1 << 20, 16 << 20] {
        let stage = open_with(max_message);
        headers(&stage, 1 + max_message, edges(1 + max_message));
    }
    for max_message in [1, 2, 7] {
        headers(
            &open_with(max_message),
            1 + max_message,
            0..=1 + max_message + 2,
        );
    }
}

// [LIMIT-1] [LIMIT-2] [DATA-5]
#[test]
fn a_message_of_any_length_arrives_whole_up_to_the_limit_and_ends_the_link_beyond_it() {
    let open = open_with(1024);
    for len in 0..=1026 {
        let payload: Vec<u8> = (0..len).map(|at| b'a' + (at % 26) as u8).collect();
        let mut stage = open.clone();
        stage.reads(&[&table::bytes(&Frame::Data(&payload))]);
        let fits = len <= 1024;
        assert_eq!(!stage.link.is_closed(), fits, "{len}");
        let taken = stage.scene.takes_message(stage.key);
        assert_eq!(taken.map(String::into_bytes), fits.then_some(payload));
    }
}

// [LIMIT-5]
#[test]
fn a_header_reserves_next_to_nothing_whatever_it_says() {
    for limit in [2, 4_096, 65_537, (1 << 20) + 1, u32::MAX as usize] {
        for len in edges(limit.min(1 << 26)).chain(1..300) {
            for byte in kinds() {
                let mut decoder = Decoder::new();
                decoder.set_max(limit);
                let header = saying(len, &[byte]);
                let found = decoder.next(&mut &header[..]).map(drop);
                if len != 1 {
                    let expected = refused(len, byte, limit);
                    assert_eq!(found.err(), expected, "{byte:#04x} of {len} at {limit}");
                }
                assert!(decoder.reserved() <= 64, "{byte:#04x} of {len} at {limit}");
            }
        }
    }
}

/// How long the body of a type may be: from, to.
fn body_range(frame: &Frame<'_>, payload_limit: usize) -> (usize, usize) {
    let most = CONTROL_FRAME_BYTES - 1;
    match frame {
        Frame::Login(_) => (60, most),
        Frame::Challenge(_) | Frame::Answer(_) | Frame::Extension(_) => (0, most),
        Frame::Welcome(body) => (63 + body.identity.len(), 63 + body.identity.len()),
        Frame::Refused(_) => (25, 25),
        Frame::Resume(_) => (54, 54),
        Frame::Resumed(_) => (40, 40),
        Frame::Data(_) | Frame::Volatile(_) => (0, payload_limit - 1),
        Frame::Ack(_) | Frame::Closed(_) => (8, 8),
        Frame::Ping(_) | Frame::Pong(_) => (32, 32),
        Frame::Close(_) => (16, 16),
        Frame::GoAway(_) => (11, 11),
    }
}

// [FRAME-7] [FRAME-8]
#[test]
fn a_body_of_any_length_is_taken_where_its_type_has_that_length_and_refused_elsewhere() {
    let payload_limit = 5_000;
    for frame in samples() {
        let (least, most) = body_range(&frame, payload_limit);
        let limit = match frame {
            Frame::Data(_) | Frame::Volatile(_) => payload_limit,
            _ => CONTROL_FRAME_BYTES,
        };
        let unit = table::bytes(&frame).split_off(4);
        for len in 0..=limit + 1 {
            let mut unit = unit.clone();
            unit.resize(1 + len, 0);
            let expected = match len {
                _ if 1 + len > limit => Err(Violation::TooLong),
                _ if len < least => Err(Violation::Truncated),
                _ if len > most => Err(Violation::Trailing),
                _ => Ok(4 + 1 + len),
            };
            let raw = framed(&unit);
            let found = decode(&raw, payload_limit).map(|found| found.expect("whole").1);
            assert_eq!(found, expected, "{} with a body of {len}", frame.name());
        }
    }
}

/// A frame's unit up to a length byte, what that byte may say at most, and the least that must follow the field.
fn short_fields() -> [(&'static str, Vec<u8>, usize, usize); 6] {
    let of = |name: &str, end: usize| {
        let frames = samples();
        let frame = frames.iter().find(|frame| frame.name() == name);
        table::bytes(frame.expect("one of each type"))[4..4 + 1 + end].to_vec()
    };
    let mut refused_text = of("REFUSED", 23);
    refused_text.push(0); // no redirect
    let mut away_text = of("GOAWAY", 9);
    away_text.push(0);
    [
        ("identity", of("WELCOME", 62), IDENTITY_BYTES, 0),
        ("redirect", of("REFUSED", 23), REDIRECT_BYTES, 1),
        ("text of REFUSED", refused_text, TEXT_BYTES, 0),
        ("text of CLOSE", of("CLOSE", 15), TEXT_BYTES, 0),
        ("redirect of GOAWAY", of("GOAWAY", 9), REDIRECT_BYTES, 1),
        ("text of GOAWAY", away_text, TEXT_BYTES, 0),
    ]
}

// [LIMIT-4] [FRAME-7] [FRAME-8]
#[test]
fn a_length_byte_of_any_value_is_held_to_its_limit_and_to_the_bytes_that_follow() {
    for (name, front, most, after) in short_fields() {
        for said in 0..=u8::MAX {
            let len = usize::from(said);
            for follow in 0..=258 {
                let mut unit = front.clone();
                unit.push(said);
                unit.resize(unit.len() + follow, 0);
                let expected = match follow {
                    _ if len > most => Some(Violation::BadValue),
                    _ if follow < len + after => Some(Violation::Truncated),
                    _ if follow > len + after => Some(Violation::Trailing),
                    _ => None,
                };
                let raw = framed(&unit);
                let found = decode(&raw, 4_096).map(|found| found.expect("whole").1);
                assert_eq!(found.err(), expected, "{name} of {len}, {follow} follow");
            }
        }
    }
}

/// What a session makes of a frame of this type with a body of each length: the lengths at which the link goes on.
fn accepted(stage: &str, unit: &[u8], lens: std::ops::RangeInclusive<usize>) -> Vec<usize> {
    let stage = at(stage);
    lens.filter(|&len| {
        let mut unit = unit.to_vec();
        unit.resize(1 + len, b'x');
        let mut after = stage.clone();
        after.reads(&[&framed(&unit)]);
        !after.link.is_closed()
    })
    .collect()
}

// [LIMIT-1] [LOGIN-1]
#[test]
fn credentials_a_question_and_an_answer_fill_a_frame_and_no_more() {
    let front = table::bytes(&Frame::Login(Login {
        credentials: b"",
        ..login(1)
    }))
    .split_off(4);
    let all = |from: usize, to: usize| (from..=to).collect::<Vec<_>>();
    let found = accepted("acceptor: nothing was said", &front, 0..=4_098);
    assert_eq!(found, all(60, 60 + 4_035));
    let found = accepted("acceptor: waits for ANSWER", &[kind::ANSWER], 0..=4_098);
    assert_eq!(found, all(0, 4_095));
    let found = accepted("dialer: LOGIN was written", &[kind::CHALLENGE], 0..=4_098);
    assert_eq!(found, all(1, 4_095));
}
