//! What a user hears when two ends do not come together, and whose move it is.

use std::{io::ErrorKind, net::SocketAddr};

use futures::{AsyncReadExt, AsyncWriteExt};
use futures_rustls::{
    TlsAcceptor, TlsConnector,
    pki_types::{PrivateKeyDer, ServerName, pem::PemObject},
    rustls::{self, ClientConfig, RootCertStore, ServerConfig},
};
use sessile::{
    Blame, Config, Credentials, Retry, Runtime, Single, TlsError, TlsErrorKind,
    transport::tls::{Certificates, Certified, TlsClient, TlsDialer, TlsServer, Trust},
    wire::Frame,
};
use smol::net::{TcpListener, TcpStream};
use std::sync::Arc;

use crate::{Authority, LEASE, connect, listen, run, say};

/// Why nobody could connect.
async fn refused(at: SocketAddr, tls: &TlsClient) -> TlsErrorKind {
    let error = connect(at, tls, Config::new()).await.expect_err("refused");
    let tls = error.tls().cloned().expect("TLS failed");
    assert!(error.to_string().contains("; "), "what to do next? {error}");
    assert_eq!(error.blame(), tls.kind().blame());
    assert_eq!(error.retry(), tls.kind().retry());
    tls.kind()
}

/// Why nobody could connect to a server with such a certificate.
async fn refused_with(shown: Certified, client: &TlsClient) -> TlsErrorKind {
    let tls = TlsServer::new(shown).expect("a config of TLS");
    let (_server, _door, at) = listen(&tls, Config::new()).await;
    refused(at, client).await
}

#[test]
fn an_expired_certificate_is_the_servers_to_renew() {
    run(async {
        let authority = Authority::new();
        let old = authority.certify_for("127.0.0.1", |params| {
            params.not_before = rcgen::date_time_ymd(2020, 1, 1);
            params.not_after = rcgen::date_time_ymd(2021, 1, 1);
        });
        let kind = refused_with(old, &authority.client()).await;
        assert_eq!(kind, TlsErrorKind::Expired);
        assert_eq!(kind.blame(), Blame::Peer);
    });
}

#[test]
fn a_certificate_of_the_future_is_a_clock_that_is_wrong() {
    run(async {
        let authority = Authority::new();
        let early = authority.certify_for("127.0.0.1", |params| {
            params.not_before = rcgen::date_time_ymd(2999, 1, 1);
        });
        let kind = refused_with(early, &authority.client()).await;
        assert_eq!(kind, TlsErrorKind::NotYetValid);
        assert_eq!(kind.blame(), Blame::Environment);
    });
}

#[test]
fn a_certificate_for_another_host_is_told_with_its_names() {
    run(async {
        let authority = Authority::new();
        let other = authority.certify_for("game.example", |_| ());
        let tls = TlsServer::new(other).expect("a config of TLS");
        let (_server, _door, at) = listen(&tls, Config::new()).await;
        let error = connect(at, &authority.client(), Config::new()).await;
        let error = error.expect_err("another host");
        assert_eq!(
            error.tls().map(TlsError::kind),
            Some(TlsErrorKind::WrongName)
        );
        assert!(error.to_string().contains("game.example"), "{error}");
        assert_eq!(error.blame(), Blame::Caller);
    });
}

#[test]
fn a_certificate_that_nobody_trusted_has_signed_is_refused() {
    run(async {
        let kind = refused_with(Authority::new().certify(), &Authority::new().client()).await;
        assert_eq!(kind, TlsErrorKind::UnknownIssuer);
        // Nor does it help to call oneself as who is trusted.
        let (forger, trusted) = (Authority::named("trusted"), Authority::named("trusted"));
        let kind = refused_with(forger.certify(), &trusted.client()).await;
        assert_eq!(kind, TlsErrorKind::UnknownIssuer);
        assert!(
            matches!(kind.retry(), Retry::After(_)),
            "a hotel's network passes"
        );
        let system = match TlsClient::new(Trust::system()) {
            Ok(system) => system,
            // A machine may have no roots; then it says so.
            Err(error) => return assert_eq!(error.kind(), ErrorKind::NotFound),
        };
        let kind = refused_with(Authority::new().certify(), &system).await;
        assert_eq!(kind, TlsErrorKind::UnknownIssuer);
    });
}

