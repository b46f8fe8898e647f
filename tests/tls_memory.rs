//! What a stranger costs on a port that speaks TLS: alone in its file, since it reads the memory of its process.

#![cfg(target_os = "linux")]

#[path = "common/greeting.rs"]
mod greeting;
#[path = "common/memory.rs"]
mod memory;

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use greeting::{LEASE, greeting};
use memory::{all_files, peak};
use sessile::{
    Config, Credentials, Multi, Runtime, Single,
    transport::{
        Accept,
        tls::{Certificates, Certified, TlsAcceptor, TlsClient, TlsDialer, TlsServer, Trust},
    },
};

const STRANGERS: usize = 1_000;

/// Who says nothing costs no more than over TCP: 1.3 KiB were measured, of which this leaves room for the odd page.
const SILENT: usize = 3 * 1_024;

/// Who has been answered: 9.3 KiB were measured, nearly all of it in rustls, 4 KiB for what is read.
const ANSWERED: usize = 12 * 1_024;

#[test]
fn a_stranger_gets_the_memory_of_tls_for_no_less_than_a_greeting() {
    all_files();
    let config = Config::new()
        .pending_logins(STRANGERS + 1)
        .pending_per_prefix(STRANGERS + 1)
        .early_drop(100)
        .login_deadline(Duration::from_secs(60));
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("made");
    let shown = Certified::from_pem(made.cert.pem(), made.signing_key.serialize_pem());
    let shown = TlsServer::new(shown.expect("its key")).expect("a config of TLS");
    let pin = Trust::pinned(&Certificates::from_pem(made.cert.pem()).expect("PEM"));
    let tls = TlsClient::new(pin.clone()).expect("a config of TLS");
    let server = Runtime::<Multi>::start(config).expect("a config that starts");
    let accept = TlsAcceptor::bind("127.0.0.1:0", 4_096, LEASE, &shown);
    let accept = smol::block_on(accept).expect("a free port");
    let at: SocketAddr = accept.local_addr().expect("TCP has addresses");
    let mut door = server.listen_over(accept);

    // Links are accepted in order: who is let in is behind everybody who came before.
    let mut let_in = |name: &str| {
        let client = Runtime::<Single>::start(Config::new()).expect("starts");
        let me = Credentials::token(name);
        smol::block_on(async {
            let login = async {
                let session = client.connect_over(TlsDialer::new(at, LEASE, &tls)).await;
                session.expect("connected").login(&me).await
            };
            let admit = async { door.next().await.expect("a peer").admit(1u64) };
            let (mine, theirs) = futures::join!(login, admit);
            (mine.expect("admitted"), theirs)
        })
    };
    let _before = let_in("before");
    // Of somebody who was never there: who comes back shows a ticket, and is shown no certificate.
    let greeting = greeting(&TlsClient::new(pin).expect("a config of TLS"));
    let before = peak();
    let connect = |_| TcpStream::connect(at).expect("it listens");
    let mut strangers: Vec<TcpStream> = (0..STRANGERS).map(connect).collect();
    let _behind = let_in("behind");
    let each = (peak() - before) / STRANGERS;
    println!("a silent stranger costs {each} bytes");
    assert!((1..=SILENT).contains(&each), "{each} bytes");

    for stranger in &mut strangers {
        stranger.write_all(&greeting).expect("it is still there");
        let mut answer = [0; 4_096];
        let answer = stranger.read(&mut answer).expect("it is still there");
        assert!(answer > 500, "the certificate is in it: {answer} bytes");
    }
    let each = (peak() - before) / STRANGERS;
    println!("one who was answered costs {each} bytes");
    assert!((4_096..=ANSWERED).contains(&each), "{each} bytes");
}
