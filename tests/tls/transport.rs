//! The transport alone, and over others.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, join};
use futures_rustls::TlsConnector;
use sessile::{
    Config, Credentials, Multi, Runtime, Single, TlsError, TlsErrorKind,
    transport::{
        Accept, Dial, Link,
        memory::Network,
        tcp::{TcpAcceptor, TcpDialer},
        tls::{TlsAcceptor, TlsDialer},
    },
};
use smol::{future::poll_once, net::TcpStream};

use crate::{
    Authority, LEASE, admit,
    errors::{foreign_client, localhost},
    run,
};

async fn bound(authority: &Authority) -> (TlsAcceptor, SocketAddr) {
    let acceptor = TlsAcceptor::bind("127.0.0.1:0", 16, LEASE, &authority.server())
        .await
        .expect("a free port");
    let at = acceptor.local_addr().expect("bound");
    (acceptor, at)
}

#[test]
fn a_goodbye_is_the_end_and_a_cut_is_an_error_after_all_that_came_whole() {
    run(async {
        let authority = Authority::new();
        let (mut acceptor, at) = bound(&authority).await;
        let config = Arc::new(foreign_client(&authority, &[b"sessile/1"]));
        for goodbye in [true, false] {
            let speak = async {
                let socket = TcpStream::connect(at).await.expect("it listens");
                let connector = TlsConnector::from(Arc::clone(&config));
                let mut stream = connector
                    .connect(localhost(), socket)
                    .await
                    .expect("agreed");
                stream.write_all(b"all of this").await.expect("written");
                stream.flush().await.expect("flushed");
                match goodbye {
                    true => stream.close().await.expect("closed"),
                    // TCP ends in order, TLS does not.
                    false => drop(stream.into_inner()),
                }
            };
            let listen = async {
                let mut link = acceptor.accept().await.expect("a client");
                let mut heard = Vec::new();
                (link.read_to_end(&mut heard).await, heard)
            };
            let ((), (end, heard)) = join!(speak, listen);
            assert_eq!(heard, b"all of this");
            match (goodbye, end) {
                (true, Ok(_)) => {}
                (false, Err(error)) => {
                    let kind = TlsError::of(&error).map(TlsError::kind);
                    assert_eq!(kind, Some(TlsErrorKind::Cut));
                    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
                }
                (_, end) => panic!("goodbye {goodbye}: {end:?}"),
            }
        }
    });
}

/// Who closes a link need not wait for somebody who never agreed to anything.
#[test]
fn there_is_no_goodbye_to_who_has_not_agreed() {
    run(async {
        let authority = Authority::new();
        let (mut acceptor, at) = bound(&authority).await;
        for said in [&b""[..], &[0x16, 3, 1]] {
            let mut stranger = TcpStream::connect(at).await.expect("it listens");
            stranger.write_all(said).await.expect("written");
            let mut link = acceptor.accept().await.expect("a stranger");
            if !said.is_empty() {
                let reading = poll_once(link.read(&mut [0; 16])).await;
                assert!(reading.is_none(), "{reading:?}");
            }
            let error = link.close().await.expect_err("not agreed");
            assert_eq!(error.kind(), io::ErrorKind::NotConnected);
            drop(link);
            assert!(!matches!(stranger.read(&mut [0; 16]).await, Ok(1..)));
        }
    });
}

/// Carries a byte at a time, and makes everybody wait before each.
struct Dribbling<T>(T);

struct DribblingLink<L> {
    inner: L,
    waited: [bool; 2],
}

impl<L> DribblingLink<L> {
    fn waits(&mut self, cx: &Context<'_>, way: usize) -> bool {
        self.waited[way] ^= true;
        if self.waited[way] {
            cx.waker().wake_by_ref();
        }
        self.waited[way]
    }
}

impl<L: Link> AsyncRead for DribblingLink<L> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        if self.waits(cx, 0) {
            return Poll::Pending;
        }
        let one = bytes.len().min(1);
        Pin::new(&mut self.inner).poll_read(cx, &mut bytes[..one])
    }
}

impl<L: Link> AsyncWrite for DribblingLink<L> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.waits(cx, 1) {
            return Poll::Pending;
        }
        let one = bytes.len().min(1);
        Pin::new(&mut self.inner).poll_write(cx, &bytes[..one])
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_close(cx)
    }
}

impl<L: Link> Link for DribblingLink<L> {
    fn remote_addr(&self) -> Option<SocketAddr> {
        self.inner.remote_addr()
    }
}

const fn dribbling<L>(inner: L) -> DribblingLink<L> {
    DribblingLink {
        inner,
        waited: [false; 2],
    }
}

