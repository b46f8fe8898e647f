//! What a host keeps for a peer goes with it from thread to thread.

use sessile::{Admission, Admit, Offer, Rejection};

struct Chat;

impl Admit for Chat {
    type Peer = std::rc::Rc<()>;

    async fn admit(&self, _: &Offer) -> Result<Admission<Self::Peer>, Rejection> {
        Err(Rejection::full())
    }
}

fn main() {}
