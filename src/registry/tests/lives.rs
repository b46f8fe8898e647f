//! Random lives: links that break at any byte, on either side, at any time. Whatever happens, what was delivered is a
//! prefix of what was accepted, and what is handed back at the end accounts for the rest.

use std::time::Duration;

use fastrand::Rng;

use super::{
    direction::{Direction, take},
    pair::{ACCEPTOR, DIALER, Pair},
};
use crate::{
    Closed, Config, Lent, Reason,
    proto::{Cx, Key, Machine, Phase},
};

struct Life {
    rng: Rng,
    pair: Pair,
    peer: Key,
    up: Direction,
    down: Direction,
}

impl Life {
    fn new(seed: u64) -> Self {
        let config = Config::new()
            .unacked_messages(8)
            .comings_a_minute(65_536)
            .resume_window(Duration::from_secs(30));
        let (pair, peer) = Pair::logged_in(config);
        Self {
            rng: Rng::with_seed(seed),
            pair,
            peer,
            up: Direction::default(),
            down: Direction::default(),
        }
    }

    fn act(&mut self) {
        let link = self.rng.usize(..self.pair.links.len());
        let side = self.rng.usize(..2);
        match self.rng.u8(..40) {
            0..6 => self.send_up(),
            6..12 => self.send_down(),
            12..16 => self.take(),
            16..24 => drop(self.pair.write(link, side)),
            24..32 => {
                let most = self.rng.usize(1..80);
                self.pair.read_some(link, side, most);
            }
            32 => self.pair.break_end(link, side),
            33 => {
                // What is on its way is lost from some byte on, and nobody hears of it yet.
                let bytes = &mut self.pair.links[link].bytes[side];
                let kept = self.rng.usize(..=bytes.len());
                bytes.truncate(kept);
                self.pair.break_end(link, 1 - side);
            }
            34..36 => drop(self.pair.connect()),
            36 => self.pair.settle(),
            _ => {
                // Time passes on both sides, but bytes do not move: neither is late, links are slow.
                self.pair.now = self.pair.now + Duration::from_millis(self.rng.u64(..400));
                self.pair.time();
            }
        }
    }

    fn send_up(&mut self) {
        let message = self.up.accepted.to_be_bytes();
        let sent = self
            .pair
            .on_client(|machine, _| machine.post(Lent::Slice(&message)));
        self.up.accepted += u64::from(sent.is_ok());
    }

    fn send_down(&mut self) {
        let message = self.down.accepted.to_be_bytes();
        let sent = self
            .pair
            .on_server(self.peer, |machine, _| machine.post(Lent::Slice(&message)));
        self.down.accepted += u64::from(sent.is_ok());
    }

    /// Both applications read some of what arrived.
    fn take(&mut self) {
        let most = self.rng.usize(..4);
        let up = self
            .pair
            .on_server(self.peer, |machine, cx| take(machine, cx, most));
        let down = self.pair.on_client(|machine, cx| take(machine, cx, most));
        self.up.deliver(up);
        self.down.deliver(down);
    }

    /// The network works again.
    fn heal(&mut self) {
        self.pair.network_up = true;
        for _ in 0..200 {
            self.pair.pass(Duration::from_millis(500));
            let up = self.pair.on_server(self.peer, take_all);
            let down = self.pair.on_client(take_all);
            self.up.deliver(up);
            self.down.deliver(down);
        }
    }
}

fn take_all(machine: &mut Machine, cx: &mut Cx<'_>) -> Vec<u64> {
    take(machine, cx, usize::MAX)
}

#[test]
fn in_random_lives_nothing_is_lost_or_doubled() {
    let (mut survived, mut resumed) = (0, 0);
    for seed in 0..1_000 {
        let mut life = Life::new(seed);
        for _ in 0..600 {
            life.act();
        }
        life.heal();
        let ended = [(DIALER, life.pair.session), (ACCEPTOR, life.peer)]
            .map(|(side, key)| life.pair.reason(side, key));
        resumed += life
            .pair
            .client
            .snapshot(life.pair.session, life.pair.now)
            .unwrap()
            .resumed;
        if ended == [None, None] {
            survived += 1;
            assert_eq!(life.pair.client_phase(), Phase::LoggedIn, "seed {seed}");
            assert_eq!(life.up.delivered, life.up.accepted, "seed {seed}");
            assert_eq!(life.down.delivered, life.down.accepted, "seed {seed}");
            life.pair
                .on_client(|machine, cx| machine.close(cx, Closed::new(Reason::ClosedHere)));
            life.pair.settle();
        }
        let (up, down) = (
            life.pair.on_client(|machine, _| machine.take_undelivered()),
            life.pair
                .on_server(life.peer, |machine, _| machine.take_undelivered()),
        );
        life.up.account(&up);
        life.down.account(&down);
    }
    assert!(survived > 800, "only {survived} sessions of 1,000 survived");
    assert!(
        resumed > 3_000,
        "only {resumed} resumes in 1,000 lives: they were too quiet to prove anything"
    );
}
