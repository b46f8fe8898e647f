//! Admission may go from thread to thread while it waits.

use sessile::{Admission, Admit, Offer, Rejection};

struct Chat;
impl Admit for Chat {
    type Peer = ();
    async fn admit(&self, _: &Offer) -> Result<Admission<()>, Rejection> {
        let account = std::rc::Rc::new(1u64);
        smol::future::yield_now().await;
        Ok((*account).into())
    }
}

fn main() {}
