//! A client that keeps books: it sends numbered messages to an `echo_server` for as long as its input is open, over as many
//! links and sessions as it takes, and writes down what became of each. Whoever compares its log with the server's (`--log`)
//! sees whether a message was lost or came twice.

#[path = "echo/books.rs"]
mod books;
#[path = "common/input.rs"]
mod input;
#[path = "echo/log.rs"]
mod log;
#[path = "common/start.rs"]
mod start;
#[path = "echo/supervised.rs"]
mod supervised;
#[path = "echo/visits.rs"]
mod visits;

use std::{process::ExitCode, sync::Arc, time::Duration};

use anyhow::Context;
use books::{Books, Pace};
use input::Input;
use lexopt::{Arg, Parser, ValueExt};
use log::Log;
use sessile::{Config, Credentials, Reconnect};
use smol::Executor;
use visits::Visitor;

const HELP: &str = "\
Sends numbered messages to an echo_server, and writes down what became of each. Prints nothing.

Usage: echo_client --connect ADDR --name NAME --log FILE [OPTIONS]

  --connect ADDR     the server: 127.0.0.1:7000, [::1]:7000, example.org:7000
  --name NAME        who it is
  --log FILE         append to it a line for each message tried, accepted or come back, each event, each end
  --supervised       by the library's own client instead of a loop of its own
  --burst N          how many messages at a time (default 8)
  --every-ms MS      how often (default 16)
  --think-ms MS      for how long it reads nothing after 16 messages; not with --supervised (default 0)
  --heartbeat-ms MS  how often a silent side says that it lives (default 2000)
  --lease-ms MS      how long silence is tolerated before a link counts as lost (default 6000)
  --login-ms MS      how long a login may take (default 5000)
  --reconnect-ms MS  how long to wait before dialing again, at most (default 1000); later up to 8 times that
  --redirects        go where a server sends it that goes down; with --supervised
  -h, --help         this text

It ends when its standard input does: then it waits for missing answers, and closes its session.";

struct Options {
    connect: String,
    name: String,
    log: String,
    supervised: bool,
    pace: Pace,
    config: Config,
}

fn main() -> ExitCode {
    start::main(HELP, parse, run)
}

fn parse(args: &mut Parser) -> Result<Option<Options>, lexopt::Error> {
    let (mut connect, mut name, mut log, mut config) = (None, None, None, Config::new());
    let (mut supervised, mut reconnect) = (false, Reconnect::new());
    let mut pace = Pace {
        burst: 8,
        every: Duration::from_millis(16),
        think: Duration::ZERO,
    };
    while let Some(arg) = args.next()? {
        match arg {
            Arg::Long("connect") => connect = Some(args.value()?.string()?),
            Arg::Long("name") => name = Some(args.value()?.string()?),
            Arg::Long("log") => log = Some(args.value()?.string()?),
            Arg::Long("supervised") => supervised = true,
            Arg::Long("burst") => pace.burst = args.value()?.parse()?,
            Arg::Long("think-ms") => pace.think = start::millis(args)?,
            Arg::Long("every-ms") => pace.every = start::millis(args)?,
            Arg::Long("heartbeat-ms") => config = config.heartbeat_interval(start::millis(args)?),
            Arg::Long("lease-ms") => config = config.lease(start::millis(args)?),
            Arg::Long("login-ms") => config = config.login_deadline(start::millis(args)?),
            Arg::Long("reconnect-ms") => {
                let base = start::millis(args)?;
                reconnect = reconnect.base(base).cap(base * 8);
            }
            Arg::Long("redirects") => reconnect = reconnect.redirects(true),
            Arg::Short('h') | Arg::Long("help") => return Ok(None),
            _ => return Err(arg.unexpected()),
        }
    }
    Ok(Some(Options {
        connect: connect.ok_or("missing option '--connect'")?,
        name: name.ok_or("missing option '--name'")?,
        log: log.ok_or("missing option '--log'")?,
        supervised,
        pace,
        config: config.reconnect(reconnect),
    }))
}

/// One thread, on purpose. Between what the library does and its line in the log nothing else runs, no link is written to and
/// none is read; so a process that is killed there has lost nothing but its life.
fn run(options: Options) -> anyhow::Result<()> {
    let log = Log::append_to(&options.log);
    let log = log.with_context(|| format!("cannot write to {}", options.log))?;
    let visitor = Visitor {
        connect: options.connect,
        me: Credentials::token(&options.name),
        config: options.config,
        supervised: options.supervised,
        books: Books::new(&options.name, log, options.pace),
        executor: Arc::new(Executor::new()),
        input: Input::open(),
    };
    let executor = Arc::clone(&visitor.executor);
    smol::block_on(executor.run(visitor.visit_until_told_to_stop()))
}
