use super::{PROTOCOL, TlsServer, failure};
use crate::{
    TlsError, TlsErrorKind,
    transport::{Link, tcp::TcpLink},
};
use bytes::Bytes;
use futures::io::{AsyncRead, AsyncWrite};
use futures_rustls::{FallibleAccept, TlsAcceptor, TlsStream, rustls::ServerConfig};
use std::{
    fmt,
    future::Future,
    io::{self, IoSlice, Read},
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

/// One link that is encrypted.
///
/// It never shows bytes that were changed on the way, and tells an end that the other side wanted (TLS's `close_notify`: a read
/// of 0 bytes) from a stream that was cut ([`TlsErrorKind::Cut`]).
pub struct TlsLink<L = TcpLink> {
    state: State<L>,
    remote: Option<SocketAddr>,
}

enum State<L> {
    /// Accepted, and has said nothing. What a handshake needs is 6 KiB, which a stranger gets for no less than a word.
    Silent(Metered<L>, Arc<ServerConfig>),
    /// Has begun to speak, and not yet agreed.
    Shaking(Box<FallibleAccept<Metered<L>>>),
    Open(Box<TlsStream<Metered<L>>>),
    /// The handshake failed, and the other end was told why. It is read until it leaves: closed with unread bytes, the system would
    /// reset the connection and take our word with it.
    Failed(Metered<L>, TlsError),
    /// Nothing of it is left.
    Over,
}

/// A link whose other end may say only so much before both agree.
pub(super) struct Metered<L> {
    link: L,
    /// Bytes it may still bring; without an end once both agreed.
    left: Option<usize>,
    heard: bool,
    /// What it said while nobody spoke TLS with it.
    first: Vec<u8>,
}

/// What the other end may send until both agree, where certificates are part of it: threat T2's bound on input. A greeting has
/// about 300 bytes, a chain of three certificates about 4 KiB.
pub(super) const HANDSHAKE_BYTES: usize = 16 * 1_024;

/// The same where this end asks for no certificate: a greeting with keys for algorithms to come has 2 KiB, the rest 100 bytes. What has
/// not come whole is kept, and that is what a stranger can make a server keep.
pub(super) const GREETING_BYTES: usize = 4 * 1_024;

/// What is encrypted at once, and so the most that waits here for the transport: one record.
const RECORD_BYTES: usize = 16 * 1_024;

/// What is read at first: a greeting of the usual length.
const FIRST_BYTES: usize = 1_024;

impl<L: Link> TlsLink<L> {
    /// Both ends agreed.
    pub(super) fn open(mut stream: TlsStream<Metered<L>>) -> Self {
        let metered = match &mut stream {
            TlsStream::Client(stream) => stream.get_mut().0,
            TlsStream::Server(stream) => stream.get_mut().0,
        };
        metered.left = None;
        Self {
            remote: metered.link.remote_addr(),
            state: State::Open(Box::new(stream)),
        }
    }

    /// Will agree with who dialed it, when it is read.
    pub(super) fn accepted(link: L, server: &TlsServer) -> Self {
        Self {
            remote: link.remote_addr(),
            state: State::Silent(
                Metered::new(link, server.handshake_bytes),
                Arc::clone(&server.config),
            ),
        }
    }

    /// Until it has said something, or has left.
    fn poll_first(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let State::Silent(link, _) = &mut self.state else {
            return Poll::Ready(());
        };
        let mut bytes = [0; FIRST_BYTES];
        let read = ready!(Pin::new(link).poll_read(cx, &mut bytes));
        let State::Silent(mut link, config) = std::mem::replace(&mut self.state, State::Over)
        else {
            return Poll::Ready(());
        };
        self.state = match read {
            Ok(read @ 1..) => {
                link.first.extend(bytes.iter().take(read));
                let shaking = TlsAcceptor::from(config).accept(link).into_fallible();
                State::Shaking(Box::new(shaking))
            }
            Ok(0) => State::Failed(link, TlsError::new(TlsErrorKind::HungUp, "")),
            Err(error) => State::Failed(link, failure::of_handshake(&error, false)),
        };
        Poll::Ready(())
    }

    /// The stream, once both ends agree.
    fn poll_open(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<&mut TlsStream<Metered<L>>>> {
        ready!(self.poll_first(cx));
        if let State::Shaking(shaking) = &mut self.state {
            let shaken = ready!(Pin::new(&mut **shaking).poll(cx));
            self.state = match shaken {
                Ok(stream) if stream.get_ref().1.alpn_protocol() == Some(PROTOCOL) => {
                    Self::open(TlsStream::Server(stream)).state
                }
                Ok(stream) => State::Failed(stream.into_inner().0, failure::no_common_protocol()),
                Err((error, link)) => {
                    let error = failure::of_handshake(&error, link.heard);
                    State::Failed(link, error)
                }
            };
        }
        if let State::Failed(link, _) = &mut self.state {
            ready!(link.poll_gone(cx));
            if let State::Failed(_, error) = std::mem::replace(&mut self.state, State::Over) {
                return Poll::Ready(Err(error.into()));
            }
        }
        Poll::Ready(match &mut self.state {
            State::Open(stream) => Ok(stream),
            _ => Err(io::ErrorKind::NotConnected.into()),
        })
    }

    /// The stream, if both ends agree already. Whoever accepts speaks second: what it would say earlier are last words to a stranger
    /// who does not hear them, and it need not wait with them.
    fn agreed(&mut self) -> io::Result<&mut TlsStream<Metered<L>>> {
        match &mut self.state {
            State::Open(stream) => Ok(stream),
            _ => Err(io::ErrorKind::NotConnected.into()),
        }
    }
}

impl<L: Link> Link for TlsLink<L> {
    fn remote_addr(&self) -> Option<SocketAddr> {
        self.remote
    }

    fn certificates(&self) -> Option<Arc<[Bytes]>> {
        let State::Open(stream) = &self.state else {
            return None;
        };
        let chain = stream.get_ref().1.peer_certificates()?;
        Some(
            chain
                .iter()
                .map(|one| Bytes::copy_from_slice(one))
                .collect(),
        )
    }
}

impl<L: Link> AsyncRead for TlsLink<L> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let stream = ready!(self.poll_open(cx))?;
        // What the transport did not take at the last write goes first: whoever reads may have nothing more to write.
        if stream.get_ref().1.wants_write() {
            let _ = Pin::new(&mut *stream).poll_flush(cx)?;
        }
        let read = ready!(Pin::new(stream).poll_read(cx, bytes));
        Poll::Ready(read.map_err(of_open))
    }
}

