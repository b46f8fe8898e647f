//! Links that break under load, and servers that are gone.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Weak},
    time::Duration,
};

use futures::future::{join, try_join};
use sessile::{
    Config, Credentials, Ended, Fate, LoggedIn, Mode, Multi, Reason, Runtime, SendError, Session,
    Spawn,
};
use smol::Executor;

use super::{
    admit, come_back, connect, listen, pair,
    proxy::{self, Manners},
    quick, run, talk,
};

/// Sends messages `0..count` and reads as many, both at once, over as many links as it takes.
async fn exchange<M: Mode>(
    mut session: Session<LoggedIn, M>,
    count: u64,
    len: usize,
) -> Session<LoggedIn, M> {
    let (mut sent, mut got) = (0, 0);
    loop {
        let (mut sender, mut receiver) = session.split();
        let send = async {
            while sent < count {
                sender.send(&message(sent, len)).await?;
                sent += 1;
            }
            Ok::<(), SendError>(())
        };
        let receive = async {
            while got < count {
                let received = receiver.recv().await?;
                assert!(
                    *received == message(got, len)[..],
                    "lost, doubled or damaged at {got}"
                );
                got += 1;
            }
            Ok(())
        };
        if try_join(send, receive).await.is_ok() {
            return session;
        }
        session = come_back(session).await;
    }
}

fn message(number: u64, len: usize) -> Vec<u8> {
    let mut message = vec![number as u8; len.max(8)];
    message[..8].copy_from_slice(&number.to_be_bytes());
    message
}

#[test]
fn links_cut_in_mid_traffic_lose_and_double_nothing_either_way() {
    const MESSAGES: u64 = 4_000;
    run(async {
        let (_server, mut door, at) = listen(quick()).await;
        let cutting = Manners {
            cuts: 12,
            after: 6_000,
            chunk: 1_500,
            pause: Duration::ZERO,
        };
        let at = proxy::start(at, cutting).await;
        let (mine, theirs) = pair(at, quick(), &mut door, "alice").await;
        let (mine, theirs) = join(exchange(mine, MESSAGES, 8), exchange(theirs, MESSAGES, 8)).await;
        let now = mine.snapshot().expect("it lives");
        assert!(now.resumed >= 8, "only {} resumes", now.resumed);
        assert_eq!((now.sent, now.received), (MESSAGES, MESSAGES));
        // Nothing comes after the last message but the end.
        let mut theirs = theirs;
        let (undelivered, end) = join(mine.close("done"), async {
            loop {
                match theirs.recv().await {
                    Ok(_) => panic!("one too many"),
                    Err(Ended::Lost(lost)) => {
                        theirs = theirs.reconnect(lost).resume().await.expect("back")
                    }
                    Err(Ended::Closed(closed)) => return closed,
                }
            }
        })
        .await;
        assert_eq!((undelivered.len(), end.reason()), (0, Reason::ClosedByPeer));
    });
}

#[test]
fn the_largest_messages_pass_both_ways_at_once_over_a_slow_link() {
    const LARGEST: usize = (1 << 20) - 256;
    run(async {
        let (_server, mut door, at) = listen(quick()).await;
        let slow = Manners {
            cuts: 0,
            after: 0,
            chunk: 64 * 1024,
            pause: Duration::from_millis(2),
        };
        let at = proxy::start(at, slow).await;
        let (mine, theirs) = pair(at, quick(), &mut door, "alice").await;
        let (mine, theirs) = join(exchange(mine, 4, LARGEST), exchange(theirs, 4, LARGEST)).await;
        assert_eq!((mine.epoch(), theirs.epoch()), (1, 1), "slow is not lost");
        let mut mine = mine;
        let too_long = mine.try_send(&vec![0; LARGEST + 1]);
        assert!(
            matches!(too_long, Err(SendError::TooLong(_))),
            "{too_long:?}"
        );
    });
}

