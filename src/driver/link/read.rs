use std::{
    io::{self, IoSliceMut},
    sync::Arc,
    task::{Context, Poll},
};

use super::{State, Task, is_current};
use crate::{
    Message, canary,
    driver::{Hosted, Watcher, hosting, returning::Coming, scratch::Scratch, spare},
    proto::{Heard, Machine, Side},
    registry::Reading,
    wire::Frame,
};

/// What one read brought.
pub(super) struct Brought {
    /// How many bytes, and how many of them lie in the scratch; the others are in their place.
    pub(super) all: usize,
    pub(super) loose: usize,
    /// It is a part of a long message that is not whole yet, and nothing else.
    pub(super) is_part: bool,
    /// There was no room for more.
    pub(super) was_full: bool,
}

/// What a link brings.
impl Task {
    /// Reads once: what comes next of a long message to where it stays, everything else to the scratch. `left` bytes may be read
    /// in this turn.
    pub(super) fn poll_bring(
        &mut self,
        cx: &mut Context<'_>,
        scratch: &mut Scratch,
        left: usize,
    ) -> Poll<io::Result<Brought>> {
        let (room, ahead) = (self.port.read_size(), self.port.read_ahead());
        let most = left.max(ahead);
        let io = self.io.io();
        let place = match self.state {
            State::Closing => None, // what comes is dropped
            _ => {
                if let Some(bytes) = self.port.wants() {
                    self.port.lend(spare::take(bytes), spare::share);
                }
                self.port.place(most)
            }
        };
        let Some((place, is_all)) = place else {
            let room = left.min(room);
            let place = scratch.read.get_mut(..room).unwrap_or_default();
            let brought = |read| Brought {
                all: read,
                loose: read,
                is_part: false,
                was_full: read == room,
            };
            return io.poll_read(cx, place).map_ok(brought);
        };
        let ahead = scratch.read.get_mut(..ahead).filter(|_| is_all);
        let ahead = ahead.unwrap_or_default();
        let (here, room) = (place.len(), place.len() + ahead.len());
        let mut places = [IoSliceMut::new(place), IoSliceMut::new(ahead)];
        io.poll_read_vectored(cx, &mut places).map_ok(|read| {
            let loose = read.saturating_sub(here);
            let is_whole = self.port.placed(read - loose);
            Brought {
                all: read,
                loose,
                is_part: !is_whole,
                was_full: read == room,
            }
        })
    }

    /// What was read goes to the session, as far as the `frames` go that are left of this turn; messages of a session that has a
    /// host go to the host, from where they lie. What is left over stays in `bytes`.
    pub(super) fn read(&mut self, bytes: &mut &[u8], frames: &mut usize) -> Reading {
        let chain = match std::mem::replace(&mut self.certified, true) {
            false => self.io.certificates(),
            true => None,
        };
        let (shared, port) = (&self.shared, &mut self.port);
        let (reading, hosted, coming) = shared.with(|hub, now| {
            if !is_current(hub, port) && !canary::is_lax_about_links() {
                return (Reading::Close, None, None);
            }
            let key = port.key();
            if let Some(chain) = chain
                && hub.registry.get(key).map(Machine::side) == Some(Side::Acceptor)
            {
                hub.beside.certify(key, chain);
            }
            let seat = hub.seat(key);
            // What this brings about for the link is written right after: there is nobody to wake for it.
            seat.link = None;
            let host = match port.is_beat(bytes) {
                true => None, // it is not called for that
                false => seat.take_host(),
            };
            match host {
                Some(hosted) => {
                    hub.registry.prepare(port);
                    (Reading::Continue, Some(hosted), None)
                }
                None => {
                    let fresh = &mut || shared.entropy.secret();
                    let fx = &mut hub.fx;
                    let reading = (hub.registry).read_some(port, now, bytes, frames, fx, fresh);
                    if port.key() != key {
                        hub.beside.pass_on(key, port.key());
                    }
                    let returning = hub.registry.take_returning();
                    let coming = returning.map(|returning| Coming::new(shared, hub, returning));
                    (reading, None, coming)
                }
            }
        });
        let reading = match hosted {
            Some(hosted) => self.read_for(hosted, bytes, frames),
            None => reading,
        };
        if reading == Reading::More && coming.is_some() {
            self.left.get_or_insert_default().coming = coming;
        }
        reading
    }

    /// Frame by frame, since the host is called without the lock.
    fn read_for(
        &mut self,
        mut hosted: Box<dyn Hosted>,
        bytes: &mut &[u8],
        frames: &mut usize,
    ) -> Reading {
        let (key, link) = (self.port.key(), self.port.link());
        let shared = &self.shared;
        let peer = Watcher::new(Arc::clone(shared), key);
        let reading = loop {
            if *frames == 0 && !bytes.is_empty() {
                break Reading::More;
            }
            *frames = frames.saturating_sub(1);
            let mut whole = None;
            let frame = match self.port.next_keeping(bytes, &mut whole) {
                Ok(None) => break Reading::Continue,
                Ok(Some(frame)) => frame,
                Err(violation) => {
                    shared.with(|hub, now| {
                        hub.input(key, now, |machine, cx| {
                            machine.handle_violation(cx, link, violation)
                        })
                    });
                    break Reading::Close;
                }
            };
            let heard = shared.with_recent(|hub, now| {
                hub.registry
                    .apply_direct(key, link, now, &frame, whole.as_ref(), &mut hub.fx)
            });
            match (heard, &frame) {
                (Heard::Direct, Frame::Data(payload) | Frame::Volatile(payload)) => {
                    let volatile = matches!(frame, Frame::Volatile(_));
                    let message = match whole.take() {
                        Some(whole) => Message::shared(whole, volatile),
                        None => Message::borrowed(payload, volatile),
                    };
                    hosting::guard(&peer, || hosted.message(&peer, message));
                }
                (Heard::Applied | Heard::Direct, _) => {}
                (Heard::Stale | Heard::Offered | Heard::Resume(_), _) => break Reading::Close,
            }
        };
        // What could not be told directly is told now, and the host is free again.
        hosting::run_turn(shared, key, Some(hosted));
        reading
    }
}

/// Whether the first bytes of a link are a record of TLS: a greeting, or the alert that answers plain text. As a frame it would be
/// longer than any may be; who reads it is told what it is.
pub(super) const fn is_tls(bytes: &[u8]) -> bool {
    matches!(bytes, [0x15 | 0x16, 3, 1..=4, ..])
}
