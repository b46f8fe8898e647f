//! Who never finishes the handshake.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use futures::{AsyncReadExt, AsyncWriteExt};
use sessile::{Config, TlsErrorKind, transport::tls::TlsServer};
use smol::net::TcpStream;

use crate::{Authority, connect, listen, pair, run};

/// The beginning of a greeting that never goes on.
const HALF: [u8; 9] = [0x16, 3, 1, 1, 0, 1, 0, 0, 252];

#[expect(clippy::disallowed_methods, reason = "real time is what this is about")]
fn now() -> Instant {
    Instant::now()
}

async fn stranger(at: SocketAddr, says: &[u8]) -> TcpStream {
    let mut socket = TcpStream::connect(at).await.expect("it listens");
    socket.write_all(says).await.expect("written");
    socket
}

#[test]
fn a_stranger_who_does_not_finish_the_handshake_is_dropped_at_the_login_deadline() {
    run(async {
        let authority = Authority::new();
        let deadline = Duration::from_millis(400);
        let config = Config::new().login_deadline(deadline);
        let (_server, mut door, at) = listen(&authority.server(), config.clone()).await;
        let begun = now();
        let mut silent = stranger(at, b"").await;
        let mut slow = stranger(at, &HALF).await;
        // Bytes do not extend it: this one goes on, a byte at a time.
        let mut dribbling = stranger(at, &HALF).await;
        let mut feeding = dribbling.clone();
        let feed = smol::spawn(async move {
            while feeding.write_all(&[0]).await.is_ok() {
                smol::Timer::after(Duration::from_millis(20)).await;
            }
        });
        for socket in [&mut silent, &mut slow, &mut dribbling] {
            let read = socket.read(&mut [0; 64]).await;
            assert!(!matches!(read, Ok(1..)), "nothing was said to it");
        }
        let waited = begun.elapsed();
        assert!(waited >= deadline, "{waited:?}");
        assert!(
            waited < deadline * 8,
            "no patience after the deadline: {waited:?}"
        );
        feed.await;
        // Whoever finishes it comes in.
        let _both = pair(at, &authority.client(), config, &mut door).await;
    });
}

#[test]
fn a_stranger_in_the_handshake_takes_one_of_the_places_for_pending_logins() {
    run(async {
        let authority = Authority::new();
        let config = Config::new().pending_logins(2).pending_per_prefix(2);
        let config = config.login_deadline(Duration::from_secs(5));
        let (_server, mut door, at) = listen(&authority.server(), config.clone()).await;
        let first = stranger(at, &HALF).await;
        let second = stranger(at, &HALF).await;
        // Both are inside before the next one comes: links are accepted in order.
        let error = connect(at, &authority.client(), config.clone()).await;
        let error = error.expect_err("no place");
        let kind = error.tls().expect("in the handshake").kind();
        assert_eq!(kind, TlsErrorKind::HungUp);
        drop((first, second));
        // Their places are free once they are gone.
        let client = authority.client();
        while connect(at, &client, config.clone()).await.is_err() {}
        let _both = pair(at, &client, config, &mut door).await;
    });
}

/// What has not come whole is kept for it: a server that asks for no certificate keeps 4 KiB.
#[test]
fn a_greeting_that_is_longer_than_any_need_be_is_dropped_before_it_is_whole() {
    run(async {
        let authority = Authority::new();
        let config = Config::new().login_deadline(Duration::from_secs(30));
        let (_server, _door, at) = listen(&authority.server(), config).await;
        let mut half = vec![0x16, 3, 1, 0x3f, 0, 1, 0, 0x3e, 0xfc];
        half.resize(4_097, 0);
        let begun = now();
        let mut socket = stranger(at, &half).await;
        let read = socket.read(&mut [0; 64]).await;
        assert!(!matches!(read, Ok(1..)), "{read:?}");
        let waited = begun.elapsed();
        assert!(waited < Duration::from_secs(15), "the deadline: {waited:?}");
    });
}

#[test]
fn a_handshake_that_is_longer_than_any_need_be_is_dropped() {
    run(async {
        let authority = Authority::new();
        let config = Config::new().login_deadline(Duration::from_secs(30));
        let tls = TlsServer::asking(authority.certify(), authority.root.clone());
        let tls = tls.expect("a config of TLS");
        let (_server, _door, at) = listen(&tls, config).await;
        // A greeting that says it has 60,000 bytes, in records of 1,000 each; its end would come long before the deadline.
        let mut socket = TcpStream::connect(at).await.expect("it listens");
        let begun = now();
        let mut sent = 0;
        for record in 0..60 {
            let mut bytes = vec![0x16, 3, 1, 3, 232];
            bytes.extend(match record {
                0 => [1, 0, 234, 96],
                _ => [0; 4],
            });
            bytes.extend([0; 996]);
            if socket.write_all(&bytes).await.is_err() {
                break;
            }
            sent += bytes.len();
        }
        let read = socket.read(&mut [0; 64]).await;
        assert!(!matches!(read, Ok(1..)), "{read:?}");
        assert!(
            begun.elapsed() < Duration::from_secs(15),
            "dropped at once, after {sent}"
        );
    });
}
