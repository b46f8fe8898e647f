//! A chat server, one task for each peer: what one says, all others hear.
//!
//! It is the shortest way to write a server: a [`Door`](sessile::Door) where peers come in, and for each of them an `async fn`
//! that reads top to bottom. `client.rs` is its other half.

#[path = "common/interrupt.rs"]
mod interrupt;
#[path = "common/start.rs"]
mod start;
#[path = "common/words.rs"]
mod words;

use std::{
    convert::Infallible,
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use anyhow::Context;
use async_channel::Receiver;
use futures::{FutureExt, StreamExt, select, stream::FuturesUnordered};
use lexopt::{Arg, Parser, ValueExt};
use sessile::{
    Config, Connecting, Ended, Identity, Message, Multi, Offer, Rejection, Runtime, SendError,
    Session, Sessions, Undelivered,
};

use interrupt::interrupted;
use start::print;
use words::tell;

const HELP: &str = "\
A chat server: what one client says, all others hear. Prints what happens to every session.

Usage: server --listen ADDR [OPTIONS]

  --listen ADDR      where to listen: 127.0.0.1:7000, [::]:7000, localhost:0 (0: any free port)
  --token T          what clients must know; without it everybody is let in
  --heartbeat-ms MS  how often a silent side says that it lives (default 2000)
  --lease-ms MS      how long silence is tolerated before a link counts as lost (default 6000)
  -h, --help         this text

Ctrl-C says good night to everybody and ends. The other half: client --connect ADDR --token T";

struct Options {
    listen: String,
    token: Option<String>,
    config: Config,
}

fn main() -> ExitCode {
    start::main(HELP, parse, |options| smol::block_on(run(options)))
}

fn parse(args: &mut Parser) -> Result<Option<Options>, lexopt::Error> {
    let (mut listen, mut token, mut config) = (None, None, Config::new());
    while let Some(arg) = args.next()? {
        match arg {
            Arg::Long("listen") => listen = Some(args.value()?.string()?),
            Arg::Long("token") => token = Some(args.value()?.string()?),
            Arg::Long("heartbeat-ms") => config = config.heartbeat_interval(start::millis(args)?),
            Arg::Long("lease-ms") => config = config.lease(start::millis(args)?),
            Arg::Short('h') | Arg::Long("help") => return Ok(None),
            _ => return Err(arg.unexpected()),
        }
    }
    Ok(Some(Options {
        listen: listen.ok_or("missing option '--listen'")?,
        token,
        config,
    }))
}

/// What the tasks of all peers have in common.
struct Room {
    everybody: Sessions,
    token: Option<String>,
    guests: AtomicU64,
    /// Closed when the server goes down.
    closing: Receiver<Infallible>,
}

async fn run(options: Options) -> anyhow::Result<()> {
    let mut interrupted = interrupted()?;
    let runtime = Runtime::<Multi>::start(options.config)?;
    let narrator = smol::spawn(words::tell_all(runtime.events(), "{}"));
    let door = runtime.listen(&options.listen).await;
    let mut door = door.context("cannot listen")?;
    let address = door.local_addr().context("TCP has addresses")?;
    print(format_args!("listening on {address}"));
    for warning in runtime.warnings() {
        eprintln!("warning: {warning}");
    }

    let (open, closing) = async_channel::bounded(1);
    let room = Arc::new(Room {
        everybody: runtime.sessions(),
        token: options.token,
        guests: AtomicU64::new(0),
        closing,
    });
    let mut peers = FuturesUnordered::new();
    loop {
        select! {
            session = door.select_next_some() => peers.push(smol::spawn(receive(session, Arc::clone(&room)))),
            () = peers.select_next_some() => {} // one has left
            () = interrupted => break,
        }
    }

    drop((door, open));
    while peers.next().await.is_some() {} // each says good night
    drop(runtime);
    narrator.await;
    Ok(())
}

/// One peer, from its offer to its end.
async fn receive(session: Session<Connecting, Multi>, room: Arc<Room>) {
    let name = match room.judge(session.offer()) {
        Ok(name) => name,
        Err(why) => return session.reject(why),
    };
    let mut session = session.admit(&name);
    let undelivered = loop {
        session = select! {
            heard = session.recv() => match heard {
                Ok(message) => {
                    room.pass_on(&name, &message);
                    session
                }
                Err(Ended::Lost(lost)) => {
                    let mut resume = session.reconnect(lost).resume();
                    select! {
                        back = resume => match back {
                            Ok(session) => session, // nothing is lost, nothing comes twice
                            Err(mut gone) => break gone.take_undelivered(),
                        },
                        _ = room.closing.recv().fuse() => break resume.into_session().close(GOOD_NIGHT).await,
                    }
                }
                Err(Ended::Closed(_)) => break session.close("").await, // over already: what is left of it
            },
            _ = room.closing.recv().fuse() => break session.close(GOOD_NIGHT).await,
        };
    };
    report(&name, &undelivered);
}

const GOOD_NIGHT: &str = "the server is going down";

impl Room {
    /// Who is it, and may it come in? Credentials are `NAME:TOKEN`; who has no name is a guest.
    ///
    /// A server of yours would look the name up, and compare a hash of the secret, in constant time.
    fn judge(&self, offer: &Offer) -> Result<Identity, Rejection> {
        let refuse = |why| Rejection::bad_credentials().text(why);
        let offered = str::from_utf8(offer.credentials()).map_err(|_| refuse("no text"))?;
        let (name, token) = offered.split_once(':').unwrap_or((offered, ""));
        if self.token.as_ref().is_some_and(|known| known != token) {
            return Err(refuse("wrong token"));
        }
        let name = match name {
            "" => format!("guest-{}", self.guests.fetch_add(1, Relaxed) + 1),
            name => name.to_owned(),
        };
        if name.len() > 20 || name.contains(char::is_control) {
            return Err(refuse("a name has at most 20 letters"));
        }
        Identity::new(&name).map_err(|_| refuse("a name has at most 20 letters"))
    }

    /// To everybody but who said it. Those who are away hear it when they are back.
    fn pass_on(&self, name: &Identity, message: &Message<'_>) {
        let line = format!("{name}: {}", String::from_utf8_lossy(message));
        for peer in self.everybody.iter() {
            if peer.identity().as_ref() == Some(name) {
                continue;
            }
            match peer.try_send(&line) {
                Ok(()) | Err(SendError::Ended(_)) => {}
                Err(SendError::Full) => peer.remove("too slow: too many lines wait"),
                Err(SendError::TooLong(why)) => tell(name, format_args!("not passed on: {why}")),
            }
        }
    }
}

fn report(name: &Identity, undelivered: &[Undelivered]) {
    if !undelivered.is_empty() {
        tell(
            name,
            format_args!("did not take {} lines", undelivered.len()),
        );
    }
}
