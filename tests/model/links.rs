//! Links: they are made, carry frames, lose them, and end, at either end for itself.

use std::collections::VecDeque;

use bytes::Bytes;
use sessile::{
    LossCause,
    proto::{Cx, Effects, Machine},
    registry::{Port, Reading},
    wire::{Frame, LOGIN_FRAME_BYTES, decode},
};

use super::{
    apply::{Whose, secret},
    print,
    world::{ACCEPTOR, DIALER, InFlight, Wire, World},
};

const BROKEN: LossCause = LossCause::Io(std::io::ErrorKind::ConnectionReset);

impl World {
    /// The dial that was asked for is there, at both ends, and the dialer's first frame goes out.
    pub(super) fn connect(&mut self, client: usize) {
        let Some(dial) = self.clients[client].dial.take() else {
            return;
        };
        let Some(key) = self.clients[client].session else {
            return;
        };
        let nobody_gives_way = &mut Effects::default();
        let Some(port) = self.server.accept(self.now, None, nobody_gives_way) else {
            return self.fail("the server has no room for a stranger");
        };
        let link = self.links.len();
        self.links.push(Wire {
            client,
            life: self.clients[client].life,
            ends: [Some(Port::new(key, dial)), Some(port)],
            queue: [VecDeque::new(), VecDeque::new()],
            woken: [true; 2],
            answered: false,
        });
        self.stories.resize(self.links.len(), None);
        let up = self.on_client(client, |machine, cx| machine.link_up(cx, dial, None));
        self.check(up == Some(true), "a link that was dialed is not wanted");
        self.write(link, DIALER);
    }

    /// An end writes what it has to write, frame by frame onto the link.
    pub(super) fn write(&mut self, link: usize, side: usize) {
        let (now, mut out, mut fx) = (self.now, Vec::new(), Effects::default());
        let Some(port) = self.links[link].ends[side].take() else {
            return;
        };
        self.links[link].woken[side] = false;
        let client = self.links[link].client;
        let transmit = match (side, &mut self.clients[client].registry) {
            (ACCEPTOR, _) => self.server.transmit(&port, now, &mut out, &mut fx),
            (_, Some(registry)) => registry.transmit(&port, now, &mut out, &mut fx),
            (_, None) => return,
        };
        let story = match side {
            ACCEPTOR => self.story_of(port.key()),
            _ => self.clients[client].story,
        };
        self.links[link].ends[side] = Some(port);
        self.links[link].woken[side] |= transmit.more;
        self.perform(Whose::at(side, client), fx);
        self.post(link, side, story, &out);
        if transmit.close {
            self.close_end(link, side);
        }
    }

    fn post(&mut self, link: usize, side: usize, story: Option<usize>, mut out: &[u8]) {
        while let Ok(Some((frame, used))) = decode(out, LOGIN_FRAME_BYTES) {
            let (bytes, rest) = out.split_at(used);
            out = rest;
            match &frame {
                Frame::Welcome(_) | Frame::Resumed(_) => self.links[link].answered = true,
                Frame::Data(payload) => self.seen_written(payload),
                _ => {}
            }
            // Nobody reads what arrives at an end that is closed.
            if self.links[link].ends[1 - side].is_some() {
                self.links[link].queue[1 - side].push_back(InFlight {
                    bytes: Bytes::copy_from_slice(bytes),
                    name: frame.name(),
                    print: print::frame(&frame, story),
                });
            }
        }
        self.check(out.is_empty(), "what was written is no frame");
    }

    /// A frame arrives, or the first bytes of it alone; or the end of the stream, behind all of them.
    pub(super) fn deliver(&mut self, link: usize, side: usize, most: Option<usize>) {
        let Some(mut port) = self.links[link].ends[side].take() else {
            return;
        };
        let (now, mut fx, client) = (self.now, Effects::default(), self.links[link].client);
        let mut fresh = || secret(link);
        let registry = match (side, &mut self.clients[client].registry) {
            (ACCEPTOR, _) => &mut self.server,
            (_, Some(registry)) => registry,
            (_, None) => return,
        };
        let reading = match self.links[link].queue[side].pop_front() {
            Some(frame) => {
                self.marks.frame(side, frame.name);
                let mut bytes = &frame.bytes[..most.unwrap_or(frame.bytes.len())];
                registry.read(&mut port, now, &mut bytes, &mut fx, &mut fresh)
            }
            None => {
                registry.input(port.key(), now, &mut fx, |machine, cx| {
                    machine.link_down(cx, port.link(), LossCause::ClosedByPeer);
                });
                Reading::Close
            }
        };
        self.links[link].ends[side] = Some(port);
        self.links[link].woken[side] = true; // who has read writes
        self.perform(Whose::at(side, client), fx);
        if reading == Reading::Close {
            self.close_end(link, side);
        }
        if side == DIALER {
            self.welcome(client, link);
        } else {
            self.prove(link);
        }
    }

    /// A frame after WELCOME, or a RESUME that was accepted.
    fn prove(&mut self, link: usize) {
        let port = self.links[link].ends[ACCEPTOR].as_ref();
        let story = port.and_then(|port| self.story_of(port.key()));
        let back = story.filter(|&story| story != link || self.links[link].answered);
        if let Some(story) = back.and_then(|story| self.stories[story].as_mut()) {
            story.proven = true;
        }
    }

    /// From WELCOME on, the client knows of the session.
    fn welcome(&mut self, client: usize, link: usize) {
        let logged_in = self
            .client(client)
            .is_some_and(|machine| machine.identity().is_some());
        if logged_in && self.clients[client].story.is_none() {
            self.clients[client].story = Some(link);
        }
    }

    pub(super) fn break_end(&mut self, link: usize, side: usize) {
        let (client, port) = (self.links[link].client, &self.links[link].ends[side]);
        let Some((key, number)) = port.as_ref().map(|port| (port.key(), port.link())) else {
            return;
        };
        self.close_end(link, side);
        let down = |machine: &mut Machine, cx: &mut Cx<'_>| machine.link_down(cx, number, BROKEN);
        if side == ACCEPTOR {
            self.on_server(key, down);
        } else if self.clients[client].session == Some(key) {
            self.on_client(client, down);
        }
    }

    /// One end is gone; what is on its way to it is, too.
    pub(super) fn close_end(&mut self, link: usize, side: usize) {
        let wire = &mut self.links[link];
        wire.ends[side] = None;
        wire.queue[side].clear();
        wire.woken[side] = false;
    }
}
