//! Clients that log in, talk, come back, and do whatever a program may do; and that come to an orderly end once the world is
//! well.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use fastrand::Rng;
use sessile::{
    Config, Credentials, Ended, EventKind, LoggedIn, Runtime, Session, Single, Update,
    sim::{Node, Outcome},
};

use crate::{
    ledger::{Ledger, Receiver, Sender, Word},
    patience::within,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// Holds a handle, and writes the loop itself.
    Handle,
    /// Is supervised.
    Supervised,
}

pub(crate) struct Client {
    pub(crate) node: Node,
    pub(crate) ledger: Ledger,
    /// Who it logs in as.
    pub(crate) name: String,
    pub(crate) config: Config,
    pub(crate) style: Style,
    rng: Rng,
}

/// What became of one session.
#[derive(PartialEq, Eq)]
enum Became {
    /// It was closed in order, and everything had arrived.
    Complete,
    /// It ended in some other way.
    Over,
}

const MS: Duration = Duration::from_millis(1);
const SERVER: &str = "server";

impl Client {
    pub(crate) fn new(
        node: Node,
        ledger: Ledger,
        name: String,
        config: Config,
        style: Style,
    ) -> Self {
        let rng = Rng::with_seed(node.seed());
        Self {
            node,
            ledger,
            name,
            config,
            style,
            rng,
        }
    }

    /// Session after session, until one of them is complete in a world that is well.
    pub(crate) async fn live(mut self) -> Outcome {
        loop {
            let became = match self.style {
                Style::Handle => self.by_hand().await?,
                Style::Supervised => self.supervised().await?,
            };
            if became == Became::Complete {
                return Ok(());
            }
            self.node.sleep(MS * self.rng.u32(..3_000)).await;
        }
    }

    fn credentials(&self) -> Credentials {
        Credentials::token(&self.name).answer_with(|_| b"itself".to_vec())
    }

    async fn by_hand(&mut self) -> Result<Became, Box<dyn std::error::Error + Send + Sync>> {
        let runtime: Runtime<Single> = self.node.start(self.config.clone())?;
        let Ok(session) = runtime.connect_over(self.node.dialer(SERVER)).await else {
            return Ok(Became::Over);
        };
        if !self.node.is_healed() && self.rng.u8(..20) == 0 {
            return Ok(Became::Over); // it only looked
        }
        let mut login = session.login(&self.credentials());
        for _ in 0..3 {
            // A login that is cut off, and goes on or begins anew.
            let time = MS * self.rng.u32(..9_000);
            let outcome = within(&self.node, time, &mut login).await;
            match outcome {
                Some(Ok(session)) => return Ok(self.talk(session).await),
                Some(Err(failed)) => {
                    self.node.sleep(MS * self.rng.u32(..1_500)).await;
                    login = failed.into_session().login(&self.credentials());
                }
                None if self.rng.bool() => {
                    self.node.mark("login-cut-off");
                    login = login.into_session().login(&self.credentials());
                }
                None => {}
            }
        }
        Ok(Became::Over)
    }

    async fn talk(&mut self, mut session: Session<LoggedIn>) -> Became {
        let up = self.ledger.sender(format!("from {}", self.node.name()));
        let down = self.ledger.receiver();
        let mut bye = false;
        loop {
            if self.node.is_healed() && !bye {
                bye = session.try_send(&up.next(Word::Bye, 0)).is_ok();
                if bye {
                    up.accepted();
                }
            }
            let time = MS * self.rng.u32(..3_000);
            let heard = within(&self.node, time, session.recv()).await;
            session = match heard {
                None => match self.act(session, &up).await {
                    Some(session) => session,
                    None => return Became::Over,
                },
                Some(Ok(message)) => {
                    if down.delivered(&message) == Word::Bye {
                        up.all_arrived();
                        let left = session.close("done").await;
                        up.account(&left);
                        if !left.is_empty() {
                            up.incomplete(left.len());
                        }
                        return Became::Complete;
                    }
                    session
                }
                Some(Err(Ended::Closed(_))) => {
                    up.account(&session.close("").await);
                    return Became::Over;
                }
                Some(Err(Ended::Lost(lost))) => {
                    let mut resume = session.reconnect(lost).resume();
                    if !self.node.is_healed() && self.rng.u8(..20) == 0 {
                        up.account(&resume.into_session().give_up().take_undelivered());
                        return Became::Over;
                    }
                    // A resume that is cut off goes on.
                    let time = MS * self.rng.u32(..20_000);
                    let early = within(&self.node, time, &mut resume).await;
                    let outcome = match early {
                        Some(outcome) => outcome,
                        None => resume.into_session().resume().await,
                    };
                    match outcome {
                        Ok(session) => session,
                        Err(mut gone) => {
                            up.account(&gone.take_undelivered());
                            return Became::Over;
                        }
                    }
                }
            };
        }
    }

