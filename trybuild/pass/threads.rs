//! A session goes to another thread in every state and both modes, and its halves to two.

use futures::future::join;
use sessile::{
    Config, Credentials, Ended, Error, LoggedIn, Mode, Multi, Reconnect, Reconnecting, Runtime,
    Session, Single, State, transport::memory::Network,
};
use std::{thread, time::Duration};

/// A test waits for no pause between attempts.
const HASTY: Reconnect = Reconnect::new().base(Duration::from_millis(1));

fn by_thread<S: State, M: Mode>(session: Session<S, M>) -> Session<S, M> {
    thread::spawn(move || session).join().unwrap()
}

fn lost<M: Mode>(mut session: Session<LoggedIn, M>) -> Session<Reconnecting, M> {
    match smol::block_on(session.recv()) {
        Err(Ended::Lost(lost)) => session.reconnect(lost),
        other => panic!("the link was cut: {other:?}"),
    }
}

pub fn main() -> Result<(), Error> {
    let network = Network::new();
    let server = Runtime::<Multi>::start(Config::new())?;
    let mut door = server.listen_over(network.listener());
    let client = Runtime::<Single>::start(Config::new().reconnect(HASTY))?;
    let me = Credentials::token("alice");

    let session = by_thread(smol::block_on(client.connect_over(network.dialer()))?);
    let (mine, theirs) = smol::block_on(join(session.login(&me), async {
        by_thread(door.next().await.unwrap()).admit(7u64)
    }));
    let (mine, theirs) = (by_thread(mine?), by_thread(theirs));
    network.cut();
    let (mine, theirs) = (by_thread(lost(mine)), by_thread(lost(theirs)));
    let (mine, theirs) = smol::block_on(join(mine.resume(), theirs.resume()));
    let (mut mine, mut theirs) = (mine?, theirs?);

    let (mut sender, mut receiver) = mine.split();
    thread::scope(|threads| {
        threads.spawn(move || smol::block_on(sender.send("ping")).unwrap());
        threads.spawn(move || assert_eq!(&*smol::block_on(receiver.recv()).unwrap(), b"pong"));
        assert_eq!(&*smol::block_on(theirs.recv()).unwrap(), b"ping");
        smol::block_on(theirs.send("pong")).unwrap();
    });
    Ok(())
}
