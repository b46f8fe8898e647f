//! A client inside a struct, across its states and waits, polled once a frame without async above it.

use sessile::{
    Closed, Config, Credentials, Ended, LoggedIn, Login, Multi, Reconnect, Resume, Retry, Runtime,
    SendError, Session, Single, transport::memory::Network,
};
use smol::future::{block_on, poll_once, yield_now};
use std::{mem, time::Duration};

/// A test waits for no pause between attempts.
const HASTY: Reconnect = Reconnect::new().base(Duration::from_millis(1));

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
    outbox: Vec<&'static str>,
    heard: usize,
}

impl Game {
    fn frame(&mut self) {
        self.net = match mem::replace(&mut self.net, Net::Offline) {
            Net::Joining(mut login) => match block_on(poll_once(&mut login)) {
                None => Net::Joining(login),
                Some(Ok(session)) => Net::Live(session),
                Some(Err(error)) if error.retry() == Retry::Never => Net::Offline,
                Some(Err(error)) => Net::Joining(error.into_session().login(&self.me)),
            },
            Net::Live(mut session) => match self.talk(&mut session) {
                Ok(()) => Net::Live(session),
                Err(Ended::Lost(lost)) => Net::Healing(session.reconnect(lost).resume()),
                Err(Ended::Closed(closed)) => Net::Over(closed),
            },
            Net::Healing(mut resume) => match block_on(poll_once(&mut resume)) {
                None => Net::Healing(resume),
                Some(Ok(session)) => Net::Live(session),
                Some(Err(gone)) => match gone.into_connecting() {
                    Ok(session) => Net::Joining(session.login(&self.me)),
                    Err(closed) => Net::Over(closed),
                },
            },
            other => other,
        };
    }

    fn talk(&mut self, session: &mut Session<LoggedIn>) -> Result<(), Ended> {
        while session.try_recv()?.is_some() {
            self.heard += 1;
        }
        while let Some(message) = self.outbox.last() {
            match session.try_send(message) {
                Ok(()) => drop(self.outbox.pop()),
                Err(SendError::Full) => break,
                Err(SendError::TooLong(_)) => panic!("they are short"),
                Err(SendError::Ended(ended)) => return Err(ended),
            }
        }
        session.check()
    }
}

pub fn main() {
    let network = Network::new();
    let server = Runtime::<Multi>::start(Config::new()).unwrap();
    let mut door = server.listen_over(network.listener());
    smol::spawn(async move {
        let mut session = door.next().await.unwrap().admit(7u64);
        loop {
            session = match session.recv().await {
                Ok(message) if &*message == b"leave" => {
                    break session.close("you asked for it").await;
                }
                Ok(message) => {
                    session.send(&message).await.ok();
                    session
                }
                Err(Ended::Lost(lost)) => session.reconnect(lost).resume().await.unwrap(),
                Err(Ended::Closed(closed)) => panic!("{closed}"),
            };
        }
    })
    .detach();

    let client = Runtime::<Single>::start(Config::new().reconnect(HASTY)).unwrap();
    let me = Credentials::token("alice");
    let session = block_on(client.connect_over(network.dialer())).unwrap();
    let mut game = Game {
        net: Net::Joining(session.login(&me)),
        me,
        outbox: vec!["left", "right"],
        heard: 0,
    };
    frames_until(&mut game, |game| game.heard == 2);
    network.cut();
    frames_until(&mut game, |game| matches!(game.net, Net::Healing(_)));
    game.outbox.push("leave");
    frames_until(&mut game, |game| matches!(&game.net, Net::Over(_)));
    let Net::Over(closed) = game.net else {
        unreachable!()
    };
    assert_eq!(closed.text(), Some("you asked for it"));
}

/// As many frames as it takes.
fn frames_until(game: &mut Game, done: impl Fn(&Game) -> bool) {
    while !done(game) {
        game.frame();
        block_on(yield_now());
    }
}