#[test]
fn a_pin_lets_one_certificate_in_whatever_its_name_and_date_and_no_other() {
    run(async {
        let authority = Authority::new();
        let (pem, key) = authority.pem_for("elsewhere.example", |params| {
            params.not_after = rcgen::date_time_ymd(2021, 1, 1);
        });
        let shown = Certified::from_pem(&pem, &key).expect("its key");
        let tls = TlsServer::new(shown).expect("a config of TLS");
        let (_server, _door, at) = listen(&tls, Config::new()).await;
        let pin = Trust::pinned(&Certificates::from_pem(&pem).expect("PEM"));
        let client = TlsClient::new(pin).expect("a config of TLS");
        let _session = connect(at, &client, Config::new()).await.expect("the one");

        tls.show(authority.certify());
        let fresh = TlsClient::new(Trust::pinned(&Certificates::from_pem(&pem).expect("PEM")));
        let kind = refused(at, &fresh.expect("a config of TLS")).await;
        assert_eq!(kind, TlsErrorKind::NotPinned);
        assert_eq!(
            refused_with(Authority::new().certify(), &client).await,
            kind
        );
    });
}

#[test]
fn a_pin_by_fingerprint_is_the_one_that_openssl_shows() {
    // echo -n abc | sha256sum: a certificate is hashed as it is, so any bytes do.
    let abc = Certificates::from_der([b"abc".to_vec()]).expect("one");
    let shown = format!("{:?}", Trust::pinned(&abc));
    assert_eq!(
        shown,
        "Pin(ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad)"
    );
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// Somebody else's server at the other end: it offers these protocols.
async fn foreign_server(authority: &Authority, protocols: &[&[u8]]) -> SocketAddr {
    let (pem, key) = authority.pem_for("127.0.0.1", |_| ());
    let chain = rustls::pki_types::CertificateDer::pem_slice_iter(pem.as_bytes());
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(
            chain.collect::<Result<_, _>>().expect("PEM"),
            PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("PEM"),
        )
        .expect("its key");
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let at = listener.local_addr().expect("bound");
    smol::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let acceptor = TlsAcceptor::from(Arc::new(config.clone()));
            if let Ok(mut stream) = acceptor.accept(socket).await {
                let _left = stream.read(&mut [0; 64]).await;
            }
        }
    })
    .detach();
    at
}

#[test]
fn a_server_that_does_not_speak_sessile_is_found_out_before_the_login() {
    run(async {
        let authority = Authority::new();
        for protocols in [&[][..], &[&b"http/1.1"[..], b"h2"]] {
            let at = foreign_server(&authority, protocols).await;
            let kind = refused(at, &authority.client()).await;
            assert_eq!(kind, TlsErrorKind::NoCommonProtocol, "{protocols:?}");
            assert_eq!(kind.retry(), Retry::Never);
        }
    });
}

/// A client of somebody else's.
pub(crate) fn foreign_client(root: &Authority, protocols: &[&[u8]]) -> ClientConfig {
    let pem = root.root_pem();
    let mut roots = RootCertStore::empty();
    roots
        .add(rustls::pki_types::CertificateDer::from_pem_slice(pem.as_bytes()).expect("PEM"))
        .expect("a root");
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    config
}

pub(crate) fn localhost() -> ServerName<'static> {
    ServerName::try_from("127.0.0.1").expect("an address")
}

#[test]
fn a_client_that_does_not_speak_sessile_is_turned_away_before_it_is_read() {
    run(async {
        let authority = Authority::new();
        let (server, mut door, at) = listen(&authority.server(), Config::new()).await;
        let login = say::bytes(&[Frame::Login(say::login(1))]);
        for protocols in [&[][..], &[&b"http/1.1"[..]]] {
            let connector = TlsConnector::from(Arc::new(foreign_client(&authority, protocols)));
            let socket = TcpStream::connect(at).await.expect("listening");
            // With no protocol named, this end believes that it is connected, and learns by reading.
            let knock = async {
                let mut stream = connector.connect(localhost(), socket).await?;
                stream.write_all(&login).await?;
                stream.flush().await?;
                stream.read(&mut [0; 64]).await
            };
            let asked = async {
                door.next().await;
                panic!("it was read")
            };
            let outcome = smol::future::or(asked, knock).await;
            assert!(!matches!(outcome, Ok(1..)), "{protocols:?}: {outcome:?}");
        }
        assert!(server.sessions().is_empty());
    });
}

