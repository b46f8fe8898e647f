//! Peers that behave badly on purpose, at the level of sockets.

use std::{
    net::{Shutdown, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures::{AsyncReadExt, AsyncWriteExt};
use sessile::{
    Config, Ended, LossCause,
    wire::{Frame, Login, Terms, VERSION, encode_data, encode_volatile, needed},
};
use smol::net::TcpStream;

use super::{admit, echo_server, listen, run, talk};

const WINDOW: u32 = 64 << 20;

/// Somebody who logs in by hand and then does what no client does.
async fn by_hand(at: SocketAddr, name: &str) -> TcpStream {
    let mut raw = TcpStream::connect(at).await.expect("up");
    let mut instance = [0; 16];
    fastrand::fill(&mut instance);
    let mut bytes = Vec::new();
    let terms = Terms {
        heartbeat_ms: 2_000,
        lease_ms: 6_000,
        resume_window_ms: 120_000,
        window_messages: 1_024,
        window_bytes: WINDOW,
        max_message: 1 << 20,
    };
    Frame::Login(Login {
        version: VERSION,
        oldest: VERSION,
        features: 0,
        instance,
        attempt: 1,
        terms,
        credentials: name.as_bytes(),
    })
    .encode(&mut bytes);
    raw.write_all(&bytes).await.expect("written");
    raw
}

/// Reads WELCOME and says that it came.
async fn prove(raw: &mut TcpStream) {
    let mut header = [0; 4];
    raw.read_exact(&mut header).await.expect("an answer");
    let mut welcome = vec![0; needed(&header).expect("a length") - 4];
    raw.read_exact(&mut welcome).await.expect("an answer");
    assert_eq!(welcome.first(), Some(&sessile::wire::kind::WELCOME));
    let mut ack = Vec::new();
    Frame::Ack(0).encode(&mut ack);
    raw.write_all(&ack).await.expect("written");
}

#[test]
fn a_peer_that_closes_its_half_is_read_to_the_end_and_then_lost() {
    run(async {
        let (_server, mut door, at) = listen(Config::new()).await;
        let (mut raw, mut theirs) = futures::join!(by_hand(at, "half"), admit(&mut door));
        prove(&mut raw).await;
        let mut bytes = Vec::new();
        for message in [b"one".as_slice(), b"two"] {
            encode_data(message, &mut bytes);
        }
        bytes.extend_from_slice(&[0, 0, 0]); // and a frame that never comes
        raw.write_all(&bytes).await.expect("written");
        raw.shutdown(Shutdown::Write).expect("up");
        for message in [b"one".as_slice(), b"two"] {
            assert_eq!(&*theirs.recv().await.expect("sent before the end"), message);
        }
        let Err(Ended::Lost(lost)) = theirs.recv().await else {
            panic!("half a link is none")
        };
        assert_eq!(lost.cause(), LossCause::ClosedByPeer);
        assert!(
            super::is_closed(&mut raw).await,
            "the other half is closed, too"
        );
    });
}

#[test]
fn a_peer_that_stops_reading_loses_its_link_and_disturbs_nobody() {
    run(async {
        let config = Config::new()
            .stalled_write(Duration::from_millis(200))
            .unacked_bytes(WINDOW as usize);
        let (server, mut door, at) = listen(config).await;
        let (mut raw, mut deaf) = futures::join!(by_hand(at, "deaf"), admit(&mut door));
        prove(&mut raw).await;
        let (mut witness, theirs) = super::pair(at, Config::new(), &mut door, "witness").await;
        let echo = smol::spawn(super::echo(theirs));
        // Far more than the buffers of two sockets hold.
        let message = vec![0; 1_000_000];
        while deaf.try_send(&message).is_ok() {}
        assert!(deaf.snapshot().expect("it lives").unacked_bytes > 32 << 20);
        let waits = async {
            match deaf.recv().await {
                Err(Ended::Lost(lost)) => lost.cause(),
                other => panic!("{other:?}"),
            }
        };
        let mut waits = std::pin::pin!(waits);
        let cause = loop {
            talk(&mut witness).await;
            if let Some(cause) = futures::future::poll_immediate(&mut waits).await {
                break cause;
            }
        };
        assert_eq!(cause, LossCause::WriteStalled);
        assert_eq!((witness.epoch(), server.sessions().len()), (1, 2));
        drop(echo);
    });
}

/// Tiny frames as fast as a socket takes them, from several at once: others still get their turns.
#[test]
fn a_flood_of_tiny_frames_leaves_others_their_turns() {
    run(async {
        let (_sessions, at, mut witness) = echo_server(Config::new()).await;
        let over = Arc::new(AtomicBool::new(false));
        let mut floods = Vec::new();
        for i in 0..3 {
            let mut raw = by_hand(at, &format!("flood {i}")).await;
            prove(&mut raw).await;
            let over = Arc::clone(&over);
            floods.push(smol::spawn(async move {
                let mut bytes = Vec::new();
                for _ in 0..64 {
                    encode_volatile(b"", &mut bytes);
                }
                let mut written = 0_u64;
                let mut buffer = [0; 4096];
                while !over.load(Ordering::Relaxed) {
                    raw.write_all(&bytes).await.expect("the link is up");
                    written += 64;
                    // Reads what is sent back, so that it floods for as long as it likes.
                    let read = raw.read(&mut buffer);
                    let _ = futures::future::poll_immediate(read).await;
                }
                written
            }));
        }
        for _ in 0..15 {
            talk(&mut witness).await;
        }
        over.store(true, Ordering::Relaxed);
        for flood in floods {
            assert!(flood.await > 0, "it did flood");
        }
        assert_eq!(witness.epoch(), 1);
    });
}
