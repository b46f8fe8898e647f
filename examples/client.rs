//! A chat client: lines of the terminal go out, lines of the others come in, over as many links as it takes.
//!
//! What it shows: one session that survives its links, a login anew where the session did not survive, what is known of
//! each line that was not delivered, and a blocking terminal beside it all. `server.rs` is its other half.

#[path = "common/start.rs"]
mod start;
#[path = "common/words.rs"]
mod words;

use std::{collections::VecDeque, future::pending, io, process::ExitCode, thread, time::Duration};

use anyhow::bail;
use async_channel::Receiver;
use bytes::Bytes;
use lexopt::{Arg, Parser, ValueExt};
use sessile::{
    Closed, Config, ConnectError, Connecting, Credentials, Ended, Fate, LoggedIn, LoginError,
    Reason, Retry, Runtime, SendError, Session, Single, Undelivered,
};
use smol::{Timer, future::FutureExt};

use start::print;
use words::tell;

const HELP: &str = "\
A chat client: lines that you type go to all others. Prints what happens to its session.

Usage: client --connect ADDR --token T [OPTIONS]

  --connect ADDR     the server: 127.0.0.1:7000, chat.example:7000
  --token T          what the server wants to know
  --identity NAME    who to be; without it the server calls you a guest
  --heartbeat-ms MS  how often to say that it lives; the server may decide otherwise (default 2000)
  --lease-ms MS      how long to tolerate silence; the server may decide otherwise (default 6000)
  -h, --help         this text

The end of the input (Ctrl-D) leaves. Ctrl-C just dies, and the server waits for it to come back.
Exit status: 1 where it could not get in, was thrown out, or left lines undelivered.";

struct Options {
    connect: String,
    me: Credentials,
    config: Config,
}

fn main() -> ExitCode {
    start::main(HELP, parse, |options| smol::block_on(run(options)))
}

fn parse(args: &mut Parser) -> Result<Option<Options>, lexopt::Error> {
    let (mut connect, mut token, mut identity) = (None, None, String::new());
    let mut config = Config::new();
    while let Some(arg) = args.next()? {
        match arg {
            Arg::Long("connect") => connect = Some(args.value()?.string()?),
            Arg::Long("token") => token = Some(args.value()?.string()?),
            Arg::Long("identity") => identity = args.value()?.string()?,
            Arg::Long("heartbeat-ms") => config = config.heartbeat_interval(start::millis(args)?),
            Arg::Long("lease-ms") => config = config.lease(start::millis(args)?),
            Arg::Short('h') | Arg::Long("help") => return Ok(None),
            _ => return Err(arg.unexpected()),
        }
    }
    let token = token.ok_or("missing option '--token'")?;
    Ok(Some(Options {
        connect: connect.ok_or("missing option '--connect'")?,
        me: Credentials::token(&format!("{identity}:{token}")),
        config,
    }))
}

/// What is to be said.
struct Lines {
    typed: Receiver<String>,
    /// Not accepted by any session so far, in order.
    unsent: VecDeque<Bytes>,
}

async fn run(options: Options) -> anyhow::Result<()> {
    let runtime = Runtime::<Single>::start(options.config.clone())?;
    let mut narrator = narrate(&runtime);
    let mut session = runtime.connect(&options.connect).await?;
    let mut lines = Lines {
        typed: lines_of_the_terminal(),
        unsent: VecDeque::new(),
    };
    loop {
        let end = stay(log_in(session, &options.me).await?, &options.me, &mut lines).await?;
        narrator.await; // all about the end was told
        match end {
            End::Left(0) => return Ok(()),
            End::Left(lost) => bail!("{lost} lines were not delivered"),
            // A server that says good night is restarted, usually. That is for a program to know, not for the library, so
            // it begins from the beginning. Whoever was taken over or thrown out stays away.
            End::Closed(closed) if closed.reason() == Reason::ClosedByPeer => {
                let runtime = Runtime::<Single>::start(options.config.clone())?;
                narrator = narrate(&runtime);
                session = reach(runtime, &options.connect).await?;
            }
            End::Closed(closed) => bail!("{}", words::why(&closed)),
        }
    }
}

fn narrate(runtime: &Runtime<Single>) -> smol::Task<()> {
    smol::spawn(words::tell_all(runtime.events(), "you"))
}

/// How it ended.
enum End {
    /// Nobody types any more; so many lines were not delivered.
    Left(usize),
    /// Somebody else ended it.
    Closed(Closed),
}

