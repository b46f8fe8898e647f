use super::{TlsLink, TlsServer};
use crate::{
    Address,
    transport::{Accept, tcp::TcpAcceptor},
};
use std::{fmt, io, net::SocketAddr, time::Duration};

/// Accepts links and speaks TLS with who dialed, over TCP or another transport.
///
/// A link is handed on at once, and its handshake is done where the link is read: whoever is slow is slow for himself, and is a stranger
/// like any other meanwhile.
///
/// ```
/// # smol::block_on(async {
/// use sessile::transport::{Accept, tls::{Certified, TlsAcceptor, TlsServer}};
/// use std::time::Duration;
///
/// # let made = rcgen::generate_simple_self_signed(["localhost".to_string()]).unwrap();
/// # let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
/// let tls = TlsServer::new(Certified::from_pem(&certificate, &key)?)?;
/// let acceptor = TlsAcceptor::bind("127.0.0.1:0", 4096, Duration::from_secs(6), &tls).await?;
/// assert!(acceptor.local_addr().is_some());
/// # std::io::Result::Ok(())
/// # }).unwrap();
/// ```
pub struct TlsAcceptor<A = TcpAcceptor> {
    accept: A,
    server: TlsServer,
}

impl TlsAcceptor {
    /// Listens at `address` over TCP: see [`TcpAcceptor::bind`], also for its errors.
    ///
    /// # Errors
    ///
    /// What the system says: `AddrInUse`, `PermissionDenied`; `InvalidInput` where the text is no address.
    pub async fn bind(
        address: impl Into<Address>,
        backlog: u32,
        user_timeout: Duration,
        server: &TlsServer,
    ) -> io::Result<Self> {
        let accept = TcpAcceptor::bind(address, backlog, user_timeout).await?;
        Ok(Self::over(accept, server))
    }
}

impl<A: Accept> TlsAcceptor<A> {
    /// Will speak TLS over what another transport accepts.
    pub fn over(accept: A, server: &TlsServer) -> Self {
        Self {
            accept,
            server: server.clone(),
        }
    }
}

impl<A: Accept> Accept for TlsAcceptor<A> {
    type Link = TlsLink<A::Link>;

    async fn accept(&mut self) -> io::Result<Self::Link> {
        let link = self.accept.accept().await?;
        Ok(TlsLink::accepted(link, &self.server))
    }

    fn local_addr(&self) -> Option<SocketAddr> {
        self.accept.local_addr()
    }
}

impl<A: fmt::Debug> fmt::Debug for TlsAcceptor<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TlsAcceptor").field(&self.accept).finish()
    }
}
