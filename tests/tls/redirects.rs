//! A client that is sent elsewhere: over TLS alone, to whom it trusts alone, and for the name of the new place.

use std::{future::Future, io::ErrorKind, net::SocketAddr, pin::pin, time::Duration};

use futures::{
    AsyncReadExt, AsyncWriteExt, FutureExt,
    future::{Either, join, select},
};
use sessile::{
    Client, Closed, Config, Credentials, Door, EventKind, LoggedIn, Multi, Reason, Reconnect,
    Rejection, Retry, Runtime, Session, Single, Update,
    transport::Accept,
    transport::tls::{
        Certificates, Certified, TlsAcceptor, TlsClient, TlsDialer, TlsServer, Trust,
    },
};
use smol::net::TcpListener;

use crate::{
    Authority, LEASE, admit,
    breaking::{Proxy, resumed},
    listen, run,
};

/// A server with such a certificate, at a port of this machine.
async fn server(shown: Certified) -> (Runtime<Multi>, Door, SocketAddr) {
    let tls = TlsServer::new(shown).expect("a config of TLS");
    listen(&tls, Config::new()).await
}

const LONGEST_WAIT: Duration = Duration::from_millis(20);

fn policy() -> Reconnect {
    let base = Duration::from_millis(2);
    Reconnect::new()
        .base(base)
        .cap(LONGEST_WAIT)
        .redirects(true)
}

/// A client that is looked at, and what became of it.
struct Watched {
    client: Client,
    /// Where it was sent; `None`: home again.
    moves: Vec<Option<Box<str>>>,
    /// Why a login failed.
    failures: Vec<Closed>,
    /// How long it waited before a login.
    waits: Vec<Duration>,
}

impl Watched {
    /// Of the server at this address.
    fn of(at: SocketAddr, tls: &TlsClient) -> Self {
        Self::over(TlsDialer::new(at, LEASE, tls), policy())
    }

    fn over(dialer: TlsDialer, policy: Reconnect) -> Self {
        let config = Config::new().reconnect(policy);
        let runtime = Runtime::<Single>::start(config).expect("a config that starts");
        Self {
            client: runtime.supervise_over(dialer, Credentials::token("alice")),
            moves: Vec::new(),
            failures: Vec::new(),
            waits: Vec::new(),
        }
    }

    fn note(&mut self, update: &Update) {
        let Update::Event(event) = update else { return };
        match event.kind() {
            EventKind::Redirected { to } => self.moves.push(to.clone()),
            EventKind::LoginFailed(why) => self.failures.push(why.clone()),
            EventKind::ReconnectScheduled { after, .. } => self.waits.push(*after),
            _ => {}
        }
    }

    /// Goes on until this is done.
    async fn live<T>(&mut self, what: impl Future<Output = T>) -> T {
        let mut what = pin!(what);
        loop {
            let update = match select(what.as_mut(), pin!(self.client.next())).await {
                Either::Left((done, _)) => return done,
                Either::Right((update, _)) => update,
            };
            match update {
                Some(Update::Ended(why)) => panic!("{why}, after {:?}", self.failures),
                Some(update) => self.note(&update),
                None => panic!("it is over"),
            }
        }
    }

    /// Goes on until this peer, and no other, is heard and answers.
    async fn talks_with(&mut self, peer: &mut Session<LoggedIn, Multi>) {
        self.live(peer.send("hello")).await.expect("sent");
        loop {
            match self.client.next().await.expect("it goes on") {
                Update::Message(message) => {
                    assert_eq!(&*message, b"hello");
                    break;
                }
                update => self.note(&update),
            }
        }
        self.client.send("you").await.expect("sent");
        let heard = self.live(peer.recv()).await.expect("heard");
        assert_eq!(&*heard, b"you");
    }
}

/// Sends away whoever is at this door, as a server that is full for good.
async fn send_away(door: &mut Door, to: &str) {
    let peer = door.next().await.expect("a peer");
    peer.reject(Rejection::full().never().redirect(to));
}

/// A client is sent there by its server, cannot come in, and is let in at home: what it heard of that place.
async fn back_from(to: &str, authority: &Authority) -> Closed {
    back_of(to, authority.certify(), &authority.client()).await
}

