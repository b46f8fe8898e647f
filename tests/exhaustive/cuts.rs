//! A conversation that is cut at every byte, in each direction, and its way back that is cut at every byte of it (F3, F18): nothing
//! lost, nothing twice.

use std::time::Duration;

use sessile::{
    Config, Lent, Reason, Snapshot,
    proto::{Cx, Key, Machine, closed},
};

use crate::pair::{ACCEPTOR, DIALER, Pair};

/// Two applications that tell each other numbered messages, and the links between them.
struct Talk {
    pair: Pair,
    peer: Key,
    shape: Shape,
    /// Of the dialer, of the acceptor.
    sent: [u64; 2],
    heard: [u64; 2],
}

/// What they say.
#[derive(Clone, Copy)]
struct Shape {
    messages: u64,
    length: usize,
    /// How many messages an application leaves in its mailbox as long as others come. Where it leaves none, what arrived and what
    /// was taken are the same whenever a link ends, and nobody sees which of the two replay begins at (R8).
    lag: u64,
}

/// Where a link is cut: how many bytes towards which side arrive yet.
#[derive(Clone, Copy, Debug)]
struct Cut {
    to: usize,
    after: usize,
}

impl Talk {
    fn new(shape: Shape) -> Self {
        let (pair, peer) = Pair::logged_in(Config::new().unacked_messages(16));
        Self {
            pair,
            peer,
            shape,
            sent: [0; 2],
            heard: [0; 2],
        }
    }

