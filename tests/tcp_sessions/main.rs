//! Sessions over real sockets and real time: what a network in memory cannot show. Tests wait for what happens, never for
//! time; the limit on each is for a hang alone.

#[path = "../common/sockets.rs"]
mod sockets;

mod breaking;
mod hard_times;
mod proxy;

use std::{
    io::{self, ErrorKind},
    net::{SocketAddr, TcpListener},
    time::{Duration, Instant},
};

use futures::{AsyncReadExt, AsyncWriteExt, future::join_all};
use sessile::{
    Blame, Config, Connecting, Credentials, Door, Ended, Identity, LoggedIn, Mode, Multi, Reason,
    Runtime, Session, Sessions, Single,
};
use smol::net::TcpStream;
pub(crate) use sockets::{quick, run};

pub(crate) async fn listen(config: Config) -> (Runtime<Multi>, Door, SocketAddr) {
    let server = Runtime::<Multi>::start(config).expect("a config that starts");
    let door = server.listen("127.0.0.1:0").await.expect("a free port");
    let at = door.local_addr().expect("a socket has an address");
    (server, door, at)
}

pub(crate) async fn connect(at: SocketAddr, config: Config) -> Session<Connecting> {
    let client = Runtime::<Single>::start(config).expect("a config that starts");
    client.connect(at).await.expect("somebody listens")
}

/// A client, and its session at the server.
pub(crate) async fn pair(
    at: SocketAddr,
    config: Config,
    door: &mut Door,
    name: &str,
) -> (Session<LoggedIn>, Session<LoggedIn, Multi>) {
    let me = Credentials::token(name);
    let login = async { connect(at, config).await.login(&me).await };
    let (mine, theirs) = futures::join!(login, admit(door));
    (mine.expect("admitted"), theirs)
}

pub(crate) async fn admit(door: &mut Door) -> Session<LoggedIn, Multi> {
    let peer = door.next().await.expect("a peer");
    let name = Identity::new(peer.offer().credentials()).expect("a short name");
    peer.admit(name)
}

/// A server that lets everybody in and sends everything back, and a client of it who must notice nothing of what others do.
pub(crate) async fn echo_server(config: Config) -> (Sessions, SocketAddr, Session<LoggedIn>) {
    let (server, mut door, at) = listen(config.clone()).await;
    let sessions = server.sessions();
    smol::spawn(async move {
        while let Some(peer) = door.next().await {
            let Ok(name) = Identity::new(peer.offer().credentials()) else {
                continue;
            };
            smol::spawn(echo(peer.admit(name))).detach();
        }
    })
    .detach();
    let login = connect(at, config)
        .await
        .login(&Credentials::token("witness"));
    (sessions, at, login.await.expect("admitted"))
}

async fn echo(mut session: Session<LoggedIn, Multi>) {
    while let Ok(message) = session.recv().await {
        if session.send(&message).await.is_err() {
            return;
        }
    }
}

/// A round trip on the link that the session always had.
pub(crate) async fn talk(session: &mut Session<LoggedIn>) {
    session.send("are you there").await.expect("the first link");
    let answer = session.recv().await.expect("the first link");
    assert_eq!(&*answer, b"are you there");
    assert_eq!(session.epoch(), session.snapshot().expect("it lives").epoch);
}

/// Resumes a session whose loss something else told.
pub(crate) async fn come_back<M: Mode>(session: Session<LoggedIn, M>) -> Session<LoggedIn, M> {
    match session.check() {
        Ok(()) => session,
        Err(Ended::Lost(lost)) => session.reconnect(lost).resume().await.expect("it resumes"),
        Err(Ended::Closed(closed)) => panic!("{closed}"),
    }
}

#[test]
fn a_whole_life_over_tcp() {
    run(async {
        let (server, mut door, at) = listen(Config::new()).await;
        assert!(at.ip().is_loopback() && at.port() != 0);
        let (mut mine, mut theirs) = pair(at, Config::new(), &mut door, "alice").await;
        assert_eq!(server.sessions().len(), 1);
        let remote = theirs.snapshot().and_then(|now| now.remote_addr);
        assert!(remote.is_some_and(|from| from.ip().is_loopback()));
        let seen_by_me = mine.snapshot().and_then(|now| now.remote_addr);
        assert_eq!(seen_by_me, Some(at));
        mine.send("up").await.expect("sent");
        theirs.send("down").await.expect("sent");
        assert_eq!(&*theirs.recv().await.expect("a message"), b"up");
        assert_eq!(&*mine.recv().await.expect("a message"), b"down");
        mine.send("last").await.expect("sent");
        let end = async {
            assert_eq!(&*theirs.recv().await.expect("before the end"), b"last");
            theirs.recv().await
        };
        let (undelivered, end) = futures::join!(mine.close("good night"), end);
        assert_eq!(undelivered, []);
        let Err(Ended::Closed(closed)) = end else {
            panic!("{end:?}")
        };
        assert_eq!(
            (closed.reason(), closed.text()),
            (Reason::ClosedByPeer, Some("good night"))
        );
        assert!(server.sessions().is_empty());
    });
}

