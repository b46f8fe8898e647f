//! Links that are cut or changed on the way.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

use futures::{AsyncReadExt, AsyncWriteExt, future::join};
use sessile::{Ended, LoggedIn, LossCause, Mode, Session, TlsErrorKind};
use smol::net::{TcpListener, TcpStream};

use crate::{Authority, listen, pair, quick, run};

/// What lies between client and server. It knows of bytes alone.
pub(crate) struct Proxy {
    pub(crate) at: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    sockets: Mutex<Vec<TcpStream>>,
    /// Bytes to the server after which one is changed; 0 for never.
    change: AtomicUsize,
    changed: AtomicUsize,
    /// Bytes to the server after which a link is cut, one for each link.
    cuts: Mutex<Vec<usize>>,
    links: AtomicUsize,
}

impl Proxy {
    pub(crate) async fn start(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let at = listener.local_addr().expect("bound");
        let shared = Arc::new(Shared::default());
        let links = Arc::clone(&shared);
        smol::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(server).await.expect("it listens");
                links.links.fetch_add(1, SeqCst);
                links
                    .sockets
                    .lock()
                    .expect("no panic")
                    .extend([client.clone(), server.clone()]);
                let cut = links.cuts.lock().expect("no panic").pop();
                smol::spawn(carry(client, server, cut, Arc::clone(&links))).detach();
            }
        })
        .detach();
        Self { at, shared }
    }

    /// Ends every link, without a word of TLS.
    pub(crate) fn cut(&self) {
        for socket in self.shared.sockets.lock().expect("no panic").drain(..) {
            socket.shutdown(std::net::Shutdown::Both).ok();
        }
    }
}

async fn carry(client: TcpStream, server: TcpStream, cut: Option<usize>, shared: Arc<Shared>) {
    let up = async {
        let (mut from, mut to, mut passed) = (client.clone(), server.clone(), 0);
        let mut bytes = [0; 1500];
        while let Ok(read @ 1..) = from.read(&mut bytes).await {
            let change = shared.change.load(SeqCst);
            if change != 0 && passed + read > change && shared.changed.load(SeqCst) == 0 {
                bytes[change.saturating_sub(passed).min(read - 1)] ^= 1;
                shared.changed.fetch_add(1, SeqCst);
            }
            let room = cut.map_or(read, |cut| read.min(cut.saturating_sub(passed)));
            passed += read;
            if to.write_all(&bytes[..room]).await.is_err() || room < read {
                break;
            }
        }
    };
    let down = async {
        let (mut from, mut to) = (server.clone(), client.clone());
        let mut bytes = [0; 1500];
        while let Ok(read @ 1..) = from.read(&mut bytes).await {
            if to.write_all(&bytes[..read]).await.is_err() {
                break;
            }
        }
    };
    smol::future::or(up, down).await;
    for socket in [client, server] {
        socket.shutdown(std::net::Shutdown::Both).ok();
    }
}

/// The session, over as many links as it takes.
pub(crate) async fn resumed<M: Mode>(
    session: Session<LoggedIn, M>,
    ended: Ended,
) -> Session<LoggedIn, M> {
    match ended {
        Ended::Lost(lost) => session.reconnect(lost).resume().await.expect("it resumes"),
        Ended::Closed(closed) => panic!("{closed}"),
    }
}

/// Says numbers, each in a message of 500 bytes.
async fn say<M: Mode>(mut session: Session<LoggedIn, M>, count: u32) -> Session<LoggedIn, M> {
    for number in 0..count {
        let mut message = [number as u8; 500];
        message[..4].copy_from_slice(&number.to_be_bytes());
        loop {
            match session.send(&message).await {
                Ok(()) => break,
                Err(_) => {
                    let ended = session.check().expect_err("it said so");
                    session = resumed(session, ended).await;
                }
            }
        }
    }
    session
}

/// Hears all of them, each once and whole, in order.
async fn hear<M: Mode>(
    mut session: Session<LoggedIn, M>,
    count: u32,
    losses: &mut Vec<LossCause>,
) -> Session<LoggedIn, M> {
    let mut next = 0;
    while next < count {
        match session.recv().await {
            Ok(message) => {
                let mut expected = [next as u8; 500];
                expected[..4].copy_from_slice(&next.to_be_bytes());
                assert_eq!(*message, expected);
                next += 1;
            }
            Err(ended) => {
                if let Ended::Lost(lost) = &ended {
                    losses.push(lost.cause());
                }
                session = resumed(session, ended).await;
            }
        }
    }
    session
}

#[test]
fn a_session_comes_back_over_tls_wherever_its_links_were_cut() {
    run(async {
        let authority = Authority::new();
        let (_server, mut door, at) = listen(&authority.server(), quick()).await;
        let proxy = Proxy::start(at).await;
        // The last one is taken first: the login's link is cut in its messages; then in handshakes, in the first words, in records.
        *proxy.shared.cuts.lock().expect("no panic") =
            vec![9_999, 40_000, 1_000, 700, 300, 1, 20_000, 2_500];
        let (mine, theirs) = pair(proxy.at, &authority.client(), quick(), &mut door).await;
        let mut losses = Vec::new();
        let (mine, theirs) = join(say(mine, 1_000), hear(theirs, 1_000, &mut losses)).await;
        assert!(proxy.shared.links.load(SeqCst) > 8, "every cut happened");
        assert!(
            losses.contains(&LossCause::Tls(TlsErrorKind::Cut)),
            "{losses:?}"
        );
        drop((mine, theirs));
    });
}

#[test]
fn a_byte_that_was_changed_on_the_way_is_a_loss_and_never_data() {
    run(async {
        let authority = Authority::new();
        let (_server, mut door, at) = listen(&authority.server(), quick()).await;
        let proxy = Proxy::start(at).await;
        let (mine, theirs) = pair(proxy.at, &authority.client(), quick(), &mut door).await;
        proxy.shared.change.store(10_000, SeqCst);
        let mut losses = Vec::new();
        let (mine, theirs) = join(say(mine, 100), hear(theirs, 100, &mut losses)).await;
        assert_eq!(proxy.shared.changed.load(SeqCst), 1);
        assert!(
            losses.contains(&LossCause::Tls(TlsErrorKind::Broken)),
            "{losses:?}"
        );
        drop((mine, theirs));
    });
}
