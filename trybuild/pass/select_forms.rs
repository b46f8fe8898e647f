//! Receiving raced against a channel of one's own, in every form that there is, and each can be spawned.

use async_channel::Receiver;
use futures::{
    FutureExt,
    future::{Either, join, select, try_join},
    pin_mut,
};
use sessile::{
    Config, Credentials, Error, LoggedIn, Message, Multi, Runtime, Session, Single,
    transport::memory::Network,
};
use smol::future::FutureExt as _;

/// `select!`, on the named future as it is; the handlers use the session.
async fn by_macro(
    session: &mut Session<LoggedIn>,
    typed: &Receiver<String>,
) -> Result<usize, Error> {
    let mut heard = 0;
    loop {
        futures::select! {
            message = session.recv() => heard += message?.len(),
            line = typed.recv().fuse() => match line {
                Ok(line) => session.send(&line).await?,
                Err(_) => return Ok(heard),
            },
        }
    }
}

/// `select`, with the session used where its future is still in scope.
async fn by_function(
    session: &mut Session<LoggedIn>,
    typed: &Receiver<String>,
) -> Result<usize, Error> {
    let mut heard = 0;
    loop {
        let line = typed.recv();
        pin_mut!(line);
        match select(session.recv(), line).await {
            Either::Left((message, _)) => heard += message?.len(),
            Either::Right((Ok(line), _receiving)) => session.send(&line).await?,
            Either::Right((Err(_), _)) => return Ok(heard),
        }
    }
}

/// `or`, with what happened as a value.
async fn by_or(session: &mut Session<LoggedIn>, typed: &Receiver<String>) -> Result<usize, Error> {
    enum Happened {
        Heard(Message<'static>),
        Typed(Option<String>),
    }
    let mut heard = 0;
    loop {
        let hear = async { Ok::<_, Error>(Happened::Heard(session.recv().await?)) };
        let read = async { Ok(Happened::Typed(typed.recv().await.ok())) };
        match hear.or(read).await? {
            Happened::Heard(message) => heard += message.len(),
            Happened::Typed(Some(line)) => session.send(&line).await?,
            Happened::Typed(None) => return Ok(heard),
        }
    }
}

/// Both at once, by halves.
async fn by_halves(
    session: &mut Session<LoggedIn>,
    typed: &Receiver<String>,
) -> Result<usize, Error> {
    let (mut sender, mut receiver) = session.split();
    let hear = async { Ok::<_, Error>(receiver.recv().await?.len()) };
    let say = async {
        while let Ok(line) = typed.recv().await {
            sender.send(&line).await?;
        }
        Ok(())
    };
    Ok(try_join(hear, say).await?.0)
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
        let (mine, mut theirs) = join(session.login(&me), admit).await;
        let mut mine = mine?;

        let mut total = 0;
        for form in 0..4 {
            let (keyboard, typed) = async_channel::bounded(1);
            let working = smol::spawn(async move {
                let heard = match form {
                    0 => by_macro(&mut mine, &typed).await,
                    1 => by_function(&mut mine, &typed).await,
                    2 => by_or(&mut mine, &typed).await,
                    _ => by_halves(&mut mine, &typed).await,
                };
                (mine, heard)
            });
            theirs.send("four").await?;
            keyboard.send("hello".to_owned()).await.unwrap();
            assert_eq!(&*theirs.recv().await?, b"hello");
            drop(keyboard);
            let (session, heard) = working.await;
            mine = session;
            total += heard?;
        }
        // The keyboard may have ended before the message came: then it is still to be read.
        while total < 4 * "four".len() {
            total += mine.recv().await?.len();
        }
        assert!(mine.try_recv()?.is_none());
        Ok(())
    })
}
