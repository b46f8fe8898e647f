//! A host is called in place: `on_message` is not async.

use sessile::{Admission, Admit, Host, Message, Offer, Rejection, Turn};

struct Chat;

impl Admit for Chat {
    type Peer = ();
    async fn admit(&self, _: &Offer) -> Result<Admission<()>, Rejection> { Ok(1u64.into()) }
}
impl Host for Chat {
    async fn on_message(&self, _: &mut Turn<'_, ()>, _: Message<'_>) {}
}

fn main() {}
