//! A server that runs out of open files, as a process of its own: the system says EMFILE, for real.
//!
//! This test starts itself again as the server, which lowers its own limit. It talks to it by lines.

#![cfg(target_os = "linux")]

#[path = "common/again.rs"]
mod again;

use std::{
    env, fs, io,
    net::{SocketAddr, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use again::Again;
use rustix::process::{Resource, Rlimit, setrlimit};
use sessile::{
    Config, Credentials, Identity, LoggedIn, Multi, Reconnect, Runtime, Session, Single, Warning,
    transport::{
        Accept,
        tcp::{TcpAcceptor, TcpLink},
    },
};

/// Set in the process that is the server.
const SERVER: &str = "SESSILE_OPEN_FILES";

/// What the server may have open.
const ALLOWED: u64 = 256;

/// How many dial it.
const DIALS: usize = 1_000;

/// For how long it is watched while it can accept nothing.
const WATCHED: Duration = Duration::from_secs(3);

/// TCP, with its calls counted.
struct Counted {
    inner: TcpAcceptor,
    calls: Arc<AtomicUsize>,
}

impl Accept for Counted {
    type Link = TcpLink;

    async fn accept(&mut self) -> io::Result<TcpLink> {
        let accepted = self.inner.accept().await;
        self.calls.fetch_add(1, Ordering::Relaxed);
        accepted
    }

    fn local_addr(&self) -> Option<SocketAddr> {
        self.inner.local_addr()
    }
}

/// The server: every line it reads is answered by how often accept was called by now.
fn serve() {
    let limit = Rlimit {
        current: Some(ALLOWED),
        maximum: Some(ALLOWED),
    };
    setrlimit(Resource::Nofile, limit).expect("a limit may be lowered");
    let config = Config::new()
        .max_sessions(1_000)
        .pending_logins(DIALS)
        .pending_per_prefix(DIALS)
        .early_drop(100)
        .login_deadline(Duration::from_secs(60));
    let calls = Arc::new(AtomicUsize::new(0));
    let server = Runtime::<Multi>::start(config).expect("a config that starts");
    let warnings = server.warnings();
    assert!(
        matches!(
            warnings[..],
            [Warning::OpenFiles {
                links: 3_000,
                allowed: ALLOWED
            }]
        ),
        "{warnings:?}"
    );
    let inner = smol::block_on(TcpAcceptor::bind("127.0.0.1:0", 4_096, Duration::ZERO));
    let counted = Counted {
        inner: inner.expect("a free port"),
        calls: Arc::clone(&calls),
    };
    let mut door = server.listen_over(counted);
    let at = door.local_addr().expect("TCP has addresses");
    println!("at {}", at.port());
    smol::spawn(async move {
        while let Some(peer) = door.next().await {
            let name = Identity::new(peer.offer().credentials()).expect("a short name");
            smol::spawn(echo(peer.admit(name))).detach();
        }
    })
    .detach();
    for _ in io::stdin().lines() {
        println!("{}", calls.load(Ordering::Relaxed));
    }
}

async fn echo(mut session: Session<LoggedIn, Multi>) {
    while let Ok(message) = session.recv().await {
        if session.send(&message).await.is_err() {
            return;
        }
    }
}

/// The server, seen from outside.
struct Server(Again);

impl Server {
    fn start() -> Self {
        let arguments = [
            "--exact",
            "a_server_without_open_files_rests_and_comes_back",
            "--nocapture",
        ];
        Self(Again::start(&arguments, (SERVER, "1")))
    }

    fn accepts(&mut self) -> usize {
        let [line] = self.0.ask();
        line.parse().expect("a number")
    }

    /// Processor time that it used by now.
    fn cpu(&self) -> Duration {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.0.id())).expect("it lives");
        let (_, fields) = stat.rsplit_once(") ").expect("its name is in parentheses");
        let ticks = |n: usize| {
            let field = fields
                .split(' ')
                .nth(n)
                .and_then(|field| field.parse().ok());
            field.unwrap_or(0u64)
        };
        let hertz = rustix::param::clock_ticks_per_second();
        Duration::from_millis((ticks(11) + ticks(12)) * 1_000 / hertz)
    }
}

async fn log_in(at: SocketAddr, name: &str) -> Session<LoggedIn> {
    let config = Config::new().reconnect(Reconnect::new());
    let client = Runtime::<Single>::start(config).expect("a config that starts");
    let session = client.connect(at).await.expect("somebody listens");
    let login = session.login(&Credentials::token(name)).await;
    login.expect("admitted")
}

/// A round trip on the link that the session always had.
async fn talk(session: &mut Session<LoggedIn>) {
    session.send("are you there").await.expect("the first link");
    assert_eq!(
        &*session.recv().await.expect("the first link"),
        b"are you there"
    );
    assert_eq!(session.epoch(), 1);
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "how long it takes is what it is about"
)]
fn a_server_without_open_files_rests_and_comes_back() {
    if env::var_os(SERVER).is_some() {
        return serve();
    }
    let mut server = Server::start();
    let mut inside = smol::block_on(log_in(server.0.at, "inside"));
    let dials: Vec<_> = (0..DIALS)
        .map(|_| TcpStream::connect(server.0.at).expect("the backlog has room"))
        .collect();
    while server.0.open_files() < ALLOWED as usize {
        smol::block_on(talk(&mut inside));
    }
    let (accepts, cpu, since) = (server.accepts(), server.cpu(), Instant::now());
    let mut slowest = Duration::ZERO;
    let mut talks = 0;
    while since.elapsed() < WATCHED {
        let before = Instant::now();
        smol::block_on(talk(&mut inside));
        slowest = slowest.max(before.elapsed());
        talks += 1;
        smol::block_on(smol::Timer::after(Duration::from_millis(50)));
    }
    assert!(
        server.0.open_files() >= ALLOWED as usize - 1,
        "it had none to open"
    );
    let seconds = since.elapsed().as_secs_f64();
    let accepts = (server.accepts() - accepts) as f64 / seconds;
    let cpu = (server.cpu() - cpu).as_secs_f64() / seconds;
    assert!(accepts <= 100.0, "{accepts:.0} accepts a second");
    assert!(cpu <= 0.05, "{:.1} % of a core", cpu * 100.0);

    drop(dials);
    let gone = Instant::now();
    let mut late = smol::block_on(log_in(server.0.at, "late"));
    smol::block_on(talk(&mut late));
    let back = gone.elapsed();
    assert!(back <= Duration::from_secs(2), "back after {back:?}");
    smol::block_on(talk(&mut inside));
    println!(
        "without open files: {accepts:.1} accepts/s, {:.1} % CPU, {talks} echoes, slowest {slowest:?}; back after {back:?}",
        cpu * 100.0
    );
}
