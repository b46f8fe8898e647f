//! A proxy: a server that holds one client for each peer. Peers are judged by the upstream server, and messages go both
//! ways without loss, whichever side's links break.
//!
//! How each end shows at the other:
//!
//! * **A link is lost**, on either side: the other side does not notice. A message that was taken here and not accepted there
//!   is held; flow control stops whoever sends more.
//! * **The peer left**: its client closes upstream, with the same words, after it has passed on everything.
//! * **The session upstream is over**: the peer hears why. Where it may log in again, it is closed; where it must not
//!   (somebody else took its place, or the upstream server threw it out), it is removed.

#[path = "common/interrupt.rs"]
mod interrupt;
#[path = "common/start.rs"]
mod start;
#[path = "common/words.rs"]
mod words;

use std::{convert::Infallible, future::pending, process::ExitCode, time::Duration};

use anyhow::Context;
use async_channel::Receiver;
use futures::{FutureExt as _, StreamExt, future::join, select, stream::FuturesUnordered};
use lexopt::{Arg, Parser, ValueExt};
use sessile::{
    Closed, Config, Connecting, Credentials, Ended, LoggedIn, Message, Mode, Multi, Reason,
    RecvHalf, Rejection, Runtime, SendError, SendHalf, Session, Single, Undelivered,
};
use smol::{Task, future::FutureExt as _};

use start::print;
use words::tell;

const HELP: &str = "\
A proxy: a server that holds one client of another server for each of its peers.

Usage: proxy --listen ADDR --upstream ADDR [OPTIONS]

  --listen ADDR      where to listen: 127.0.0.1:7001, [::]:7001, localhost:0 (0: any free port)
  --upstream ADDR    the server behind it; it gets the peers' credentials, and its verdict is theirs
  --heartbeat-ms MS  how often a silent side says that it lives (default 2000)
  --lease-ms MS      how long silence is tolerated before a link counts as lost (default 6000)
  -h, --help         this text

Lines that begin with `up` are about the session upstream. Ctrl-C ends it; peers and upstream hear of it.";

#[derive(Clone)]
struct Options {
    listen: String,
    upstream: String,
    config: Config,
}

fn main() -> ExitCode {
    start::main(HELP, parse, |options| smol::block_on(run(options)))
}

fn parse(args: &mut Parser) -> Result<Option<Options>, lexopt::Error> {
    let (mut listen, mut upstream, mut config) = (None, None, Config::new());
    while let Some(arg) = args.next()? {
        match arg {
            Arg::Long("listen") => listen = Some(args.value()?.string()?),
            Arg::Long("upstream") => upstream = Some(args.value()?.string()?),
            Arg::Long("heartbeat-ms") => config = config.heartbeat_interval(start::millis(args)?),
            Arg::Long("lease-ms") => config = config.lease(start::millis(args)?),
            Arg::Short('h') | Arg::Long("help") => return Ok(None),
            _ => return Err(arg.unexpected()),
        }
    }
    Ok(Some(Options {
        listen: listen.ok_or("missing option '--listen'")?,
        upstream: upstream.ok_or("missing option '--upstream'")?,
        config,
    }))
}

async fn run(options: Options) -> anyhow::Result<()> {
    let mut interrupted = interrupt::interrupted()?;
    let runtime = Runtime::<Multi>::start(options.config.clone())?;
    let narrator = smol::spawn(words::tell_all(runtime.events(), "{}"));
    let door = runtime.listen(&options.listen).await;
    let mut door = door.context("cannot listen")?;
    let address = door.local_addr().context("TCP has addresses")?;
    print(format_args!("listening on {address}"));

    let (open, closing) = async_channel::bounded(1);
    let mut peers = FuturesUnordered::new();
    loop {
        select! {
            session = door.select_next_some() => {
                peers.push(smol::spawn(serve(session, options.clone(), closing.clone())));
            }
            () = peers.select_next_some() => {} // one has left
            () = interrupted => break,
        }
    }

    drop((door, open));
    while peers.next().await.is_some() {} // each says good night, both ways
    drop(runtime);
    narrator.await;
    Ok(())
}

/// Closed when the proxy goes down.
type Closing = Receiver<Infallible>;

const GOING_DOWN: &str = "the proxy is going down";

/// One peer, from its offer to its end.
async fn serve(down: Session<Connecting, Multi>, options: Options, closing: Closing) {
    // Upstream with the peer's own credentials, before it is let in.
    let me = Credentials::bytes(down.offer().credentials());
    let (up, narrator) = match log_in(&options, &me).await {
        Ok(up) => up,
        Err(why) => return down.reject(why),
    };
    let name = up.identity();
    let left = forward(down.admit(&name), up, &closing).await;
    if left.up + left.down > 0 {
        let Left { up, down } = left;
        tell(
            name,
            format_args!("not delivered: {up} messages upstream, {down} to the peer"),
        );
    }
    narrator.await; // all about the end was told
}

/// Logs in upstream. What the upstream server says against it, the peer is to hear.
async fn log_in(
    options: &Options,
    me: &Credentials,
) -> Result<(Session<LoggedIn>, Task<()>), Rejection> {
    let busy = |why: String| Rejection::busy(Duration::from_secs(1)).text(&why);
    let runtime = Runtime::<Single>::start(options.config.clone());
    let runtime = runtime.map_err(|error| busy(error.to_string()))?;
    let narrator = smol::spawn(words::tell_all(runtime.events(), "up {}"));
    let session = runtime.connect(&options.upstream).await;
    let session = session.map_err(|error| busy(format!("upstream: {error}")))?;
    match session.login(me).await {
        Ok(session) => Ok((session, narrator)),
        Err(error) => Err(match error.rejection() {
            Some(rejection) => rejection.clone(),
            None => busy(format!("upstream: {error}")),
        }),
    }
}

