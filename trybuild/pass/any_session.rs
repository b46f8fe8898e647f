//! A session stored whatever its state, and taken out again.

use sessile::{
    AnySession, Config, Connecting, Credentials, Ended, Error, LoggedIn, Multi, Phase, Reconnect,
    Runtime, Session, Single, transport::memory::Network,
};
use std::time::Duration;

/// A test waits for no pause between attempts.
const HASTY: Reconnect = Reconnect::new().base(Duration::from_millis(1));

struct Lobby {
    session: Option<AnySession>,
    me: Credentials,
}

impl Lobby {
    async fn step(&mut self) -> Result<(), Error> {
        let next = match self.session.take() {
            None => return Ok(()),
            Some(AnySession::Connecting(session)) => session.login(&self.me).await?.into(),
            Some(AnySession::Reconnecting(session)) => session.resume().await?.into(),
            Some(AnySession::LoggedIn(mut session)) => match session.recv().await {
                Ok(_) => session.into(),
                Err(Ended::Lost(lost)) => session.reconnect(lost).into(),
                Err(Ended::Closed(closed)) => return Err(closed.into()),
            },
        };
        self.session = Some(next);
        Ok(())
    }
}

pub fn main() -> Result<(), Error> {
    smol::block_on(async {
        let network = Network::new();
        let server = Runtime::<Multi>::start(Config::new())?;
        let mut door = server.listen_over(network.listener());
        let peer = smol::spawn(async move {
            let mut session = door.next().await.unwrap().admit(7u64);
            session.send("hello").await.unwrap();
            let Err(Ended::Lost(lost)) = session.recv().await else {
                panic!("the link was cut");
            };
            AnySession::<Multi>::from(session.reconnect(lost).resume().await.unwrap())
        });

        let client = Runtime::<Single>::start(Config::new().reconnect(HASTY))?;
        let session = client.connect_over(network.dialer()).await?;
        let mut lobby = Lobby {
            session: Some(session.into()),
            me: Credentials::token("alice"),
        };
        lobby.step().await?; // logs in
        lobby.step().await?; // receives
        network.cut();
        lobby.step().await?; // hears of the loss
        let lost = lobby.session.as_ref();
        assert!(matches!(lost, Some(AnySession::Reconnecting(_))));
        lobby.step().await?; // comes back
        assert_eq!(lobby.session.as_ref().unwrap().phase(), Phase::LoggedIn);

        let any = Session::<Connecting>::try_from(lobby.session.take().unwrap()).unwrap_err();
        let session = Session::<LoggedIn>::try_from(any).unwrap();
        session.close("good night").await;
        peer.await.close("good night").await;
        Ok(())
    })
}
