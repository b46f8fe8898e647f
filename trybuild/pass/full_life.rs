//! A whole life, both ends: connect, log in, talk, lose the link, resume, talk, close.

use futures::future::join;
use sessile::{
    Config, Credentials, Ended, Error, Multi, Reconnect, Runtime, Single,
    transport::memory::Network,
};
use std::time::Duration;

/// A test waits for no pause between attempts.
const HASTY: Reconnect = Reconnect::new().base(Duration::from_millis(1));

pub fn main() -> Result<(), Error> {
    smol::block_on(async {
        let network = Network::new();
        let server = Runtime::<Multi>::start(Config::new())?;
        let mut door = server.listen_over(network.listener());
        let client = Runtime::<Single>::start(Config::new().reconnect(HASTY))?;
        let me = Credentials::token("alice");

        let session = client.connect_over(network.dialer()).await?;
        let (mine, theirs) = join(session.login(&me), async {
            let session = door.next().await.expect("a peer");
            assert_eq!(session.offer().credentials(), b"alice");
            session.admit(42u64)
        })
        .await;
        let (mut mine, mut theirs) = (mine?, theirs);
        mine.send("before").await?;
        assert_eq!(&*theirs.recv().await?, b"before");

        network.cut();
        let Err(Ended::Lost(lost)) = mine.recv().await else {
            panic!("the link was cut");
        };
        let mut mine = mine.reconnect(lost).resume().await?;
        let Err(Ended::Lost(lost)) = theirs.recv().await else {
            panic!("the link was cut");
        };
        let mut theirs = theirs.reconnect(lost).resume().await?;

        theirs.send(b"after").await?;
        assert_eq!(&*mine.recv().await?, b"after");
        assert!(server.sessions().contains(42u64));
        let undelivered = mine.close("good night").await;
        assert!(undelivered.is_empty());
        let Err(Ended::Closed(closed)) = theirs.recv().await else {
            panic!("the session was closed");
        };
        assert_eq!(closed.text(), Some("good night"));
        Ok(())
    })
}
