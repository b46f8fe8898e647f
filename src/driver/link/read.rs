use std::sync::Arc;

use super::{Task, is_current};
use crate::{
    Message, canary,
    driver::{Hosted, Watcher, hosting, returning::Coming},
    proto::{Heard, Machine, Side},
    registry::Reading,
    wire::Frame,
};

/// What a link brings.
impl Task {
    /// What was read goes to the session, a turn of it; messages of a session that has a host go to the host, from where
    /// they lie. What is left over is kept.
    pub(super) fn read(&mut self, mut bytes: &[u8]) -> Reading {
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
            match seat.host.as_mut().and_then(|host| host.take()) {
                Some(hosted) => {
                    hub.registry.prepare(port);
                    (Reading::Continue, Some(hosted), None)
                }
                None => {
                    let fresh = &mut || shared.entropy.secret();
                    let fx = &mut hub.fx;
                    let reading = hub.registry.read(port, now, &mut bytes, fx, fresh);
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
            Some(hosted) => self.read_for(hosted, &mut bytes),
            None => reading,
        };
        if reading == Reading::More {
            let left = self.left.get_or_insert_default();
            left.unread.extend_from_slice(bytes);
            left.coming = coming;
        }
        reading
    }

    /// Frame by frame, since the host is called without the lock.
    fn read_for(&mut self, mut hosted: Box<dyn Hosted>, bytes: &mut &[u8]) -> Reading {
        let (key, link) = (self.port.key(), self.port.link());
        let shared = &self.shared;
        let peer = Watcher::new(Arc::clone(shared), key);
        let mut frames = 0;
        let reading = loop {
            if frames == shared.settings.turn_frames && !bytes.is_empty() {
                break Reading::More;
            }
            frames += 1;
            let frame = match self.port.next(bytes) {
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
                    .apply_direct(key, link, now, &frame, &mut hub.fx)
            });
            match (heard, &frame) {
                (Heard::Direct, Frame::Data(payload)) => {
                    hosting::guard(&peer, || {
                        hosted.message(&peer, Message::borrowed(payload, false))
                    });
                }
                (Heard::Direct, Frame::Volatile(payload)) => {
                    hosting::guard(&peer, || {
                        hosted.message(&peer, Message::borrowed(payload, true))
                    });
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