#[test]
fn the_largest_messages_survive_links_that_are_cut_inside_them() {
    const LARGE: usize = 200_000;
    run(async {
        let (_server, mut door, at) = listen(quick()).await;
        let cutting = Manners {
            cuts: 6,
            after: 700_000,
            chunk: 10_000,
            pause: Duration::ZERO,
        };
        let at = proxy::start(at, cutting).await;
        let (mine, theirs) = pair(at, quick(), &mut door, "alice").await;
        let (mine, _theirs) = join(exchange(mine, 20, LARGE), exchange(theirs, 20, LARGE)).await;
        assert!(mine.snapshot().expect("it lives").resumed >= 3);
    });
}

/// A process that can be killed: its tasks stop where they are, and the system closes its sockets.
struct Process(Arc<Executor<'static>>);

/// How its runtimes see it: they do not keep it alive.
struct InProcess(Weak<Executor<'static>>);

impl Spawn for InProcess {
    fn spawn_boxed(&self, task: Pin<Box<dyn Future<Output = ()> + Send>>) {
        if let Some(executor) = self.0.upgrade() {
            executor.spawn(task).detach();
        }
    }
}

impl Process {
    fn start() -> Self {
        Self(Arc::new(Executor::new()))
    }

    fn server(&self) -> Runtime<Multi> {
        let executor = InProcess(Arc::downgrade(&self.0));
        Runtime::<Multi>::start_on(Config::new(), executor).expect("a config that starts")
    }
}

#[test]
fn a_server_that_was_killed_and_started_again_says_that_sessions_are_gone() {
    run(async {
        let process = Process::start();
        let server = process.server();
        let running = process.0.clone();
        let before = running.run(async {
            let mut door = server.listen("127.0.0.1:0").await.expect("a free port");
            let at = door.local_addr().expect("bound");
            let (mut mine, mut theirs) = pair(at, quick(), &mut door, "alice").await;
            mine.send("taken").await.expect("sent");
            theirs.recv().await.expect("a message");
            theirs.send("and answered").await.expect("sent");
            mine.recv().await.expect("an answer");
            for message in ["one", "two"] {
                mine.send(message).await.expect("sent");
            }
            // Both have arrived, and nobody took them.
            while theirs.snapshot().expect("it lives").received < 3 {
                smol::future::yield_now().await;
            }
            (at, door, mine, theirs)
        });
        let (at, door, mut mine, theirs) = before.await;
        drop((running, process)); // killed: no goodbye, sockets closed
        let Err(Ended::Lost(lost)) = mine.recv().await else {
            panic!("the server was killed")
        };
        // The same port, by a process that knows nothing.
        let again = Runtime::<Multi>::start(Config::new()).expect("a config that starts");
        let mut new_door = again.listen(at).await.expect("a restart need not wait");
        let mut gone = mine
            .reconnect(lost)
            .resume()
            .await
            .expect_err("nobody knows it");
        assert_eq!(gone.closed().reason(), Reason::Gone);
        let undelivered = gone.take_undelivered();
        let texts: Vec<&[u8]> = undelivered.iter().map(|one| &**one.message()).collect();
        assert_eq!(texts, [b"one".as_slice(), b"two"]);
        assert!(undelivered.iter().all(|one| one.fate() == Fate::Unknown));
        let session = gone.into_connecting().expect("it may log in anew");
        let me = Credentials::token("alice");
        let (mine, theirs_now) = join(session.login(&me), admit(&mut new_door)).await;
        let echo = smol::spawn(super::echo(theirs_now));
        talk(&mut mine.expect("admitted")).await;
        drop((door, theirs, server, echo));
    });
}

/// The runtime is dropped: that is no crash, and clients are told.
#[test]
fn a_server_that_stops_says_goodbye() {
    run(async {
        let (server, mut door, at) = listen(quick()).await;
        let (mut mine, theirs) = pair(at, quick(), &mut door, "alice").await;
        drop((door, theirs, server));
        let Err(Ended::Closed(closed)) = mine.recv().await else {
            panic!("it stopped")
        };
        assert_eq!(closed.reason(), Reason::ClosedByPeer);
        let again = connect_somewhere().await;
        talk(&mut { again }).await;
    });
}

async fn connect_somewhere() -> Session<LoggedIn> {
    let (_sessions, at, _witness) = super::echo_server(quick()).await;
    let login = connect(at, quick()).await.login(&Credentials::token("bob"));
    login.await.expect("admitted")
}