    /// Something that a program may do.
    async fn act(
        &mut self,
        mut session: Session<LoggedIn>,
        up: &Sender,
    ) -> Option<Session<LoggedIn>> {
        if self.node.is_healed() {
            return Some(session);
        }
        match self.rng.u8(..60) {
            0 => {
                up.account(&session.close("going").await);
                return None;
            }
            1 => return None,                                        // dropped
            2 => self.node.sleep(MS * self.rng.u32(..30_000)).await, // reads nothing
            3 => session.peer().retry_now(),
            4..8 => drop(session.send_volatile(&[Word::Volatile as u8; 30])),
            _ => {
                for _ in 0..self.rng.u32(1..8) {
                    let message = up.next(Word::Number, self.rng.usize(..300));
                    let sent = match self.rng.bool() {
                        true => session.try_send(&message).is_ok(),
                        // A send that waits for room, and is cut off: it was not sent.
                        false => {
                            let time = MS * self.rng.u32(..50);
                            within(&self.node, time, session.send(&message))
                                .await
                                .is_some_and(|sent| sent.is_ok())
                        }
                    };
                    if sent {
                        up.accepted();
                    }
                }
            }
        }
        Some(session)
    }

    async fn supervised(&mut self) -> Result<Became, Box<dyn std::error::Error + Send + Sync>> {
        let runtime: Runtime<Single> = self.node.start(self.config.clone())?;
        let mut client = runtime.supervise_over(self.node.dialer(SERVER), self.credentials());
        // By session: a message that is accepted belongs to the session that the client has then.
        let mut streams: BTreeMap<u64, (Sender, Receiver)> = BTreeMap::new();
        let mut reading = client.peer().id();
        let mut said_bye = BTreeSet::new();
        loop {
            let writing = client.peer().id();
            let (ledger, name) = (self.ledger.clone(), self.node.name().to_owned());
            let mut stream = |id| {
                streams
                    .entry(id)
                    .or_insert_with(|| {
                        (
                            ledger.sender(format!("from {name}, supervised")),
                            ledger.receiver(),
                        )
                    })
                    .clone()
            };
            let (up, _) = stream(writing);
            let healed = self.node.is_healed();
            if healed && !said_bye.contains(&writing) {
                if client.try_send(&up.next(Word::Bye, 0)).is_ok() {
                    up.accepted();
                    said_bye.insert(writing);
                }
            } else if !healed
                && self.rng.bool()
                && client.try_send(&up.next(Word::Number, 50)).is_ok()
            {
                up.accepted();
            }
            let time = MS * self.rng.u32(..3_000);
            let update = within(&self.node, time, client.next()).await;
            let Some(update) = update else {
                if !healed && self.rng.u8(..100) == 0 {
                    client.close("going").await;
                    return Ok(Became::Over);
                }
                continue;
            };
            match update {
                None | Some(Update::Ended(_)) => return Ok(Became::Over),
                Some(Update::Event(event)) => {
                    if matches!(event.kind(), EventKind::LoggedIn) {
                        reading = event.session();
                    }
                }
                Some(Update::Undelivered(left)) => stream(reading).0.account(&left),
                Some(Update::Message(message)) => {
                    let (up, down) = stream(reading);
                    if down.delivered(&message) == Word::Bye {
                        up.all_arrived();
                        let left = client.close("done").await;
                        up.account(&left);
                        return Ok(Became::Complete);
                    }
                }
                Some(_) => {}
            }
        }
    }
}
