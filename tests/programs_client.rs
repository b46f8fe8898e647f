//! A client in a field of a program's own, from state to state, polled once a frame with no async above it: three ways.
//! Written before sessions were built, they do what their authors thought.

mod common;

use std::{sync::atomic::Ordering, time::Duration};

use common::{World, count};
use sessile::{
    AnySession, Client, Closed, Config, Credentials, Ended, Error, EventKind, Fate, LoggedIn,
    Login, Resume, Retry, SendError, Session, Update,
};
use smol::future::{block_on, poll_once};

const SECOND: Duration = Duration::from_secs(1);
const FRAME: Duration = Duration::from_micros(16_667);

enum Net {
    Offline,
    Joining(Login),
    Live(Session<LoggedIn>),
    Healing(Resume),
    Over(Closed),
}

struct Game {
    net: Net,
    me: Credentials,
    outbox: Vec<Vec<u8>>,
    heard: Vec<Vec<u8>>,
}

impl Game {
    fn frame(&mut self) {
        self.net = match std::mem::replace(&mut self.net, Net::Offline) {
            Net::Joining(mut login) => match block_on(poll_once(&mut login)) {
                None => Net::Joining(login),
                Some(Ok(session)) => Net::Live(session),
                Some(Err(error)) if error.retry() == Retry::Never => Net::Offline,
                Some(Err(error)) => Net::Joining(error.into_session().login(&self.me)),
            },
            Net::Live(mut session) => match self.talk(&mut session) {
                Ok(()) => Net::Live(session),
                Err(Ended::Lost(lost)) => Net::Healing(session.reconnect(lost).resume()),
                Err(Ended::Closed(why)) => Net::Over(why),
            },
            Net::Healing(mut resume) => match block_on(poll_once(&mut resume)) {
                None => Net::Healing(resume),
                Some(Ok(session)) => Net::Live(session),
                Some(Err(gone)) => match gone.into_connecting() {
                    Ok(session) => Net::Joining(session.login(&self.me)),
                    Err(why) => Net::Over(why),
                },
            },
            other => other,
        };
    }

    fn talk(&mut self, session: &mut Session<LoggedIn>) -> Result<(), Ended> {
        while let Some(message) = session.try_recv()? {
            self.heard.push(message.to_vec());
        }
        while let Some(message) = self.outbox.first() {
            match session.try_send(message) {
                Ok(()) | Err(SendError::TooLong(_)) => drop(self.outbox.remove(0)),
                Err(SendError::Full) => break,
                Err(SendError::Ended(ended)) => return Err(ended),
            }
        }
        session.check()
    }
}

#[test]
fn a_game_keeps_its_session_in_a_field() {
    let world = World::new();
    let (server, _) = world.server(Config::new());
    let (_serving, _) = count(&world.network, &server);
    let me = Credentials::token("alice");
    let mut game = Game {
        net: Net::Joining(world.connect(Config::new()).login(&me)),
        me,
        outbox: Vec::new(),
        heard: Vec::new(),
    };
    for frame in 0..240u8 {
        if frame == 60 || frame == 120 {
            world.network.cut();
        }
        game.outbox.push(vec![frame]);
        world.pass(FRAME);
        game.frame();
    }
    for _ in 0..600 {
        world.pass(FRAME);
        game.frame();
    }
    assert!(matches!(game.net, Net::Live(_)));
    assert!(
        game.heard.iter().flatten().copied().eq(0..240),
        "each once, in order"
    );
    server.sessions().remove("alice", "cheater");
    world.pass(FRAME);
    game.frame();
    assert!(matches!(&game.net, Net::Over(why) if why.text() == Some("cheater")));
}

/// The same with a session in whatever state.
struct Lobby {
    session: Option<AnySession>,
    heard: usize,
}

impl Lobby {
    async fn step(&mut self, me: &Credentials) -> Result<(), Error> {
        let next = match self.session.take() {
            Some(AnySession::Connecting(session)) => session.login(me).await?.into(),
            Some(AnySession::Reconnecting(session)) => session.resume().await?.into(),
            Some(AnySession::LoggedIn(mut session)) => match session.recv().await {
                Ok(message) => {
                    self.heard += 1;
                    session.send(&message).await.ok();
                    session.into()
                }
                Err(Ended::Lost(lost)) => session.reconnect(lost).into(),
                Err(Ended::Closed(why)) => return Err(why.into()),
            },
            None => return Ok(()),
        };
        self.session = Some(next);
        Ok(())
    }
}

#[test]
fn a_lobby_keeps_a_session_in_whatever_state() {
    let world = World::new();
    let (server, _) = world.server(Config::new());
    let (_serving, messages) = count(&world.network, &server);
    let me = Credentials::token("alice");
    let mut lobby = Lobby {
        session: Some(world.connect(Config::new()).into()),
        heard: 0,
    };
    world.run(lobby.step(&me)).expect("a login");
    server.sessions().broadcast("serve"); // the first ball; each side returns it
    for _ in 0..10 {
        world.run(lobby.step(&me)).expect("a message");
    }
    world.network.cut();
    while lobby.heard < 20 {
        world
            .run_within(SECOND * 5, lobby.step(&me))
            .expect("it goes on");
    }
    assert!(messages.load(Ordering::SeqCst) >= 19);
    server.sessions().remove("alice", "closing time");
    let end = world.run(async {
        loop {
            if let Err(error) = lobby.step(&me).await {
                break error;
            }
        }
    });
    assert!(end.to_string().contains("closing time"), "{end}");
}

/// And with the client that looks after itself: nothing to store but one field.
struct Simple {
    client: Client,
    heard: Vec<Vec<u8>>,
    outbox: Vec<Vec<u8>>,
    resumed: usize,
}

impl Simple {
    fn frame(&mut self) {
        for update in self.client.drain() {
            match update {
                Update::Message(message) => self.heard.push(message.to_vec()),
                Update::Event(event) => {
                    self.resumed += usize::from(matches!(event.kind(), EventKind::Resumed { .. }));
                }
                Update::Undelivered(messages) => {
                    let unsaid = messages
                        .into_iter()
                        .filter(|one| one.fate() == Fate::NeverSent);
                    self.outbox
                        .splice(..0, unsaid.map(|one| one.into_message().to_vec()));
                }
                Update::Lagged(_) | Update::Ended(_) => {}
            }
        }
        while let Some(message) = self.outbox.first() {
            match self.client.try_send(message) {
                Ok(()) | Err(SendError::TooLong(_)) => drop(self.outbox.remove(0)),
                Err(SendError::Full | SendError::Ended(_)) => break,
            }
        }
    }
}

#[test]
fn a_game_keeps_a_client_in_a_field() {
    let world = World::new();
    let (server, _) = world.server(Config::new());
    let (_serving, _) = count(&world.network, &server);
    let mut game = Simple {
        client: world.supervise(Config::new(), "alice"),
        heard: Vec::new(),
        outbox: Vec::new(),
        resumed: 0,
    };
    for frame in 0..240u8 {
        if frame == 60 || frame == 180 {
            world.network.cut();
        }
        game.outbox.push(vec![frame]);
        world.pass(FRAME);
        game.frame();
    }
    for _ in 0..600 {
        world.pass(FRAME);
        game.frame();
    }
    assert!(
        game.heard.iter().flatten().copied().eq(0..240),
        "each once, in order"
    );
    assert_eq!(game.resumed, 2);
}
