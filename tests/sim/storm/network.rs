//! The network of a storm: a byte takes its time, and a link that is cut loses what is on its way.

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use sessile::{
    LossCause,
    proto::{Effects, Key, LinkId},
    registry::{Port, Reading},
    wire::Secret,
};

use super::{
    WAITS,
    world::{ACCEPTOR, DIALER, What, World},
};

const MS: Duration = Duration::from_millis(1);

/// When a system sends the first packet of a connection again (RFC 6298).
const REPEATED: Duration = Duration::from_secs(1);

const BROKEN: LossCause = LossCause::Io(std::io::ErrorKind::ConnectionReset);

/// One link: a port at either end.
pub(crate) struct Wire {
    client: usize,
    pub(crate) ends: [Option<Port>; 2],
    /// How long a byte takes.
    delay: Duration,
    cut: bool,
}

impl World {
    /// The links are gone: each client knows at once, and the server so much later as a byte takes. What was on its way is lost.
    pub(crate) fn cut_all(&mut self, bad_dials: u32) {
        self.bad_dials = bad_dials;
        self.clients.iter_mut().for_each(|one| one.dials = 0);
        for wire in 0..self.links.len() {
            self.links[wire].cut = true;
            let delay = self.links[wire].delay;
            self.at(delay, What::End(wire, ACCEPTOR));
            self.end(wire, DIALER, BROKEN);
        }
    }

    pub(super) fn dial(&mut self, key: Key, link: LinkId) {
        self.tally.dials += 1;
        let client = &mut self.clients[key.slot() as usize];
        client.dials += 1;
        let delay = MS * self.rng.u32(1..=25);
        let chance = self.rng.u32(..1_000);
        if chance < self.bad_dials {
            self.tally.refused += 1;
            let doubled = WAITS.0.saturating_mul(1 << client.dials.min(30));
            client.held_up += doubled.min(WAITS.1) + delay * 2;
            return self.at(delay * 2, What::Failed(key, link));
        }
        let repeated = chance < self.bad_dials * 2;
        self.tally.repeated += usize::from(repeated);
        let sent = if repeated { REPEATED } else { Duration::ZERO };
        client.held_up += sent;
        self.at(sent + delay, What::Knock(key, link, delay));
    }

    pub(super) fn knock(&mut self, key: Key, link: LinkId, delay: Duration) {
        let number = key.slot();
        let [_, a, b, c] = number.to_be_bytes();
        let remote = SocketAddr::from((Ipv4Addr::new(10, a, b, c), 7_000));
        let mut fx = Effects::default();
        let port = self.sides[ACCEPTOR].accept(self.now, Some(remote), &mut fx);
        self.perform(ACCEPTOR, fx);
        let strangers = self.sides[ACCEPTOR].strangers();
        self.tally.most_strangers = self.tally.most_strangers.max(strangers);
        let wire = self.links.len();
        if let Some(port) = &port {
            note_newest(&mut self.newest[ACCEPTOR], port.key(), wire);
        }
        self.tally.turned_away += usize::from(port.is_none());
        let turned_away = port.is_none();
        self.links.push(Wire {
            client: number as usize,
            ends: [Some(Port::new(key, link)), port],
            delay,
            cut: false,
        });
        self.at(delay, What::Up(wire, link));
        if turned_away {
            self.at(delay, What::End(wire, DIALER));
        }
    }

    pub(super) fn up(&mut self, wire: usize, link: LinkId) {
        let Some(key) = self.clients[self.links[wire].client].key else {
            return;
        };
        note_newest(&mut self.newest[DIALER], key, wire);
        let mut wanted = false;
        self.give(DIALER, key, |machine, cx| {
            wanted = machine.link_up(cx, link, None);
        });
        if wanted {
            self.write(wire, DIALER);
        } else {
            self.close(wire, DIALER);
        }
    }

    /// One end writes what it has to write.
    pub(super) fn write(&mut self, wire: usize, side: usize) {
        let Some(port) = self.links[wire].ends[side].take() else {
            return;
        };
        let (mut out, mut fx) = (Vec::new(), Effects::default());
        let transmit = self.sides[side].transmit(&port, self.now, &mut out, &mut fx);
        self.links[wire].ends[side] = Some(port);
        if !out.is_empty() {
            let delay = self.links[wire].delay;
            self.at(delay, What::Arrive(wire, 1 - side, out));
        }
        if transmit.close {
            self.close(wire, side);
        }
        self.perform(side, fx);
        if transmit.more {
            self.write(wire, side);
        }
    }

    pub(super) fn arrive(&mut self, wire: usize, side: usize, mut bytes: &[u8]) {
        if self.links[wire].cut {
            return;
        }
        let Some(mut port) = self.links[wire].ends[side].take() else {
            return;
        };
        let (now, mut fx, mut secrets) = (self.now, Effects::default(), self.secrets);
        let mut fresh = || {
            secrets += 1;
            Secret::new(secrets.to_be_bytes())
        };
        let reading = loop {
            match self.sides[side].read(&mut port, now, &mut bytes, &mut fx, &mut fresh) {
                Reading::More => {}
                reading => break reading,
            }
        };
        self.secrets = secrets;
        note_newest(&mut self.newest[side], port.key(), wire);
        self.links[wire].ends[side] = Some(port);
        self.perform(side, fx);
        // Who has read writes.
        self.write(wire, side);
        if reading == Reading::Close {
            self.close(wire, side);
        }
    }

    /// One end closes its link; the other hears of it behind what is on its way.
    pub(super) fn close(&mut self, wire: usize, side: usize) {
        if self.links[wire].ends[side].take().is_some() {
            let delay = self.links[wire].delay;
            self.at(delay, What::End(wire, 1 - side));
        }
    }

    /// One end learns that the link is over.
    pub(super) fn end(&mut self, wire: usize, side: usize, cause: LossCause) {
        if let Some(port) = self.links[wire].ends[side].take() {
            let link = port.link();
            self.give(side, port.key(), |machine, cx| {
                machine.link_down(cx, link, cause);
            });
        }
    }
}

fn note_newest(newest: &mut Vec<usize>, key: Key, wire: usize) {
    let slot = key.slot() as usize;
    if newest.len() <= slot {
        newest.resize(slot + 1, usize::MAX);
    }
    newest[slot] = wire;
}
