//! Target `pair`: two registries and links between them that stall, tear at any byte and break at either end, while both
//! applications send, take, close, and a second client takes the identity over. What the library's own tests do by chance
//! (`src/registry/tests/lives.rs`), led by coverage.

use std::time::Duration;

use bytes::Bytes;
use sessile::{
    Config, Lent, Reason, Reconnect, ReconnectMode,
    proto::{Cx, Key, Machine, Phase, Snapshot, closed},
};

use crate::{
    books::check_deadlines,
    choices::Choices,
    direction::{Direction, take},
    pair::{ACCEPTOR, DIALER, Pair},
};

/// One session, from both ends.
struct Life {
    client: Key,
    peer: Key,
    up: Direction,
    down: Direction,
    /// Whose doing an end would be that somebody asked for.
    closed: bool,
}

struct Faults {
    pair: Pair,
    lives: Vec<Life>,
}

/// One byte of limits, then deeds.
pub fn pair(bytes: &[u8]) {
    let mut choices = Choices::new(bytes);
    let (pair, peer) = Pair::logged_in(config(&mut choices));
    let life = Life::new(pair.session, peer);
    let mut faults = Faults {
        pair,
        lives: vec![life],
    };
    while !choices.is_empty() {
        faults.act(&mut choices);
        faults.check();
    }
    faults.end();
}

fn config(choices: &mut Choices<'_>) -> Config {
    let byte = choices.byte();
    let mode = match byte % 4 {
        0 | 1 => ReconnectMode::AtOnce,
        2 => ReconnectMode::OnResume,
        _ => ReconnectMode::Never,
    };
    Config::new()
        .unacked_messages(1 + usize::from(byte / 4 % 8))
        .resume_window(Duration::from_secs(if byte & 0x80 == 0 { 30 } else { 4 }))
        .turn_frames(if byte & 0x40 == 0 { 64 } else { 2 })
        .comings_a_minute(65_536)
        .takeover_pause(Duration::ZERO)
        .reconnect(Reconnect::new().mode(mode))
}

impl Life {
    fn new(client: Key, peer: Key) -> Self {
        Self {
            client,
            peer,
            up: Direction::default(),
            down: Direction::default(),
            closed: false,
        }
    }
}

impl Faults {
    fn act(&mut self, choices: &mut Choices<'_>) {
        let deed = choices.below(24);
        let back = choices.byte();
        let link = self.pair.links.len() - 1 - usize::from(back / 2) % self.pair.links.len().min(4);
        let side = usize::from(back % 2);
        match deed {
            0..3 => self.send_up(),
            3..6 => self.send_down(),
            6 => self.take(DIALER, choices.below(4)),
            7 => self.take(ACCEPTOR, choices.below(4)),
            8..11 => drop(self.pair.write(link, side)),
            11..14 => drop(
                self.pair
                    .read_some(link, side, 1 + usize::from(choices.byte())),
            ),
            14 => self.pair.break_end(link, side),
            15 => {
                // What is on its way is lost from some byte on, and the end that reads it has not heard of it yet.
                let bytes = &mut self.pair.links[link].bytes[side];
                let kept = usize::from(choices.byte()) % (bytes.len() + 1);
                bytes.truncate(kept);
                self.pair.break_end(link, 1 - side);
            }
            16 => drop(self.pair.connect()),
            17 => self.pair.settle(),
            18 => self.pair.network_up ^= true,
            19 => {
                // Time passes on both sides, but bytes do not move: neither is late, links are slow.
                let time = Duration::from_millis(4 * u64::from(choices.byte()));
                self.pair.now = self.pair.now + time;
                self.pair.time();
            }
            20 => self
                .pair
                .pass(Duration::from_millis(100 * u64::from(choices.byte()))),
            21 => self.ask(choices),
            22 => self.close(side, choices),
            _ => self.take_over(choices),
        }
    }

    fn life(&mut self) -> &mut Life {
        self.lives.last_mut().expect("there is always one")
    }

