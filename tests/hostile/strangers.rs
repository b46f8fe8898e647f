//! Before login: who has presented nothing, or nonsense.

use std::{collections::HashSet, time::Duration};

use fastrand::Rng;
use futures::AsyncWriteExt;
use sessile::{
    Config, Connecting, Door, Multi, Rejection, Runtime, Session,
    wire::{Frame, RetryClass, VERSION},
};

use super::{Arena, Owned, Raw, STRANGERS, TERMS, invalid_vectors, login_frame, vectors};
use crate::common::World;

/// Attacks in groups that fit among the strangers, so that none of them is turned away unheard.
fn attack(all: &[Vec<u8>], mut each: impl FnMut(&mut Raw, &[u8])) {
    for group in all.chunks(STRANGERS / 2) {
        let mut arena = Arena::new();
        let mut links = Vec::new();
        for (i, bytes) in group.iter().enumerate() {
            let mut raw = arena.raw();
            each(&mut raw, bytes);
            // Some stay, some leave.
            if i % 2 == 0 {
                links.push(raw);
            }
            if i % 16 == 0 {
                arena.witness_talks();
            }
        }
        arena.world.pass(Duration::from_secs(6));
        drop(links);
        arena.assert_unharmed();
    }
}

#[test]
fn random_bytes_harm_nobody() {
    let mut rng = Rng::with_seed(1);
    let all: Vec<Vec<u8>> = (0..600)
        .map(|_| {
            let mut bytes = vec![0; rng.usize(..300)];
            rng.fill(&mut bytes);
            // Half of them begin with a plausible length.
            if bytes.len() > 4 && rng.bool() {
                bytes[..4].copy_from_slice(&rng.u32(..80).to_be_bytes());
            }
            bytes
        })
        .collect();
    attack(&all, Raw::send);
}

#[test]
fn every_beginning_of_every_frame_harms_nobody() {
    let beginnings = |bytes: &Vec<u8>| {
        // All of the short ones, and samples of the long.
        let step = bytes.len().div_ceil(24);
        let cuts: Vec<_> = (0..bytes.len()).step_by(step).collect();
        cuts.into_iter()
            .map(|end| bytes[..end].to_vec())
            .collect::<Vec<_>>()
    };
    let all: Vec<_> = vectors().iter().flat_map(beginnings).collect();
    assert!(all.len() > 500, "{}", all.len());
    attack(&all, Raw::send);
}

#[test]
fn every_frame_as_the_first_one_harms_nobody() {
    attack(&vectors(), Raw::send);
    attack(&invalid_vectors(), |raw, bytes| {
        raw.send(bytes);
        let mut rest = vec![0; 5000];
        rest[..4].copy_from_slice(&9u32.to_be_bytes());
        raw.send(&rest); // nothing that follows mends it
        assert!(!raw.is_up());
    });
}

#[test]
fn every_frame_a_byte_at_a_time_harms_nobody() {
    attack(&vectors(), |raw, bytes| {
        for byte in bytes {
            raw.send(&[*byte]);
        }
    });
}

#[test]
fn a_login_that_trickles_in_a_byte_at_a_time_logs_in() {
    let arena = Arena::new();
    let mut raw = arena.raw();
    let mut bytes = Vec::new();
    login_frame(b"slow").encode(&mut bytes);
    for byte in bytes {
        raw.send(&[byte]);
        arena.world.pass(Duration::from_millis(10));
    }
    assert!(matches!(raw.frames().as_slice(), [Owned::Welcome { .. }]));
    drop(raw);
    arena.assert_unharmed();
}

#[test]
fn bytes_that_trickle_in_do_not_extend_the_login_deadline() {
    let arena = Arena::new();
    let (mut bytes, mut silent) = (arena.raw(), arena.raw());
    let mut extensions = arena.raw();
    let mut login = Vec::new();
    login_frame(b"never complete").encode(&mut login);
    for second in 0..6 {
        assert_eq!(bytes.is_up(), second < 5, "after {second} s");
        bytes.send(&login[second..=second]);
        extensions.say(&Frame::Extension(0x80));
        arena.world.pass(Duration::from_secs(1));
    }
    for raw in [&mut bytes, &mut silent, &mut extensions] {
        assert!(!raw.is_up(), "the login deadline is 5 s");
    }
    drop((bytes, silent, extensions));
    arena.assert_unharmed();
}

#[test]
fn a_length_that_is_too_large_closes_the_link_at_once() {
    for len in [4_097u32, 1 << 20, 1 << 31, u32::MAX] {
        let arena = Arena::new();
        let mut raw = arena.raw();
        raw.send(&len.to_be_bytes());
        assert!(!raw.is_up(), "{len}: nothing more is waited for");
        drop(raw);
        arena.assert_unharmed();
    }
}

#[test]
fn whatever_is_said_before_login_but_login_and_resume_closes_the_link() {
    let arena = Arena::new();
    for bytes in vectors() {
        let Ok(Some((frame, _))) = sessile::wire::decode(&bytes, 1 << 21) else {
            panic!("a vector that is no frame")
        };
        if matches!(frame.name(), "LOGIN" | "RESUME" | "EXTENSION") {
            continue;
        }
        let name = frame.name();
        let mut raw = arena.raw();
        raw.send(&bytes);
        let (said, up) = raw.read();
        assert!(
            said.is_empty() && !up,
            "{name} was answered: {said:?}, up: {up}"
        );
    }
    arena.assert_unharmed();
}

