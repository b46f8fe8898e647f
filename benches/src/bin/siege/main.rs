//! What well-behaved sessions feel while one peer attacks: see [`HELP`].

mod attack;
mod process;
mod server;
mod talk;

use std::{env, fs, time::Duration};

use anyhow::{Result, bail, ensure};
use lexopt::{Arg, ValueExt};

use attack::Kind;
use process::{Place, Program, Talkers};
use talk::Latency;

const HELP: &str = "\
What well-behaved sessions feel while one peer attacks, over TCP on this machine.

    cargo run --release --package sessile-benches --bin siege -- [OPTIONS]

A server in a process of its own sends everything back. In another one sessions of this library send it small requests, each at
its own even pace, and measure until the answer is there, from when it was to be sent if the one before was late. In a third one
somebody attacks. Where `taskset` and `chrt` are there, the server has core 0 for itself, and the other two share core 1, where
the attacker gets what the talkers leave (SCHED_IDLE): so nobody waits for the attacker but by what it does to the server.

A round is: quiet, an attack, quiet, the next attack, and so on. Each attack is compared with the quiet before and after it.

    --sessions N   well-behaved sessions (100)
    --rate N       requests a second of each (10)
    --seconds N    length of each part (5)
    --rounds N     how often all of it is done (3)
    --only KIND    this attack alone, by the name in the table

Printed is one line for each attack, medians over the rounds, times in microseconds:

    attack        p50   quiet      x     p99   quiet      x   server   done
    pings          81      84   0.96     190     201   0.95      31%   a second 1234 pings written, 3.0 links

x is how many times as long as when quiet; `server` is how much of a core the server used; `done` is what the attacker did.
`spin` attacks nothing: its process turns in circles, which shows what sharing the machine does by itself.
Where the machine is busy with other work the attacker gets little of its core: do not believe a round in which `messages` leaves
the server below 90 % of one.
";

struct Options {
    sessions: usize,
    rate: u32,
    part: Duration,
    rounds: usize,
    kinds: Vec<Kind>,
}

/// One attack in one round.
struct Part {
    during: Latency,
    /// Before it and after it.
    quiet: [Latency; 2],
    cores: f64,
    done: String,
}

fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["serve"] => server::serve(),
        ["talk", at, sessions, rate] => talk::talk(at.parse()?, sessions.parse()?, rate.parse()?),
        ["attack", kind, at] => attack::attack(kind.parse()?, at.parse()?),
        _ => match options()? {
            Some(options) => besiege(&options),
            None => {
                print!("{HELP}");
                Ok(())
            }
        },
    }
}

fn options() -> Result<Option<Options>> {
    let mut options = Options {
        sessions: 100,
        rate: 10,
        part: Duration::from_secs(5),
        rounds: 3,
        kinds: Kind::ALL.to_vec(),
    };
    let mut arguments = lexopt::Parser::from_env();
    while let Some(argument) = arguments.next()? {
        match argument {
            Arg::Short('h') | Arg::Long("help") => return Ok(None),
            Arg::Long("sessions") => options.sessions = arguments.value()?.parse()?,
            Arg::Long("rate") => options.rate = arguments.value()?.parse()?,
            Arg::Long("seconds") => options.part = Duration::from_secs(arguments.value()?.parse()?),
            Arg::Long("rounds") => options.rounds = arguments.value()?.parse()?,
            Arg::Long("only") => options.kinds = vec![arguments.value()?.string()?.parse()?],
            other => return Err(other.unexpected().into()),
        }
    }
    ensure!(options.rounds > 0 && options.rate > 0, "nothing to do");
    ensure!(options.sessions > 0, "nobody to measure");
    Ok(Some(options))
}

fn besiege(options: &Options) -> Result<()> {
    let pinned = process::can_pin();
    let before = load()?;
    let mut parts: Vec<Vec<Part>> = options.kinds.iter().map(|_| Vec::new()).collect();
    for _ in 0..options.rounds {
        let server = Program::start(Place::Server, pinned, &["serve"])?;
        let at = server.first_line()?;
        let mut talkers = Talkers::start(pinned, &at, options.sessions, options.rate)?;
        talkers.measure(Duration::from_secs(1))?; // until it is warm
        let mut quiet = talkers.measure(options.part)?;
        for (kind, parts) in options.kinds.iter().zip(&mut parts) {
            let attacker = Program::start(Place::Attacker, pinned, &["attack", kind.name(), &at])?;
            attacker.first_line()?;
            let cpu = server.cpu()?;
            let during = talkers.measure(options.part)?;
            let cores = (server.cpu()? - cpu).as_secs_f64() / options.part.as_secs_f64();
            let done = attacker.stop()?;
            let after = talkers.measure(options.part)?;
            parts.push(Part {
                during,
                quiet: [quiet, after],
                cores,
                done,
            });
            quiet = after;
        }
    }
    let shared = match pinned {
        true => "server on core 0, the others on core 1, where the attacker gives way",
        false => "nobody pinned to a core: taskset or chrt is missing, or there is one core",
    };
    println!(
        "{} sessions, {} requests a second each; {} s a part, {} rounds; {shared}; load {before} before, {} after\n",
        options.sessions,
        options.rate,
        options.part.as_secs(),
        options.rounds,
        load()?
    );
    println!("attack        p50   quiet      x     p99   quiet      x   server   done");
    for (kind, parts) in options.kinds.iter().zip(parts) {
        println!("{}", line(*kind, &parts)?);
    }
    Ok(())
}

fn line(kind: Kind, parts: &[Part]) -> Result<String> {
    let median = |of: &dyn Fn(&Part) -> f64| {
        let mut all: Vec<f64> = parts.iter().map(of).collect();
        all.sort_by(f64::total_cmp);
        all[all.len() / 2]
    };
    let quiet = |part: &Part, of: fn(&Latency) -> f64| part.quiet.iter().map(of).sum::<f64>() / 2.0;
    let columns = |of: fn(&Latency) -> f64| {
        [
            median(&|part| of(&part.during)),
            median(&|part| quiet(part, of)),
            median(&|part| of(&part.during) / quiet(part, of)),
        ]
    };
    let [p50, quiet_50, times_50] = columns(|latency| latency.p50);
    let [p99, quiet_99, times_99] = columns(|latency| latency.p99);
    let server = 100.0 * median(&|part| part.cores);
    let Some(last) = parts.last() else {
        bail!("no round");
    };
    Ok(format!(
        "{:<10} {p50:>6.0} {quiet_50:>7.0} {times_50:>6.2} {p99:>7.0} {quiet_99:>7.0} {times_99:>6.2} {server:>7.0}%   {}",
        kind.name(),
        last.done
    ))
}

/// How many want a core, over the last minute.
fn load() -> Result<String> {
    let load = fs::read_to_string("/proc/loadavg")?;
    Ok(load.split(' ').next().unwrap_or_default().to_owned())
}
