//! After login: who was let in and then breaks every rule.

use std::time::Duration;

use fastrand::Rng;
use futures::{AsyncWriteExt, future::poll_immediate};
use sessile::{
    Reason,
    wire::{Beat, Close, Frame, RetryClass},
};

use super::{
    Arena, Member, Owned, Raw, invalid_vectors, login_frame, silence, strangers::resume, vectors,
};

/// One attack by somebody who was let in, each by a new member.
fn attack(all: &[Vec<u8>], before: &[Frame<'_>]) {
    let mut arena = Arena::new();
    let mut links = Vec::new();
    for (i, bytes) in all.iter().enumerate() {
        let mut member = arena.member(&format!("member {i}"));
        for frame in before {
            member.raw.say(frame);
        }
        member.raw.send(bytes);
        if i % 2 == 0 {
            links.push(member);
        }
        if i % 16 == 0 {
            arena.witness_talks();
        }
    }
    arena.world.pass(Duration::from_secs(1));
    drop(links);
    arena.assert_unharmed();
}

#[test]
fn every_frame_after_login_harms_nobody() {
    attack(&vectors(), &[]);
    attack(&invalid_vectors(), &[]);
}

#[test]
fn every_frame_after_messages_harms_nobody() {
    let (data, volatile) = (Frame::Data(b"one"), Frame::Volatile(b"two"));
    attack(&vectors(), &[data, volatile, Frame::Ping(Beat::default())]);
}

#[test]
fn every_frame_after_the_last_word_harms_nobody() {
    let close = Frame::Close(Close {
        code: Reason::ClosedHere.code(),
        retry: RetryClass::Never,
        taken: 0,
        text: "bye",
    });
    attack(&vectors(), &[Frame::Data(b"one"), close]);
}

#[test]
fn frames_with_a_byte_changed_harm_nobody() {
    let mut rng = Rng::with_seed(2);
    let vectors = vectors();
    let all: Vec<Vec<u8>> = (0..150)
        .map(|_| {
            let mut bytes = Vec::new();
            for _ in 0..rng.usize(1..5) {
                bytes.extend_from_slice(&vectors[rng.usize(..vectors.len())]);
            }
            bytes.truncate(4096);
            for _ in 0..rng.usize(1..3) {
                let at = rng.usize(..bytes.len());
                bytes[at] = rng.u8(..);
            }
            bytes
        })
        .collect();
    attack(&all, &[]);
}

#[test]
fn a_second_login_or_a_resume_inside_a_session_costs_the_link() {
    let arena = Arena::new();
    for frame in [login_frame(b"again"), resume(1, [0; 16], 1, 0, 0)] {
        let mut member = arena.member("greedy");
        member.raw.say(&frame);
        assert!(!member.raw.is_up(), "{frame:?}");
    }
    arena.assert_unharmed();
}

#[test]
fn an_ack_above_what_was_sent_costs_the_link() {
    for taken in [1, 1 << 40, u64::MAX] {
        let arena = Arena::new();
        let mut member = arena.member("liar");
        member.raw.say(&Frame::Ack(taken));
        assert!(!member.raw.is_up(), "{taken} messages were never sent");
        drop(member);
        arena.assert_unharmed();
    }
}

/// The host of this server reads; one that does not is what a window is for.
#[test]
fn more_than_the_window_costs_the_link_and_no_memory() {
    let arena = Arena::new();
    let mut member = arena.member("flood");
    let peer = arena.server.sessions().get("flood").expect("it is in");
    // In one write, so that the host cannot read in between: the window of this server is 8 messages.
    let mut flood = Vec::new();
    for _ in 0..100 {
        Frame::Data(&[0; 100]).encode(&mut flood);
    }
    member.raw.send(&flood);
    assert!(!member.raw.is_up());
    let received = peer.snapshot().expect("it may resume").received;
    assert!(received <= 8, "{received} were taken in");
    drop(member);
    arena.assert_unharmed();
}

#[test]
fn a_message_above_the_limit_costs_the_link_before_it_has_arrived() {
    let arena = Arena::new();
    for kind in [sessile::wire::kind::DATA, sessile::wire::kind::VOLATILE] {
        let mut member = arena.member("long");
        let mut header = (1_048_320u32 + 2).to_be_bytes().to_vec();
        header.push(kind);
        member.raw.send(&header);
        assert!(!member.raw.is_up());
    }
    arena.assert_unharmed();
}

#[test]
fn a_flood_of_tiny_messages_does_not_keep_others_waiting() {
    let mut arena = Arena::new();
    let mut members: Vec<_> = (0..8)
        .map(|i| arena.member(&format!("flood {i}")))
        .collect();
    let mut flood = Vec::new();
    for _ in 0..5_000 {
        Frame::Volatile(b"").encode(&mut flood);
    }
    for _ in 0..4 {
        for member in &mut members {
            member.raw.send(&flood);
        }
        arena.witness_talks();
    }
    assert!(members.iter_mut().all(|member| member.raw.is_up()));
    drop(members);
    arena.assert_unharmed();
}

/// A login, and nobody ever shows that it was heard: the session goes at the login deadline, and meanwhile nobody is kept
/// busy.
#[test]
fn who_logs_in_and_leaves_is_gone_at_the_login_deadline() {
    for how in 0..3 {
        let arena = Arena::new();
        let mut raw = arena.raw();
        raw.say(&login_frame(b"ghost"));
        assert_eq!(arena.server.sessions().len(), 2);
        let mut kept = None;
        match how {
            0 => drop(raw),
            1 => raw.control().cut(),
            _ => {
                silence(&raw);
                kept = Some(raw);
            }
        }
        arena.world.pass(Duration::from_millis(5_100));
        assert_eq!(arena.server.sessions().len(), 1, "way {how}");
        drop(kept);
        arena.assert_unharmed();
    }
}

/// With the right secret, and everything else wrong.
#[test]
fn a_resume_with_impossible_positions_or_an_old_attempt_changes_nothing() {
    let arena = Arena::new();
    let mut member = arena.member("returning");
    member.raw.say(&Frame::Data(b"one"));
    let Member {
        raw,
        session,
        secret,
    } = member;
    drop(raw);
    arena.world.settle();
    let secret = *secret.as_bytes();
    for (received, taken) in [(1, 0), (0, 1), (1, 1), (u64::MAX, u64::MAX), (u64::MAX, 0)] {
        let mut raw = arena.raw();
        raw.say(&resume(session, secret, 5, received, taken));
        let (said, up) = raw.read();
        assert!(said.is_empty() && !up, "({received}, {taken}): {said:?}");
    }
    let mut back = arena.raw();
    back.say(&resume(session, secret, 5, 0, 0));
    let frames = back.frames();
    let Some(Owned::Resumed { received: 1, .. }) = frames.first() else {
        panic!("{frames:?}")
    };
    // The same attempt again: a copy of this client runs elsewhere, and learns so.
    let mut copy = arena.raw();
    copy.say(&resume(session, secret, 5, 0, 0));
    let frames = copy.frames();
    let Some(Owned::Refused {
        code, attempt: 5, ..
    }) = frames.first()
    else {
        panic!("{frames:?}")
    };
    assert_eq!(*code, Reason::Stale.code());
    assert!(back.is_up(), "the copy changed nothing");
    drop((back, copy));
    arena.assert_unharmed();
}

/// Resumes as fast as it can: each cuts the link before it, and there is one session all the time.
#[test]
fn a_storm_of_resumes_of_one_session_keeps_one_link() {
    let mut arena = Arena::new();
    let Member {
        raw,
        session,
        secret,
    } = arena.member("restless");
    let (mut links, mut secret): (Vec<Raw>, _) = (vec![raw], *secret.as_bytes());
    for attempt in 1..200 {
        let mut raw = arena.raw();
        raw.say(&resume(session, secret, attempt, 0, 0));
        let frames = raw.frames();
        let Some(Owned::Resumed { secret: next, .. }) = frames.first() else {
            panic!("{frames:?}")
        };
        secret = *next.as_bytes();
        links.push(raw);
    }
    let up = links
        .iter_mut()
        .filter_map(|raw| raw.is_up().then_some(()))
        .count();
    assert_eq!(up, 1);
    assert_eq!(arena.server.sessions().len(), 2);
    arena.witness_talks();
    drop(links);
    arena.assert_unharmed();
}

/// The link before it may have died unheard: nothing of it is kept, and nothing it still does holds up the new one.
#[test]
fn what_is_left_of_an_old_link_does_not_hold_up_the_new_one() {
    for leaves_early in [true, false] {
        let arena = Arena::new();
        let Member {
            raw: mut old,
            session,
            secret,
        } = arena.member("roaming");
        let peer = arena.server.sessions().get("roaming").expect("it is in");
        let mut new = arena.raw();
        new.say(&resume(session, *secret.as_bytes(), 1, 0, 0));
        new.frames();
        assert!(!old.is_up(), "the older link is closed at once");
        old.say(&Frame::Data(b"late"));
        let kept = (!leaves_early).then_some(old);
        arena.world.settle();
        peer.try_send("hello").expect("room");
        arena.world.settle();
        assert!(matches!(new.frames().as_slice(), [Owned::Data(hello)] if hello == b"hello"));
        drop((kept, new));
        arena.world.pass(Duration::from_secs(2));
        arena.assert_unharmed();
    }
}

/// Its buffers are full, and it takes nothing: neither its lost link nor the last words to it wait for it for ever.
#[test]
fn who_stops_reading_is_let_go_whether_it_is_lost_or_removed() {
    for (removed, speaks) in [(false, true), (false, false), (true, true), (true, false)] {
        let mut arena = Arena::new();
        let mut deaf = arena.member("deaf").raw;
        let peer = arena.server.sessions().get("deaf").expect("it is in");
        for _ in 0..8 {
            peer.try_send(&[0; 100_000]).expect("room");
        }
        arena.world.settle();
        peer.send_volatile("more").expect("it lives");
        arena.witness_talks();
        if removed {
            peer.remove("takes nothing");
        }
        for _ in 0..12 {
            arena.world.pass(Duration::from_secs(1));
            if speaks {
                deaf.say(&Frame::Ping(Beat::default()));
            }
        }
        assert!(
            !peer.phase().is_up(),
            "a stalled write is given up after 10 s"
        );
        arena.world.pass(Duration::from_secs(10));
        let written = smol::block_on(poll_immediate(deaf.link.write(b"?")));
        assert!(
            matches!(written, Some(Err(_))),
            "its link is kept; removed: {removed}, speaks: {speaks}"
        );
        drop(deaf);
        arena.assert_unharmed();
    }
}

/// The pipe is full when its session ends; it talks on, and reads only then.
#[test]
fn last_words_that_wait_for_a_full_link_are_not_lost_because_the_peer_talks_on() {
    let arena = Arena::new();
    let mut slow = arena.member("slow").raw;
    let peer = arena.server.sessions().get("slow").expect("it is in");
    peer.try_send(&[0; 60_000]).expect("room");
    arena.world.settle();
    peer.try_send(&[0; 10_000]).expect("room");
    peer.remove("too slow"); // encoded with the message before it, and the pipe takes a part of both
    arena.world.settle();
    slow.say(&Frame::Ping(Beat::default()));
    let heard = slow.frames();
    assert!(
        matches!(heard.last(), Some(Owned::Other("CLOSE"))),
        "{:?}",
        heard.last()
    );
    drop(slow);
    arena.assert_unharmed();
}

/// The same, and it never reads: the session has forgotten this link, which ends by its own patience.
#[test]
fn last_words_that_nobody_takes_wait_as_long_as_a_stalled_write_and_no_longer() {
    let arena = Arena::new();
    let mut deaf = arena.member("deaf").raw;
    let peer = arena.server.sessions().get("deaf").expect("it is in");
    peer.try_send(&[0; 60_000]).expect("room");
    arena.world.settle();
    peer.try_send(&[0; 10_000]).expect("room");
    peer.remove("takes nothing");
    arena.world.settle();
    let mut is_kept = |seconds| {
        arena.world.pass(Duration::from_secs(seconds));
        let written = smol::block_on(poll_immediate(deaf.link.write(b"?")));
        !matches!(written, Some(Err(_)))
    };
    assert!(is_kept(9), "it may still read");
    assert!(!is_kept(2));
    drop(deaf);
    arena.assert_unharmed();
}

/// It takes nothing for a while, and then everything: what it was doubted for is over.
#[test]
fn who_reads_again_in_time_is_not_given_up_afterwards() {
    let mut arena = Arena::new();
    let mut slow = arena.member("slow").raw;
    let peer = arena.server.sessions().get("slow").expect("it is in");
    for _ in 0..8 {
        peer.try_send(&[0; 100_000]).expect("room");
    }
    for second in 0..20 {
        arena.world.pass(Duration::from_secs(1));
        slow.say(&Frame::Ping(Beat::default()));
        if second > 5 {
            slow.read();
        }
        assert!(peer.phase().is_up(), "after {second} s");
    }
    arena.witness_talks();
    drop((slow, peer));
    arena.assert_unharmed();
}
