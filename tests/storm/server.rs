//! The server of a storm, as a process of its own: it sends everything back.

use std::{env, io};

use sessile::{
    Admission, Admit, Config, Host, Identity, Message, Multi, Offer, Rejection, Runtime, Turn,
};

use crate::again::Again;

/// The rate at which it lets in, set in the process that is the server.
const RATE: &str = "SESSILE_STORM_SERVER";

pub(crate) fn is_asked_for() -> bool {
    env::var_os(RATE).is_some()
}

struct Echo;

impl Admit for Echo {
    type Peer = ();

    async fn admit(&self, offer: &Offer) -> Result<Admission<()>, Rejection> {
        let name = Identity::new(offer.credentials());
        Ok(Admission::new(
            name.map_err(|_| Rejection::bad_credentials())?,
            (),
        ))
    }
}

impl Host for Echo {
    fn on_message(&self, peer: &mut Turn<'_, ()>, message: Message<'_>) {
        peer.send(&message).expect("the first answer goes");
    }
}

/// Until its input ends.
pub(crate) fn serve() {
    let rate = env::var(RATE)
        .expect("asked for")
        .parse()
        .expect("a number");
    // Room for the first wave, which comes within a second: a link beyond `pending_logins` is closed unheard, and its client is not
    // told when to come.
    let config = Config::new()
        .admission_rate(rate)
        .admission_burst((rate / 10).max(1))
        .pending_logins(16_384)
        .pending_per_prefix(64);
    let server = Runtime::<Multi>::start(config).expect("a config that starts");
    let serving = smol::block_on(server.serve("0.0.0.0:0", Echo)).expect("a free port");
    println!(
        "at {}",
        serving.local_addr().expect("TCP has addresses").port()
    );
    for _ in io::stdin().lines() {}
}

pub(crate) fn start(rate: u32) -> Again {
    Again::start(&["--ignored", "--nocapture"], (RATE, &rate.to_string()))
}
