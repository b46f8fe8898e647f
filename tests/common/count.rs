use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use sessile::{
    Admission, Admit, Closed, Host, Identity, Message, Multi, Offer, Rejection, Runtime, Serving,
    Turn, Undelivered, transport::memory::Network,
};

/// A host that echoes, and counts what each peer sent. Its peers are who they say, but for one.
pub(crate) struct Count {
    pub(crate) messages: Arc<AtomicU64>,
}

impl Admit for Count {
    type Peer = u64;

    async fn admit(&self, offer: &Offer) -> Result<Admission<u64>, Rejection> {
        smol::future::yield_now().await; // a look into a database
        match offer.credentials() {
            b"bad" => Err(Rejection::bad_credentials()),
            name => {
                let name = std::str::from_utf8(name).map_err(|_| Rejection::bad_credentials())?;
                let identity = Identity::new(name).map_err(|_| Rejection::bad_credentials())?;
                Ok(Admission::new(identity, 0))
            }
        }
    }
}

impl Host for Count {
    fn on_message(&self, peer: &mut Turn<'_, u64>, message: Message<'_>) {
        *peer.state() += 1;
        self.messages.fetch_add(1, Ordering::SeqCst);
        peer.send(&message).ok();
    }

    fn on_end(&self, messages: u64, _: Closed, undelivered: Vec<Undelivered>) {
        assert!(undelivered.len() as u64 <= messages);
    }
}

/// Serves with one; its counter.
pub(crate) fn count(network: &Network, server: &Runtime<Multi>) -> (Serving, Arc<AtomicU64>) {
    let messages = Arc::new(AtomicU64::new(0));
    let host = Count {
        messages: Arc::clone(&messages),
    };
    (server.serve_over(network.listener(), host), messages)
}
