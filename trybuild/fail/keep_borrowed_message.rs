//! A message in a host's hands is borrowed: `into_owned` keeps it.
use sessile::{Admission, Admit, Host, Message, Offer, Rejection, Turn};

struct Log(std::sync::Mutex<Vec<Message<'static>>>);
impl Admit for Log {
    type Peer = ();
    async fn admit(&self, _: &Offer) -> Result<Admission<()>, Rejection> { Ok(1u64.into()) }
}
impl Host for Log {
    fn on_message(&self, _: &mut Turn<'_, ()>, message: Message<'_>) {
        self.0.lock().unwrap().push(message);
    }
}
fn main() {}
