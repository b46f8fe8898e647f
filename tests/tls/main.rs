//! TLS over real sockets, with certificates made on the spot. Tests wait for what happens, never for time; the limit on each is for
//! a hang alone.

#[path = "../protocol/say.rs"]
#[allow(dead_code, reason = "tests/protocol uses the rest")]
mod say;
#[path = "../common/sockets.rs"]
mod sockets;

mod breaking;
mod certificates;
mod errors;
mod mutual;
mod redirects;
mod strangers;
mod transport;

use std::{net::SocketAddr, time::Duration};

use sessile::{
    Config, ConnectError, Connecting, Credentials, Door, Identity, LoggedIn, Multi, Runtime,
    Session, Single,
    transport::{
        Accept,
        tcp::TcpDialer,
        tls::{Certificates, Certified, TlsAcceptor, TlsClient, TlsDialer, TlsServer, Trust},
    },
};
pub(crate) use sockets::{quick, run};

pub(crate) const LEASE: Duration = Duration::from_secs(6);

/// Somebody who signs certificates.
pub(crate) struct Authority {
    issuer: rcgen::Issuer<'static, rcgen::KeyPair>,
    pub(crate) root: Certificates,
    root_pem: String,
}

impl Authority {
    pub(crate) fn new() -> Self {
        Self::named(&format!("authority {}", fastrand::u64(..)))
    }

    pub(crate) fn named(name: &str) -> Self {
        let key = rcgen::KeyPair::generate().expect("a key");
        let mut params = rcgen::CertificateParams::new([]).expect("no names");
        let common_name = rcgen::DnType::CommonName;
        params.distinguished_name.push(common_name, name);
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let root = params.self_signed(&key).expect("signed");
        Self {
            root: Certificates::from_pem(root.pem()).expect("PEM"),
            root_pem: root.pem(),
            issuer: rcgen::Issuer::new(params, key),
        }
    }

    pub(crate) fn root_pem(&self) -> &str {
        &self.root_pem
    }

    /// A certificate for this machine's loopback address.
    pub(crate) fn certify(&self) -> Certified {
        self.certify_for("127.0.0.1", |_| ())
    }

    pub(crate) fn certify_for(
        &self,
        name: &str,
        change: impl FnOnce(&mut rcgen::CertificateParams),
    ) -> Certified {
        let (pem, key) = self.pem_for(name, change);
        Certified::from_pem(pem, key).expect("a certificate and its key")
    }

    pub(crate) fn pem_for(
        &self,
        name: &str,
        change: impl FnOnce(&mut rcgen::CertificateParams),
    ) -> (String, String) {
        let mut params = rcgen::CertificateParams::new([name.to_string()]).expect("a name");
        change(&mut params);
        let key = rcgen::KeyPair::generate().expect("a key");
        let signed = params.signed_by(&key, &self.issuer).expect("signed");
        (signed.pem(), key.serialize_pem())
    }

    pub(crate) fn server(&self) -> TlsServer {
        TlsServer::new(self.certify()).expect("a config of TLS")
    }

    /// A client that trusts whoever this one has signed.
    pub(crate) fn client(&self) -> TlsClient {
        TlsClient::new(Trust::roots(self.root.clone())).expect("a config of TLS")
    }
}

pub(crate) async fn listen(tls: &TlsServer, config: Config) -> (Runtime<Multi>, Door, SocketAddr) {
    let server = Runtime::<Multi>::start(config).expect("a config that starts");
    let acceptor = TlsAcceptor::bind("127.0.0.1:0", 4096, LEASE, tls);
    let acceptor = acceptor.await.expect("a free port");
    let at = acceptor.local_addr().expect("a socket has an address");
    let door = server.listen_over(acceptor);
    (server, door, at)
}

pub(crate) async fn connect(
    at: SocketAddr,
    tls: &TlsClient,
    config: Config,
) -> Result<Session<Connecting>, ConnectError> {
    let client = Runtime::<Single>::start(config).expect("a config that starts");
    client.connect_over(TlsDialer::new(at, LEASE, tls)).await
}

pub(crate) async fn admit(door: &mut Door) -> Session<LoggedIn, Multi> {
    let peer = door.next().await.expect("a peer");
    let name = Identity::new(peer.offer().credentials()).expect("a short name");
    peer.admit(name)
}

/// A client that comes in, and its session at the server.
pub(crate) async fn pair(
    at: SocketAddr,
    tls: &TlsClient,
    config: Config,
    door: &mut Door,
) -> (Session<LoggedIn>, Session<LoggedIn, Multi>) {
    let me = Credentials::token("alice");
    let login = async {
        connect(at, tls, config)
            .await
            .expect("connected")
            .login(&me)
            .await
    };
    let (mine, theirs) = futures::join!(login, admit(door));
    (mine.expect("admitted"), theirs)
}

#[test]
fn a_whole_life_over_tls() {
    run(async {
        let authority = Authority::new();
        let (_server, mut door, at) = listen(&authority.server(), Config::new()).await;
        let client = authority.client();
        let (mut mine, mut theirs) = pair(at, &client, Config::new(), &mut door).await;
        let remote = theirs.snapshot().and_then(|now| now.remote_addr);
        assert!(remote.is_some_and(|from| from.ip().is_loopback()));
        assert_eq!(theirs.peer().certificates(), None, "nobody asked for one");
        let large: Vec<u8> = (0..300_000u32).map(|byte| byte as u8).collect();
        for message in [&b"small"[..], &large, b""] {
            mine.send(message).await.expect("sent");
            let heard = theirs.recv().await.expect("heard");
            assert!(*heard == *message, "{} bytes differ", heard.len());
            theirs.send(&heard).await.expect("sent");
            assert!(*mine.recv().await.expect("heard") == *message);
        }
        assert!(mine.close("good night").await.is_empty());
        let closed = theirs.recv().await.expect_err("it closed");
        assert!(closed.to_string().contains("good night"), "{closed}");
    });
}

#[test]
fn a_name_can_be_set_where_the_address_has_another() {
    run(async {
        let authority = Authority::new();
        let shown = authority.certify_for("game.example", |_| ());
        let tls = TlsServer::new(shown).expect("a config of TLS");
        let (_server, _door, at) = listen(&tls, Config::new()).await;
        let client = authority.client();
        let set = TlsDialer::new(at, LEASE, &client).server_name("game.example");
        let over = TlsDialer::over(TcpDialer::new(at, LEASE), "game.example", &client);
        for dialer in [set, over] {
            let runtime = Runtime::<Single>::start(Config::new()).expect("starts");
            let _session = runtime.connect_over(dialer).await.expect("its name");
        }
    });
}

#[test]
fn a_renewed_certificate_is_shown_to_whoever_dials_next_and_ends_no_session() {
    run(async {
        let (old, new) = (Authority::new(), Authority::new());
        let tls = old.server();
        let (_server, mut door, at) = listen(&tls, Config::new()).await;
        let (mut mine, mut theirs) = pair(at, &old.client(), Config::new(), &mut door).await;
        tls.show(new.certify());
        let _session = connect(at, &new.client(), Config::new())
            .await
            .expect("the new one");
        let error = connect(at, &old.client(), Config::new()).await;
        error.expect_err("the old one is not shown any more");
        mine.send("still here").await.expect("sent");
        assert_eq!(&*theirs.recv().await.expect("heard"), b"still here");
    });
}