    fn on<R>(
        &mut self,
        side: usize,
        key: Key,
        give: impl FnOnce(&mut Machine, &mut Cx<'_>) -> R,
    ) -> R {
        if side == ACCEPTOR {
            return self.pair.on_server(key, give);
        }
        let current = std::mem::replace(&mut self.pair.session, key);
        let given = self.pair.on_client(give);
        self.pair.session = current;
        given
    }

    fn send_up(&mut self) {
        let (key, number) = (self.life().client, self.life().up.accepted);
        let message = number.to_be_bytes();
        let sent = self.on(DIALER, key, |machine, _| {
            machine.post(Lent::Slice(&message))
        });
        self.life().up.accepted += u64::from(sent.is_ok());
    }

    fn send_down(&mut self) {
        let (key, number) = (self.life().peer, self.life().down.accepted);
        let message = number.to_be_bytes();
        let sent = self.on(ACCEPTOR, key, |machine, _| {
            machine.post(Lent::Slice(&message))
        });
        self.life().down.accepted += u64::from(sent.is_ok());
    }

    /// The applications at this side read some of what arrived.
    fn take(&mut self, side: usize, most: usize) {
        for at in 0..self.lives.len() {
            let Life { client, peer, .. } = self.lives[at];
            let key = if side == DIALER { client } else { peer };
            let numbers = self.on(side, key, |machine, cx| take(machine, cx, most));
            let life = &mut self.lives[at];
            let direction = if side == DIALER {
                &mut life.down
            } else {
                &mut life.up
            };
            direction.deliver(numbers);
        }
    }

    fn ask(&mut self, choices: &mut Choices<'_>) {
        let Life { client, peer, .. } = *self.life();
        match choices.below(4) {
            0 => self.on(DIALER, client, |machine, cx| machine.retry_now(cx)),
            1 => self.on(DIALER, client, |machine, cx| machine.want(cx, true)),
            2 => drop(self.on(ACCEPTOR, peer, |machine, _| machine.probe())),
            _ => self.stall(Duration::from_secs(u64::from(choices.byte()))),
        }
    }

    /// The whole process stands still. Where the link was well, nobody is declared dead for it (T21).
    fn stall(&mut self, time: Duration) {
        let calm = time.as_millis().is_multiple_of(2_000);
        if calm {
            self.pair.settle();
        }
        let before = self.standing();
        self.pair.now = self.pair.now + time;
        self.pair.time();
        if let Some(epoch) = before.filter(|_| calm) {
            self.pair.settle();
            assert_eq!(
                self.standing(),
                Some(epoch),
                "dead after {time:?} of our own sleep"
            );
        }
    }

    /// The epoch that both ends are in, where both are up.
    fn standing(&self) -> Option<u64> {
        let life = self.lives.last()?;
        let [client, server] = self.snapshots(life);
        let up = client.phase.is_up() && server.phase.is_up() && client.epoch == server.epoch;
        up.then_some(client.epoch)
    }

    fn close(&mut self, side: usize, choices: &mut Choices<'_>) {
        if choices.below(4) > 0 {
            return; // most lives go on
        }
        let life = self.life();
        life.closed = true;
        let key = if side == DIALER {
            life.client
        } else {
            life.peer
        };
        self.on(side, key, |machine, cx| {
            machine.close(cx, closed(Reason::ClosedHere))
        });
    }

    /// Another client logs in as the same identity.
    fn take_over(&mut self, choices: &mut Choices<'_>) {
        if self.lives.len() == 3 || !self.pair.network_up || choices.below(4) > 0 {
            return;
        }
        self.life().closed = true;
        let number = self.lives.len() as u8;
        let client = self.pair.client.dialer([7 + number; 16], 0, number.into());
        self.pair.session = client;
        self.pair
            .on_client(|machine, cx| machine.login(cx, Bytes::from_static(b"me too")));
        self.pair.settle();
        let peer = self.pair.admit_next();
        self.pair.settle();
        self.lives.push(Life::new(client, peer));
        assert_eq!(self.pair.client_phase(), Phase::LoggedIn);
    }

    /// At every step: nobody acknowledges what no application took (S2), one session holds the identity (S3).
    fn check(&self) {
        for life in &self.lives {
            let [up, down] = self.snapshots(life);
            assert!(up.acked <= life.up.delivered && down.acked <= life.down.delivered);
            assert_eq!(up.taken, life.down.delivered);
            assert_eq!(down.taken, life.up.delivered);
            // Nobody forgot it, nobody took it for another's: whoever comes back is known (R4).
            let known = |reason| !matches!(reason, Reason::Gone | Reason::Stale | Reason::Protocol);
            let reason = self.pair.reason(DIALER, life.client);
            assert!(reason.is_none_or(known), "{reason:?}");
            assert!(up.unacked_messages <= up.window_messages);
            assert!(down.unacked_messages <= down.window_messages);
        }
        for registry in [&self.pair.client, &self.pair.server] {
            check_deadlines(registry, self.pair.now);
        }
        let peers = self
            .lives
            .iter()
            .filter_map(|life| self.pair.server.get(life.peer));
        let live = peers
            .filter(|machine| machine.phase() != Phase::Ended)
            .count();
        assert_eq!(self.pair.server.len(), live);
        assert!(live <= 1);
    }

    fn snapshots(&self, life: &Life) -> [Snapshot; 2] {
        let now = self.pair.now;
        let client = self.pair.client.snapshot(life.client, now);
        let server = self.pair.server.snapshot(life.peer, now);
        [client, server].map(|one| one.expect("both are held"))
    }

    /// The network works again: whatever session lives, lives on, and everything arrives (L1, L2). Then all is accounted for.
    fn end(&mut self) {
        self.pair.network_up = true;
        for _ in 0..200 {
            let client = self.life().client;
            self.on(DIALER, client, |machine, cx| machine.want(cx, true));
            self.pair.pass(Duration::from_millis(500));
            self.take(DIALER, usize::MAX);
            self.take(ACCEPTOR, usize::MAX);
            self.check();
            if self.is_well() {
                break;
            }
        }
        let life = self.lives.last().expect("there is always one");
        let ended = [(DIALER, life.client), (ACCEPTOR, life.peer)]
            .map(|(side, key)| self.pair.reason(side, key));
        if ended == [None, None] {
            assert!(self.is_well(), "{:?}", self.snapshots(life));
            // What was taken is known to be, however often the acknowledgement was lost (R9).
            self.pair.pass(Duration::from_secs(1));
            let life = self.lives.last().expect("there is always one");
            assert!(
                self.snapshots(life)
                    .iter()
                    .all(|one| one.unacked_messages == 0)
            );
            self.pair
                .on_client(|machine, cx| machine.close(cx, closed(Reason::ClosedHere)));
            self.pair.settle();
        }
        self.pair.pass(Duration::from_secs(200));
        for at in 0..self.lives.len() {
            self.account(at);
        }
    }

    fn is_well(&self) -> bool {
        let life = self.lives.last().expect("there is always one");
        self.pair.client_phase() == Phase::LoggedIn
            && life.up.delivered == life.up.accepted
            && life.down.delivered == life.down.accepted
    }

    /// S6, at both ends.
    fn account(&mut self, at: usize) {
        let Life { client, peer, .. } = self.lives[at];
        for machine in [self.pair.client.get(client), self.pair.server.get(peer)] {
            let machine = machine.expect("both are held");
            assert_eq!(machine.phase(), Phase::Ended, "{machine:?}");
            assert!(machine.is_settled(), "{machine:?}");
        }
        let up = self.on(DIALER, client, |machine, _| machine.take_undelivered());
        let down = self.on(ACCEPTOR, peer, |machine, _| machine.take_undelivered());
        let life = &self.lives[at];
        life.up.account(&up);
        life.down.account(&down);
    }
}
