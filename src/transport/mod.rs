//! What carries bytes: the traits of a transport, TCP, and a network in memory for tests.
//!
//! A session needs three things of a transport: someone who [dials](Dial), someone who [accepts](Accept), and
//! [links](Link) that carry bytes both ways, in order. Everything else, who logs in, who is still alive, what
//! is sent again, is the session's. To add a transport, implement the three traits.

mod any;
pub mod memory;
mod refusal;
pub mod tcp;
#[cfg(feature = "tls")]
pub mod tls;

pub(crate) use any::AnyLink;
use bytes::Bytes;
use futures::{
    future::BoxFuture,
    io::{AsyncRead, AsyncWrite},
};
pub(crate) use refusal::Outcome;
use std::{future::Future, io, net::SocketAddr, sync::Arc};

/// One physical connection: bytes both ways, reliable and in order for as long as it lasts.
///
/// What a session expects of it:
/// - a read of 0 bytes means that the other end finished writing; an error means that the link is gone;
/// - `poll_close` finishes writing, and what was written before still arrives;
/// - dropping it ends it for the other end too.
///
/// ```
/// use futures::io::{AsyncRead, AsyncWrite};
/// use sessile::transport::Link;
/// use std::{
///     io,
///     pin::Pin,
///     task::{Context, Poll},
/// };
///
/// /// Counts what passes through another link.
/// struct Counted<L> {
///     inner: L,
///     read: usize,
/// }
///
/// impl<L: Link> AsyncRead for Counted<L> {
///     fn poll_read(
///         mut self: Pin<&mut Self>,
///         cx: &mut Context<'_>,
///         bytes: &mut [u8],
///     ) -> Poll<io::Result<usize>> {
///         let result = Pin::new(&mut self.inner).poll_read(cx, bytes);
///         if let Poll::Ready(Ok(read)) = result {
///             self.read += read;
///         }
///         result
///     }
/// }
///
/// impl<L: Link> AsyncWrite for Counted<L> {
///     fn poll_write(
///         mut self: Pin<&mut Self>,
///         cx: &mut Context<'_>,
///         bytes: &[u8],
///     ) -> Poll<io::Result<usize>> {
///         Pin::new(&mut self.inner).poll_write(cx, bytes)
///     }
///     fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
///         Pin::new(&mut self.inner).poll_flush(cx)
///     }
///     fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
///         Pin::new(&mut self.inner).poll_close(cx)
///     }
/// }
///
/// impl<L: Link> Link for Counted<L> {
///     fn remote_addr(&self) -> Option<std::net::SocketAddr> {
///         self.inner.remote_addr()
///     }
/// }
/// ```
pub trait Link: AsyncRead + AsyncWrite + Send + Unpin + 'static {
    /// The other end's address, where it has one. Logins are limited for each address prefix by it.
    fn remote_addr(&self) -> Option<SocketAddr> {
        None
    }

    /// What the other end has proven to be, where the transport knows: its certificates (DER), its own first. Asked once, when the
    /// link has brought its first bytes.
    fn certificates(&self) -> Option<Arc<[Bytes]>> {
        None
    }
}

/// Makes links to one server, one for each call: the first, and one for each reconnect.
///
/// ```
/// use sessile::transport::{Dial, tcp::{TcpDialer, TcpLink}};
/// use std::{io, time::Duration};
///
/// /// Tries a second server where the first does not answer.
/// struct Either(TcpDialer, TcpDialer);
///
/// impl Dial for Either {
///     type Link = TcpLink;
///
///     async fn dial(&self) -> io::Result<TcpLink> {
///         match self.0.dial().await {
///             Ok(link) => Ok(link),
///             Err(_) => self.1.dial().await,
///         }
///     }
/// }
/// ```
pub trait Dial: Send + Sync + 'static {
    /// What it makes.
    type Link: Link;

    /// Makes a link.
    ///
    /// # Errors
    ///
    /// Whatever kept it from making one. Every error is tried again, after a growing pause.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future must end the attempt: it is dropped when the dial timeout is over.
    fn dial(&self) -> impl Future<Output = io::Result<Self::Link>> + Send;

    /// What dials `to` instead, which a server has named. `None`, the default, where this transport has no such addresses:
    /// then no redirect is followed.
    ///
    /// The text is a stranger's: it is at most 255 bytes long and has no control characters, and may be no address at all.
    #[must_use]
    fn redirected(&self, to: &str) -> Option<Self>
    where
        Self: Sized,
    {
        let _ = to;
        None
    }
}

/// Waits for links that others dial.
///
/// ```
/// use sessile::transport::{Accept, memory::{MemoryAcceptor, MemoryLink}};
/// use std::io;
///
/// /// Lets the first so many links in, then none.
/// struct Few { inner: MemoryAcceptor, left: usize }
///
/// impl Accept for Few {
///     type Link = MemoryLink;
///
///     async fn accept(&mut self) -> io::Result<MemoryLink> {
///         if self.left == 0 {
///             std::future::pending::<()>().await;
///         }
///         let link = self.inner.accept().await?;
///         self.left -= 1;
///         Ok(link)
///     }
/// }
/// ```
pub trait Accept: Send + 'static {
    /// What it accepts.
    type Link: Link;

    /// Waits for the next link.
    ///
    /// # Errors
    ///
    /// What keeps it from accepting now. It is called again: at once where the error is of one link alone (the dialer left, the
    /// network forbids it), after a pause that grows from 10 ms to 500 ms where something lacks (open files, memory). Only an
    /// error of the system that says that this is no listener any more ends the listening.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future must not lose a link.
    fn accept(&mut self) -> impl Future<Output = io::Result<Self::Link>> + Send;

    /// Where it listens, where that is an address.
    fn local_addr(&self) -> Option<SocketAddr> {
        None
    }
}

/// A link of any transport.
pub type BoxLink = Box<dyn Link>;

impl Link for BoxLink {
    fn remote_addr(&self) -> Option<SocketAddr> {
        (**self).remote_addr()
    }

    fn certificates(&self) -> Option<Arc<[Bytes]>> {
        (**self).certificates()
    }
}

/// [`Dial`] without its type: below the surface nothing is generic over the transport.
pub(crate) trait DynDial: Send + Sync {
    fn dial_boxed(&self) -> BoxFuture<'_, io::Result<AnyLink>>;
    fn redirected(&self, to: &str) -> Option<Box<dyn DynDial>>;
}

impl<D: Dial> DynDial for D {
    fn dial_boxed(&self) -> BoxFuture<'_, io::Result<AnyLink>> {
        Box::pin(async { Ok(AnyLink::new(self.dial().await?)) })
    }

    fn redirected(&self, to: &str) -> Option<Box<dyn DynDial>> {
        Dial::redirected(self, to).map(|dialer| Box::new(dialer) as Box<dyn DynDial>)
    }
}

/// [`Accept`] without its type.
pub(crate) trait DynAccept: Send {
    fn accept_boxed(&mut self) -> BoxFuture<'_, io::Result<AnyLink>>;
    fn listens_at(&self) -> Option<SocketAddr>;
}

impl<A: Accept> DynAccept for A {
    fn accept_boxed(&mut self) -> BoxFuture<'_, io::Result<AnyLink>> {
        Box::pin(async { Ok(AnyLink::new(self.accept().await?)) })
    }

    fn listens_at(&self) -> Option<SocketAddr> {
        self.local_addr()
    }
}
