//! Loads a server from outside and says what that costs the server, by the kernel's accounts: memory and CPU of idle sessions and
//! their heartbeats, CPU of an echo and how long it takes, CPU of a login, and how soon everybody is back when all links break.
//! It is the same for every server whose protocol it speaks, so what it says can be compared.

mod crowd;
mod dialect;
mod loads;
mod member;
mod others;
mod process;
mod progress;
mod report;
mod sessile;
mod socket;
#[path = "../common/start.rs"]
mod start;
mod tally;

use std::{
    net::{SocketAddr, ToSocketAddrs},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context, ensure};
use crowd::{Crowd, Plan};
use dialect::Protocol;
use lexopt::{Arg, Parser, ValueExt};
use loads::Course;
use process::Process;
use report::Report;

const HELP: &str = "\
Puts a load on a server and says what it costs: the server's memory and CPU, from /proc.

Usage: load LOAD --connect ADDR --pid PID [OPTIONS]

  idle                sessions with heartbeats: memory of each, CPU of a heartbeat
  echo                messages that come back: CPU of each, rate, latency; nothing lost, nothing twice
  login               logins: CPU of each, rate (every load begins with them)
  storm               all links are cut at once: time until all are resumed; nothing lost, nothing twice

  --connect ADDR      where the server listens
  --pid PID           its process
  --protocol NAME     sessile (default), raw (frames that are echoed), mqtt or nats; a storm needs sessile
  --sessions N        how many (default 1000; 100 for echo)
  --seconds S         how long idle and echo go on, and how long a storm may take (default 8, for a storm 60)
  --depth N           messages of each session that are on their way (default 8)
  --bytes N           of a message, at least 8 (default 64)
  --heartbeat-ms MS   where the protocol does not agree on one (default 2000)
  --backoff-ms MS     the longest pause before somebody comes back, the first time (default 1000)
  --json              one line for machines instead of lines for people
  -h, --help          this text

Sessions need a file each, here and in the server: see ulimit -n. Fails where a message is lost or comes twice.";

/// Bytes of a message, at most.
const LONGEST: usize = 8 << 20;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Load {
    Idle,
    Echo,
    Login,
    Storm,
}

struct Options {
    load: Load,
    connect: String,
    pid: u32,
    protocol: Protocol,
    sessions: usize,
    time: Duration,
    depth: usize,
    bytes: usize,
    heartbeat: Duration,
    backoff: Duration,
    json: bool,
}

fn main() -> ExitCode {
    start::main(HELP, parse, run)
}

fn parse(args: &mut Parser) -> Result<Option<Options>, lexopt::Error> {
    let (mut load, mut connect, mut pid) = (None, None, None);
    let (mut protocol, mut depth, mut bytes, mut json) = (Protocol::Sessile, 8, 64, false);
    let (mut sessions, mut seconds) = (None, None);
    let (mut heartbeat, mut backoff) = (Duration::from_secs(2), Duration::from_secs(1));
    while let Some(arg) = args.next()? {
        match arg {
            Arg::Value(name) if load.is_none() => load = Some(load_named(&name.string()?)?),
            Arg::Long("connect") => connect = Some(args.value()?.string()?),
            Arg::Long("pid") => pid = Some(args.value()?.parse()?),
            Arg::Long("protocol") => protocol = Protocol::named(&args.value()?.string()?)?,
            Arg::Long("sessions") => sessions = Some(args.value()?.parse()?),
            Arg::Long("seconds") => seconds = Some(args.value()?.parse()?),
            Arg::Long("depth") => depth = args.value()?.parse()?,
            Arg::Long("bytes") => bytes = args.value()?.parse()?,
            Arg::Long("heartbeat-ms") => heartbeat = start::millis(args)?,
            Arg::Long("backoff-ms") => backoff = start::millis(args)?,
            Arg::Long("json") => json = true,
            Arg::Short('h') | Arg::Long("help") => return Ok(None),
            _ => return Err(arg.unexpected()),
        }
    }
    let load = load.ok_or("which load? idle, echo, login or storm")?;
    let sessions = sessions.unwrap_or(if load == Load::Echo { 100 } else { 1_000 });
    let seconds = seconds.unwrap_or(if load == Load::Storm { 60 } else { 8 });
    if load == Load::Storm && protocol != Protocol::Sessile {
        return Err("a storm: only sessions of sessile come back".into());
    }
    if sessions == 0 || seconds == 0 || depth == 0 || heartbeat.is_zero() {
        return Err("a load of nothing".into());
    }
    if !(8..=LONGEST).contains(&bytes) {
        let range = format!("--bytes: from 8, which say which message it is, to {LONGEST}");
        return Err(range.into());
    }
    Ok(Some(Options {
        load,
        connect: connect.ok_or("missing option '--connect'")?,
        pid: pid.ok_or("missing option '--pid'")?,
        protocol,
        sessions,
        time: Duration::from_secs(seconds),
        depth,
        bytes,
        heartbeat,
        backoff,
        json,
    }))
}

fn load_named(name: &str) -> Result<Load, String> {
    Ok(match name {
        "idle" => Load::Idle,
        "echo" => Load::Echo,
        "login" => Load::Login,
        "storm" => Load::Storm,
        _ => return Err(format!("{name}: neither idle nor echo, login or storm")),
    })
}

fn run(options: Options) -> anyhow::Result<()> {
    let server = Process::numbered(options.pid);
    for (who, process) in [("this program", &Process::own()), ("the server", &server)] {
        let (files, spare) = (process.files()?, 50);
        ensure!(
            files >= options.sessions + spare,
            "{who} may open {files} files, too few for {} sessions: see ulimit -n",
            options.sessions
        );
    }
    let course = Course {
        crowd: Crowd::new(Plan {
            protocol: options.protocol,
            server: resolve(&options.connect)?,
            sessions: options.sessions,
            heartbeat: options.heartbeat,
            bytes: options.bytes,
            depth: options.depth,
            echoes: options.load == Load::Echo || options.load == Load::Storm,
            backoff: options.backoff,
        })?,
        server,
        time: options.time,
        depth: options.depth,
        bytes: options.bytes,
        report: Report::new(options.json),
    };
    let report = match options.load {
        Load::Idle => course.idle(),
        Load::Echo => course.echo(),
        Load::Login => course.login(),
        Load::Storm => course.storm(),
    };
    report?.end()
}

fn resolve(address: &str) -> anyhow::Result<SocketAddr> {
    let mut found = address.to_socket_addrs().context(address.to_owned())?;
    found
        .next()
        .with_context(|| format!("no such address: {address}"))
}
