use static_assertions::{assert_impl_all, const_assert};

use super::*;

mod long;

const_assert!(size_of::<Decoder>() <= 48);
const_assert!(size_of::<Frame<'_>>() <= 96);
const_assert!(size_of::<Violation>() == 1);
assert_impl_all!(Decoder: Send, Sync, Unpin);
static_assertions::assert_not_impl_any!(Secret: PartialEq, Copy, std::fmt::Display);

const KINDS: std::ops::RangeInclusive<u8> = 0..=0xFF;

// [FRAME-2] [LIMIT-2] [LIMIT-3]
#[test]
fn every_length_has_its_outcome() {
    for max in [1, 6, 4096, 5000] {
        for kind in KINDS {
            let limit = if kind::is_payload(kind) {
                max
            } else {
                CONTROL_FRAME_BYTES
            };
            for len in (0..=max + 2).chain([4095, 4096, 4097, 4098]) {
                let mut bytes = u32::try_from(len).unwrap().to_be_bytes().to_vec();
                bytes.push(kind);
                let found = decode(&bytes, max).map(|found| found.is_some());
                match len {
                    0 => assert_eq!(found, Err(Violation::Empty)),
                    _ if len > limit => {
                        assert_eq!(found, Err(Violation::TooLong), "{kind:#x} of {len}")
                    }
                    _ if !kind::is_known(kind) => assert_eq!(found, Err(Violation::UnknownType)),
                    1 => assert_ne!(found, Ok(false), "{kind:#x} is whole"),
                    _ => assert_eq!(found, Ok(false), "{kind:#x} of {len} has only begun"),
                }
                // From the length alone: refused where no type could make it good.
                let early = decode(&bytes[..HEADER_BYTES], max).map(|found| found.is_some());
                match len {
                    0 => assert_eq!(early, Err(Violation::Empty)),
                    _ if len > max.max(CONTROL_FRAME_BYTES) => {
                        assert_eq!(early, Err(Violation::TooLong))
                    }
                    _ => assert_eq!(early, Ok(false)),
                }
            }
        }
    }
}

// [FRAME-5]
#[test]
fn every_type_is_known_or_refused() {
    for kind in KINDS {
        let unit = [kind];
        let found = decode_body(&unit, 1);
        match kind {
            0x01..=0x07 | 0x10..=0x12 | 0x20..=0x21 | 0x30..=0x32 => {
                assert!(!matches!(found, Err(Violation::UnknownType)), "{kind:#x}");
            }
            0x80.. => assert!(matches!(found, Ok(Frame::Extension(found)) if found == kind)),
            _ => assert!(matches!(found, Err(Violation::UnknownType)), "{kind:#x}"),
        }
        if let Ok(frame) = found {
            assert_eq!(frame.kind(), kind);
        }
    }
    assert!(matches!(decode_body(&[], 1), Err(Violation::Empty)));
}

#[test]
fn a_beat_is_one_whole_ping_or_pong_and_nothing_beside_it() {
    let (mut ping, mut pong) = (Vec::new(), Vec::new());
    Frame::Ping(Beat::default()).encode(&mut ping);
    Frame::Pong(Beat::default()).encode(&mut pong);
    for beat in [&ping, &pong] {
        assert!(is_beat(beat));
        assert!((0..beat.len()).all(|cut| !is_beat(&beat[..cut])));
        assert!(!is_beat(&[beat, &[0][..]].concat()));
        assert!(!is_beat(&[beat, &ping[..]].concat()));
    }
    for kind in KINDS {
        ping[HEADER_BYTES] = kind;
        assert_eq!(is_beat(&ping), matches!(kind, 0x20 | 0x21), "{kind:#x}");
    }
}

#[test]
fn the_longest_credentials_fill_a_login_frame() {
    let credentials = vec![7; CREDENTIALS_BYTES];
    let login = login(&credentials);
    let mut out = Vec::new();
    login.encode(&mut out);
    assert_eq!(out.len(), HEADER_BYTES + LOGIN_FRAME_BYTES);
    assert!(
        matches!(decode(&out, 1), Ok(Some((Frame::Login(read), _))) if read.credentials == credentials)
    );
}

#[test]
fn what_is_too_long_to_write_is_cut_to_what_can_be_read() {
    let (text, redirect) = ("ä".repeat(65), "h".repeat(REDIRECT_BYTES + 1));
    let text = format!("x{text}"); // the limit falls into a character
    let refused = Refused {
        code: 1,
        retry: RetryClass::Never,
        taken: 0,
        attempt: 0,
        redirect: &redirect,
        text: &text,
    };
    let mut out = Vec::new();
    Frame::Refused(refused).encode(&mut out);
    let Ok(Some((Frame::Refused(read), _))) = decode(&out, LOGIN_FRAME_BYTES) else {
        panic!("cannot be read");
    };
    assert_eq!(read.redirect, "", "half an address leads nowhere");
    assert_eq!(read.text, &text[..127]);

    let mut out = Vec::new();
    Frame::Close(Close {
        code: 1,
        retry: RetryClass::Now,
        taken: 0,
        text: &text,
    })
    .encode(&mut out);
    assert!(
        matches!(decode(&out, 1), Ok(Some((Frame::Close(read), _))) if read.text == &text[..127])
    );
}

#[test]
fn writing_appends_and_payload_headers_agree() {
    let mut out = b"before".to_vec();
    encode_data(b"one", &mut out);
    encode_volatile(b"", &mut out);
    let expected = [
        b"before",
        &payload_header(false, 3)[..],
        b"one",
        &payload_header(true, 0),
    ]
    .concat();
    assert_eq!(out, expected);
}

#[test]
fn a_whole_frame_is_lent_and_a_torn_one_collected() {
    let mut stream = Vec::new();
    encode_data(b"whole", &mut stream);
    encode_data(b"torn", &mut stream);
    let (first, second) = stream.split_at(stream.len() - 2);

    let mut decoder = Decoder::new();
    let mut bytes = first;
    let Ok(Some(Frame::Data(payload))) = decoder.next(&mut bytes) else {
        panic!("a whole frame")
    };
    assert!(first.as_ptr_range().contains(&payload.as_ptr()), "copied");
    assert_eq!(decoder.reserved(), 0);
    assert!(matches!(decoder.next(&mut bytes), Ok(None)));
    assert_eq!(decoder.partial_len(), 7);

    let mut bytes = second;
    assert!(matches!(
        decoder.next(&mut bytes),
        Ok(Some(Frame::Data(b"torn")))
    ));
    assert_eq!(decoder.partial_len(), 0);
    assert!(matches!(decoder.next(&mut bytes), Ok(None)));
    assert_eq!(decoder.reserved(), 0, "nothing is torn");
}

// [LIMIT-5]
#[test]
fn memory_follows_what_was_received() {
    const LEN: usize = 1 << 20;
    for size in [1, 7, 1000, 65_536, 300_000] {
        let mut stream = Vec::new();
        encode_data(&vec![1; LEN], &mut stream);
        let mut decoder = Decoder::new();
        decoder.set_max(LEN + 1);
        let (mut received, mut moves, mut reserved, mut frames) = (0, 0, 0, 0);
        for mut piece in stream.chunks(size) {
            received += piece.len();
            while let Some(frame) = decoder.next(&mut piece).unwrap() {
                assert!(matches!(frame, Frame::Data(payload) if payload.len() == LEN));
                frames += 1;
            }
            assert!(
                decoder.reserved() <= received + 64 * 1024,
                "{} at {received}",
                decoder.reserved()
            );
            assert!(decoder.reserved() <= HEADER_BYTES + 1 + LEN);
            moves += usize::from(decoder.reserved() != reserved);
            reserved = decoder.reserved();
        }
        assert_eq!((frames, reserved), (1, 0), "pieces of {size}");
        assert!(moves <= 32, "moved {moves} times, in pieces of {size}");
    }
}

// [LIMIT-5]
#[test]
fn a_promise_reserves_next_to_nothing() {
    let mut decoder = Decoder::new();
    decoder.set_max(64 << 20);
    let mut bytes: &[u8] = &[3, 0, 0, 0, kind::DATA];
    assert!(matches!(decoder.next(&mut bytes), Ok(None)));
    assert!(decoder.reserved() <= 64, "{}", decoder.reserved());
}

#[test]
fn a_violation_is_for_good_and_frees_what_was_kept() {
    let mut decoder = Decoder::new();
    let mut bytes: &[u8] = &[0, 0, 0, 9, kind::ACK, 0, 0];
    assert!(matches!(decoder.next(&mut bytes), Ok(None)));
    let mut bytes: &[u8] = &[0, 0, 0, 0, 0, 1, /* and then */ 0, 0, 0, 0];
    assert!(matches!(decoder.next(&mut bytes), Ok(Some(Frame::Ack(1)))));
    assert_eq!(decoder.next(&mut bytes).map(drop), Err(Violation::Empty));

    let mut ping = Vec::new();
    Frame::Ack(2).encode(&mut ping);
    let mut bytes = &ping[..];
    assert_eq!(decoder.next(&mut bytes).map(drop), Err(Violation::Empty));
    assert_eq!((decoder.reserved(), bytes.len()), (0, ping.len()));
}

#[test]
fn a_limit_holds_for_frames_that_begin_under_it() {
    let (mut decoder, mut stream) = (Decoder::new(), Vec::new());
    encode_data(b"12345", &mut stream);
    let (mut first, mut second) = stream.split_at(6);
    assert!(matches!(decoder.next(&mut first), Ok(None)));
    decoder.set_max(2);
    assert!(matches!(
        decoder.next(&mut second),
        Ok(Some(Frame::Data(b"12345")))
    ));
    assert!(matches!(
        decoder.next(&mut &stream[..]),
        Err(Violation::TooLong)
    ));
}

// [SEC-2]
#[test]
fn debug_shows_no_secrets() {
    let proof = [0xAB; 16];
    let resume = Resume {
        version: 1,
        session: 2,
        secret: Secret::new(proof),
        attempt: 3,
        received: 4,
        taken: 5,
    };
    let frames = [
        Frame::Resume(resume),
        login(&proof),
        Frame::Answer(&proof),
        Frame::Data(&proof),
    ];
    let shown = format!("{frames:?}");
    assert!(
        !shown.contains("171") && !shown.to_lowercase().contains("ab, "),
        "{shown}"
    );
    assert!(
        shown.contains("Secret(..)") && shown.contains("16 bytes"),
        "{shown}"
    );
}

fn login(credentials: &[u8]) -> Frame<'_> {
    let terms = Terms {
        heartbeat_ms: 1,
        lease_ms: 2,
        resume_window_ms: 3,
        window_messages: 4,
        window_bytes: 5,
        max_message: 6,
    };
    Frame::Login(Login {
        version: 1,
        oldest: 1,
        features: 0,
        instance: [0; 16],
        attempt: 1,
        terms,
        credentials,
    })
}

