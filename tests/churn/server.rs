//! The server, as a process of its own: it sends everything back, and tells what it has.

use std::{
    env, io,
    net::SocketAddr,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use sessile::{
    Admission, Admit, Closed, Config, Host, Identity, Message, Multi, Offer, Rejection, Runtime,
    Turn, Undelivered,
};

use crate::{
    again::Again,
    counted::{Counted, Figures, One},
};

/// Set in the process that is the server.
const SERVER: &str = "SESSILE_CHURN_SERVER";

/// What a client says that wants the server to end it.
pub(crate) const BYE: &str = "bye";

pub(crate) fn is_asked_for() -> bool {
    env::var_os(SERVER).is_some()
}

/// Sends everything back, and counts who has gone.
struct Echo(Counted);

static ENDED: AtomicUsize = AtomicUsize::new(0);

impl Admit for Echo {
    type Peer = One;

    async fn admit(&self, offer: &Offer) -> Result<Admission<One>, Rejection> {
        let name = Identity::new(offer.credentials());
        let name = name.map_err(|_| Rejection::bad_credentials())?;
        Ok(Admission::new(name, self.0.one()))
    }
}

impl Host for Echo {
    fn on_message(&self, peer: &mut Turn<'_, One>, message: Message<'_>) {
        if &*message == BYE.as_bytes() {
            return peer.close("as you wish");
        }
        peer.send(&message).expect("the first answer goes");
    }

    fn on_end(&self, one: One, _: Closed, _: Vec<Undelivered>) {
        ENDED.fetch_add(1, Ordering::Relaxed);
        drop(one);
    }
}

/// Until its input ends: for each line, what it has once nothing is under way.
pub(crate) fn serve() {
    // What a server remembers of the past is small here, so that it is full when the counting begins. Its maps are, too: 220 nearly
    // fill one of 256 places, which then doubles soon, and not at some time later.
    let config = Config::new()
        .admission_rate(100_000)
        .admission_burst(1_000_000)
        .comings_a_minute(65_536)
        .recently_ended(220)
        .tombstones(256);
    let executor = Counted::start();
    let server =
        Runtime::<Multi>::start_on(config, executor.clone()).expect("a config that starts");
    let serving =
        smol::block_on(server.serve("0.0.0.0:0", Echo(executor.clone()))).expect("a free port");
    let port = serving.local_addr().expect("TCP has addresses").port();
    let idle = executor.tasks();
    println!("at {port}");
    for _ in io::stdin().lines() {
        let figures = executor.figures(idle);
        println!("{figures}");
        println!(
            "{} {}",
            server.sessions().len(),
            ENDED.load(Ordering::Relaxed)
        );
    }
}

/// The server, seen from outside.
pub(crate) struct Server {
    again: Mutex<Again>,
    pub(crate) at: SocketAddr,
}

impl Server {
    pub(crate) fn start() -> Self {
        let arguments = ["--nocapture", "a_thousand_lives_leave_nothing_behind"];
        let again = Again::start(&arguments, (SERVER, "1"));
        let at = again.at;
        Self {
            again: Mutex::new(again),
            at,
        }
    }

    /// What it has, and how many sessions are there and were.
    fn ask(&self) -> (Figures, (usize, usize)) {
        let [figures, sessions] = self.again.lock().expect("no panic holds it").ask();
        let (there, ended) = sessions.split_once(' ').expect("two numbers");
        let number = |text: &str| text.parse().expect("a number");
        let figures = figures.parse().expect("figures");
        (figures, (number(there), number(ended)))
    }

    pub(crate) fn figures(&self) -> Figures {
        self.ask().0
    }

    pub(crate) fn sessions(&self) -> (usize, usize) {
        self.ask().1
    }
}
