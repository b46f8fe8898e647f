//! Every number with a range, at every value around its ends: terms, versions, classes of retry.

use sessile::wire::{Close, Frame, Login, RetryClass, Terms, Violation, Welcome, decode};

use crate::{
    say::{TERMS, login, refused, welcome},
    stages::at,
    table::bytes,
};

type Set = fn(&mut Terms, u32);

/// Each of the terms, and the values that a dialer takes of it in WELCOME, where the rest is as it asked.
const GRANTED: [(&str, Set, std::ops::RangeInclusive<u32>); 6] = [
    (
        "heartbeat_ms",
        |terms, to| terms.heartbeat_ms = to,
        10..=4_000,
    ),
    (
        "lease_ms",
        |terms, to| terms.lease_ms = to,
        3_000..=3_600_000,
    ),
    (
        "resume_window_ms",
        |terms, to| terms.resume_window_ms = to,
        0..=604_800_000,
    ),
    (
        "window_messages",
        |terms, to| terms.window_messages = to,
        1..=8,
    ),
    (
        "window_bytes",
        |terms, to| terms.window_bytes = to,
        1_024..=4_096,
    ),
    ("max_message", |terms, to| terms.max_message = to, 1..=1_024),
];

// [TERMS-3] [TERMS-4] [TERMS-5] [TERMS-6]
#[test]
fn terms_are_granted_within_their_ranges_and_not_one_beyond() {
    let stage = at("dialer: LOGIN was written");
    for (name, set, range) in GRANTED {
        let (least, most) = (*range.start(), *range.end());
        let near = |end: u32| end.saturating_sub(2)..=end.saturating_add(2);
        let values = (0..=4_100).chain(near(least)).chain(near(most));
        for value in values.chain([u32::MAX]) {
            let mut terms = TERMS;
            set(&mut terms, value);
            let frame = bytes(&Frame::Welcome(Welcome { terms, ..welcome() }));
            let violation = stage.violation(&frame);
            let expected = (!range.contains(&value)).then_some("BadValue");
            assert_eq!(violation.as_deref(), expected, "{name} {value}");
        }
    }
    // The longest heartbeat needs a lease that is long enough for it.
    for heartbeat_ms in 599_990..=600_010 {
        let terms = Terms {
            heartbeat_ms,
            lease_ms: 3_600_000,
            ..TERMS
        };
        let frame = bytes(&Frame::Welcome(Welcome { terms, ..welcome() }));
        assert_eq!(stage.violation(&frame).is_some(), heartbeat_ms > 600_000);
    }
}

// [TERMS-2]
#[test]
fn terms_are_asked_for_within_their_ranges_and_not_one_beyond() {
    let asked: [(Set, std::ops::RangeInclusive<u32>); 3] = [
        (|terms, to| terms.window_messages = to, 1..=u32::MAX),
        (|terms, to| terms.window_bytes = to, 1_024..=u32::MAX),
        (|terms, to| terms.max_message = to, 1..=4_096),
    ];
    let stage = at("acceptor: nothing was said");
    for (set, range) in asked {
        for value in (0..=4_100).chain([u32::MAX - 1, u32::MAX]) {
            let mut terms = TERMS;
            set(&mut terms, value);
            let violation = stage.violation(&bytes(&Frame::Login(Login { terms, ..login(1) })));
            let expected = (!range.contains(&value)).then_some("BadValue");
            assert_eq!(violation.as_deref(), expected, "{value}");
        }
    }
}

// [LOGIN-1] [LOGIN-2]
#[test]
fn versions_are_accepted_where_ours_lies_between_them() {
    let stage = at("acceptor: nothing was said");
    for version in (0..=4).chain([u16::MAX]) {
        for oldest in (0..=4).chain([u16::MAX]) {
            let mut after = stage.clone();
            let frame = Frame::Login(Login {
                version,
                oldest,
                ..login(1)
            });
            after.reads(&[&bytes(&frame)]);
            let sound = oldest >= 1 && oldest <= version;
            assert_eq!(stage.violation(&bytes(&frame)).is_some(), !sound);
            assert_eq!(after.scene.offered.len(), usize::from(sound && oldest == 1));
            let heard = after.scene.hears(&mut after.link);
            let refused = heard.iter().any(|line| line.starts_with("REFUSED 105"));
            assert_eq!(
                refused,
                sound && oldest > 1,
                "{version}, {oldest}: {heard:?}"
            );
        }
    }
    let stage = at("dialer: LOGIN was written");
    for value in 0..=3 {
        let with = |welcome| stage.violation(&bytes(&Frame::Welcome(welcome))).is_some();
        let version = Welcome {
            version: value,
            ..welcome()
        };
        let features = Welcome {
            features: u32::from(value),
            ..welcome()
        };
        let epoch = Welcome {
            epoch: u64::from(value),
            ..welcome()
        };
        let found = [with(version), with(features), with(epoch)];
        assert_eq!(found, [value != 1, value != 0, value == 0], "{value}");
    }
}

// [FRAME-10]
#[test]
fn a_retry_class_has_one_form_of_all_that_its_bytes_could_say() {
    let close = Frame::Close(Close {
        code: 1,
        retry: RetryClass::Now,
        taken: 0,
        text: "",
    });
    for frame in [close, refused(1, RetryClass::Now, 0)] {
        for class in 0..=u8::MAX {
            for wait in [0, 1, u32::MAX] {
                let mut raw = bytes(&frame);
                raw[7] = class;
                raw[8..12].copy_from_slice(&wait.to_be_bytes());
                let good = class == 1 || (class <= 2 && wait == 0);
                let found = decode(&raw, 4_096).err();
                assert_eq!(
                    found,
                    (!good).then_some(Violation::BadValue),
                    "{class} {wait}"
                );
            }
        }
    }
}