#[test]
fn no_login_and_no_resume_goes_out_as_early_data() {
    run(async {
        let authority = Authority::new();
        let (_server, _door, at) = listen(&authority.server(), Config::new()).await;
        let mut config = foreign_client(&authority, &[b"sessile/1"]);
        config.enable_early_data = true; // this client would
        let connector = TlsConnector::from(Arc::new(config));
        let mut kinds = Vec::new();
        for _ in 0..2 {
            let socket = TcpStream::connect(at).await.expect("listening");
            let mut stream = connector
                .connect(localhost(), socket)
                .await
                .expect("agreed");
            // The ticket comes after the handshake: an answer to bytes that are no LOGIN has passed it.
            stream.write_all(&[0; 64]).await.expect("written");
            stream.flush().await.expect("flushed");
            while let Ok(1..) = stream.read(&mut [0; 64]).await {}
            let (_, connection) = stream.get_mut();
            assert!(connection.early_data().is_none(), "the server takes none");
            assert!(!connection.is_early_data_accepted());
            kinds.push(connection.handshake_kind().expect("done"));
        }
        let (first, again) = (rustls::HandshakeKind::Full, rustls::HandshakeKind::Resumed);
        assert_eq!(
            kinds,
            [first, again],
            "the ticket is good for a cheaper handshake"
        );
    });
}

#[test]
fn plain_text_to_a_tls_port_is_told_to_use_tls() {
    run(async {
        let authority = Authority::new();
        let (_server, _door, at) = listen(&authority.server(), Config::new()).await;
        let client = Runtime::<Single>::start(Config::new()).expect("starts");
        let session = client.connect(at).await.expect("TCP connects");
        let error = session.login(&Credentials::token("alice")).await;
        let error = error.expect_err("no login");
        assert!(error.to_string().contains("use TLS"), "{error}");
        assert_eq!(error.retry(), Retry::Never);
    });
}

#[test]
fn tls_to_a_plain_port_is_told_to_look_at_the_port() {
    run(async {
        let authority = Authority::new();
        // A server of ours hangs up on what is no frame.
        let server = Runtime::<sessile::Multi>::start(Config::new()).expect("starts");
        let door = server.listen("127.0.0.1:0").await.expect("a free port");
        let at = door.local_addr().expect("bound");
        assert_eq!(refused(at, &authority.client()).await, TlsErrorKind::HungUp);
        // Others answer in their own words.
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let at = listener.local_addr().expect("bound");
        let answer = async {
            let (mut socket, _) = listener.accept().await.expect("a client");
            socket
                .write_all(b"SSH-2.0-OpenSSH_9.2\r\n")
                .await
                .expect("written");
            socket
        };
        let client = authority.client();
        let (kind, _socket) = futures::join!(refused(at, &client), answer);
        assert_eq!(kind, TlsErrorKind::NotTls);
        assert_eq!((kind.blame(), kind.retry()), (Blame::Caller, Retry::Never));
    });
}

#[test]
fn a_handshake_that_is_cut_can_be_tried_again() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let at = listener.local_addr().expect("bound");
        let cut = async {
            let (mut socket, _) = listener.accept().await.expect("a client");
            // The beginning of a handshake record, and then nothing.
            socket
                .write_all(&[0x16, 3, 3, 0, 90, 2])
                .await
                .expect("written");
        };
        let client = Authority::new().client();
        let (kind, ()) = futures::join!(refused(at, &client), cut);
        assert_eq!(kind, TlsErrorKind::Cut);
        assert_eq!(
            (kind.blame(), kind.retry()),
            (Blame::Environment, Retry::Now)
        );
    });
}

#[test]
fn a_server_that_never_answers_the_handshake_ends_the_dial_at_its_timeout() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let at = listener.local_addr().expect("bound");
        let config = Config::new().dial_timeout(std::time::Duration::from_millis(200));
        let error = connect(at, &Authority::new().client(), config).await;
        let error = error.expect_err("nobody answers");
        assert_eq!(error.io_error().kind(), ErrorKind::TimedOut);
    });
}

#[test]
fn a_name_that_no_certificate_can_have_is_the_callers() {
    run(async {
        let client = Authority::new().client();
        let dialer = TlsDialer::new("127.0.0.1:1", LEASE, &client).server_name("two words");
        let runtime = Runtime::<Single>::start(Config::new()).expect("starts");
        let error = runtime.connect_over(dialer).await.expect_err("no name");
        assert_eq!(
            (error.blame(), error.retry()),
            (Blame::Caller, Retry::Never)
        );
    });
}