impl<D: Dial> Dial for Dribbling<D> {
    type Link = DribblingLink<D::Link>;

    async fn dial(&self) -> io::Result<Self::Link> {
        self.0.dial().await.map(dribbling)
    }
}

impl<A: Accept> Accept for Dribbling<A> {
    type Link = DribblingLink<A::Link>;

    async fn accept(&mut self) -> io::Result<Self::Link> {
        self.0.accept().await.map(dribbling)
    }

    fn local_addr(&self) -> Option<SocketAddr> {
        self.0.local_addr()
    }
}

#[test]
fn a_session_lives_over_a_transport_that_carries_a_byte_at_a_time() {
    run(async {
        let authority = Authority::new();
        let tcp = TcpAcceptor::bind("127.0.0.1:0", 16, LEASE)
            .await
            .expect("a free port");
        let at = tcp.local_addr().expect("bound");
        let server = Runtime::<Multi>::start(Config::new()).expect("starts");
        let mut door = server.listen_over(TlsAcceptor::over(Dribbling(tcp), &authority.server()));
        let dial = Dribbling(TcpDialer::new(at, LEASE));
        let dialer = TlsDialer::over(dial, "127.0.0.1", &authority.client());
        let client = Runtime::<Single>::start(Config::new()).expect("starts");
        let me = Credentials::token("alice");
        let login = async {
            client
                .connect_over(dialer)
                .await
                .expect("agreed")
                .login(&me)
                .await
        };
        let (mine, mut theirs) = join!(login, admit(&mut door));
        let mut mine = mine.expect("admitted");
        // Longer than a record, so that one waits in the link while the next is offered.
        let long: Vec<u8> = (0..40_000u32).map(|byte| (byte / 7) as u8).collect();
        mine.send(&long).await.expect("sent");
        theirs.send(&long).await.expect("sent");
        let (here, there) = join!(mine.recv(), theirs.recv());
        assert!(*here.expect("heard") == *long && *there.expect("heard") == *long);
        assert!(mine.close("").await.is_empty(), "the goodbye passes, too");
        theirs.recv().await.expect_err("it closed");
    });
}

/// Threat T8: of what the transport does not take one record is kept here, and no more is taken from who writes.
#[test]
fn who_writes_to_an_end_that_does_not_read_waits_behind_one_record() {
    const ROOM: usize = 20 * 1_024;
    const RECORD: usize = 16 * 1_024;
    run(async {
        let authority = Authority::new();
        let network = Network::new();
        let mut acceptor = TlsAcceptor::over(network.listener(), &authority.server());
        let dialer = TlsDialer::over(network.dialer(), "127.0.0.1", &authority.client());
        let speak = async {
            let mut link = dialer.dial().await.expect("agreed");
            link.write_all(b"hello").await.expect("written");
            link.flush().await.expect("flushed");
            link
        };
        let listen = async {
            let mut link = acceptor.accept().await.expect("a client");
            link.read_exact(&mut [0; 5]).await.expect("agreed");
            link
        };
        let (mut mine, _theirs) = join!(speak, listen);
        network.links()[0].capacity(ROOM);
        let mut written = 0;
        while let Some(count) = poll_once(mine.write(&[7; 4 * RECORD])).await {
            written += count.expect("it is up");
        }
        assert!(
            (ROOM / 2..=ROOM + RECORD).contains(&written),
            "{written} bytes"
        );
    });
}

/// It may still be writing when the handshake fails, and is to hear why: a system that closes with bytes unread takes the answer back.
#[test]
fn who_fails_the_handshake_is_read_until_it_leaves() {
    run(async {
        let authority = Authority::new();
        let network = Network::new();
        let mut acceptor = TlsAcceptor::over(network.listener(), &authority.server());
        let dialer = network.dialer();
        let (stranger, link) = join!(dialer.dial(), acceptor.accept());
        let (mut stranger, mut link) = (stranger.expect("dialed"), link.expect("accepted"));
        // A greeting of one byte.
        for said in [&[0x16, 3, 1, 0, 5, 1, 0, 0, 1, 0][..], b"more", b"and more"] {
            stranger.write_all(said).await.expect("it is read");
            let reading = poll_once(link.read(&mut [0; 16])).await;
            assert!(reading.is_none(), "{reading:?} after {said:?}");
        }
        let mut alert = [0; 16];
        let heard = stranger.read(&mut alert).await.expect("an answer");
        assert_eq!((heard, alert[0]), (7, 0x15));
        drop(stranger);
        let error = link.read(&mut [0; 16]).await.expect_err("it failed");
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    });
}
