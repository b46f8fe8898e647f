//! Every single bit of every golden frame, flipped, in every stage of a link that would take the frame: what comes is another valid
//! frame or a named violation, and a violation costs the link and nothing else of the session (S7, S8, T10, T20).

use sessile::wire::decode;

use crate::{
    stages::{STAGES, essence, stage},
    vectors::{self, Vector},
};

const FRAMES: &str = include_str!("../vectors/frames.txt");

fn flipped(vector: &Vector) -> impl Iterator<Item = Vec<u8>> {
    (0..vector.bytes.len() * 8).map(|bit| {
        let mut bytes = vector.bytes.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        bytes
    })
}

#[test]
fn a_flipped_bit_makes_another_frame_or_a_violation_or_waits_for_more() {
    let (mut frames, mut violations, mut waits) = (0, 0, 0);
    for vector in vectors::read(FRAMES) {
        for bytes in flipped(&vector) {
            match decode(&bytes, vector.limit) {
                Ok(Some((_, used))) => {
                    assert!(used <= bytes.len());
                    frames += 1;
                }
                Ok(None) => waits += 1,
                Err(violation) => {
                    assert!(!violation.to_string().is_empty());
                    violations += 1;
                }
            }
        }
    }
    assert!(
        frames > 5_000 && violations > 500 && waits > 100,
        "{frames} {violations} {waits}"
    );
}

#[test]
fn a_flipped_bit_costs_a_session_its_link_at_most_or_is_what_a_peer_may_say() {
    let (mut kept, mut lost) = (0, 0);
    let vectors = vectors::read(FRAMES);
    for at in 0..STAGES.len() {
        for vector in vectors.iter().filter(|vector| vector.bytes.len() <= 80) {
            for bytes in flipped(vector) {
                let mut stage = stage(at);
                let before = essence(&stage.scene, stage.key);
                let logged_in = before
                    .as_ref()
                    .is_some_and(|(who, ended, _)| who.is_some() && !ended);
                stage.scene.writes(&mut stage.link, &bytes);
                let violated = stage.scene.events.iter().any(|event| {
                    matches!(
                        event,
                        sessile::EventKind::LinkLost(sessile::LossCause::Protocol(_))
                    )
                });
                // Where a shorter frame was made that is valid, it counts: the rest is another one.
                let at_once = decode(&bytes, 1_025).is_err();
                if logged_in && violated && at_once {
                    assert!(stage.link.is_closed(), "{}: {}", stage.name, vector.name);
                    assert_eq!(
                        essence(&stage.scene, stage.key),
                        before,
                        "{}: {}: {bytes:02x?}",
                        stage.name,
                        vector.name
                    );
                    lost += 1;
                } else {
                    kept += 1;
                }
            }
        }
    }
    assert!(lost > 10_000 && kept > 10_000, "{lost} lost, {kept} kept");
}
