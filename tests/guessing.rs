//! The clock tells nobody whether a session exists: a RESUME of one that does, with a wrong secret, takes as long as one of none.
//!
//! Welch's t-test over single calls in random order, as dudect does it: |t| of 4.5 and more is a difference. Release only, and
//! `#[ignore]`d: what it measures is nanoseconds.

#[path = "protocol/say.rs"]
#[allow(dead_code, reason = "tests/protocol uses the rest")]
mod say;

use std::{hint::black_box, net::SocketAddr, time::Instant};

use fastrand::Rng;
use sessile::{
    Config, Identity,
    proto::{Effects, Key, Time},
    registry::{Port, Registry},
    wire::{Frame, Secret},
};

const SAMPLES: usize = 1_000_000;

/// Where |t| begins to say something.
const SUSPICIOUS: f64 = 4.5;

struct Server {
    registry: Registry,
    now: Time,
}

impl Server {
    fn new() -> Self {
        // What is measured is the check alone: nobody is asked to wait.
        let config = Config::new().failed_resumes(1 << 20).recently_ended(0);
        Self {
            registry: Registry::new(config.validate().expect("a config"), 7),
            now: Time::from_micros(1_000_000),
        }
    }

    fn knock(&mut self) -> Port {
        // A network of its own each time a bucket could fill: there is none without an address.
        self.registry
            .accept(self.now, None::<SocketAddr>, &mut Effects::default())
            .expect("room")
    }

    fn read(&mut self, port: &mut Port, mut bytes: &[u8]) {
        let mut fx = Effects::default();
        let fresh = &mut || Secret::new([99; 16]);
        black_box(
            self.registry
                .read(port, self.now, &mut bytes, &mut fx, fresh),
        );
    }

    /// A session that is logged in, and how it is called.
    fn session(&mut self) -> u64 {
        let mut port = self.knock();
        let login = say::bytes(&[Frame::Login(say::login(1))]);
        self.read(&mut port, &login);
        let (identity, secret) = (Identity::new(1u64).expect("short"), Secret::new([99; 16]));
        let key: Key = port.key();
        self.registry
            .admit(key, self.now, identity, secret, &mut Effects::default());
        key.as_u64()
    }

    /// Nanoseconds from the bytes of a RESUME to its refusal.
    #[expect(
        clippy::disallowed_methods,
        reason = "nanoseconds are what it is about"
    )]
    fn refuse(&mut self, session: u64, secret: [u8; 16]) -> f64 {
        let mut port = self.knock();
        let resume = say::resume(session, Secret::new(secret), 1);
        let resume = say::bytes(&[Frame::Resume(resume)]);
        let before = Instant::now();
        self.read(&mut port, &resume);
        let took = before.elapsed().as_nanos() as f64;
        let mut out = Vec::new();
        let mut fx = Effects::default();
        let said = self.registry.transmit(&port, self.now, &mut out, &mut fx);
        assert!(said.close && !out.is_empty(), "refused");
        took
    }
}

/// Count, mean and sum of squared differences from it, one sample at a time (Welford).
#[derive(Clone, Copy, Default)]
struct Moments {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Moments {
    fn add(&mut self, sample: f64) {
        self.count += 1.0;
        let off = sample - self.mean;
        self.mean += off / self.count;
        self.squares += off * (sample - self.mean);
    }

    fn error(&self) -> f64 {
        self.squares / (self.count - 1.0) / self.count
    }
}

fn t(samples: &[(bool, f64)], below: f64) -> f64 {
    let mut moments = [Moments::default(); 2];
    for &(class, sample) in samples.iter().filter(|(_, sample)| *sample < below) {
        moments[usize::from(class)].add(sample);
    }
    let [one, other] = moments;
    (one.mean - other.mean) / (one.error() + other.error()).sqrt()
}

/// The largest |t| over a few crops: what the system does meanwhile makes long tails.
fn worst(samples: &[(bool, f64)]) -> f64 {
    let mut sorted: Vec<f64> = samples.iter().map(|(_, sample)| *sample).collect();
    sorted.sort_by(f64::total_cmp);
    let crops = [0.5, 0.75, 0.9, 0.99].map(|part| sorted[(samples.len() as f64 * part) as usize]);
    crops
        .map(|below| t(samples, below).abs())
        .into_iter()
        .fold(0.0, f64::max)
}

/// What is presented: a session and a secret. Both kinds take the same way through the same code.
type Guess = (u64, [u8; 16]);

fn measure(what: &str, server: &mut Server, mut guess: impl FnMut(bool, &mut Rng) -> Guess) {
    let mut rng = Rng::with_seed(1);
    let samples: Vec<_> = (0..SAMPLES)
        .map(|_| {
            let class = rng.bool();
            let (session, secret) = black_box(guess(class, &mut rng));
            (class, server.refuse(session, secret))
        })
        .collect();
    let t = worst(&samples[SAMPLES / 100..]); // the first ones warm up
    let mut means = [Moments::default(); 2];
    let most = samples.iter().filter(|(_, took)| *took < 2_000.0);
    most.for_each(|&(class, took)| means[usize::from(class)].add(took));
    let [one, other] = means.map(|kind| kind.mean);
    println!("{what}: |t| = {t:.2}, {one:.1} ns and {other:.1} ns");
    assert!(t < SUSPICIOUS, "{what}: |t| = {t:.2}");
}

#[test]
#[ignore = "nanoseconds: cargo test --release --test guessing -- --ignored --nocapture"]
fn the_clock_does_not_tell_whether_a_session_exists() {
    let mut server = Server::new();
    let session = server.session();
    let random = |rng: &mut Rng| {
        let mut secret = [0; 16];
        rng.fill(&mut secret);
        secret
    };
    measure(
        "a wrong secret against the same kind",
        &mut server,
        |_, rng| (session, random(rng)),
    );
    measure(
        "a wrong secret against no session",
        &mut server,
        |class, rng| (session ^ u64::from(class) << 40, random(rng)),
    );
    measure(
        "a nearly right secret against a wrong one",
        &mut server,
        |class, rng| {
            // All but the last byte, chosen without a branch: which one is taken would be measured, too.
            let (mut secret, right) = (random(rng), u8::from(class).wrapping_neg());
            secret[..15]
                .iter_mut()
                .for_each(|byte| *byte = (*byte & !right) | (99 & right));
            secret[15] |= 128;
            (session, secret)
        },
    );
}

/// A test that sees no difference has to be seen to see one.
#[test]
fn a_difference_is_seen() {
    let mut rng = Rng::with_seed(1);
    let noise = |rng: &mut Rng| 1_000.0 + 100.0 * rng.f64();
    let same: Vec<_> = (0..100_000)
        .map(|_| (rng.bool(), noise(&mut rng)))
        .collect();
    assert!(worst(&same) < SUSPICIOUS, "{}", worst(&same));
    let slower = |(class, took): &(bool, f64)| (*class, took + f64::from(u8::from(*class)) * 3.0);
    let differ: Vec<_> = same.iter().map(slower).collect();
    assert!(worst(&differ) > 2.0 * SUSPICIOUS, "{}", worst(&differ));
}
