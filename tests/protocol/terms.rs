//! Chapter "Terms".

use sessile::wire::{Frame, Login, Terms, Welcome};

use crate::{
    say::{TERMS, login, welcome},
    scene::{Scene, config, ms},
};

/// A client reads a welcome with these terms; whether it refuses them.
fn refuses(terms: Terms) -> bool {
    let (mut scene, mut link) = Scene::client();
    scene.hears(&mut link);
    scene.says(&mut link, &[Frame::Welcome(Welcome { terms, ..welcome() })]);
    assert_eq!(link.is_closed(), scene.saw("login-failed"));
    if link.is_closed() {
        assert_eq!(scene.hears(&mut link), [""; 0], "not a word on that link");
    }
    link.is_closed()
}

// [TERMS-1]
#[test]
fn times_are_the_acceptors_and_sizes_the_smaller_of_both() {
    let mut scene = Scene::server_with(
        config()
            .heartbeat_interval(ms(700))
            .lease(ms(2100))
            .resume_window(ms(9000)),
    );
    let asked = Terms {
        heartbeat_ms: 10,
        lease_ms: 3_600_000,
        resume_window_ms: u32::MAX,
        window_messages: 4,
        window_bytes: u32::MAX,
        max_message: 1000,
    };
    let (_, link) = scene.welcomed(Login {
        terms: asked,
        ..login(1)
    });
    let granted = Terms {
        heartbeat_ms: 700,
        lease_ms: 2100,
        resume_window_ms: 9000,
        window_messages: 4,
        window_bytes: TERMS.window_bytes,
        max_message: 1000,
    };
    assert_eq!(link.terms, granted);
}

// [TERMS-2]
#[test]
fn a_login_that_asks_for_what_nobody_can_live_with_ends_the_link() {
    let table = [
        Terms {
            window_messages: 0,
            ..TERMS
        },
        Terms {
            max_message: 0,
            ..TERMS
        },
        Terms {
            window_bytes: 1023,
            ..TERMS
        },
    ];
    for terms in table {
        let mut scene = Scene::server();
        let mut link = scene.link();
        scene.says(&mut link, &[Frame::Login(Login { terms, ..login(1) })]);
        assert!(link.is_closed() && scene.offered.is_empty(), "{terms:?}");
    }
}

// [TERMS-3]
#[test]
fn a_heartbeat_is_from_10_ms_to_10_min() {
    for (heartbeat_ms, refused) in [
        (0, true),
        (9, true),
        (10, false),
        (600_000, false),
        (600_001, true),
        (u32::MAX, true),
    ] {
        assert_eq!(
            refuses(Terms {
                heartbeat_ms,
                lease_ms: 3_600_000,
                ..TERMS
            }),
            refused,
            "{heartbeat_ms}"
        );
    }
}

// [TERMS-4]
#[test]
fn a_lease_is_from_one_and_a_half_heartbeats_to_one_hour() {
    for (lease_ms, refused) in [
        (0, true),
        (2999, true),
        (3000, false),
        (3_600_000, false),
        (3_600_001, true),
    ] {
        assert_eq!(refuses(Terms { lease_ms, ..TERMS }), refused, "{lease_ms}");
    }
}

// [TERMS-5]
#[test]
fn a_resume_window_is_at_most_seven_days() {
    for (resume_window_ms, refused) in [(0, false), (604_800_000, false), (604_800_001, true)] {
        assert_eq!(
            refuses(Terms {
                resume_window_ms,
                ..TERMS
            }),
            refused,
            "{resume_window_ms}"
        );
    }
}

// [TERMS-6]
#[test]
fn no_size_is_above_what_was_asked_or_useless() {
    let table = [
        (
            Terms {
                window_messages: 1,
                window_bytes: 1,
                max_message: 1,
                ..TERMS
            },
            false,
        ),
        (
            Terms {
                window_messages: 9,
                ..TERMS
            },
            true,
        ),
        (
            Terms {
                window_messages: 0,
                ..TERMS
            },
            true,
        ),
        (
            Terms {
                window_bytes: 4097,
                ..TERMS
            },
            true,
        ),
        (
            Terms {
                window_bytes: 1023,
                ..TERMS
            },
            true,
        ),
        (
            Terms {
                max_message: 1025,
                ..TERMS
            },
            true,
        ),
        (
            Terms {
                max_message: 0,
                ..TERMS
            },
            true,
        ),
    ];
    for (terms, refused) in table {
        assert_eq!(refuses(terms), refused, "{terms:?}");
    }
}

// [TERMS-7]
#[test]
fn terms_outlive_the_link_they_were_agreed_on() {
    let mut scene = Scene::server();
    let terms = Terms {
        window_messages: 2,
        ..TERMS
    };
    let (key, mut link) = scene.welcomed(Login { terms, ..login(1) });
    scene.cut(&mut link);
    let (mut link, _) = scene.resumes(crate::say::resume(link.session, link.proof(), 1));
    scene.says(&mut link, &[Frame::Data(b"1"), Frame::Data(b"2")]);
    assert!(!link.is_closed());
    scene.says(&mut link, &[Frame::Data(b"3")]);
    assert!(link.is_closed());
    assert_eq!(scene.takes_all(key), ["1", "2"]);
}
