//! Every length field at every value up to two above its limit: accepted and refused to the exact value, before anything that long came.

use sessile::wire::{
    CONTROL_FRAME_BYTES, CREDENTIALS_BYTES, Close, Decoder, Frame, IDENTITY_BYTES, REDIRECT_BYTES,
    Refused, RetryClass, TEXT_BYTES, Violation, Welcome, decode, kind,
};

use crate::{
    say::{bytes, login, welcome},
    scene::Scene,
};

/// The header of a frame of this length and type.
fn header(len: usize, kind: u8) -> Vec<u8> {
    let mut bytes = u32::try_from(len).unwrap().to_be_bytes().to_vec();
    bytes.push(kind);
    bytes
}

#[test]
fn a_header_is_refused_by_its_length_alone_and_to_the_byte() {
    let payload_limit = 1_025; // a type byte and 1,024 of a message
    for byte in 0..=u8::MAX {
        let limit = match byte {
            kind::DATA | kind::VOLATILE => payload_limit,
            _ => CONTROL_FRAME_BYTES,
        };
        for len in (0..=limit + 2).chain([1 << 16, 1 << 24, u32::MAX as usize]) {
            let mut decoder = Decoder::new();
            decoder.set_max(payload_limit);
            let header = header(len, byte);
            let found = decoder.next(&mut &header[..]).map(|frame| frame.is_some());
            match (len, kind::is_known(byte)) {
                (0, _) => assert_eq!(found, Err(Violation::Empty), "{byte:#04x}"),
                (len, _) if len > limit => {
                    assert_eq!(found, Err(Violation::TooLong), "{byte:#04x}, {len}")
                }
                (_, false) => assert_eq!(found, Err(Violation::UnknownType), "{byte:#04x}, {len}"),
                (1, true) => {} // whole: what its body says is another test's
                (_, true) => assert_eq!(found, Ok(false), "{byte:#04x}, {len}"),
            }
            assert!(
                decoder.partial_len() <= header.len(),
                "reserved what nobody sent"
            );
        }
    }
}

#[test]
fn a_message_is_accepted_up_to_its_limit_and_refused_at_the_next_byte() {
    for len in 0..=1_026 {
        let (mut scene, key, mut link) = Scene::served();
        scene.says(&mut link, &[Frame::Data(&vec![7; len])]);
        let fits = len <= 1_024;
        assert_eq!(!link.is_closed(), fits, "{len}");
        let taken = scene.takes_message(key).map(|text| text.len());
        assert_eq!(taken, fits.then_some(len));
    }
}

#[test]
fn credentials_fill_the_login_frame_and_no_more() {
    for len in (0..=CREDENTIALS_BYTES + 2)
        .step_by(7)
        .chain(CREDENTIALS_BYTES - 3..=CREDENTIALS_BYTES + 2)
    {
        let mut scene = Scene::server();
        let mut link = scene.link();
        let credentials = vec![b'x'; len.min(CREDENTIALS_BYTES)];
        let mut frame = bytes(&[Frame::Login(sessile::wire::Login {
            credentials: &credentials,
            ..login(1)
        })]);
        // What no encoder of ours writes.
        frame.resize(frame.len() + len - credentials.len(), b'x');
        let said = u32::try_from(frame.len() - 4).unwrap();
        frame[..4].copy_from_slice(&said.to_be_bytes());
        scene.writes(&mut link, &frame);
        assert_eq!(
            scene.offered.len(),
            usize::from(len <= CREDENTIALS_BYTES),
            "{len}"
        );
        assert_eq!(link.is_closed(), len > CREDENTIALS_BYTES, "{len}");
    }
}

/// Frames with a text of each length, and the place of its length byte, counted from the end of what comes before it.
#[test]
fn texts_identities_and_redirects_are_held_to_their_lengths() {
    for len in 0..=255_usize {
        let long = "x".repeat(len);
        let close = |text: &str| {
            bytes(&[Frame::Close(Close {
                code: 1,
                retry: RetryClass::Never,
                taken: 0,
                text: &text[..text.len().min(TEXT_BYTES)],
            })])
        };
        check(len, TEXT_BYTES, &close(&long), &long);
        let welcome = |identity: &str| {
            bytes(&[Frame::Welcome(Welcome {
                identity: &identity.as_bytes()[..identity.len().min(IDENTITY_BYTES)],
                ..welcome()
            })])
        };
        check(len, IDENTITY_BYTES, &welcome(&long), &long);
        let refused = |text: &str| {
            bytes(&[Frame::Refused(Refused {
                code: 1,
                retry: RetryClass::Now,
                taken: 0,
                attempt: 0,
                redirect: "",
                text: &text[..text.len().min(TEXT_BYTES)],
            })])
        };
        check(len, TEXT_BYTES, &refused(&long), &long);
        let redirect = bytes(&[Frame::Refused(Refused {
            code: 1,
            retry: RetryClass::Now,
            taken: 0,
            attempt: 0,
            redirect: &long,
            text: "",
        })]);
        assert!(
            len > REDIRECT_BYTES || matches!(decode(&redirect, usize::MAX), Ok(Some(_))),
            "{len}"
        );
    }
}

/// The field is the frame's last: lets it say `len`, with as many bytes behind it, and with one too few and one too many.
fn check(len: usize, limit: usize, made: &[u8], long: &str) {
    let fits = len.min(limit);
    let front = &made[4..made.len() - fits - 1];
    for more in [-1_isize, 0, 1] {
        let Some(behind) = len.checked_add_signed(more) else {
            continue;
        };
        let mut body = front.to_vec();
        body.push(u8::try_from(len).unwrap());
        body.extend(long.bytes().chain([b'x']).cycle().take(behind));
        let mut frame = u32::try_from(body.len()).unwrap().to_be_bytes().to_vec();
        frame.extend(body);
        let good = len <= limit && more == 0;
        let found = decode(&frame, usize::MAX);
        assert_eq!(
            matches!(found, Ok(Some(_))),
            good,
            "{len} of {limit}, {more}: {found:?}"
        );
    }
}
