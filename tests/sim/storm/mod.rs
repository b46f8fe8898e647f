//! A storm in virtual time: all clients of one server lose their links at the same instant, and come back at the pace at which the
//! server's bucket lets them in.
//!
//! Hundreds of thousands of tasks would take a simulator of programs hours. So there are none: both ends are the real registries
//! with the real machines, limits, bytes and random numbers, and a network of values (`network.rs`). What tasks and sockets add to it is
//! in `tests/storm/`. The long form:
//!
//! `cargo test --release --test sim -- --ignored --nocapture storm`

mod network;
mod world;

use std::time::Duration;

use sessile::{
    Config, Reconnect,
    proto::{Phase, Time},
};

use world::{ACCEPTOR, DIALER, World};

const SECOND: Duration = Duration::from_secs(1);

/// What each client says just before the cut. It says one more while its link is gone, and one when it is back.
const IN_FLIGHT: u64 = 3;

/// The first and the longest wait between two dials, by default.
const WAITS: (Duration, Duration) = (SECOND, SECOND.saturating_mul(30));

/// Links that are made while the network loses something cost dials that no server can spare: 5 % of them are refused, and the first
/// packet of as many is lost.
const LOSSY: u32 = 50;

/// One storm.
pub(crate) struct Storm {
    clients: usize,
    /// Let in a second.
    rate: u32,
    /// Of a thousand dials, so many are refused, and the first packet of as many others is lost.
    bad_dials: u32,
    seed: u64,
}

impl Storm {
    const fn new(clients: usize, rate: u32) -> Self {
        Self {
            clients,
            rate,
            bad_dials: 0,
            seed: 1,
        }
    }

    fn config(&self) -> Config {
        // Room for the first wave, which comes within a second, as in `tests/storm/`. The rest is as it is by default.
        Config::new()
            .admission_rate(self.rate)
            .admission_burst((self.rate / 10).max(1))
            .pending_logins(16_384)
            .reconnect(Reconnect::new().base(WAITS.0).cap(WAITS.1))
    }

    /// What it may take, without bad dials.
    fn bound(&self) -> Duration {
        SECOND.mul_f64(1.25 * self.clients as f64 / f64::from(self.rate)) + SECOND
    }

    /// Lives it: everybody is back in time, in few dials, nothing is lost and nothing is doubled.
    fn live(&self) {
        let mut world = World::new(self);
        let logins = SECOND.mul_f64(self.clients as f64 / f64::from(self.rate)) + SECOND;
        let until = world.now + logins + SECOND * 2;
        world.live(until, |_| false);
        assert_eq!(world.tally.logged_in, self.clients);
        // What is said in the last 100 ms is at the server, or on its way there, or on its way back, when the links are cut.
        for number in 0..self.clients {
            for _ in 0..IN_FLIGHT {
                let when = Duration::from_micros(world.rng.u64(..100_000));
                world.will_say(number, when);
            }
        }
        let cut = world.now + SECOND / 10;
        world.live(cut, |_| false);
        let answered: u64 = world.clients.iter().map(|one| one.heard).sum();
        assert!(
            (1..self.clients as u64 * IN_FLIGHT).contains(&answered),
            "{answered} answers before the cut: nothing was on its way"
        );
        let before = std::mem::take(&mut world.tally);
        assert_eq!(before.dials, self.clients, "one dial for one login");
        world.cut_all(self.bad_dials);
        for number in 0..self.clients {
            let when = Duration::from_micros(world.rng.u64(..1_000_000));
            world.will_say(number, when);
        }
        // Once everybody is back, what was said then is still on its way.
        let clients = self.clients;
        let patience = cut + self.bound() * 3 + SECOND * 120;
        world.live(patience, |world| world.tally.back == clients);
        let settled = world.now + SECOND;
        world.live(settled, |_| false);
        self.judge(&world, cut)
    }

    fn judge(&self, world: &World, cut: Time) {
        let tally = &world.tally;
        let mut back: Vec<_> = world
            .clients
            .iter()
            .filter_map(|one| Some(one.back?.since(cut)))
            .collect();
        back.sort();
        let each = tally.dials as f64 / self.clients as f64;
        let at = |percent: usize| back.get(back.len() * percent / 100).copied();
        println!(
            "{} clients, {} let in a second, {} dials refused and {} repeated: {:.3} dials each, half of them back after {:.2?}, 99 % \
             after {:.2?}, the last after {:.2?} of {:.2?}; at most {} strangers at once, {} without a place; {} lost, {} doubled",
            self.clients,
            self.rate,
            tally.refused,
            tally.repeated,
            each,
            at(50).unwrap_or_default(),
            at(99).unwrap_or_default(),
            back.last().copied().unwrap_or_default(),
            self.bound(),
            tally.most_strangers,
            tally.turned_away,
            world.missing(),
            tally.doubled,
        );
        assert_eq!(back.len(), self.clients, "all of them are back");
        assert!(tally.ended.is_empty(), "nobody ends: {:?}", tally.ended);
        assert_eq!(
            (world.missing(), tally.skipped, tally.doubled),
            (0, 0, 0),
            "missing, skipped, doubled"
        );
        assert_eq!(tally.taken_back.len(), self.clients, "one resume each");
        for side in [DIALER, ACCEPTOR] {
            let registry = &world.sides[side];
            let keys = registry.keys();
            assert_eq!(keys.len(), self.clients, "nobody else is there");
            let well = keys.iter().filter_map(|&key| registry.get(key));
            let well = well.filter(|one| one.phase() == Phase::LoggedIn);
            assert_eq!(well.count(), self.clients, "everybody is well");
        }
        self.judge_pace(&tally.taken_back);
        assert!(each <= 2.2, "{each} dials a client");
        // Whose own dials went well is back in time, whatever became of those of others.
        for client in &world.clients {
            let back = client.back.map(|back| back.since(cut));
            let bound = self.bound() + client.held_up;
            assert!(
                back.is_some_and(|back| back <= bound),
                "{} dials: {back:?}, more than {bound:?}",
                client.dials
            );
        }
    }

    /// In no second more came in than the bucket has in it and is given: its rate, and a burst.
    fn judge_pace(&self, taken_back: &[Time]) {
        let most = self.rate as usize + (self.rate / 10).max(1) as usize + 1;
        for (first, &at) in taken_back.iter().enumerate() {
            if let Some(&later) = taken_back.get(first + most) {
                assert!(
                    later.since(at) > SECOND,
                    "more than {most} within a second, from {at:?} on"
                );
            }
        }
    }
}

#[test]
fn after_a_storm_everybody_is_back_as_soon_as_the_rate_allows() {
    Storm::new(2_000, 1_000).live();
}

#[test]
fn a_storm_in_which_dials_fail_loses_nothing_either() {
    let storm = Storm {
        bad_dials: LOSSY,
        ..Storm::new(2_000, 1_000)
    };
    storm.live();
}

#[test]
#[ignore = "long: cargo test --release --test sim -- --ignored --nocapture storm"]
fn after_a_storm_of_100_000_everybody_is_back_as_soon_as_the_rate_allows() {
    for rate in [2_000, 5_000, 10_000, 20_000] {
        Storm::new(100_000, rate).live();
    }
    let storm = Storm {
        bad_dials: LOSSY,
        ..Storm::new(100_000, 10_000)
    };
    storm.live();
}
