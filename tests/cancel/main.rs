//! Cancelling a wait loses nothing, wherever it is cancelled.
//!
//! Each test polls a future `n` times, with the smallest thing that can happen in between, then cancels it by its
//! documented way and goes on: for every `n` from 0 until the future completes before it would be cancelled. Links are
//! slow and carry a byte at a time, so that there are many places to be cancelled at.

#[path = "../common/mod.rs"]
mod common;

mod client;
mod closing;
mod entering;
mod messages;
mod resuming;
mod server;
mod streams;
mod sweeps;

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use common::{On, World};
use sessile::{
    Config, Connecting, Door, Ended, Identity, LoggedIn, Mode, Multi, Session, Single,
    transport::memory::Direction,
};
use smol::Executor;

pub(crate) const LIMIT: Duration = Duration::from_secs(60);

const DELAY: Duration = Duration::from_millis(3);

/// A network whose dials and bytes take their time.
pub(crate) fn slow_world() -> World {
    let world = World::new();
    world.network.set_delay(DELAY);
    world
}

/// A client and its peer, logged in, on a network that is slow from here on.
pub(crate) fn slow_pair(
    world: &World,
    config: &Config,
    door: &mut Door,
) -> (Session<LoggedIn>, Session<LoggedIn, Multi>) {
    world.network.set_delay(Duration::ZERO);
    let pair = world.pair(config.clone(), door, "alice");
    world.settle();
    world.network.set_delay(DELAY);
    pair
}

/// Polls a future so many times, and lets one thing happen after each. Its output, if it is done by then.
pub(crate) fn poll_times<F>(world: &World, future: &mut F, times: usize) -> Option<F::Output>
where
    F: Future + Unpin,
{
    // Nobody is woken: a future that is not polled again must not need it.
    let mut cx = Context::from_waker(Waker::noop());
    for _ in 0..times {
        if let Poll::Ready(output) = Pin::new(&mut *future).poll(&mut cx) {
            return Some(output);
        }
        trickle(world);
        world.step();
    }
    None
}

/// Every link carries one byte at a time.
pub(crate) fn trickle(world: &World) {
    for link in world.network.links() {
        link.chunk(1);
    }
}

/// A server that lets everybody in by the name presented and sends every message back.
pub(crate) fn echo_server(world: &World, config: Config) -> sessile::Sessions {
    let (server, mut door) = world.server(config);
    let (sessions, executor) = (server.sessions(), Arc::clone(world.executor(On::Server)));
    let serve = async move {
        while let Some(peer) = door.next().await {
            admit_and_echo(&executor, peer);
        }
    };
    world.spawn(serve).detach();
    sessions
}

fn admit_and_echo(executor: &Arc<Executor<'static>>, peer: Session<Connecting, Multi>) {
    let name = Identity::new(peer.offer().credentials()).expect("a short name");
    let mut session = peer.admit(name);
    let echo = async move {
        loop {
            let ended = match session.recv().await {
                Ok(message) => match session.send(&message).await {
                    Ok(()) => continue,
                    // What was not accepted is still ours, and goes out first on the next link.
                    Err(_) => match come_back(session).await {
                        Some(back) => {
                            session = back;
                            session.send(&message).await.ok();
                            continue;
                        }
                        None => return,
                    },
                },
                Err(ended) => ended,
            };
            match ended {
                Ended::Lost(lost) => match session.reconnect(lost).resume().await {
                    Ok(back) => session = back,
                    Err(_) => return,
                },
                Ended::Closed(_) => return,
            }
        }
    };
    executor.spawn(echo).detach();
}

/// Resumes a session whose loss something else told. `None` where it is over.
pub(crate) async fn come_back<M: Mode>(
    session: Session<LoggedIn, M>,
) -> Option<Session<LoggedIn, M>> {
    match session.check() {
        Ok(()) => Some(session),
        Err(Ended::Lost(lost)) => session.reconnect(lost).resume().await.ok(),
        Err(Ended::Closed(_)) => None,
    }
}

/// What a message with this number says.
pub(crate) fn numbered(number: u64) -> [u8; 8] {
    number.to_be_bytes()
}

pub(crate) fn number(message: &[u8]) -> u64 {
    u64::from_be_bytes(message.try_into().expect("eight bytes"))
}

/// Sends messages `from..to` to an echo server and reads every one of them back, in order and once.
pub(crate) fn converse(
    world: &World,
    session: Session<LoggedIn>,
    from: u64,
    to: u64,
) -> Session<LoggedIn> {
    world.run_within(LIMIT, async move {
        let mut session = session;
        for number in from..to {
            while session.send(&numbered(number)).await.is_err() {
                session = come_back(session).await.expect("it comes back");
            }
        }
        expect(session, from, to).await
    })
}

/// Reads messages `from..to`, in order and once, over as many links as it takes.
pub(crate) async fn expect<M: Mode>(
    mut session: Session<LoggedIn, M>,
    from: u64,
    to: u64,
) -> Session<LoggedIn, M> {
    for expected in from..to {
        loop {
            session = match session.recv().await {
                Ok(message) => {
                    assert_eq!(number(&message), expected, "lost, doubled or out of order");
                    break;
                }
                Err(Ended::Lost(lost)) => {
                    session.reconnect(lost).resume().await.expect("it resumes")
                }
                Err(Ended::Closed(closed)) => panic!("{closed} before message {expected}"),
            };
        }
    }
    assert!(
        matches!(session.try_recv(), Ok(None) | Err(Ended::Lost(_))),
        "one too many"
    );
    session
}

/// A client and its peer that lost their link: both know it.
pub(crate) fn lost_pair(
    world: &World,
    config: &Config,
    door: &mut Door,
) -> (
    Session<sessile::Reconnecting, Single>,
    Session<sessile::Reconnecting, Multi>,
) {
    let (mut mine, mut theirs) = slow_pair(world, config, door);
    for number in 0..3 {
        mine.try_send(&numbered(number)).expect("room");
        theirs.try_send(&numbered(number)).expect("room");
    }
    // Some of it arrives, and something is on its way when the link breaks.
    let link = world.network.links().pop().expect("a link");
    link.cut_after(30, Direction::ToAcceptor);
    world.pass(Duration::from_millis(10));
    link.cut();
    world.settle();
    (reconnecting(mine), reconnecting(theirs))
}

fn reconnecting<M: Mode>(session: Session<LoggedIn, M>) -> Session<sessile::Reconnecting, M> {
    match session.check() {
        Err(Ended::Lost(lost)) => session.reconnect(lost),
        other => panic!("the link was cut: {other:?}"),
    }
}
