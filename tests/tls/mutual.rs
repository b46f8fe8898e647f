//! Clients that show certificates, and hosts that see them.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use futures::join;
use sessile::{
    Admission, Blame, Config, Credentials, Ended, EventKind, Identity, Incoming, Multi, Offer,
    RejectCode, Rejection, Returning, Runtime, Single, TlsErrorKind, What, admit_with,
    transport::{
        Accept, Dial,
        tls::{Certified, TlsAcceptor, TlsClient, TlsDialer, TlsLink, TlsServer, Trust},
    },
};

use crate::{Authority, LEASE, admit, connect, listen, pair, quick, run};

/// The two authorities: who signs servers, and who signs clients.
fn authorities() -> (Authority, Authority) {
    (Authority::new(), Authority::named("the clients'"))
}

fn showing(servers: &Authority, certified: Certified) -> TlsClient {
    let trust = Trust::roots(servers.root.clone());
    TlsClient::with_certificate(trust, certified).expect("a config of TLS")
}

/// A certificate of a client, and its bytes.
fn client_certificate(clients: &Authority) -> (Certified, Vec<u8>) {
    let (pem, key) = clients.pem_for("alice.example", |_| ());
    let der = rustls_pem(&pem);
    (Certified::from_pem(pem, key).expect("its key"), der)
}

fn rustls_pem(pem: &str) -> Vec<u8> {
    use futures_rustls::pki_types::{CertificateDer, pem::PemObject};
    CertificateDer::from_pem_slice(pem.as_bytes())
        .expect("PEM")
        .to_vec()
}

#[test]
fn a_host_sees_the_certificate_in_the_offer_and_observers_see_it_after() {
    run(async {
        let (servers, clients) = authorities();
        let tls = TlsServer::demanding(servers.certify(), clients.root.clone());
        let tls = tls.expect("a config of TLS");
        let (server, mut door, at) = listen(&tls, Config::new()).await;
        let (certified, der) = client_certificate(&clients);
        let client = showing(&servers, certified);
        let me = Credentials::token("whoever");
        let login = async {
            connect(at, &client, Config::new())
                .await
                .expect("connected")
                .login(&me)
                .await
        };
        let judge = async {
            let peer = door.next().await.expect("a peer");
            let chain = peer.offer().certificates().expect("it was demanded");
            assert_eq!(chain.len(), 1);
            assert_eq!(&*chain[0], &*der);
            peer.admit(1u64)
        };
        let (mine, theirs) = join!(login, judge);
        let mine = mine.expect("admitted");
        let peer = server
            .sessions()
            .get(Identity::from(1u64))
            .expect("logged in");
        assert_eq!(peer.certificates().expect("known")[0], der);
        drop(theirs);
        drop(mine);
    });
}

/// Longer than what a server takes that asks for none.
#[test]
fn a_client_may_show_a_certificate_of_some_kibibytes() {
    run(async {
        let (servers, clients) = authorities();
        let tls = TlsServer::demanding(servers.certify(), clients.root.clone());
        let tls = tls.expect("a config of TLS");
        let (_server, mut door, at) = listen(&tls, Config::new()).await;
        let names = (0..200).map(|n| format!("a-name-of-forty-bytes-{n:03}.clients.example"));
        let long = clients.certify_for("alice.example", |params| {
            let names = rcgen::CertificateParams::new(names.collect::<Vec<_>>()).expect("names");
            params.subject_alt_names = names.subject_alt_names;
        });
        let client = showing(&servers, long);
        let (_mine, theirs) = pair(at, &client, Config::new(), &mut door).await;
        let chain = theirs.peer().certificates().expect("it was demanded");
        assert!(chain[0].len() > 8_000, "{} bytes", chain[0].len());
    });
}

#[test]
fn a_host_without_a_door_decides_by_it() {
    run(async {
        let (servers, clients) = authorities();
        let tls = TlsServer::asking(servers.certify(), clients.root.clone());
        let tls = tls.expect("a config of TLS");
        let acceptor = TlsAcceptor::bind("127.0.0.1:0", 16, LEASE, &tls)
            .await
            .expect("a port");
        let at = acceptor.local_addr().expect("bound");
        let server = Runtime::<Multi>::start(Config::new()).expect("starts");
        let by_certificate = admit_with(|offer: Offer| async move {
            Ok(match offer.certificates() {
                Some(_) => Admission::new(1u64, true),
                None => Admission::new(2u64, false),
            })
        });
        let mut inbox = server.intake_over(acceptor, by_certificate);
        let (certified, _) = client_certificate(&clients);
        let me = Credentials::token("whoever");
        for (client, number) in [(showing(&servers, certified), 1), (servers.client(), 2)] {
            let session = connect(at, &client, Config::new())
                .await
                .expect("asked, not demanded");
            let mut session = session.login(&me).await.expect("admitted");
            assert_eq!(session.identity().as_u64(), Some(number));
            session.send(&[number as u8]).await.expect("sent");
            loop {
                inbox.ready().await;
                let told: Vec<_> = inbox.drain().collect();
                let message = told.iter().find_map(|Incoming { what, .. }| match what {
                    What::Message(message) => Some(message.clone()),
                    _ => None,
                });
                if let Some(message) = message {
                    assert_eq!(&*message, [number as u8]);
                    break;
                }
            }
        }
    });
}

