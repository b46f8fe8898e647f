//! What a client says, and its books: a line before each message is tried, one when it was accepted, one when it came back.

use std::{future::pending, sync::Arc, time::Duration};

use sessile::{
    Client, Closed, Ended, Identity, LoggedIn, Message, Peer, RecvHalf, SendError, SendHalf,
    Session, Single, Undelivered,
};
use smol::{Timer, future::FutureExt};

use crate::log::{Log, name};

/// One message of so many is a long one: reads and writes that have not all of a frame.
const LONG: u64 = 16;

/// After so many messages the count of those that were acknowledged is written down.
const ACKED: u64 = 32;

/// After so many messages it thinks.
const THINK: u64 = 16;

pub(crate) struct Books {
    log: Arc<Log>,
    /// Unlike that of any other process.
    life: String,
    pace: Pace,
    sessions: u64,
}

/// How fast it sends.
#[derive(Clone, Copy)]
pub(crate) struct Pace {
    pub(crate) burst: u32,
    pub(crate) every: Duration,
    /// For how long it reads nothing after some messages: others lie in the mailbox meanwhile.
    pub(crate) think: Duration,
}

/// One session's page of the books.
pub(crate) struct Page {
    words: Words,
    /// How many messages were accepted, and the number of the next one.
    accepted: u64,
    got: u64,
}

/// What is said in a session.
struct Words {
    log: Arc<Log>,
    /// Life and session: what the names of its messages begin with.
    speaker: String,
    session: u64,
    pace: Pace,
}

impl Books {
    pub(crate) fn new(who: &str, log: Log, pace: Pace) -> Self {
        let life = format!("{who}-{}", std::process::id());
        log.line(format_args!("began {life}"));
        Self {
            log: Arc::new(log),
            life,
            pace,
            sessions: 0,
        }
    }

    pub(crate) const fn log(&self) -> &Arc<Log> {
        &self.log
    }

    pub(crate) const fn pace(&self) -> Pace {
        self.pace
    }

    /// Sessions are counted, and each has a page.
    pub(crate) fn open(&mut self, who: &Identity, epoch: u64) -> Page {
        self.sessions += 1;
        let number = self.sessions;
        self.log.line(format_args!("login {number} {epoch} {who}"));
        let words = Words {
            log: Arc::clone(&self.log),
            speaker: format!("{}/{number}", self.life),
            session: number,
            pace: self.pace,
        };
        Page {
            words,
            accepted: 0,
            got: 0,
        }
    }
}

impl Page {
    /// Says and hears, until the link is lost or the session over.
    pub(crate) async fn talk(&mut self, session: &mut Session<LoggedIn>) -> Result<(), Ended> {
        let Self {
            words,
            accepted,
            got,
        } = self;
        let peer = session.peer();
        let (mut sender, mut receiver) = session.split();
        let say = words.say(&mut sender, accepted);
        let hear = words.hear(&mut receiver, got, u64::MAX, &peer);
        hear.or(say).await // what came before a loss is heard before it
    }

    /// Says no more, and hears what is missing.
    pub(crate) async fn hear_the_rest(
        &mut self,
        session: &mut Session<LoggedIn>,
    ) -> Result<(), Ended> {
        let peer = session.peer();
        let (_, mut receiver) = session.split();
        let (words, all) = (&self.words, self.accepted);
        words.hear(&mut receiver, &mut self.got, all, &peer).await
    }

    /// As many messages as a burst has, or as are accepted now.
    pub(crate) fn say_by(&mut self, client: &mut Client) {
        for _ in 0..self.words.pace.burst {
            let message = self.words.try_message(self.accepted);
            if !self.words.is_accepted(&message, client.try_send(&message)) {
                return;
            }
            self.accepted += 1;
        }
    }

    pub(crate) fn heard(&mut self, message: &Message<'_>, peer: &Peer<Single>) {
        self.words.heard(message, &mut self.got, peer);
    }

    pub(crate) const fn is_answered(&self) -> bool {
        self.got == self.accepted
    }

    pub(crate) fn resumed(&self, epoch: u64) {
        let Words { log, session, .. } = &self.words;
        log.line(format_args!("resumed {session} {epoch}"));
    }

    /// The session's end: what was not delivered, and why it ended.
    pub(crate) fn end(self, undelivered: &[Undelivered], why: &Closed) {
        let Words { log, session, .. } = &self.words;
        log.undelivered(*session, undelivered);
        log.ended(*session, why);
    }
}

impl Words {
    /// At its pace, for ever. Dropped while a message waits for room, it has not sent that one: it is tried again.
    async fn say(&self, sender: &mut SendHalf<'_>, accepted: &mut u64) -> Result<(), Ended> {
        loop {
            for _ in 0..self.pace.burst {
                let message = self.try_message(*accepted);
                if !self.is_accepted(&message, sender.send(&message).await) {
                    return pending().await; // whoever hears says why
                }
                *accepted += 1;
            }
            Timer::after(self.pace.every).await;
        }
    }

    /// Until so many came back.
    async fn hear(
        &self,
        receiver: &mut RecvHalf<'_>,
        got: &mut u64,
        enough: u64,
        peer: &Peer<Single>,
    ) -> Result<(), Ended> {
        while *got < enough {
            self.heard(&receiver.recv().await?, got, peer);
            if got.is_multiple_of(THINK) && !self.pace.think.is_zero() {
                Timer::after(self.pace.think).await;
            }
        }
        Ok(())
    }

    /// The next message, once it is written down that it will be tried.
    fn try_message(&self, number: u64) -> Vec<u8> {
        let message = self.message(number);
        self.log.line(format_args!("try {}", name(&message)));
        message
    }

    /// Writes down what became of that.
    fn is_accepted(&self, message: &[u8], sent: Result<(), SendError>) -> bool {
        let name = name(message);
        match &sent {
            Ok(()) => self.log.line(format_args!("accepted {name}")),
            Err(why) => self.log.line(format_args!("refused {name} {why}")),
        }
        sent.is_ok()
    }

    fn heard(&self, message: &Message<'_>, got: &mut u64, peer: &Peer<Single>) {
        let (name, whole) = (name(message), self.is_whole(message));
        let what = if whole { "got" } else { "damaged" };
        self.log.line(format_args!("{what} {name}"));
        *got += 1;
        if got.is_multiple_of(ACKED)
            && let Some(now) = peer.snapshot()
        {
            let Self { log, session, .. } = self;
            log.line(format_args!("acked {session} {}", now.acked));
        }
    }

    /// A name, and letters that only this message has in this number.
    fn message(&self, number: u64) -> Vec<u8> {
        let letters = match number % LONG {
            0 => 4_000,
            some => 2 * some as usize,
        };
        let mut message = format!("{}/{number} ", self.speaker).into_bytes();
        let letter = b'a' + (number % 26) as u8;
        message.resize(message.len() + letters, letter);
        message
    }

    /// Whether a message of this session, which came back, is byte for byte what was sent.
    fn is_whole(&self, message: &Message<'_>) -> bool {
        let number = str::from_utf8(message).ok().and_then(|text| {
            let (name, _) = text.split_once(' ')?;
            name.rsplit('/').next()?.parse().ok()
        });
        number.is_some_and(|number| **message == self.message(number)[..])
    }
}
