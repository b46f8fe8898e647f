//! The server: it sends everything back, with every limit as it is by default.

use std::io;

use anyhow::Result;
use sessile::{Admission, Admit, Config, Host, Message, Multi, Offer, Rejection, Runtime, Turn};

struct Echo;

impl Admit for Echo {
    type Peer = ();

    async fn admit(&self, offer: &Offer) -> Result<Admission<()>, Rejection> {
        let name = sessile::Identity::new(offer.credentials());
        match name {
            Ok(name) if name.as_bytes() != crate::attack::UNKNOWN => Ok(Admission::new(name, ())),
            _ => Err(Rejection::bad_credentials()),
        }
    }
}

impl Host for Echo {
    fn on_message(&self, peer: &mut Turn<'_, ()>, message: Message<'_>) {
        let _ = peer.send(&message); // it may be gone
    }
}

/// Until its input ends.
pub(crate) fn serve() -> Result<()> {
    let server = Runtime::<Multi>::start(Config::default())?;
    let serving = smol::block_on(server.serve("127.0.0.1:0", Echo))?;
    println!("{}", serving.local_addr().expect("TCP has addresses"));
    for _ in io::stdin().lines() {}
    Ok(())
}
