//! A proxy between client and server that cuts and slows down.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::{AsyncReadExt, AsyncWriteExt};
use smol::{
    Timer,
    net::{TcpListener, TcpStream},
};
use socket2::SockRef;

/// What a proxy does to links.
#[derive(Clone, Copy)]
pub(crate) struct Manners {
    /// So many links are cut, each after about this many bytes.
    pub(crate) cuts: usize,
    pub(crate) after: usize,
    /// At most this many bytes at a time, and a pause after them.
    pub(crate) chunk: usize,
    pub(crate) pause: Duration,
}

/// One link through the proxy.
struct Link {
    ends: [TcpStream; 2],
    /// Bytes that may still pass, both ways together.
    left: AtomicUsize,
    number: usize,
    manners: Manners,
}

/// Where to dial instead.
pub(crate) async fn start(server: SocketAddr, manners: Manners) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let at = listener.local_addr().expect("bound");
    smol::spawn(async move {
        for number in 0.. {
            let Ok((client, _)) = listener.accept().await else {
                return;
            };
            let Ok(server) = TcpStream::connect(server).await else {
                continue;
            };
            let left = if number < manners.cuts {
                manners.after * (number % 5 + 1) / 3
            } else {
                usize::MAX
            };
            let link = Arc::new(Link {
                ends: [client, server],
                left: AtomicUsize::new(left),
                number,
                manners,
            });
            for from in 0..2 {
                smol::spawn(carry(Arc::clone(&link), from)).detach();
            }
        }
    })
    .detach();
    at
}

async fn carry(link: Arc<Link>, from: usize) {
    let (mut reader, mut writer) = (link.ends[from].clone(), link.ends[1 - from].clone());
    let mut buffer = vec![0; link.manners.chunk];
    loop {
        let read = match reader.read(&mut buffer).await {
            Ok(0) | Err(_) => break,
            Ok(read) => read,
        };
        let left = link
            .left
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                Some(left.saturating_sub(read))
            })
            .unwrap_or_default();
        // A cut is in the middle of whatever it is.
        if writer.write_all(&buffer[..read.min(left)]).await.is_err() || left <= read {
            break;
        }
        if !link.manners.pause.is_zero() {
            Timer::after(link.manners.pause).await;
        }
    }
    link.cut();
}

impl Link {
    /// Every other link ends with a reset, which takes what is on its way with it.
    fn cut(&self) {
        for end in &self.ends {
            if self.number % 2 == 1 {
                SockRef::from(end).set_linger(Some(Duration::ZERO)).ok();
            }
            end.shutdown(std::net::Shutdown::Both).ok();
        }
    }
}
