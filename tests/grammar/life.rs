//! Random lives: programs for both ends, and who watches them.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use fastrand::Rng;
use futures::{StreamExt, future::BoxFuture, stream::FuturesUnordered};
use sessile::{
    Credentials, Door, Ended, Event, Events, Identity, LoggedIn, Multi, Notice, Rejection, Runtime,
    Session, Single, transport::memory::MemoryDialer,
};
use smol::future::FutureExt;

use sessile::sim::grammar::{Fact, Grammar, Side, lagged};

/// What the test asks of a client.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Order {
    Send,
    GoOn,
    Close,
}

/// One runtime, watched: everything that it told, and what others heard of it.
pub(crate) struct Watched {
    side: Side,
    limit: usize,
    feed: Events,
    pub(crate) truth: Vec<Event>,
    /// Reads when the test feels like it: its stream, and how much of the truth it has read.
    slow: Option<(Events, usize)>,
    sessions: Vec<Own>,
}

/// A stream of one session, from the `skip`th event of it on.
struct Own {
    id: u64,
    skip: usize,
    feed: Events,
    heard: Vec<Event>,
}

pub(crate) type Book = Arc<Mutex<Watched>>;

pub(crate) fn watch(side: Side, limit: usize, subscribe: impl Fn() -> Events) -> Book {
    Arc::new(Mutex::new(Watched {
        side,
        limit,
        feed: subscribe(),
        truth: Vec::new(),
        slow: Some((subscribe(), 0)),
        sessions: Vec::new(),
    }))
}

fn own(book: &Book, id: u64, skip: usize, feed: Events) {
    let mut watched = book.lock().unwrap();
    if watched.sessions.iter().all(|own| own.id != id) {
        let heard = Vec::new();
        watched.sessions.push(Own {
            id,
            skip,
            feed,
            heard,
        });
    }
}

impl Watched {
    /// Takes what was told by now, in time.
    pub(crate) fn read(&mut self) -> Result<(), String> {
        take(&mut self.feed, &mut self.truth)?;
        for own in &mut self.sessions {
            take(&mut own.feed, &mut own.heard)?;
        }
        Ok(())
    }

    /// The slow one reads, too: what it hears is exact. Returns how much it missed.
    pub(crate) fn read_slowly(&mut self) -> Result<u64, String> {
        self.read()?;
        let Some((feed, from)) = &mut self.slow else {
            return Ok(0);
        };
        let (missed, rest) = lagged(self.truth.len(), *from, self.limit);
        let mut expected: Vec<Notice> = Vec::new();
        expected.extend((missed > 0).then_some(Notice::Lagged(missed)));
        expected.extend(self.truth[rest..].iter().cloned().map(Notice::Event));
        let heard: Vec<Notice> = std::iter::from_fn(|| feed.try_next()).collect();
        if heard != expected {
            return Err(format!("slowly heard {heard:?}\n  instead of {expected:?}"));
        }
        *from = self.truth.len();
        Ok(missed)
    }

    /// All is over: streams have ended, every session has, and each one's own stream said the same as everybody's.
    pub(crate) fn finish(
        &mut self,
        mut is_over: impl FnMut(&mut Events) -> bool,
    ) -> Result<u64, String> {
        let missed = self.read_slowly()?;
        let mut grammar = Grammar::new(self.side);
        for event in &self.truth {
            grammar.hear(&Fact::of(event))?;
        }
        grammar.finish()?;
        if !is_over(&mut self.feed) {
            return Err("the runtime's stream goes on".into());
        }
        for own in &mut self.sessions {
            let all = self.truth.iter().filter(|event| event.session() == own.id);
            let expected: Vec<&Event> = all.skip(own.skip).collect();
            if own.heard.iter().collect::<Vec<_>>() != expected {
                return Err(format!(
                    "session {} heard {:?}\n  instead of {expected:?}",
                    own.id, own.heard
                ));
            }
            if !is_over(&mut own.feed) {
                return Err(format!("the stream of session {} goes on", own.id));
            }
        }
        Ok(missed)
    }