#[test]
fn who_shows_none_or_anothers_does_not_get_as_far_as_a_login_and_hears_why() {
    run(async {
        let (servers, clients) = authorities();
        let tls = TlsServer::demanding(servers.certify(), clients.root.clone());
        let (server, _door, at) = listen(&tls.expect("a config of TLS"), Config::new()).await;
        let (strange, _) = client_certificate(&Authority::new());
        let (forged, _) = client_certificate(&Authority::named("the clients'"));
        let expired = clients.certify_for("alice.example", |params| {
            params.not_before = rcgen::date_time_ymd(2020, 1, 1);
            params.not_after = rcgen::date_time_ymd(2021, 1, 1);
        });
        for client in [
            servers.client(),
            showing(&servers, strange),
            showing(&servers, forged),
            showing(&servers, expired),
        ] {
            // In TLS 1.3 a client has done its part before the server looks at its certificate.
            let session = connect(at, &client, Config::new())
                .await
                .expect("its part is done");
            let error = session
                .login(&Credentials::token("alice"))
                .await
                .expect_err("refused");
            let refused = TlsErrorKind::Refused;
            assert!(error.to_string().contains(&refused.to_string()), "{error}");
            assert_eq!(error.retry(), refused.retry());
            assert_eq!(refused.blame(), Blame::Caller);
        }
        assert!(server.sessions().is_empty());
    });
}

/// Shows one certificate at first, and from then on another.
struct Renewed([TlsDialer; 2], AtomicBool);

impl Dial for Renewed {
    type Link = TlsLink;

    async fn dial(&self) -> io::Result<TlsLink> {
        let again = self.1.swap(true, Ordering::SeqCst);
        self.0[usize::from(again)].dial().await
    }
}

#[test]
fn after_a_resume_it_is_that_of_the_new_link() {
    run(async {
        let (servers, clients) = authorities();
        let tls = TlsServer::demanding(servers.certify(), clients.root.clone());
        let (server, mut door, at) = listen(&tls.expect("a config of TLS"), quick()).await;
        let [(old, old_der), (new, new_der)] = [(); 2].map(|()| client_certificate(&clients));
        assert_ne!(old_der, new_der);
        let proxy = crate::breaking::Proxy::start(at).await;
        let dialers =
            [old, new].map(|one| TlsDialer::new(proxy.at, LEASE, &showing(&servers, one)));
        let client = Runtime::<Single>::start(quick()).expect("a config that starts");
        let dialed = client.connect_over(Renewed(dialers, AtomicBool::new(false)));
        let session = dialed.await.expect("connected");
        let me = Credentials::token("alice");
        let (mine, theirs) = join!(session.login(&me), admit(&mut door));
        let peer = server.sessions().get("alice").expect("logged in");
        assert_eq!(peer.certificates().expect("known")[0], old_der);
        let mut events = peer.events();
        proxy.cut();
        loop {
            match events.next().await.expect("it lives") {
                sessile::Notice::Event(event)
                    if matches!(event.kind(), EventKind::Resumed { .. }) =>
                {
                    break;
                }
                _ => {}
            }
        }
        assert_eq!(peer.certificates().expect("known")[0], new_der);
        assert!(peer.epoch() > 1);
        drop((mine, theirs));
    });
}

#[test]
fn a_program_sees_the_certificate_of_who_comes_back_before_it_is_back() {
    run(async {
        let (servers, clients) = authorities();
        let tls = TlsServer::demanding(servers.certify(), clients.root.clone());
        let (server, mut door, at) = listen(&tls.expect("a config of TLS"), quick()).await;
        let (certified, der) = client_certificate(&clients);
        let revoked = Arc::new(AtomicBool::new(false));
        let is_revoked = Arc::clone(&revoked);
        server.readmit_with(move |returning: Returning| {
            let chain = returning.certificates().expect("it was demanded");
            let good = *chain[0] == *der && !is_revoked.load(Ordering::SeqCst);
            let new_link = returning.remote_addr().expect("TCP");
            let old_link = returning.peer().snapshot().expect("kept").remote_addr;
            assert_ne!(Some(new_link), old_link);
            async move {
                match good {
                    true => Ok(()),
                    false => Err(Rejection::banned()),
                }
            }
        });
        let proxy = crate::breaking::Proxy::start(at).await;
        let client = showing(&servers, certified);
        let (mut mine, theirs) = pair(proxy.at, &client, quick(), &mut door).await;
        for round in 0..2 {
            revoked.store(round == 1, Ordering::SeqCst);
            proxy.cut();
            let lost = match mine.recv().await {
                Err(Ended::Lost(lost)) => lost,
                other => panic!("no loss: {other:?}"),
            };
            match (round, mine.reconnect(lost).resume().await) {
                (0, Ok(session)) => mine = session,
                (1, Err(gone)) => {
                    let why = gone.closed().rejection().expect("the program's");
                    assert_eq!(why.code(), RejectCode::Banned);
                    break;
                }
                (_, other) => panic!("round {round}: {other:?}"),
            }
        }
        assert!(server.sessions().is_empty());
        drop(theirs);
    });
}