/// The offer is complete and the host has not answered: whatever else comes is out of place.
#[test]
fn every_frame_after_login_and_before_the_answer_harms_nobody() {
    let mut login = Vec::new();
    login_frame(b"hasty").encode(&mut login);
    attack(&vectors(), |raw, bytes| {
        raw.send(&[&login, bytes].concat()); // in one read: no host can be that quick
    });
}

#[test]
fn a_login_with_terms_that_nobody_can_live_with_is_refused() {
    let arena = Arena::new();
    for broken in 0..4 {
        let mut frame = login_frame(b"greedy");
        let Frame::Login(login) = &mut frame else {
            unreachable!()
        };
        match broken {
            0 => login.terms.window_messages = 0,
            1 => login.terms.max_message = 0,
            2 => login.terms.window_bytes = TERMS.max_message - 1,
            _ => (login.version, login.oldest) = (VERSION + 7, VERSION + 1),
        }
        let mut raw = arena.raw();
        raw.say(&frame);
        let frames = raw.frames();
        assert!(!raw.is_up(), "{broken}: {frames:?}");
        assert!(!matches!(frames.first(), Some(Owned::Welcome { .. })));
    }
    arena.assert_unharmed();
}

/// Whoever knows no secret learns nothing, not even which sessions there are.
#[test]
fn a_resume_of_sessions_that_are_not_its_own_hears_only_that_they_are_gone() {
    let arena = Arena::new();
    let member = arena.member("victim");
    let mut answers = Vec::new();
    for session in [member.session, member.session ^ 1, 0, u64::MAX] {
        for attempt in [0, 1, u64::MAX] {
            let mut raw = arena.raw();
            raw.say(&resume(session, [7; 16], attempt, 0, 0));
            answers.extend(raw.frames());
            assert!(!raw.is_up());
        }
    }
    assert_eq!(answers.len(), 12);
    for answer in &answers {
        let Owned::Refused {
            code,
            attempt: 0,
            text,
        } = answer
        else {
            panic!("{answer:?}")
        };
        assert_eq!((*code, text.as_str()), (sessile::Reason::Gone.code(), ""));
    }
    let mut member = member.raw;
    assert!(member.is_up(), "the victim keeps its link");
    drop(member);
    arena.assert_unharmed();
}

#[test]
fn a_flood_of_strangers_is_turned_away_and_the_witness_talks_on() {
    let mut arena = Arena::new();
    let mut flood: Vec<_> = (0..STRANGERS * 3).map(|_| arena.raw()).collect();
    arena.world.settle();
    let up = flood
        .iter_mut()
        .filter_map(|raw| raw.is_up().then_some(()))
        .count();
    assert_eq!(up, STRANGERS);
    arena.witness_talks();
    drop(flood);
    arena.assert_unharmed();
}

pub(crate) fn resume(
    session: u64,
    secret: [u8; 16],
    attempt: u64,
    received: u64,
    taken: u64,
) -> Frame<'static> {
    Frame::Resume(sessile::wire::Resume {
        version: VERSION,
        session,
        secret: sessile::wire::Secret::new(secret),
        attempt,
        received,
        taken,
    })
}

/// Every code that a peer may close with, known or not.
#[test]
fn a_close_with_any_code_before_login_harms_nobody() {
    let all: Vec<Vec<u8>> = (0..120)
        .map(|code| {
            let mut bytes = Vec::new();
            Frame::Close(sessile::wire::Close {
                code,
                retry: RetryClass::After(u32::MAX),
                taken: u64::MAX,
                text: "…",
            })
            .encode(&mut bytes);
            bytes
        })
        .collect();
    attack(&all, Raw::send);
}

/// Somebody has said LOGIN to a server, and is not judged yet.
fn asking() -> (
    World,
    (Runtime<Multi>, Door),
    Raw,
    Session<Connecting, Multi>,
) {
    let world = World::new();
    let (server, mut door) = world.server(Config::new());
    let mut raw = Raw::dial(&world);
    raw.say(&login_frame(b"me"));
    let peer = world.run(door.next()).expect("it asks");
    (world, (server, door), raw, peer)
}

/// Threat T36: what a server that starts again gives out is none of what it gave out before. A session's number is half chance, 32
/// bits a start, and nothing alone; the secret is all.
#[test]
fn a_server_that_starts_again_gives_no_secret_and_no_number_twice() {
    const STARTS: usize = 1_000;
    let (mut secrets, mut numbers) = (HashSet::new(), HashSet::new());
    for _ in 0..STARTS {
        let (world, _server, mut raw, peer) = asking();
        let _session = peer.admit(7_u64);
        world.settle();
        let Some(Owned::Welcome { session, secret }) = raw.frames().into_iter().next() else {
            panic!("it is let in")
        };
        secrets.insert(*secret.as_bytes());
        numbers.insert(session);
    }
    assert_eq!(secrets.len(), STARTS);
    // By chance two are the same in one run of 8,600, and two pairs in one of 10^8.
    assert!(numbers.len() >= STARTS - 1, "{} numbers", numbers.len());
}

/// It says something that costs its link before it heard that it is refused: it hears that all the same.
#[test]
fn who_is_refused_hears_so_whatever_it_said_meanwhile() {
    let (world, _server, mut raw, peer) = asking();
    // Both are there when its link's task is run.
    let written = smol::block_on(raw.link.write(&[0xff; 100]));
    assert_eq!(written.expect("room"), 100);
    peer.reject(Rejection::banned().text("not you"));
    world.settle();
    let frames = raw.frames();
    assert!(
        matches!(frames.as_slice(), [Owned::Refused { text, .. }] if text == "not you"),
        "{frames:?}"
    );
}
