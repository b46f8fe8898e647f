//! A game server with a beat of its own: 60 times a second it takes what came in, moves the world on, tells everybody, and
//! never waits for a peer.
//!
//! What a client says and hears:
//!
//! | message | how | what |
//! |---|---|---|
//! | position | volatile, from a client | `x`, `y`: two `f32`, big endian |
//! | state | volatile, to all, every tick | the tick (`u64`), then for each player its number (`u32`), `x`, `y` |
//! | `+NUMBER NAME`, `-NUMBER` | to all, never lost | somebody came, somebody left |

#[path = "common/interrupt.rs"]
mod interrupt;
#[path = "common/start.rs"]
mod start;

use std::{
    f32::consts::TAU,
    net::SocketAddr,
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::Context;
use bytes::{BufMut, Bytes, BytesMut};
use futures::{StreamExt, select};
use lexopt::{Arg, Parser, ValueExt};
use sessile::{
    Admission, Config, Credentials, Error, Identity, Inbox, Incoming, Multi, Offer, Peer,
    Rejection, Runtime, SendError, Single, What, admit_with,
};
use smol::Timer;

const HELP: &str = "\
A game server: 60 ticks a second, positions in, the state of the world out. Prints a line a second.

Usage: tick_server --listen ADDR [OPTIONS]

  --listen ADDR      where to listen: 127.0.0.1:7000, [::]:7000, localhost:0 (0: any free port)
  --ticks N          end after so many ticks
  --bots N           so many clients of its own, running in circles (default 0)
  --heartbeat-ms MS  how often a silent side says that it lives (default 2000)
  --lease-ms MS      how long silence is tolerated before a link counts as lost (default 6000)
  -h, --help         this text

A client's credentials are its name. Ctrl-C ends it.";

const TICKS_A_SECOND: u64 = 60;
const TICK: Duration = Duration::from_nanos(1_000_000_000 / TICKS_A_SECOND);

struct Options {
    listen: String,
    ticks: u64,
    bots: usize,
    config: Config,
}

fn main() -> ExitCode {
    start::main(HELP, parse, |options| smol::block_on(run(options)))
}

fn parse(args: &mut Parser) -> Result<Option<Options>, lexopt::Error> {
    let (mut listen, mut ticks, mut bots, mut config) = (None, u64::MAX, 0, Config::new());
    while let Some(arg) = args.next()? {
        match arg {
            Arg::Long("listen") => listen = Some(args.value()?.string()?),
            Arg::Long("ticks") => ticks = args.value()?.parse()?,
            Arg::Long("bots") => bots = args.value()?.parse()?,
            Arg::Long("heartbeat-ms") => config = config.heartbeat_interval(start::millis(args)?),
            Arg::Long("lease-ms") => config = config.lease(start::millis(args)?),
            Arg::Short('h') | Arg::Long("help") => return Ok(None),
            _ => return Err(arg.unexpected()),
        }
    }
    Ok(Some(Options {
        listen: listen.ok_or("missing option '--listen'")?,
        ticks,
        bots,
        config,
    }))
}

async fn run(options: Options) -> anyhow::Result<()> {
    let mut interrupted = interrupt::interrupted()?;
    let runtime = Runtime::<Multi>::start(options.config)?;
    let inbox = runtime.intake(&options.listen, admit_with(by_name)).await;
    let mut inbox = inbox.context("cannot listen")?;
    let address = inbox.local_addr().context("TCP has addresses")?;
    start::print(format_args!("listening on {address}"));
    let _bots: Vec<_> = (0..options.bots)
        .map(|number| smol::spawn(bot(address, number)))
        .collect();

    let mut world = World::default();
    let mut second = Second::default();
    let mut beat = Timer::interval(TICK).fuse();
    for tick in 1..=options.ticks {
        select! {
            _ = beat.next() => {}
            () = interrupted => break,
        }
        let began = now();
        runtime.set_tick(tick); // heartbeats tell it to the clients
        second.heard += world.take_in(&mut inbox);
        world.tell_state(tick);
        second.ticks.push(began.elapsed());
        if tick.is_multiple_of(TICKS_A_SECOND) || tick == options.ticks {
            std::mem::take(&mut second).print(tick, world.players.len());
        }
    }
    Ok(())
}

/// Whoever has a name may play.
async fn by_name(offer: Offer) -> Result<Admission<String>, Rejection> {
    let name = str::from_utf8(offer.credentials()).unwrap_or_default();
    if name.is_empty() || name.contains(char::is_control) {
        return Err(Rejection::bad_credentials().text("a name is needed"));
    }
    let identity = Identity::new(name).map_err(|_| Rejection::bad_credentials())?;
    Ok(Admission::new(identity, name.to_owned()))
}

#[derive(Default)]
struct World {
    players: Vec<Player>,
}

struct Player {
    peer: Peer,
    name: String,
    at: (f32, f32),
}

impl Player {
    fn number(&self) -> usize {
        self.peer.index()
    }
}

impl World {
    /// What came in since the last tick. Returns how many messages.
    fn take_in(&mut self, inbox: &mut Inbox<String>) -> usize {
        let mut messages = 0;
        for Incoming { peer, what, .. } in inbox.drain() {
            match what {
                What::Joined(name) => self.join(peer, name),
                What::Ended { .. } => self.leave(&peer),
                What::Message(message) => {
                    messages += 1;
                    self.move_to(&peer, &message);
                }
                _ => {} // a loss, a return: a player without a link stands still
            }
        }
        messages
    }

    /// The newcomer hears of everybody, itself too; everybody hears of the newcomer.
    fn join(&mut self, peer: Peer, name: String) {
        let newcomer = Player {
            peer,
            name,
            at: (0.0, 0.0),
        };
        for player in &self.players {
            say(
                &newcomer.peer,
                &format!("+{} {}", player.number(), player.name),
            );
        }
        let line = format!("+{} {}", newcomer.number(), newcomer.name);
        self.players.push(newcomer);
        self.say_to_all(&line);
    }

    fn leave(&mut self, peer: &Peer) {
        self.players.retain(|player| player.peer != *peer);
        self.say_to_all(&format!("-{}", peer.index()));
    }

    fn move_to(&mut self, peer: &Peer, message: &[u8]) {
        let player = self.players.iter_mut().find(|player| player.peer == *peer);
        if let (Some(player), [x @ .., _, _, _, _], [_, _, _, _, y @ ..]) =
            (player, message, message)
            && let (Ok(x), Ok(y)) = (x.try_into(), y.try_into())
        {
            player.at = (f32::from_be_bytes(x), f32::from_be_bytes(y));
        }
    }

    fn say_to_all(&self, line: &str) {
        for player in &self.players {
            say(&player.peer, line);
        }
    }

    /// The state of this tick. It may be lost on its way: the next one is better.
    fn tell_state(&self, tick: u64) {
        let mut state = BytesMut::with_capacity(8 + 12 * self.players.len());
        state.put_u64(tick);
        for player in &self.players {
            state.put_u32(player.number() as u32);
            state.put_f32(player.at.0);
            state.put_f32(player.at.1);
        }
        let state: Bytes = state.freeze(); // shared by all, copied for none
        for player in &self.players {
            player.peer.send_volatile(&state).ok(); // an end comes by the inbox
        }
    }
}

/// Something that must arrive. Whoever has left a thousand such lines unread is no player any more.
fn say(peer: &Peer, line: &str) {
    if matches!(peer.try_send(line), Err(SendError::Full)) {
        peer.remove("too slow");
    }
}

/// What is told once a second.
#[derive(Default)]
struct Second {
    ticks: Vec<Duration>,
    heard: usize,
}

impl Second {
    fn print(mut self, tick: u64, players: usize) {
        self.ticks.sort_unstable();
        let rank = (self.ticks.len() * 99).div_ceil(100);
        let p99 = self.ticks[rank.saturating_sub(1)].as_secs_f64() * 1e3;
        let heard = self.heard;
        start::print(format_args!(
            "tick {tick:>8}   players {players:>6}   messages {heard:>8}   tick time p99 {p99:>7.3} ms"
        ));
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the library's clock is its own; this measures the program"
)]
fn now() -> Instant {
    Instant::now()
}

/// A client that runs in a circle.
async fn bot(server: SocketAddr, number: usize) -> Result<(), Error> {
    let runtime = Runtime::<Single>::start(Config::new())?;
    let me = Credentials::token(&format!("bot-{number}"));
    let mut session = runtime.connect(server).await?.login(&me).await?;
    let mut beat = Timer::interval(TICK).fuse();
    let mut angle = number as f32;
    loop {
        select! {
            _ = beat.next() => {
                angle = (angle + 0.02) % TAU;
                let position = [angle.cos().to_be_bytes(), angle.sin().to_be_bytes()].concat();
                session.send_volatile(&position)?;
            }
            state = session.recv() => drop(state?),
        }
    }
}