#[test]
fn a_decoder_says_how_much_memory_a_torn_frame_holds_and_shows_none_of_it() {
    let mut stream = Vec::new();
    encode_data(b"hunter2", &mut stream);
    let mut decoder = Decoder::new();
    let mut torn = &stream[..stream.len() - 1];
    assert!(matches!(decoder.next(&mut torn), Ok(None)));
    assert!(decoder.reserved() >= decoder.partial_len());
    let shown = format!("{decoder:?}");
    assert!(
        shown.contains(&decoder.partial_len().to_string()),
        "{shown}"
    );
    let bytes: Vec<_> = b"hunter".iter().map(u8::to_string).collect();
    assert!(!shown.contains("hunter") && !shown.contains(&bytes.join(", ")));
}

#[test]
fn a_login_shows_who_tries_for_which_time_and_not_with_what() {
    let shown = format!("{:?}", login(b"hunter2"));
    assert!(
        shown.contains("attempt: 1") && shown.contains("7 bytes"),
        "{shown}"
    );
    let bytes: Vec<_> = b"hunter".iter().map(u8::to_string).collect();
    assert!(!shown.contains("hunter") && !shown.contains(&bytes.join(", ")));
}

#[test]
fn every_violation_has_words_of_its_own() {
    let all = [
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
        Violation::Exhausted,
        Violation::TooMuch,
        Violation::TooMany,
    ];
    let words: std::collections::BTreeSet<_> = all.map(|one| one.to_string()).into();
    assert_eq!(words.len(), all.len());
    assert!(words.iter().all(|words| words.contains(' ')), "{words:?}");
}