/// How many messages were taken on one side and not delivered on the other.
struct Left {
    up: usize,
    down: usize,
}

/// Passes messages on, over as many links as it takes, until one of the two sessions is over; then it ends the other.
async fn forward(
    mut down: Session<LoggedIn, Multi>,
    mut up: Session<LoggedIn>,
    closing: &Closing,
) -> Left {
    let mut held = Held::default();
    let left = loop {
        match exchange(&mut down, &mut up, &mut held, closing).await {
            Broken::Down(ended) => match heal(down, ended, closing).await {
                Ok(session) => down = session,
                Err(end) => {
                    let up = up.close(&end.why).await.len();
                    break Left {
                        up,
                        down: end.undelivered,
                    };
                }
            },
            Broken::Up(ended) => match heal(up, ended, closing).await {
                Ok(session) => up = session,
                Err(end) => {
                    let why = format!("upstream: {}", end.why);
                    if end.forbids_return {
                        down.peer().remove(&why);
                    }
                    let down = down.close(&why).await.len();
                    break Left {
                        up: end.undelivered,
                        down,
                    };
                }
            },
            Broken::Both(why) => {
                let (up, down) = join(up.close(&why), down.close(&why)).await;
                break Left {
                    up: up.len(),
                    down: down.len(),
                };
            }
        }
    };
    Left {
        up: left.up + usize::from(held.up.is_some()),
        down: left.down + usize::from(held.down.is_some()),
    }
}

/// What was taken on one side and is not accepted yet on the other.
#[derive(Default)]
struct Held {
    up: Option<Message<'static>>,
    down: Option<Message<'static>>,
}

/// What stops the exchange.
enum Broken {
    /// The peer's link, or its session.
    Down(Ended),
    /// The upstream server's.
    Up(Ended),
    /// Nobody's, but it cannot go on.
    Both(String),
}

/// Both directions at once, until something breaks.
async fn exchange(
    down: &mut Session<LoggedIn, Multi>,
    up: &mut Session<LoggedIn>,
    held: &mut Held,
    closing: &Closing,
) -> Broken {
    let (mut to_down, mut from_down) = down.split();
    let (mut to_up, mut from_up) = up.split();
    let upward = carry(
        &mut from_down,
        Broken::Down,
        &mut held.up,
        &mut to_up,
        Broken::Up,
    );
    let downward = carry(
        &mut from_up,
        Broken::Up,
        &mut held.down,
        &mut to_down,
        Broken::Down,
    );
    let closed = async {
        closing.recv().await.ok();
        Broken::Both(GOING_DOWN.into())
    };
    upward.race(downward).race(closed).await
}

/// One direction. Cancelling it loses nothing: what was taken is held until it was accepted.
async fn carry(
    from: &mut RecvHalf<'_>,
    from_broke: fn(Ended) -> Broken,
    held: &mut Option<Message<'static>>,
    to: &mut SendHalf<'_>,
    to_broke: fn(Ended) -> Broken,
) -> Broken {
    loop {
        let message = match held {
            Some(message) => message,
            None => match from.recv().await {
                Ok(message) => held.insert(message),
                Err(ended) => return from_broke(ended),
            },
        };
        let accepted = match message.is_volatile() {
            true => to.send_volatile(message),
            false => to.send(message).await,
        };
        match accepted {
            Ok(()) => *held = None,
            Err(SendError::Ended(Ended::Lost(lost))) => return to_broke(lost.into()),
            // The other direction says so, too, once it has passed on all that came before.
            Err(SendError::Full | SendError::Ended(Ended::Closed(_))) => pending().await,
            Err(SendError::TooLong(why)) => return Broken::Both(format!("a message: {why}")),
        }
    }
}

/// How a session ended.
struct End {
    why: String,
    /// Whoever it was must not log in again by itself: another has taken its place, or it is not wanted.
    forbids_return: bool,
    undelivered: usize,
}

/// Brings a session back where its link was lost.
async fn heal<M: Mode>(
    session: Session<LoggedIn, M>,
    ended: Ended,
    closing: &Closing,
) -> Result<Session<LoggedIn, M>, End> {
    let lost = match ended {
        Ended::Lost(lost) => lost,
        Ended::Closed(closed) => return Err(End::new(&closed, session.close("").await)),
    };
    let mut resume = session.reconnect(lost).resume();
    select! {
        back = resume => back.map_err(|mut gone| {
            let undelivered = gone.take_undelivered();
            End::new(gone.closed(), undelivered)
        }),
        _ = closing.recv().fuse() => Err(End {
            why: GOING_DOWN.into(),
            forbids_return: false,
            undelivered: resume.into_session().close(GOING_DOWN).await.len(),
        }),
    }
}

impl End {
    fn new(closed: &Closed, undelivered: Vec<Undelivered>) -> Self {
        Self {
            why: closed
                .text()
                .map_or_else(|| words::why(closed), str::to_owned),
            forbids_return: matches!(closed.reason(), Reason::TakenOver | Reason::Removed),
            undelivered: undelivered.len(),
        }
    }
}