async fn back_of(to: &str, shown: Certified, tls: &TlsClient) -> Closed {
    let (_home, mut door, at) = server(shown).await;
    let mut client = Watched::of(at, tls);
    client.live(send_away(&mut door, to)).await;
    let mut peer = client.live(admit(&mut door)).await;
    client.talks_with(&mut peer).await;
    assert_eq!(client.moves, [Some(to.into()), None], "there and back");
    let why = client.failures.pop().expect("it did not come in there");
    assert_eq!((why.reason(), client.failures.len()), (Reason::LinkLost, 1));
    // A certificate that is not trusted is left alone for half a minute: not the server at home for it.
    let longest = client.waits.iter().max().expect("it waited");
    assert!(*longest <= LONGEST_WAIT, "{longest:?}");
    why
}

fn says(why: &Closed, what: &str) {
    let text = why.text().expect("it says why");
    assert!(text.contains(what), "{text}");
}

// [AWAY-10]
#[test]
fn a_refused_client_goes_on_over_tls_and_the_certificate_must_be_for_the_new_name() {
    run(async {
        let authority = Authority::new();
        let (_a, mut door_a, at) = server(authority.certify()).await;
        let (_b, mut door_b, there) = server(authority.certify_for("localhost", |_| ())).await;
        let to = format!("localhost:{}", there.port());
        let mut client = Watched::of(at, &authority.client());
        client.live(send_away(&mut door_a, &to)).await;
        let mut peer = client.live(admit(&mut door_b)).await;
        client.talks_with(&mut peer).await;
        assert_eq!(client.moves, [Some((*to).into())]);
    });
}

#[test]
fn a_server_that_drains_sends_its_client_on_and_that_is_where_it_resumes() {
    run(async {
        let authority = Authority::new();
        let (a, mut door_a, at) = server(authority.certify()).await;
        let (_b, mut door_b, there) = server(authority.certify_for("localhost", |_| ())).await;
        let proxy = Proxy::start(there).await;
        let mut client = Watched::of(at, &authority.client());
        let mut old = client.live(admit(&mut door_a)).await;
        client.talks_with(&mut old).await;
        let to = format!("localhost:{}", proxy.at.port());
        let drain = smol::spawn(a.drain(Duration::from_secs(30)).redirect(&to));
        let mut new = client.live(admit(&mut door_b)).await;
        client.talks_with(&mut new).await;
        assert_eq!(client.moves, [Some((*to).into())]);
        let drained = drain.await;
        assert_eq!((drained.left, drained.closed, drained.cut), (1, 0, 0));
        proxy.cut();
        let ended = client.live(new.recv()).await.expect_err("it was cut");
        let mut new = client.live(resumed(new, ended)).await;
        client.talks_with(&mut new).await;
    });
}

/// Where this machine has IPv6, as the loopback address.
#[test]
fn an_ipv6_address_is_one_to_be_sent_to() {
    run(async {
        let authority = Authority::new();
        let tls = TlsServer::new(authority.certify_for("::1", |_| ())).expect("a config of TLS");
        let acceptor = match TlsAcceptor::bind("[::1]:0", 16, LEASE, &tls).await {
            Ok(acceptor) => acceptor,
            Err(error) => return assert_eq!(error.kind(), ErrorKind::AddrNotAvailable),
        };
        let there = acceptor.local_addr().expect("bound").to_string();
        let b = Runtime::<Multi>::start(Config::new()).expect("starts");
        let mut door_b = b.listen_over(acceptor);
        let (_a, mut door_a, at) = server(authority.certify()).await;
        let mut client = Watched::of(at, &authority.client());
        client.live(send_away(&mut door_a, &there)).await;
        let mut peer = client.live(admit(&mut door_b)).await;
        client.talks_with(&mut peer).await;
        assert_eq!(client.moves, [Some((*there).into())]);
    });
}

#[test]
fn who_has_a_certificate_for_another_name_gets_no_login() {
    run(async {
        let authority = Authority::new();
        // The name that was dialed at first is no longer enough, nor is one that is set replaced by it.
        let (_b, mut door, there) = server(authority.certify()).await;
        let to = format!("localhost:{}", there.port());
        says(&back_from(&to, &authority).await, "another name");
        let (_c, mut other_door, there) = server(authority.certify_for("localhost", |_| ())).await;
        says(
            &back_from(&there.to_string(), &authority).await,
            "another name",
        );
        for door in [&mut door, &mut other_door] {
            assert!(door.next().now_or_never().is_none(), "nobody logged in");
        }
    });
}

