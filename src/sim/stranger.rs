//! Strangers who come and go: who say nothing, and who say what somebody said before them.

use std::{sync::Arc, time::Duration};

use fastrand::Rng;
use futures::AsyncWriteExt;

use super::{rogue::Talk, world::World};
use crate::{
    driver::Clock,
    transport::{Dial, memory::MemoryDialer},
    wire::{Decoder, Frame, Resume},
};

/// Dials, says nothing, and goes away after some time.
pub(super) async fn silent(world: Arc<World>, dialer: MemoryDialer, time: Duration) {
    let clock = Clock::manual(world.clock.clone());
    let link = dialer.dial().await;
    clock.sleep_until(clock.now() + time).await;
    drop(link);
}

/// Says what somebody said before it, and hears what comes of it.
pub(super) async fn replayer(world: Arc<World>, dialer: MemoryDialer, said: First, time: Duration) {
    let Ok(link) = dialer.dial().await else {
        return;
    };
    let mut talk = Talk::new(&world, link, Rng::with_seed(0));
    if talk.link.write_all(&said.bytes).await.is_err() {
        return;
    }
    let answer = talk.listen(time).await;
    let mut decoder = Decoder::new();
    let first = decoder.next(&mut &answer[..]);
    let resumed = matches!(first, Ok(Some(Frame::Resumed(_))));
    let is_known = resumed || matches!(first, Ok(Some(Frame::Welcome(_) | Frame::Challenge(_))));
    // T14: a secret is worth nothing once its successor was proven to have arrived. R3: whoever is not known is answered with little.
    let wrong = match (said.stolen, resumed) {
        (true, true) => "T14: a stranger came back with a secret that was replaced long ago",
        _ if said.to_honest && !is_known && answer.len() > 3 * said.bytes.len() => {
            "R3: a stranger was answered with more than three times what it said"
        }
        _ => return,
    };
    world.state().wrong.get_or_insert_with(|| wrong.to_owned());
}

/// The frame that a recorded link began with.
pub(super) struct First {
    pub(super) name: &'static str,
    pub(super) bytes: Vec<u8>,
    /// The session that a RESUME names, and its attempt.
    pub(super) resume: Option<(u64, u64)>,
    /// To a server that keeps to the protocol.
    pub(super) to_honest: bool,
    /// It has an attempt that was never made, with a secret that is worth nothing any more.
    pub(super) stolen: bool,
}

impl First {
    /// A RESUME with the same secret, as if it were the client's next.
    pub(super) fn with_next_attempt(&self) -> Option<Self> {
        let mut bytes = Vec::new();
        let mut decoder = Decoder::new();
        let Frame::Resume(resume) = decoder.next(&mut &self.bytes[..]).ok()?? else {
            return None;
        };
        Frame::Resume(Resume {
            attempt: resume.attempt + 1_000_000,
            ..resume
        })
        .encode(&mut bytes);
        Some(Self {
            name: "RESUME with a stolen secret",
            bytes,
            resume: None,
            to_honest: self.to_honest,
            stolen: true,
        })
    }
}

/// What a recorded link began with, if it was a handshake.
pub(super) fn first_frame(tape: &[u8], to_honest: bool) -> Option<First> {
    let (mut decoder, mut rest) = (Decoder::new(), tape);
    let first = decoder.next(&mut rest).ok()??;
    let resume = match &first {
        Frame::Login(_) => None,
        Frame::Resume(resume) => Some((resume.session, resume.attempt)),
        _ => return None,
    };
    Some(First {
        name: first.name(),
        bytes: tape[..tape.len() - rest.len()].to_vec(),
        resume,
        to_honest,
        stolen: false,
    })
}
