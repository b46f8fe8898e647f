//! What the search remembers of a state: 64 bits. Two states that go on in the same way have the same print.

use std::hash::{DefaultHasher, Hash, Hasher};

use sessile::wire::{Beat, Close, Frame, Refused, Resume, Resumed, Welcome};

use super::world::{ACCEPTOR, DIALER, World};

impl World {
    pub(crate) fn print(&self) -> u64 {
        let mut state = Letter(Vec::with_capacity(2048));
        // Once time stands still for good, when something will happen does not matter any more.
        let (now, still) = (self.now, !self.left.time_can_pass());
        self.left.hash(&mut state);
        self.highest_epoch.hash(&mut state);
        for client in &self.clients {
            let kept = (client.life, client.login_attempt, client.story, client.dial);
            kept.hash(&mut state);
        }
        for client in 0..self.clients.len() {
            let machine = self.client(client);
            machine.is_some().hash(&mut state);
            if let Some(machine) = machine {
                machine.fingerprint(now, still, &mut state);
            }
        }
        for link in &self.links {
            (link.client, link.life, link.answered).hash(&mut state);
            for side in [DIALER, ACCEPTOR] {
                let queue = &link.queue[side];
                queue.len().hash(&mut state);
                for frame in queue {
                    frame.print.hash(&mut state);
                }
                // Sessions are known by the link that logged in; of a stranger, all there is to know is here.
                let port = link.ends[side].as_ref();
                port.map(|port| port.link()).hash(&mut state);
                let Some(port) = port else { continue };
                if side == DIALER {
                    let current = self.clients[link.client].session == Some(port.key());
                    current.hash(&mut state);
                    continue;
                }
                let story = self.story_of(port.key());
                story.hash(&mut state);
                if let Some(stranger) = self.server.get(port.key()).filter(|_| story.is_none()) {
                    stranger.fingerprint(now, still, &mut state);
                }
            }
        }
        for (number, story) in self.stories.iter().enumerate() {
            let Some(story) = story else {
                false.hash(&mut state);
                continue;
            };
            let kept = (story.client, story.life, story.order, &story.lanes);
            (kept, story.proven, story.over, story.reasons).hash(&mut state);
            let peer = self.peer(number);
            peer.is_some().hash(&mut state);
            if let Some(peer) = peer {
                peer.fingerprint(now, still, &mut state);
            }
        }
        state.finish()
    }
}

/// All that a frame says; `story` is the session that it belongs to, whose number is not the same on every way here.
pub(crate) fn frame(frame: &Frame<'_>, story: Option<usize>) -> u64 {
    let mut state = DefaultHasher::new();
    (frame.kind(), story).hash(&mut state);
    match frame {
        Frame::Login(login) => (login.instance, login.attempt).hash(&mut state),
        Frame::Welcome(Welcome { epoch, secret, .. }) => {
            (epoch, secret.as_bytes()).hash(&mut state);
        }
        Frame::Resume(resume) => {
            let Resume {
                attempt,
                received,
                taken,
                secret,
                ..
            } = resume;
            (attempt, received, taken, secret.as_bytes()).hash(&mut state);
        }
        Frame::Resumed(resumed) => {
            let Resumed {
                epoch,
                secret,
                received,
                taken,
            } = resumed;
            (epoch, secret.as_bytes(), received, taken).hash(&mut state);
        }
        Frame::Refused(refused) => {
            let Refused {
                code,
                taken,
                attempt,
                ..
            } = refused;
            (code, taken, attempt).hash(&mut state);
        }
        Frame::Close(Close { code, taken, .. }) => (code, taken).hash(&mut state),
        Frame::GoAway(away) => (away.within_ms, away.redirect).hash(&mut state),
        Frame::Ack(taken) | Frame::Closed(taken) => taken.hash(&mut state),
        Frame::Data(payload) | Frame::Volatile(payload) => payload.hash(&mut state),
        // Clocks and nonces are measured with; nothing follows from them.
        Frame::Ping(Beat { .. }) | Frame::Pong(Beat { .. }) => {}
        Frame::Challenge(body) | Frame::Answer(body) => body.hash(&mut state),
        Frame::Extension(kind) => kind.hash(&mut state),
    }
    state.finish()
}

/// All that is hashed, put together first: one long write is faster than hundreds of short ones.
struct Letter(Vec<u8>);

impl Hasher for Letter {
    fn finish(&self) -> u64 {
        let mut state = DefaultHasher::new();
        state.write(&self.0);
        state.finish()
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }
}