    fn on<R>(&mut self, side: usize, give: impl FnOnce(&mut Machine, &mut Cx<'_>) -> R) -> R {
        match side {
            DIALER => self.pair.on_client(give),
            _ => self.pair.on_server(self.peer, give),
        }
    }

    /// Both applications say what fits, and take what came but for the last `lag`. Exactly the next ones come.
    fn applications(&mut self, lag: u64) {
        for side in [DIALER, ACCEPTOR] {
            while self.sent[side] < self.shape.messages {
                let mut message = vec![0x55; self.shape.length];
                message[..8].copy_from_slice(&self.sent[side].to_be_bytes());
                if self
                    .on(side, |machine, _| machine.post(Lent::Slice(&message)))
                    .is_err()
                {
                    break;
                }
                self.sent[side] += 1;
            }
            let until = self.snapshots()[side].received.saturating_sub(lag);
            while self.heard[side] < until {
                let one = self.on(side, |machine, cx| machine.recv(cx, machine.epoch()));
                let one = one.expect("a session").expect("what it says it received");
                let number = u64::from_be_bytes(one.payload[..8].try_into().unwrap());
                assert_eq!(number, self.heard[side], "lost, doubled or reordered");
                assert!(number < self.sent[1 - side], "never sent");
                self.heard[side] += 1;
            }
        }
    }

    fn is_complete(&self) -> bool {
        self.heard == [self.shape.messages; 2]
    }

    /// They talk over the newest link until it is cut, or all is said. Says how many bytes went each way, and whether it was cut.
    fn talk(&mut self, cut: Option<Cut>) -> ([usize; 2], bool) {
        let link = self.pair.links.len() - 1;
        let mut arrived = [0; 2];
        for _ in 0..10_000 {
            self.applications(self.shape.lag);
            let mut moved = false;
            for side in [DIALER, ACCEPTOR] {
                moved |= self.pair.write(link, side);
            }
            for side in [DIALER, ACCEPTOR] {
                let waiting = self.pair.links[link].bytes[side].len();
                let most = match cut.filter(|cut| cut.to == side) {
                    Some(cut) => waiting.min(cut.after - arrived[side]),
                    None => waiting,
                };
                if most > 0 {
                    arrived[side] += most;
                    moved |= self.pair.read_some(link, side, most);
                }
                if cut.is_some_and(|cut| cut.to == side && cut.after == arrived[side]) {
                    self.pair.cut();
                    return (arrived, true);
                }
            }
            if !moved {
                self.applications(0);
                if self.is_complete() && self.pair.links[link].bytes.iter().all(Vec::is_empty) {
                    let acked = self.snapshots().map(|now| now.acked);
                    if acked == [self.shape.messages; 2] {
                        return (arrived, false);
                    }
                }
                self.pair.pass(Duration::from_millis(50)); // an acknowledgement waits for company
            }
        }
        panic!("they never come to an end");
    }

    /// The dialer waits for its next try, and gets a link.
    fn dial(&mut self) {
        self.pair.network_up = false;
        self.pair.pass(Duration::from_secs(10));
        self.pair.network_up = true;
        assert!(self.pair.connect(), "nobody dials");
    }

    /// The dialer's numbers, the acceptor's.
    fn snapshots(&self) -> [Snapshot; 2] {
        let Pair {
            client,
            server,
            session,
            now,
            ..
        } = &self.pair;
        [(client, *session), (server, self.peer)]
            .map(|(registry, key)| registry.snapshot(key, *now).expect("a session"))
    }

    /// How often each end came back.
    fn resumed(&self) -> [u64; 2] {
        self.snapshots().map(|now| now.resumed)
    }

    /// Over links that work, the rest is said, and the session is closed in order: nobody has anything left. Says how often each
    /// end came back until all was said.
    fn finish(mut self) -> [u64; 2] {
        if !self.is_complete() {
            self.dial();
            let (_, cut) = self.talk(None);
            assert!(!cut);
        }
        for side in [DIALER, ACCEPTOR] {
            assert_eq!(
                [self.sent[side], self.heard[side]],
                [self.shape.messages; 2],
                "of side {side}"
            );
        }
        let resumed = self.resumed();
        self.pair
            .on_client(|machine, cx| machine.close(cx, closed(Reason::ClosedHere)));
        self.pair.settle();
        assert_eq!(
            self.pair.reason(ACCEPTOR, self.peer),
            Some(Reason::ClosedByPeer)
        );
        for side in [DIALER, ACCEPTOR] {
            let left = self.on(side, |machine, _| machine.take_undelivered());
            assert!(
                left.is_empty(),
                "handed back though it was delivered: {left:?}"
            );
        }
        resumed
    }
}

/// Cuts a conversation after each byte that arrives at each side. Says at how many bytes.
fn cut_everywhere(shape: Shape, progress: bool) -> usize {
    let (whole, _) = Talk::new(shape).talk(None);
    let mut cuts = 0;
    for to in [DIALER, ACCEPTOR] {
        for after in 0..=whole[to] {
            let mut talk = Talk::new(shape);
            let cut = Cut { to, after };
            assert!(talk.talk(Some(cut)).1, "{cut:?} is behind the end");
            assert_eq!(
                talk.resumed(),
                [0; 2],
                "they came back before they were cut"
            );
            let complete = talk.is_complete();
            let resumed = talk.finish();
            assert!(complete || resumed == [1; 2], "{resumed:?}");
            cuts += 1;
            if progress && cuts % 10_000 == 0 {
                eprintln!(
                    "{cuts:>7} of {} cuts, nothing lost, nothing twice",
                    whole[0] + whole[1] + 2
                );
            }
        }
    }
    cuts
}

/// After a first cut the way back is cut too, at every byte of it, in each direction. Says how often.
fn cut_the_way_back(shape: Shape, firsts: &[Cut]) -> usize {
    let mut cuts = 0;
    for &first in firsts {
        let back = || {
            let mut talk = Talk::new(shape);
            assert!(talk.talk(Some(first)).1, "{first:?} is behind the end");
            // Where the very last bytes were cut, nobody has anything to come back for but a goodbye.
            let comes_back = !talk.is_complete();
            comes_back.then(|| {
                talk.dial();
                talk
            })
        };
        let Some((whole, _)) = back().map(|mut talk| talk.talk(None)) else {
            continue;
        };
        assert!(whole[ACCEPTOR] >= 59 && whole[DIALER] >= 45, "{whole:?}");
        for to in [DIALER, ACCEPTOR] {
            // RESUME has 59 bytes and RESUMED 45; then come an ACK, and what is replayed, where there is so much.
            for after in 0..=whole[to].min(120) {
                let mut talk = back().expect("it came back before");
                let second = Cut { to, after };
                assert!(talk.talk(Some(second)).1, "{second:?} is behind the end");
                talk.finish();
                cuts += 1;
            }
        }
    }
    cuts
}

/// Whoever reads at once, and whoever leaves some.
const LAGS: [u64; 2] = [0, 2];

fn short(lag: u64) -> Shape {
    Shape {
        messages: 12,
        length: 40,
        lag,
    }
}

/// As soon as the first bytes came, and in the middle.
fn two_firsts() -> [Cut; 2] {
    [10, 300].map(|after| Cut {
        to: ACCEPTOR,
        after,
    })
}

#[test]
fn a_conversation_of_4_kib_each_way_survives_a_cut_at_every_byte() {
    for lag in LAGS {
        let shape = Shape {
            messages: 32,
            length: 123,
            lag,
        };
        let cuts = cut_everywhere(shape, false);
        assert!(cuts > 8_192, "{cuts}");
    }
}

#[test]
fn the_way_back_may_be_cut_at_every_byte_of_it() {
    for lag in LAGS {
        // All of RESUME and of RESUMED, and more.
        let cuts = cut_the_way_back(short(lag), &two_firsts());
        assert!(cuts > 2 * (59 + 45), "{cuts}");
    }
}

// A minute in release, the two of them.
#[test]
#[ignore = "long: cargo test --release --test exhaustive -- --ignored --nocapture"]
fn a_conversation_of_64_kib_each_way_survives_a_cut_at_every_byte() {
    for lag in LAGS {
        let shape = Shape {
            messages: 64,
            length: 1_019,
            lag,
        };
        let cuts = cut_everywhere(shape, true);
        assert!(cuts >= 131_072, "{cuts}");
        println!("{cuts} cuts, {lag} left in each mailbox, 0 lost, 0 twice");
    }
}

#[test]
#[ignore = "long: cargo test --release --test exhaustive -- --ignored --nocapture"]
fn the_way_back_may_be_cut_at_every_byte_of_it_wherever_it_begins() {
    for lag in LAGS {
        let (whole, _) = Talk::new(short(lag)).talk(None);
        let firsts =
            [DIALER, ACCEPTOR].map(|to| (0..=whole[to]).map(move |after| Cut { to, after }));
        let firsts: Vec<Cut> = firsts.into_iter().flatten().collect();
        let cuts = cut_the_way_back(short(lag), &firsts);
        println!("{cuts} pairs of cuts, {lag} left in each mailbox, 0 lost, 0 twice");
        assert!(cuts > 200_000, "{cuts}");
    }
}

/// What a cut has to find, of what is seeded (`src/canary.rs`): all that is about resuming with two honest ends.
/// `RUSTFLAGS='--cfg sessile_canary' cargo test --release --target-dir target/canary --test exhaustive seeded`
#[cfg(sessile_canary)]
#[test]
fn cuts_find_each_seeded_mistake_of_replay_and_of_the_way_back() {
    use sessile::canary::{Canary, choose};
    use std::panic::{AssertUnwindSafe, catch_unwind};

    let seeded = [
        Canary::PreviousSecretDropped,
        Canary::TakenInsteadOfReceived,
        Canary::ReceivedTrims,
        Canary::AckNotRepeated,
        Canary::FrameBeforeResumed,
        Canary::WindowOffByOne,
        Canary::NoReplay,
    ];
    let missed: Vec<Canary> = seeded
        .into_iter()
        .filter(|&bird| {
            choose(Some(bird));
            let found = catch_unwind(AssertUnwindSafe(|| {
                a_conversation_of_4_kib_each_way_survives_a_cut_at_every_byte();
                the_way_back_may_be_cut_at_every_byte_of_it();
            }));
            choose(None);
            found.is_ok()
        })
        .collect();
    assert!(missed.is_empty(), "not found: {missed:?}");
}