/// Chats until the end, over as many links, and as many sessions, as it takes.
async fn stay(
    mut session: Session<LoggedIn>,
    me: &Credentials,
    lines: &mut Lines,
) -> Result<End, LoginError> {
    loop {
        session = match chat(&mut session, lines).await {
            Ok(()) => {
                let undelivered = session.close("good night").await;
                let count = undelivered.len();
                lines.take_back(undelivered);
                return Ok(End::Left(count));
            }
            Err(Ended::Closed(closed)) => {
                lines.take_back(session.close("").await); // over already: what is left of it
                return Ok(End::Closed(closed));
            }
            Err(Ended::Lost(lost)) => match session.reconnect(lost).resume().await {
                Ok(session) => session, // nothing is lost, nothing comes twice
                Err(mut gone) => {
                    lines.take_back(gone.take_undelivered());
                    match gone.into_connecting() {
                        Ok(session) => log_in(session, me).await?,
                        Err(closed) => return Ok(End::Closed(closed)),
                    }
                }
            },
        };
    }
}

/// Speaks and listens at once, until nobody types any more.
async fn chat(session: &mut Session<LoggedIn>, lines: &mut Lines) -> Result<(), Ended> {
    let (mut sender, mut receiver) = session.split();
    let speak = async {
        loop {
            while let Some(line) = lines.unsent.front() {
                match sender.send(line).await {
                    Ok(()) => {}
                    Err(SendError::TooLong(why)) => tell("you", format_args!("not sent: {why}")),
                    // The listener fails for the same reason, once it has read what came before.
                    Err(SendError::Full | SendError::Ended(_)) => pending().await,
                }
                lines.unsent.pop_front(); // accepted: from here on the session cares for it
            }
            match lines.typed.recv().await {
                Ok(line) => lines.unsent.push_back(line.into()),
                Err(_) => return Ok(()),
            }
        }
    };
    let listen = async {
        loop {
            hear(&receiver.recv().await?);
        }
    };
    speak.race(listen).await
}

impl Lines {
    /// Says of each line that was not delivered what is known of it. What certainly did not arrive is said again.
    fn take_back(&mut self, undelivered: Vec<Undelivered>) {
        let mut again = VecDeque::new();
        for message in undelivered {
            let line = printable(message.message());
            match message.fate() {
                Fate::NeverSent => {
                    tell("you", format_args!("not delivered: {line}"));
                    again.push_back(message.into_message());
                }
                Fate::Unknown => tell("you", format_args!("perhaps not delivered: {line}")),
            }
        }
        again.append(&mut self.unsent);
        self.unsent = again;
    }
}

/// Logs in. A server that is away, or has no room, may be there later.
async fn log_in(
    mut session: Session<Connecting>,
    me: &Credentials,
) -> Result<Session<LoggedIn>, LoginError> {
    loop {
        let error = match session.login(me).await {
            Ok(session) => return Ok(session),
            Err(error) => error,
        };
        let Some(wait) = wait_after(error.retry()) else {
            return Err(error);
        };
        tell("you", format_args!("logs in again in {wait:.1?}"));
        Timer::after(wait).await;
        session = error.into_session();
    }
}

/// Connects, however long it takes.
async fn reach(
    mut runtime: Runtime<Single>,
    server: &str,
) -> Result<Session<Connecting>, ConnectError> {
    loop {
        let error = match runtime.connect(server).await {
            Ok(session) => return Ok(session),
            Err(error) => error,
        };
        let Some(wait) = wait_after(error.retry()) else {
            return Err(error);
        };
        tell("you", format_args!("{error}; again in {wait:.1?}"));
        Timer::after(wait).await;
        runtime = error.into_runtime();
    }
}

/// How long to wait before another attempt; `None` where there should be none.
const fn wait_after(retry: Retry) -> Option<Duration> {
    match retry {
        Retry::Never => None,
        Retry::Now => Some(Duration::from_secs(1)),
        Retry::After(wait) => Some(wait),
    }
}

/// The terminal blocks, so it has a thread of its own. The bound lets it wait for the network.
fn lines_of_the_terminal() -> Receiver<String> {
    let (sender, receiver) = async_channel::bounded(1);
    thread::spawn(move || {
        for line in io::stdin().lines().map_while(Result::ok) {
            if sender.send_blocking(line).is_err() {
                return;
            }
        }
    });
    receiver
}

/// One line of somebody else: `name: line`.
fn hear(message: &[u8]) {
    let said = printable(message);
    let (name, line) = said.split_once(": ").unwrap_or(("", &said));
    print(format_args!("{:12}{name:<24}{line}", ""));
}

/// As text that cannot act on the terminal: it was written by strangers.
fn printable(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).replace(char::is_control, "\u{fffd}")
}
