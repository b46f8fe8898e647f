//! A server in each of its three faces. It answers what it is told, and meanwhile does whatever a host may do.

use std::{collections::BTreeMap, panic::resume_unwind, sync::Arc, time::Duration};

use fastrand::Rng;
use sessile::{
    Admission, Admit, Closed, Config, Connecting, Ended, Host, Identity, Incoming, LoggedIn,
    Message, Multi, Offer, Peer, Rejection, Runtime, SendError, Session, Sessions, Turn,
    Undelivered, What,
    sim::{Node, Outcome},
};

use crate::{
    ledger::{Ledger, Receiver, Sender, Word},
    patience::within,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Face {
    Door,
    Host,
    Inbox,
}

const MS: Duration = Duration::from_millis(1);

pub(crate) async fn server(node: Node, ledger: Ledger, config: Config, face: Face) -> Outcome {
    let runtime = node.start::<Multi>(config)?;
    match face {
        Face::Door => door(node, ledger, runtime).await,
        Face::Host => {
            let app = App {
                node: node.clone(),
                ledger,
            };
            let _serving = runtime.serve_over(node.listener(), app);
            let mut rng = Rng::with_seed(node.seed());
            loop {
                meddle(&node, &runtime.sessions(), &mut rng).await;
            }
        }
        Face::Inbox => inbox(node, ledger, runtime).await,
    }
}

/// What an operator does: removes somebody, tells everybody something.
async fn meddle(node: &Node, sessions: &Sessions, rng: &mut Rng) {
    node.sleep(MS * rng.u32(..20_000)).await;
    if node.is_healed() {
        return;
    }
    match rng.u8(..4) {
        0 => {
            let peers: Vec<Peer> = sessions.iter().collect();
            if let Some(peer) = rng.choice(&peers) {
                peer.remove("out of order");
            }
        }
        1 => {
            for peer in sessions.iter() {
                let _ = peer.send_volatile(&[Word::Volatile as u8; 20]);
            }
        }
        2 => {
            let peers: Vec<Peer> = sessions.iter().collect();
            if let Some(identity) = rng.choice(&peers).and_then(Peer::identity) {
                let _ = sessions.ban(identity, MS * rng.u32(..5_000), &Rejection::banned());
                node.mark("banned");
            }
        }
        _ => {}
    }
}

/// Who it says it is. What it wants is asked back now and then.
async fn judge(offer: &Offer, node: &Node, rng: &mut Rng) -> Result<Identity, Rejection> {
    let name = String::from_utf8_lossy(offer.credentials()).into_owned();
    let calm = node.is_healed();
    match rng.u8(..24) {
        0 if !calm => return Err(Rejection::bad_credentials()),
        1 if !calm => return Err(Rejection::busy(MS * 700)),
        2 if !calm => return Err(Rejection::full()),
        3..6 => {
            node.mark("asked-back");
            let answer = offer.challenge(b"name?").await;
            if answer.map_or(true, |answer| answer.as_ref() != b"itself") {
                return Err(Rejection::bad_credentials());
            }
        }
        6 => node.sleep(MS * rng.u32(..4_000)).await,
        _ => {}
    }
    Identity::new(&name).map_err(|_| Rejection::bad_credentials())
}

async fn door(node: Node, ledger: Ledger, runtime: Runtime<Multi>) -> Outcome {
    let mut door = runtime.listen_over(node.listener());
    let mut rng = Rng::with_seed(node.seed());
    let (own, sessions) = (node.clone(), runtime.sessions());
    let mut operator = rng.fork();
    node.spawn(async move {
        // Ends with its process: it holds nothing that a runtime would wait for.
        while !own.is_healed() {
            meddle(&own, &sessions, &mut operator).await;
        }
    });
    while let Some(session) = door.next().await {
        let peer = Server {
            node: node.clone(),
            ledger: ledger.clone(),
            rng: rng.fork(),
        };
        node.spawn(peer.greet(session));
    }
    Ok(())
}

/// One task a peer.
struct Server {
    node: Node,
    ledger: Ledger,
    rng: Rng,
}

impl Server {
    async fn greet(mut self, session: Session<Connecting, Multi>) {
        let who = match judge(session.offer(), &self.node, &mut self.rng).await {
            Ok(who) => who,
            Err(why) => return session.reject(why),
        };
        let session = match self.rng.u8(..8) {
            0 if !self.node.is_healed() => return drop(session),
            1..4 => match session.try_admit(who).await {
                Ok(session) => session,
                Err(error) if error.holder().is_some() && self.rng.bool() => error.take_over(),
                Err(error) => return error.reject(),
            },
            _ => session.admit(who),
        };
        self.live(session).await;
    }

    async fn live(mut self, mut session: Session<LoggedIn, Multi>) {
        let down = self.ledger.sender(format!("to {}", session.identity()));
        let up = self.ledger.receiver();
        let mut bye = None;
        loop {
            if bye == Some(Word::Bye) && say(&mut session, &down, Word::Bye, 0).is_ok() {
                bye = Some(Word::Number); // said
            }
            let heard = self.hear(&mut session).await;
            session = match heard {
                None => match self.act(session, &down, bye.is_some()).await {
                    Some(session) => session,
                    None => return,
                },
                Some(Ok(message)) => {
                    match up.delivered(&message) {
                        Word::Bye => bye = Some(Word::Bye),
                        Word::Number if bye.is_none() => {
                            drop(say(&mut session, &down, Word::Number, 0))
                        }
                        _ => {}
                    }
                    session
                }
                Some(Err(Ended::Closed(_))) => {
                    return down.account(&session.close("").await);
                }
                Some(Err(Ended::Lost(lost))) => match session.reconnect(lost).resume().await {
                    Ok(session) => session,
                    Err(mut gone) => return down.account(&gone.take_undelivered()),
                },
            };
        }
    }

    /// `None` where nothing came for a while: a wait that is cut off loses nothing.
    async fn hear(
        &mut self,
        session: &mut Session<LoggedIn, Multi>,
    ) -> Option<Result<Message<'static>, Ended>> {
        let time = MS * self.rng.u32(..6_000);
        within(&self.node, time, session.recv()).await
    }

    /// Something that a host may do.
    async fn act(
        &mut self,
        mut session: Session<LoggedIn, Multi>,
        down: &Sender,
        bye: bool,
    ) -> Option<Session<LoggedIn, Multi>> {
        if self.node.is_healed() {
            return Some(session);
        }
        match self.rng.u8(..60) {
            0 => {
                down.account(&session.close("enough").await);
                return None;
            }
            1 => return None,                                        // dropped
            2 => self.node.sleep(MS * self.rng.u32(..20_000)).await, // reads nothing
            3..20 if !bye => {
                for _ in 0..self.rng.u32(1..6) {
                    let padding = self.rng.usize(..300);
                    let _ = say(&mut session, down, Word::Number, padding);
                }
            }
            20..24 => drop(session.send_volatile(&[Word::Volatile as u8; 40])),
            _ => {}
        }
        Some(session)
    }
}