impl<L: Link> AsyncWrite for TlsLink<L> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let stream = self.agreed()?;
        // Else what is encrypted and not sent would grow, and a transport that takes nothing would look like one that does.
        ready!(Pin::new(&mut *stream).poll_flush(cx))?;
        let record = bytes.get(..RECORD_BYTES).unwrap_or(bytes);
        let written = ready!(Pin::new(stream).poll_write(cx, record));
        Poll::Ready(written.map_err(of_open))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let first = parts.iter().find(|part| !part.is_empty());
        self.poll_write(cx, first.map_or(&[], |part| part))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.state {
            State::Open(stream) => Pin::new(stream).poll_flush(cx).map_err(of_open),
            _ => Poll::Ready(Ok(())),
        }
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.state {
            State::Open(stream) => Pin::new(stream).poll_close(cx).map_err(of_open),
            // There is no goodbye to be said, and so none to wait for an answer to.
            State::Silent(..) | State::Shaking(_) => {
                Poll::Ready(Err(io::ErrorKind::NotConnected.into()))
            }
            State::Failed(..) | State::Over => Poll::Ready(Ok(())),
        }
    }
}

/// An error of a link on which both ends had agreed.
fn of_open(error: io::Error) -> io::Error {
    match failure::of_link(&error) {
        Some(error) => error.into(),
        None if error.kind() == io::ErrorKind::UnexpectedEof => {
            TlsError::new(TlsErrorKind::Cut, "without a goodbye").into()
        }
        None => error,
    }
}

impl<L: Link> Metered<L> {
    /// The other end may bring so much until both agree.
    pub(super) const fn new(link: L, room: usize) -> Self {
        Self {
            link,
            left: Some(room),
            heard: false,
            first: Vec::new(),
        }
    }

    /// Whether the other end ever said anything.
    pub(super) const fn has_heard(&self) -> bool {
        self.heard
    }

    /// Until the other end has left, or has said too much.
    fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Poll::Ready(Err(_)) = Pin::new(&mut self.link).poll_close(cx) {
            return Poll::Ready(());
        }
        let mut rest = [0; 1_024];
        loop {
            match ready!(Pin::new(&mut *self).poll_read(cx, &mut rest)) {
                Ok(1..) => {}
                Ok(0) | Err(_) => return Poll::Ready(()),
            }
        }
    }
}

impl<L: Link> AsyncRead for Metered<L> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        if !self.first.is_empty() {
            let mut first = &*self.first;
            let read = first.read(bytes)?;
            let rest = first.to_vec();
            self.first = rest;
            return Poll::Ready(Ok(read));
        }
        let bytes = match self.left {
            None => bytes,
            Some(0) => return Poll::Ready(Err(TlsError::new(TlsErrorKind::TooMuch, "").into())),
            Some(left) => {
                let room = left.min(bytes.len());
                &mut bytes[..room]
            }
        };
        let read = ready!(Pin::new(&mut self.link).poll_read(cx, bytes))?;
        self.heard |= read > 0;
        if let Some(left) = &mut self.left {
            *left -= read.min(*left);
        }
        Poll::Ready(Ok(read))
    }
}

impl<L: Link> AsyncWrite for Metered<L> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.link).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.link).poll_write_vectored(cx, parts)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.link).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.link).poll_close(cx)
    }
}

impl<L> fmt::Debug for TlsLink<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsLink")
            .field("remote", &self.remote)
            .field("open", &matches!(self.state, State::Open(_)))
            .finish_non_exhaustive()
    }
}
