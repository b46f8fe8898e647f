//! An echo server for thousands of peers: one [`Host`], called in place, without a task for each peer or an allocation for
//! each message. This is the one that is measured.

#[path = "common/input.rs"]
mod input;
#[path = "common/interrupt.rs"]
mod interrupt;
#[path = "echo/log.rs"]
mod log;
#[path = "echo/recorded.rs"]
mod recorded;
#[path = "common/start.rs"]
mod start;

use std::{
    future::pending,
    pin::pin,
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::Context;
use async_signal::Signal;
use futures::{FutureExt, select};
use input::Input;
use lexopt::{Arg, Parser, ValueExt};
use log::Log;
use recorded::Recorded;
use sessile::{
    Admission, Admit, Config, Drained, Draining, Host, Message, Multi, Offer, Rejection, Runtime,
    SendError, Turn,
};
use smol::Executor;

const HELP: &str = "\
An echo server: every message goes back to whoever sent it. Prints where it listens, and how it went down.

Usage: echo_server --listen ADDR [OPTIONS]

  --listen ADDR      where to listen: 127.0.0.1:7000, [::]:7000, localhost:0 (0: any free port)
  --threads N        on how many threads (default 1)
  --heartbeat-ms MS  how often a silent side says that it lives (default 2000)
  --lease-ms MS      how long silence is tolerated before a link counts as lost (default 6000)
  --max-message N    how many bytes a message may have (default 1048320); from 64 KiB on the window
                     grows with it, to 16 of them
  --resume-ms MS     how long a session without a link is kept (default 120000)
  --drain-ms MS      how long clients have to leave after SIGTERM (default 10000)
  --redirect ADDR    where they are to go then (default: they come back here)
  --log FILE         append to it a line for each message taken or answered, each event, each session's end
  --until-eof        end when standard input ends, too
  -h, --help         this text

Everybody is let in, whatever credentials they present. With --log the credentials are the peer's name, and
who comes again by the same name takes the place of the first. SIGTERM lets everybody go in order; Ctrl-C ends
it at once.";

struct Options {
    listen: String,
    threads: usize,
    config: Config,
    drain: Duration,
    redirect: String,
    log: Option<String>,
    until_eof: bool,
}

fn main() -> ExitCode {
    start::main(HELP, parse, run)
}

fn parse(args: &mut Parser) -> Result<Option<Options>, lexopt::Error> {
    // A load generator logs in by the thousand, all from one address.
    let config = Config::new()
        .pending_logins(8_192)
        .early_drop(100)
        .pending_per_prefix(8_192);
    let (mut listen, mut threads, mut config) = (None, 1, config);
    let (mut log, mut until_eof) = (None, false);
    let (mut drain, mut redirect) = (Duration::from_secs(10), String::new());
    while let Some(arg) = args.next()? {
        match arg {
            Arg::Long("listen") => listen = Some(args.value()?.string()?),
            Arg::Long("threads") => threads = args.value()?.parse()?,
            Arg::Long("heartbeat-ms") => config = config.heartbeat_interval(start::millis(args)?),
            Arg::Long("lease-ms") => config = config.lease(start::millis(args)?),
            Arg::Long("max-message") => config = with_messages_of(config, args.value()?.parse()?),
            Arg::Long("resume-ms") => config = config.resume_window(start::millis(args)?),
            Arg::Long("drain-ms") => drain = start::millis(args)?,
            Arg::Long("redirect") => redirect = args.value()?.string()?,
            Arg::Long("log") => log = Some(args.value()?.string()?),
            Arg::Long("until-eof") => until_eof = true,
            Arg::Short('h') | Arg::Long("help") => return Ok(None),
            _ => return Err(arg.unexpected()),
        }
    }
    if threads == 0 {
        return Err("--threads 0: nobody would serve".into());
    }
    Ok(Some(Options {
        listen: listen.ok_or("missing option '--listen'")?,
        threads,
        config,
        drain,
        redirect,
        log,
        until_eof,
    }))
}

/// The default window holds one of the longest messages: they would go to and fro one by one.
fn with_messages_of(config: Config, bytes: usize) -> Config {
    let window = bytes.saturating_mul(16).max(1 << 20);
    config.max_message(bytes).unacked_bytes(window)
}

/// Without a thread of its own, a runtime runs wherever its executor is run: here on this thread, and on as many more as
/// were asked for.
fn run(options: Options) -> anyhow::Result<()> {
    let executor = Arc::new(Executor::new());
    for number in 1..options.threads {
        let executor = Arc::clone(&executor);
        let worker = thread::Builder::new().name(format!("echo-{number}"));
        worker.spawn(move || smol::block_on(executor.run(pending::<()>())))?;
    }
    // A task of its own: what this thread waits for is looked at whenever any task is woken, and looking for signals is two reads.
    let serving = executor.spawn(serve(options, Arc::clone(&executor)));
    smol::block_on(executor.run(serving))
}

async fn serve(options: Options, executor: Arc<Executor<'static>>) -> anyhow::Result<()> {
    let mut interrupted = interrupt::interrupted()?;
    let mut terminated = interrupt::caught(Signal::Term)?;
    let input_ended = async {
        match options.until_eof {
            true => Input::open().ended().await,
            false => pending().await,
        }
    };
    let runtime = Runtime::<Multi>::start_on(options.config, executor)?;
    let serving = match &options.log {
        Some(file) => {
            let log = Log::append_to(file).with_context(|| format!("cannot write to {file}"))?;
            runtime.serve(&options.listen, Recorded::new(log)).await
        }
        None => runtime.serve(&options.listen, Echo::default()).await,
    };
    let serving = serving.context("cannot listen")?;
    let address = serving.local_addr().context("TCP has addresses")?;
    start::print(format_args!("listening on {address}"));
    let mut input_ended = pin!(input_ended.fuse());
    select! {
        () = interrupted => return Ok(()),
        () = input_ended => return Ok(()),
        () = terminated => {}
    }
    let (mut drained, began) = (drain(&runtime, options.drain, &options.redirect), now());
    select! {
        () = interrupted => {}
        drained = drained => show(drained, began.elapsed()),
    }
    Ok(())
}

fn drain(runtime: &Runtime<Multi>, deadline: Duration, redirect: &str) -> Draining {
    start::print(format_args!("draining    {:>9}", runtime.sessions().len()));
    let draining = runtime.drain(deadline).redirect(redirect);
    draining.text("this server is going down")
}

fn show(drained: Drained, took: Duration) {
    let Drained {
        left, closed, cut, ..
    } = drained;
    start::print(format_args!("left        {left:>9}"));
    start::print(format_args!("closed      {closed:>9}"));
    start::print(format_args!("cut         {cut:>9}"));
    start::print(format_args!("took        {:>7.3} s", took.as_secs_f64()));
}

#[expect(
    clippy::disallowed_methods,
    reason = "the library's clock is its own; this is the reader's"
)]
fn now() -> Instant {
    Instant::now()
}

#[derive(Default)]
struct Echo {
    visitors: AtomicU64,
}

impl Admit for Echo {
    type Peer = (); // nothing is kept for a peer

    /// Nobody is anybody's double here: each login is somebody new.
    async fn admit(&self, _: &Offer) -> Result<Admission<()>, Rejection> {
        Ok(self.visitors.fetch_add(1, Relaxed).into())
    }
}

impl Host for Echo {
    fn on_message(&self, peer: &mut Turn<'_, ()>, message: Message<'_>) {
        match peer.send(&message) {
            Ok(()) | Err(SendError::Ended(_)) => {}
            // The first answer of a turn always has room, and is as long as what was allowed in.
            Err(error @ (SendError::Full | SendError::TooLong(_))) => {
                peer.close(&error.to_string());
            }
        }
    }
}
