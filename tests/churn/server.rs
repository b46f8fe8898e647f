//! The server, as a process of its own: it sends everything back, and tells what it has.

use std::{
    env,
    io::{self, BufRead, BufReader, Write},
    net::SocketAddr,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use sessile::{
    Admission, Admit, Closed, Config, Host, Identity, Message, Multi, Offer, Rejection, Runtime,
    Turn, Undelivered,
};

use crate::counted::{Counted, Figures, One};

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
    child: Child,
    talk: Mutex<Talk>,
    pub(crate) at: SocketAddr,
}

struct Talk {
    orders: ChildStdin,
    lines: io::Lines<BufReader<ChildStdout>>,
}

impl Server {
    pub(crate) fn start() -> Self {
        let mut child = Command::new(env::current_exe().expect("this test"))
            .args(["--nocapture", "a_thousand_lives_leave_nothing_behind"])
            .env(SERVER, "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let orders = child.stdin.take().expect("piped");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let port = loop {
            let line = lines.next().expect("it says where").expect("text");
            // The harness may have begun the line.
            if let Some((_, port)) = line.rsplit_once("at ")
                && let Ok(port) = port.parse::<u16>()
            {
                break port;
            }
        };
        Self {
            child,
            talk: Mutex::new(Talk { orders, lines }),
            at: ([127, 0, 0, 1], port).into(),
        }
    }

    /// What it has, and how many sessions are there and were.
    fn ask(&self) -> (Figures, (usize, usize)) {
        let mut talk = self.talk.lock().expect("no panic holds it");
        talk.orders.write_all(b"\n").expect("it lives");
        let mut line = || talk.lines.next().expect("it answers").expect("text");
        let figures = line().parse().expect("figures");
        let sessions = line();
        let (there, ended) = sessions.split_once(' ').expect("two numbers");
        let number = |text: &str| text.parse().expect("a number");
        (figures, (number(there), number(ended)))
    }

    pub(crate) fn figures(&self) -> Figures {
        self.ask().0
    }

    pub(crate) fn sessions(&self) -> (usize, usize) {
        self.ask().1
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