fn say(
    session: &mut Session<LoggedIn, Multi>,
    down: &Sender,
    word: Word,
    padding: usize,
) -> Result<(), SendError> {
    session.try_send(&down.next(word, padding))?;
    down.accepted();
    Ok(())
}

/// One host for all peers.
pub(crate) struct App {
    pub(crate) node: Node,
    pub(crate) ledger: Ledger,
}

/// What is kept of one peer.
pub(crate) struct State {
    up: Receiver,
    down: Sender,
    rng: Rng,
}

impl App {
    fn state(&self, who: &Identity) -> State {
        State {
            up: self.ledger.receiver(),
            down: self.ledger.sender(format!("to {who}")),
            rng: Rng::with_seed(self.node.seed()),
        }
    }
}

impl Admit for App {
    type Peer = State;

    async fn admit(&self, offer: &Offer) -> Result<Admission<State>, Rejection> {
        let mut rng = Rng::with_seed(self.node.seed());
        let who = judge(offer, &self.node, &mut rng).await?;
        let state = self.state(&who);
        Ok(Admission::new(who, state))
    }
}

impl Host for App {
    fn on_message(&self, turn: &mut Turn<'_, State>, message: Message<'_>) {
        let state = turn.state();
        let (word, down) = (state.up.delivered(&message), state.down.clone());
        let calm = self.node.is_healed();
        let whim = state.rng.u16(..600);
        match word {
            Word::Volatile => return,
            word => {
                if turn.send(&down.next(word, 0)).is_ok() {
                    down.accepted();
                }
            }
        }
        match whim {
            0 if !calm => turn.close("enough"),
            1 if !calm => resume_unwind(Box::new("a host's mistake")), // F23, without a word on stderr
            2..60
                if !calm
                    && word == Word::Number
                    && turn.send(&down.next(Word::Number, 100)).is_ok() =>
            {
                down.accepted();
            }
            _ => {}
        }
    }

    fn on_end(&self, state: State, _: Closed, undelivered: Vec<Undelivered>) {
        state.down.account(&undelivered);
    }
}

/// Drained at every beat. What does not fit waits for the next.
async fn inbox(node: Node, ledger: Ledger, runtime: Runtime<Multi>) -> Outcome {
    let app = Arc::new(App {
        node: node.clone(),
        ledger,
    });
    let admit = sessile::admit_with(move |offer: Offer| {
        let app = Arc::clone(&app);
        async move { app.admit(&offer).await }
    });
    let mut inbox = runtime.intake_over(node.listener(), admit);
    let mut rng = Rng::with_seed(node.seed());
    let mut peers: BTreeMap<u64, (Peer, State, Vec<Word>)> = BTreeMap::new();
    loop {
        node.sleep(MS * rng.u32(5..200)).await;
        for Incoming { peer, what, .. } in inbox.drain() {
            match what {
                What::Joined(state) => drop(peers.insert(peer.id(), (peer, state, Vec::new()))),
                What::Message(message) => {
                    if let Some((_, state, answers)) = peers.get_mut(&peer.id()) {
                        match state.up.delivered(&message) {
                            Word::Volatile => {}
                            word => answers.push(word),
                        }
                    }
                }
                What::Ended { undelivered, .. } => {
                    if let Some((_, state, _)) = peers.remove(&peer.id()) {
                        state.down.account(&undelivered);
                    }
                }
                _ => {}
            }
        }
        for (peer, state, answers) in peers.values_mut() {
            answers.retain(|&word| {
                let sent = peer.try_send(&state.down.next(word, 0)).is_ok();
                if sent {
                    state.down.accepted();
                }
                !sent
            });
            if !node.is_healed() && rng.u16(..3_000) == 0 {
                peer.remove("out of order");
            }
        }
    }
}
