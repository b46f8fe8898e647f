//! A helper that does not care which end it runs on is written once, and can be spawned.

use futures::future::join;
use sessile::{
    Config, Credentials, Error, LoggedIn, Mode, Multi, Runtime, SendError, Session, Single, State,
    transport::memory::Network,
};

async fn echo<M: Mode>(mut session: Session<LoggedIn, M>) -> Session<LoggedIn, M> {
    let message = session.recv().await.unwrap();
    session.send(&message).await.unwrap();
    session
}

fn spawn_echo<M: Mode>(session: Session<LoggedIn, M>) -> smol::Task<Session<LoggedIn, M>> {
    smol::spawn(echo(session))
}

async fn ask<M: Mode>(session: &mut Session<LoggedIn, M>) -> Result<(), SendError> {
    session.send("hello").await?;
    assert_eq!(&*session.recv().await?, b"hello");
    Ok(())
}

fn describe<S: State, M: Mode>(session: &Session<S, M>) -> String {
    format!("{} session, {}", M::NAME, session.phase())
}

pub fn main() -> Result<(), Error> {
    smol::block_on(async {
        let network = Network::new();
        let server = Runtime::<Multi>::start(Config::new())?;
        let mut door = server.listen_over(network.listener());
        let client = Runtime::<Single>::start(Config::new())?;
        let session = client.connect_over(network.dialer()).await?;
        let me = Credentials::token("alice");
        let admit = async { door.next().await.unwrap().admit(7u64) };
        let (mine, theirs) = join(session.login(&me), admit).await;
        let (mut mine, theirs) = (mine?, theirs);

        let echoing = spawn_echo(theirs);
        ask(&mut mine).await?;
        let mut theirs = echoing.await;
        let echoing = spawn_echo(mine);
        ask(&mut theirs).await?;
        let mine = echoing.await;
        assert_eq!(describe(&mine), "single session, logged-in");
        assert_eq!(describe(&theirs), "multi session, logged-in");
        Ok(())
    })
}