    /// How often each word was told.
    pub(crate) fn count(&self, words: &mut BTreeMap<(String, &'static str), u64>) {
        for event in &self.truth {
            let word = (format!("{:?}", self.side), event.kind().name());
            *words.entry(word).or_default() += 1;
        }
    }
}

fn take(feed: &mut Events, heard: &mut Vec<Event>) -> Result<(), String> {
    while let Some(notice) = feed.try_next() {
        match notice {
            Notice::Event(event) => heard.push(event),
            Notice::Lagged(missed) => return Err(format!("the test itself missed {missed}")),
        }
    }
    Ok(())
}

enum Heard {
    Message,
    End(Ended),
    Order(Option<Order>),
}

async fn next(session: &mut Session<LoggedIn>, orders: &async_channel::Receiver<Order>) -> Heard {
    let heard = async {
        match session.recv().await {
            Ok(_) => Heard::Message,
            Err(ended) => Heard::End(ended),
        }
    };
    let order = async { Heard::Order(orders.recv().await.ok()) };
    heard.or(order).await
}

/// A client that logs in, comes back, gives up, logs in anew. The test may drop it wherever it waits.
pub(crate) async fn client(
    runtime: Runtime<Single>,
    dialer: MemoryDialer,
    name: String,
    book: Book,
    orders: async_channel::Receiver<Order>,
    mut rng: Rng,
) {
    let Ok(mut connecting) = runtime.connect_over(dialer).await else {
        return;
    };
    let me = Credentials::token(&name);
    let mut skip = 1; // the link was up before anybody could ask
    for _ in 0..6 {
        own(&book, connecting.id(), skip, connecting.events());
        if rng.u8(..) < 20 {
            let _ = orders.recv().await; // dallies
        }
        let mut session = match connecting.login(&me).await {
            Ok(session) => session,
            Err(failed) => {
                let _ = orders.recv().await;
                connecting = failed.into_session();
                continue;
            }
        };
        let gone = loop {
            session = match next(&mut session, &orders).await {
                Heard::Message => session,
                Heard::Order(Some(Order::Send)) => {
                    let _ = session.try_send("hello");
                    session
                }
                Heard::Order(Some(Order::GoOn)) => session,
                Heard::Order(Some(Order::Close)) => {
                    session.close("bye").await;
                    return;
                }
                Heard::Order(None) | Heard::End(Ended::Closed(_)) => return,
                Heard::End(Ended::Lost(lost)) => {
                    let waiting = session.reconnect(lost);
                    match rng.u8(..10) {
                        0 => break waiting.give_up(),
                        1 | 2 => drop(orders.recv().await), // lets the core do it, or nobody
                        _ => {}
                    }
                    match waiting.resume().await {
                        Ok(session) => session,
                        Err(gone) => break gone,
                    }
                }
            };
        };
        let Ok(again) = gone.into_connecting() else {
            return;
        };
        (connecting, skip) = (again, 0);
    }
}

/// A server: turns some away, keeps some waiting, loses interest in some.
pub(crate) async fn server(runtime: Arc<Runtime<Multi>>, mut door: Door, book: Book, mut rng: Rng) {
    let mut peers: FuturesUnordered<BoxFuture<'static, ()>> = FuturesUnordered::new();
    loop {
        let came = async { Some(door.next().await) };
        let done = async {
            match peers.next().await {
                Some(()) => None,
                None => std::future::pending().await,
            }
        };
        let Some(came) = came.or(done).await else {
            continue;
        };
        let Some(session) = came else { break };
        own(&book, session.id(), 2, session.events());
        let name = String::from_utf8_lossy(session.offer().credentials()).into_owned();
        match rng.u8(..16) {
            0 => session.reject(Rejection::bad_credentials()),
            1 => drop(session),
            2 => peers.push(Box::pin(async move {
                std::future::pending::<()>().await;
                drop(session);
            })),
            _ => {
                let session = session.admit(Identity::new(&name).unwrap());
                peers.push(Box::pin(peer(session, rng.fork())));
            }
        }
    }
    drop(runtime);
}

async fn peer(mut session: Session<LoggedIn, Multi>, mut rng: Rng) {
    loop {
        session = match session.recv().await {
            Ok(message) => {
                let _ = session.try_send(&message);
                match rng.u8(..40) {
                    0 => return drop(session.close("enough").await),
                    1 => return,
                    _ => session,
                }
            }
            Err(Ended::Closed(_)) => return,
            Err(Ended::Lost(lost)) => match session.reconnect(lost).resume().await {
                Ok(session) => session,
                Err(_) => return,
            },
        }
    }
}
