use std::{hint::black_box, time::Duration};

use sessile::{
    proto::Key,
    wire::{self, Beat, Decoder, Frame},
};

use crate::{
    crowd::Crowd,
    pair::{Pair, Side},
    world::World,
};

/// One thing whose cost is known.
pub struct Case {
    pub name: &'static str,
    /// Everything before it, which is not counted; what it gives does the thing once and says how often it did it then.
    pub prepare: fn() -> Act,
    /// How often it is done to be counted.
    pub times: usize,
}

pub type Act = Box<dyn FnMut() -> usize>;

/// A chat line, a move in a game.
const PAYLOAD: [u8; 64] = [7; 64];

/// What a window holds with the default `Config`.
const WINDOW: usize = 1_024;

impl Case {
    const fn new(name: &'static str, times: usize, prepare: fn() -> Act) -> Self {
        Self {
            name,
            prepare,
            times,
        }
    }

    /// How many there are, where that is what it is about. Under valgrind a million take minutes.
    #[must_use]
    pub fn sessions(&self) -> usize {
        let number = self
            .name
            .rsplit_once("@ ")
            .map(|(_, number)| number.parse());
        number.map_or(1, |number| number.expect("a number"))
    }
}

/// All of them. A name says what happens once; `@` how many sessions the runtime has.
#[must_use]
#[rustfmt::skip]
pub fn all() -> Vec<Case> {
    vec![
        Case::new("wire: encode a message of 64 bytes", 1_000, encode),
        Case::new("wire: decode a message of 64 bytes", 1_000, decode),
        Case::new("wire: encode and decode a heartbeat", 1_000, beat_frame),
        Case::new("core: a message of 64 bytes, client to server", 1_000, || one_way(Side::Client)),
        Case::new("core: a message of 64 bytes, server to client", 1_000, || one_way(Side::Server)),
        Case::new("core: a question, its answer, and their acks", 1_000, both_ways),
        Case::new("core: a login, the server's side", 1_000, login),
        Case::new("core: lost, and back with full windows of 1024 messages", 8, resume),
        Case::new("core: a due heartbeat @ 1000", 4_000, || heartbeat(1_000)),
        Case::new("core: a due heartbeat @ 10000", 20_000, || heartbeat(10_000)),
        Case::new("core: a due heartbeat @ 100000", 20_000, || heartbeat(100_000)),
        Case::new("core: a due heartbeat @ 1000000", 100_000, || heartbeat(1_000_000)),
        Case::new("core: an idle tick @ 1000", 1_000, || idle_tick(1_000)),
        Case::new("core: an idle tick @ 1000000", 1_000, || idle_tick(1_000_000)),
        Case::new("core: a message heard and taken @ 1000", 4_000, || activity(1_000)),
        Case::new("core: a message heard and taken @ 1000000", 100_000, || activity(1_000_000)),
        Case::new("driver: a heartbeat of both ends, over memory", 200, driver_beat),
        Case::new("driver: a message to a host and its answer, over memory", 500, driver_echo),
    ]
}

fn encode() -> Act {
    let mut out = Vec::with_capacity(4096);
    Box::new(move || {
        out.clear();
        wire::encode_data(black_box(&PAYLOAD), &mut out);
        black_box(&out);
        1
    })
}

fn decode() -> Act {
    let (mut piece, mut decoder) = (Vec::new(), Decoder::new());
    for _ in 0..32 {
        wire::encode_data(&PAYLOAD, &mut piece);
    }
    Box::new(move || {
        let mut bytes = black_box(&piece[..]);
        let mut frames = 0;
        while let Ok(Some(frame)) = decoder.next(&mut bytes) {
            black_box(&frame);
            frames += 1;
        }
        assert_eq!(frames, 32);
        frames
    })
}

fn beat_frame() -> Act {
    let mut out = Vec::with_capacity(4096);
    let mut decoder = Decoder::new();
    Box::new(move || {
        out.clear();
        Frame::Ping(black_box(Beat::default())).encode(&mut out);
        let mut bytes = &out[..];
        assert!(matches!(decoder.next(&mut bytes), Ok(Some(Frame::Ping(_)))));
        1
    })
}

/// Sent, written, read, taken; acknowledgements go with the clock, as they do in life.
fn one_way(from: Side) -> Act {
    let to = match from {
        Side::Client => Side::Server,
        Side::Server => Side::Client,
    };
    let mut pair = Pair::logged_in();
    Box::new(move || {
        pair.now = pair.now + Duration::from_micros(100);
        assert!(pair.send(from, &PAYLOAD));
        assert!(pair.carry(from));
        assert_eq!(pair.take_all(to), 1);
        pair.carry(to); // an acknowledgement, where one is due
        1
    })
}

fn both_ways() -> Act {
    let mut pair = Pair::logged_in();
    Box::new(move || {
        pair.now = pair.now + Duration::from_micros(100);
        for (from, to) in [(Side::Client, Side::Server), (Side::Server, Side::Client)] {
            assert!(pair.send(from, &PAYLOAD));
            assert!(pair.carry(from));
            assert_eq!(pair.take_all(to), 1);
        }
        1
    })
}

fn login() -> Act {
    let mut crowd = Crowd::logged_in(100);
    let mut number = 1_000_000;
    Box::new(move || {
        number += 1;
        let port = crowd.accept();
        crowd.log_in(port, number);
        1
    })
}

/// Nobody has read for a while: both windows are full when the link goes. Half of it was on the link already.
fn resume() -> Act {
    let mut pair = Pair::logged_in();
    Box::new(move || {
        for side in [Side::Client, Side::Server] {
            let mut sent = 0;
            while pair.send(side, &PAYLOAD) {
                sent += 1;
            }
            assert_eq!(sent, WINDOW);
            pair.carry(side);
        }
        pair.cut();
        pair.resume();
        let taken = [Side::Client, Side::Server].map(|side| pair.take_all(side));
        assert_eq!(taken, [WINDOW; 2]);
        pair.settle();
        1
    })
}

/// Its timeout, PING written, PONG read, armed again.
fn heartbeat(sessions: usize) -> Act {
    let mut crowd = Crowd::logged_in(sessions);
    Box::new(move || crowd.next_tick())
}

/// The timer fires and nothing is due.
fn idle_tick(sessions: usize) -> Act {
    let mut crowd = Crowd::logged_in(sessions);
    while crowd.next_tick() == 0 {}
    let mut fx = sessile::proto::Effects::default();
    Box::new(move || {
        let now = black_box(crowd.now);
        assert!(!crowd.registry.handle_due(now, &mut fx) && fx.is_empty());
        black_box(crowd.registry.next_deadline());
        1
    })
}

/// A message of a session that nobody thought of: read, taken, and no timer touched.
fn activity(sessions: usize) -> Act {
    let mut crowd = Crowd::logged_in(sessions);
    let keys: Vec<Key> = crowd.keys();
    let mut random = fastrand::Rng::with_seed(2);
    Box::new(move || {
        let key = keys[random.usize(..keys.len())];
        crowd.hear(key, &Frame::Volatile(&PAYLOAD));
        assert_eq!(crowd.take(key), PAYLOAD.len());
        1
    })
}

fn driver_beat() -> Act {
    let mut world = World::logged_in();
    Box::new(move || world.beat())
}

fn driver_echo() -> Act {
    let mut world = World::logged_in();
    Box::new(move || {
        world.echo(&PAYLOAD);
        1
    })
}