#[test]
fn a_name_that_was_set_is_the_one_to_be_shown_wherever_it_is_sent() {
    run(async {
        let authority = Authority::new();
        let named = || authority.certify_for("game.example", |_| ());
        let (_a, mut door_a, at) = server(named()).await;
        let (_b, mut door_b, b) = server(named()).await;
        let (_c, mut door_c, c) = server(authority.certify()).await;
        let dialer = TlsDialer::new(at, LEASE, &authority.client()).server_name("game.example");
        let mut client = Watched::over(dialer, policy());
        // c's certificate is for the address it has, and for no more.
        client.live(send_away(&mut door_a, &c.to_string())).await;
        client.live(send_away(&mut door_a, &b.to_string())).await;
        let mut peer = client.live(admit(&mut door_b)).await;
        client.talks_with(&mut peer).await;
        assert!(door_c.next().now_or_never().is_none(), "nobody logged in");
        let (b, c) = (b.to_string().into(), c.to_string().into());
        assert_eq!(client.moves, [Some(c), None, Some(b)]);
    });
}

#[test]
fn who_is_not_trusted_gets_no_login() {
    run(async {
        let (_b, mut door, there) = server(Authority::new().certify()).await;
        let why = back_from(&there.to_string(), &Authority::new()).await;
        says(&why, "nobody trusted has signed");
        assert!(door.next().now_or_never().is_none(), "nobody logged in");
    });
}

#[test]
fn a_pin_holds_wherever_it_is_sent() {
    run(async {
        let authority = Authority::new();
        let (pem, key) = authority.pem_for("elsewhere.example", |_| ());
        let shown = || Certified::from_pem(&pem, &key).expect("its key");
        let pin = Trust::pinned(&Certificates::from_pem(&pem).expect("PEM"));
        let tls = TlsClient::new(pin).expect("a config of TLS");
        let (_b, mut door_b, there) = server(authority.certify()).await;
        let why = back_of(&there.to_string(), shown(), &tls).await;
        says(&why, "another certificate than the pinned one");
        assert!(door_b.next().now_or_never().is_none(), "nobody logged in");

        let (_a, mut door_a, at) = server(shown()).await;
        let (_c, mut door_c, there) = server(shown()).await;
        let mut client = Watched::of(at, &tls);
        client
            .live(send_away(&mut door_a, &there.to_string()))
            .await;
        let mut peer = client.live(admit(&mut door_c)).await;
        client.talks_with(&mut peer).await;
    });
}

/// Whatever listens there: what it hears is a greeting of TLS, and neither credentials nor a frame.
#[test]
fn no_redirect_leads_out_of_tls() {
    run(async {
        let authority = Authority::new();
        let plain = Runtime::<Multi>::start(Config::new()).expect("starts");
        let mut door = plain.listen("127.0.0.1:0").await.expect("a free port");
        let at = door.local_addr().expect("bound");
        says(&back_from(&at.to_string(), &authority).await, "hung up");
        assert!(door.next().now_or_never().is_none(), "nobody logged in");

        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let at = listener.local_addr().expect("bound");
        let hear = async {
            let (mut socket, _) = listener.accept().await.expect("a client");
            let mut first = [0; 3];
            socket.read_exact(&mut first).await.expect("a greeting");
            socket
                .write_all(b"welcome, friend\r\n")
                .await
                .expect("written");
            (first, socket)
        };
        let ((first, _socket), why) = join(hear, back_from(&at.to_string(), &authority)).await;
        assert_eq!(first, [0x16, 3, 1], "a handshake record");
        // Never, said of that place alone.
        says(&why, "one end speaks TLS and the other does not");
        assert_eq!(why.retry(), Retry::Never);
    });
}

#[test]
fn what_is_no_address_leads_nowhere() {
    run(async {
        let authority = Authority::new();
        for (to, what) in [
            ("somewhere", "no port, write host:port"),
            ("tls://localhost:7000", "a URL is not understood"),
            ("[::zz]:7000", "what is in brackets is no IP address"),
            ("under_score-.-:7000", "no name that a certificate can have"),
        ] {
            says(&back_from(to, &authority).await, what);
        }
    });
}

// [AWAY-10]
#[test]
fn who_may_not_does_not_go() {
    run(async {
        let authority = Authority::new();
        let (_a, mut door_a, at) = server(authority.certify()).await;
        let (_b, mut door_b, there) = server(authority.certify()).await;
        let dialer = TlsDialer::new(at, LEASE, &authority.client());
        let mut client = Watched::over(dialer, policy().redirects(false));
        let away = async {
            let peer = door_a.next().await.expect("a peer");
            peer.reject(
                Rejection::full()
                    .retry_after(Duration::ZERO)
                    .redirect(&there.to_string()),
            );
            admit(&mut door_a).await
        };
        let mut peer = client.live(away).await;
        client.talks_with(&mut peer).await;
        assert_eq!(client.moves, []);
        assert!(door_b.next().now_or_never().is_none(), "nobody came");
    });
}
