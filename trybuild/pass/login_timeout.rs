//! A login with a time limit of one's own, in two forms: when it is over, the session is still there.

use futures::future::{Either, select};
use sessile::{
    Config, Connecting, Credentials, Error, LoggedIn, LoginError, Multi, Runtime, Session, Single,
    transport::memory::Network,
};
use smol::{Timer, future::FutureExt};
use std::time::Duration;

type Outcome = Result<Session<LoggedIn>, Session<Connecting>>;

async fn by_select(session: Session<Connecting>, me: &Credentials, limit: Duration) -> Outcome {
    match select(session.login(me), Timer::after(limit)).await {
        Either::Left((outcome, _)) => outcome.map_err(LoginError::into_session),
        Either::Right((_, login)) => Err(login.into_session()),
    }
}

async fn by_or(session: Session<Connecting>, me: &Credentials, limit: Duration) -> Outcome {
    let mut login = session.login(me);
    let answered = async { Some((&mut login).await) };
    let expired = async {
        Timer::after(limit).await;
        None
    };
    match answered.or(expired).await {
        Some(outcome) => outcome.map_err(LoginError::into_session),
        None => Err(login.into_session()),
    }
}

pub fn main() -> Result<(), Error> {
    smol::block_on(async {
        let network = Network::new();
        let server = Runtime::<Multi>::start(Config::new())?;
        let mut door = server.listen_over(network.listener());
        let client = Runtime::<Single>::start(Config::new())?;
        let me = Credentials::token("alice");
        let session = client.connect_over(network.dialer()).await?;

        // Nobody answers, so no limit is long enough.
        let session = by_select(session, &me, Duration::from_millis(1)).await;
        let session = session.expect_err("nobody answers");
        let session = by_or(session, &me, Duration::from_millis(1)).await;
        let session = session.expect_err("nobody answers");

        smol::spawn(async move {
            let mut inside = Vec::new();
            while let Some(session) = door.next().await {
                inside.push(session.admit(7u64)); // those who left already, too
            }
        })
        .detach();
        let session = session.login(&me).await?;
        assert_eq!(session.identity().as_u64(), Some(7));
        Ok(())
    })
}
