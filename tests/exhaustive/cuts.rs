//! A conversation that is cut at every byte, in each direction, and its way back that is cut at every byte of it (F3, F18): nothing
//! lost, nothing twice.

use std::time::Duration;

use sessile::{
    Config, Lent, Reason,
    proto::{Cx, Key, Machine, closed},
};

use crate::pair::{ACCEPTOR, DIALER, Pair};

/// Two applications that tell each other numbered messages, and the links between them.
struct Talk {
    pair: Pair,
    peer: Key,
    length: usize,
    messages: u64,
    /// Of the dialer, of the acceptor.
    sent: [u64; 2],
    heard: [u64; 2],
}

/// Where a link is cut: how many bytes towards which side arrive yet.
#[derive(Clone, Copy, Debug)]
struct Cut {
    to: usize,
    after: usize,
}

impl Talk {
    fn new(messages: u64, length: usize) -> Self {
        let (pair, peer) = Pair::logged_in(Config::new().unacked_messages(16));
        Self {
            pair,
            peer,
            length,
            messages,
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

    /// Both applications say what fits, and take what came. Exactly the next ones come.
    fn applications(&mut self) {
        for side in [DIALER, ACCEPTOR] {
            while self.sent[side] < self.messages {
                let mut message = vec![0x55; self.length];
                message[..8].copy_from_slice(&self.sent[side].to_be_bytes());
                if self
                    .on(side, |machine, _| machine.post(Lent::Slice(&message)))
                    .is_err()
                {
                    break;
                }
                self.sent[side] += 1;
            }
            while let Some(one) = self.on(side, |machine, cx| {
                machine.recv(cx, machine.epoch()).ok().flatten()
            }) {
                let number = u64::from_be_bytes(one.payload[..8].try_into().unwrap());
                assert_eq!(number, self.heard[side], "lost, doubled or reordered");
                assert!(number < self.sent[1 - side], "never sent");
                self.heard[side] += 1;
            }
        }
    }

    fn is_complete(&self) -> bool {
        self.heard == [self.messages; 2]
    }

    /// They talk over the newest link until it is cut, or all is said. Says how many bytes went each way; where a cut was asked
    /// for, it must have been made, unless `may_miss` it because all was said before.
    fn talk(&mut self, cut: Option<Cut>, may_miss: bool) -> [usize; 2] {
        let link = self.pair.links.len() - 1;
        let mut arrived = [0; 2];
        for _ in 0..10_000 {
            self.applications();
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
                    return arrived;
                }
            }
            if !moved {
                self.applications();
                if self.is_complete() {
                    assert!(cut.is_none() || may_miss, "{cut:?} is behind the end");
                    return arrived;
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

    /// How often each end came back.
    fn resumed(&self) -> [u64; 2] {
        let Pair {
            client,
            server,
            session,
            now,
            ..
        } = &self.pair;
        [(client, *session), (server, self.peer)]
            .map(|(registry, key)| registry.snapshot(key, *now).expect("a session").resumed)
    }

    /// Over links that work, the rest is said, and the session is closed in order: nobody has anything left. Says how often each
    /// end came back until all was said.
    fn finish(mut self) -> [u64; 2] {
        if !self.is_complete() {
            self.dial();
            self.talk(None, false);
        }
        for side in [DIALER, ACCEPTOR] {
            assert_eq!(
                [self.sent[side], self.heard[side]],
                [self.messages; 2],
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

/// Cuts a conversation after each `step`th byte that arrives at each side. Says at how many bytes.
fn cut_everywhere(messages: u64, length: usize, step: usize, progress: bool) -> usize {
    let whole = Talk::new(messages, length).talk(None, false);
    let mut cuts = 0;
    for to in [DIALER, ACCEPTOR] {
        for after in (0..=whole[to]).step_by(step) {
            let mut talk = Talk::new(messages, length);
            talk.talk(Some(Cut { to, after }), false);
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
fn cut_the_way_back(firsts: &[Cut]) -> usize {
    let mut cuts = 0;
    for &first in firsts {
        // RESUME has 59 bytes and RESUMED 45; then come an ACK, and what is replayed.
        for to in [DIALER, ACCEPTOR] {
            for after in 0..=120 {
                let mut talk = Talk::new(12, 40);
                talk.talk(Some(first), false);
                if talk.is_complete() {
                    continue; // the very last bytes: nobody has anything to come back for but a goodbye
                }
                talk.dial();
                talk.talk(Some(Cut { to, after }), true);
                talk.finish();
                cuts += 1;
            }
        }
    }
    cuts
}

#[test]
fn a_conversation_of_4_kib_each_way_survives_a_cut_at_every_byte() {
    let cuts = cut_everywhere(32, 123, 1, false);
    assert!(cuts > 8_192, "{cuts}");
}

#[test]
fn the_way_back_may_be_cut_at_every_byte_of_it() {
    let firsts = [10, 300].map(|after| Cut {
        to: ACCEPTOR,
        after,
    });
    assert_eq!(cut_the_way_back(&firsts), 2 * 2 * 121);
}

// Seconds in release.
#[test]
#[ignore = "long: cargo test --release --test exhaustive -- --ignored --nocapture"]
fn a_conversation_of_64_kib_each_way_survives_a_cut_at_every_byte() {
    let cuts = cut_everywhere(64, 1_019, 1, true);
    assert!(cuts >= 131_072, "{cuts}");
    println!("{cuts} cuts, 0 lost, 0 twice");
}

#[test]
#[ignore = "long: cargo test --release --test exhaustive -- --ignored --nocapture"]
fn the_way_back_may_be_cut_at_every_byte_of_it_wherever_it_begins() {
    let whole = Talk::new(12, 40).talk(None, false);
    let firsts = [DIALER, ACCEPTOR].map(|to| (0..=whole[to]).map(move |after| Cut { to, after }));
    let firsts: Vec<Cut> = firsts.into_iter().flatten().collect();
    let cuts = cut_the_way_back(&firsts);
    assert!(cuts >= (firsts.len() - 50) * 242, "{cuts}");
    println!("{cuts} pairs of cuts, 0 lost, 0 twice");
}
