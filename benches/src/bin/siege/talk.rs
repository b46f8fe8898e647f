//! The well-behaved: each sends a request at its own even pace and waits for the answer.

use std::{
    fmt, io,
    net::SocketAddr,
    str::FromStr,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use anyhow::{Context, Error, Result, ensure};
use hdrhistogram::Histogram;
use sessile::{Config, Credentials, LoggedIn, Runtime, Session, Single};
use smol::Timer;

const REQUEST: [u8; 64] = [7; 64];

/// In microseconds.
#[derive(Clone, Copy)]
pub(crate) struct Latency {
    pub(crate) p50: f64,
    pub(crate) p99: f64,
}

impl fmt::Display for Latency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.p50, self.p99)
    }
}

impl FromStr for Latency {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (p50, p99) = text.split_once(' ').context("two numbers")?;
        Ok(Self {
            p50: p50.parse()?,
            p99: p99.parse()?,
        })
    }
}

type Times = Arc<Mutex<Histogram<u64>>>;

/// Until its input ends: `begin` empties the histogram, `end` tells what is in it.
pub(crate) fn talk(at: SocketAddr, sessions: usize, rate: u32) -> Result<()> {
    let times: Times = Arc::new(Mutex::new(Histogram::new(3)?));
    let pace = Duration::from_secs(1) / rate;
    let begun = now();
    for number in 0..sessions {
        let session = smol::block_on(log_in(at, number))?;
        // Evenly over a pace, so that they do not all ask at once.
        let first = begun + pace.mul_f64(number as f64 / sessions as f64);
        smol::spawn(ask(session, first, pace, Arc::clone(&times))).detach();
    }
    println!("ready");
    for order in io::stdin().lines() {
        let mut times = times.lock().expect("no panic holds it");
        match &*order? {
            "begin" => {
                times.reset();
                println!("begun");
            }
            _ => {
                ensure!(times.len() >= 100, "{} answers are too few", times.len());
                let micros = |part| times.value_at_quantile(part) as f64 / 1_000.0;
                let (p50, p99) = (micros(0.5), micros(0.99));
                println!("{}", Latency { p50, p99 });
            }
        }
    }
    Ok(())
}

async fn log_in(at: SocketAddr, number: usize) -> Result<Session<LoggedIn>> {
    let client = Runtime::<Single>::start(Config::default())?;
    let session = client.connect(at).await?;
    let me = Credentials::token(&format!("talker {number}"));
    let session = session.login(&me).await;
    session.map_err(|error| Error::msg(error.to_string()))
}

async fn ask(mut session: Session<LoggedIn>, first: Instant, pace: Duration, times: Times) {
    let mut planned = first;
    loop {
        planned += pace;
        // Where the answer before was late, it is this one that waited, too.
        let late = now() > planned;
        Timer::at(planned).await;
        let since = if late { planned } else { now() };
        session.send(&REQUEST).await.expect("its link is good");
        session.recv().await.expect("its link is good");
        let took = u64::try_from(since.elapsed().as_nanos()).unwrap_or(u64::MAX);
        times
            .lock()
            .expect("no panic holds it")
            .record(took)
            .expect("the histogram grows");
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the library's clock is its own; this one measures it"
)]
fn now() -> Instant {
    Instant::now()
}