#[test]
fn an_address_in_use_is_said_with_the_address() {
    run(async {
        let (server, _door, at) = listen(Config::new()).await;
        let error = server.listen(at).await.expect_err("somebody listens there");
        assert_eq!(error.kind(), ErrorKind::AddrInUse);
        assert!(error.to_string().contains(&at.to_string()), "{error}");
    });
}

#[test]
fn a_port_where_nobody_listens_gives_the_runtime_back_for_another() {
    run(async {
        let closed = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let closed = closed.expect("a free port");
        let client = Runtime::<Single>::start(Config::new()).expect("a config that starts");
        let error = client
            .connect(closed)
            .await
            .expect_err("nobody listens there");
        assert_eq!(error.io_error().kind(), ErrorKind::ConnectionRefused);
        assert_eq!(error.blame(), Blame::Environment);
        assert!(error.to_string().contains(&closed.to_string()), "{error}");
        let (_sessions, at, _witness) = echo_server(Config::new()).await;
        let session = error.into_runtime().connect(at).await.expect("up");
        let login = session.login(&Credentials::token("alice"));
        talk(&mut login.await.expect("admitted")).await;
    });
}

#[test]
fn a_door_that_is_dropped_frees_its_port() {
    run(async {
        let (server, door, at) = listen(Config::new()).await;
        drop(door);
        // The listener's task closes the socket; until then the port is in use.
        while let Err(error) = server.listen(at).await {
            assert_eq!(error.kind(), ErrorKind::AddrInUse);
            smol::future::yield_now().await;
        }
    });
}

/// What a browser or a port scanner says.
#[test]
fn bytes_of_another_protocol_close_their_link_and_no_other() {
    run(async {
        let (sessions, at, mut witness) = echo_server(Config::new()).await;
        let http = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".as_slice();
        let tls = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".as_slice();
        for garbage in [http, tls, b"\0\0\0\0", &[0xff; 5_000]] {
            let mut raw = TcpStream::connect(at).await.expect("up");
            raw.write_all(garbage).await.expect("written");
            assert!(is_closed(&mut raw).await);
            talk(&mut witness).await;
        }
        assert_eq!((sessions.len(), witness.epoch()), (1, 1));
    });
}

/// Waits for the end of a stream, whichever way it ends.
pub(crate) async fn is_closed(raw: &mut TcpStream) -> bool {
    let mut buffer = [0; 1024];
    loop {
        match raw.read(&mut buffer).await {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) => return error.kind() == ErrorKind::ConnectionReset,
        }
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "real time is what this is about")]
fn who_connects_and_says_nothing_is_closed_at_the_login_deadline() {
    run(async {
        let deadline = Duration::from_millis(200);
        let (server, _door, at) = listen(Config::new().login_deadline(deadline)).await;
        let start = Instant::now();
        let mut raw = TcpStream::connect(at).await.expect("up");
        assert!(is_closed(&mut raw).await);
        assert!(
            start.elapsed() >= deadline - Duration::from_millis(5),
            "{:?}",
            start.elapsed()
        );
        assert!(server.sessions().is_empty());
    });
}

/// How many clients the limit on open files allows, up to 500: two sockets each, and some room for other tests.
fn clients() -> io::Result<usize> {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits
        .lines()
        .find(|line| line.starts_with("Max open files"));
    let soft = line.and_then(|line| line.split_whitespace().nth(3)?.parse().ok());
    Ok(500.min((soft.unwrap_or(1_024_usize).saturating_sub(300)) / 2))
}

#[test]
fn five_hundred_clients_log_in_at_once() {
    run(async {
        let count = clients().expect("a limit");
        let config = Config::new().pending_per_prefix(1_024);
        let (sessions, at, mut witness) = echo_server(config).await;
        let logins = (0..count).map(|i| async move {
            let me = Credentials::token(&format!("client {i}"));
            let session = connect(at, Config::new()).await.login(&me).await;
            let mut session = session.expect("admitted");
            talk(&mut session).await;
            session
        });
        let all = join_all(logins).await;
        assert_eq!(sessions.len(), count + 1);
        talk(&mut witness).await;
        let ends = join_all(all.into_iter().map(|session| session.close(""))).await;
        assert!(ends.iter().all(Vec::is_empty));
        assert_eq!(sessions.len(), 1);
    });
}
