use super::{
    PROTOCOL, TlsClient, TlsLink, failure,
    link::{HANDSHAKE_BYTES, Metered},
};
use crate::{
    address::{Address, Target},
    transport::{Dial, tcp::TcpDialer},
};
use futures_rustls::{TlsConnector, TlsStream, pki_types::ServerName};
use std::{fmt, io, sync::Arc, time::Duration};

/// Dials a server and speaks TLS with it, over TCP or another transport. A dial is over when the handshake is: all of it within the
/// dial timeout.
///
/// A [redirect](crate::Reconnect::redirects) is followed over TLS alone, by the same [`TlsClient`]. Its text is an address `host:port`,
/// whatever the transport below, and the server there must have a certificate for that host; a name that was [set](Self::server_name), or
/// given to [`over`](Self::over), stays whose certificate it must be, and a [pin](super::Trust::pinned) stays the pin.
///
/// ```
/// use sessile::transport::tls::{TlsClient, TlsDialer, Trust};
/// use std::time::Duration;
///
/// # let fingerprint = [7; 32];
/// let tls = TlsClient::new(Trust::pinned_sha256(fingerprint))?;
/// let dialer = TlsDialer::new("game.example:7000", Duration::from_secs(6), &tls);
/// # std::io::Result::Ok(())
/// ```
#[derive(Clone)]
pub struct TlsDialer<D = TcpDialer> {
    dial: D,
    name: Name,
    client: TlsClient,
}

/// Whom the certificate must be for.
#[derive(Clone, Debug)]
enum Name {
    Of(Address),
    Set(String),
}

impl TlsDialer {
    /// Will dial `address` over TCP. The server's certificate must be for the host name or IP address in it.
    ///
    /// `user_timeout`: as in [`TcpDialer::new`]; the lease.
    pub fn new(address: impl Into<Address>, user_timeout: Duration, client: &TlsClient) -> Self {
        let address = address.into();
        Self {
            dial: TcpDialer::new(&address, user_timeout),
            name: Name::Of(address),
            client: client.clone(),
        }
    }
}

impl<D: Dial> TlsDialer<D> {
    /// Will speak TLS over what another transport dials. The server's certificate must be for `name`.
    pub fn over(dial: D, name: &str, client: &TlsClient) -> Self {
        Self {
            dial,
            name: Name::Set(name.to_owned()),
            client: client.clone(),
        }
    }

    /// The server's certificate must be for this name, whatever is dialed: for a server behind an address of its own. After a redirect,
    /// too: where servers send clients to each other, all of them then need a certificate for this name.
    #[must_use]
    pub fn server_name(mut self, name: &str) -> Self {
        self.name = Name::Set(name.to_owned());
        self
    }
}

impl<D: Dial> Dial for TlsDialer<D> {
    type Link = TlsLink<D::Link>;

    async fn dial(&self) -> io::Result<Self::Link> {
        let name = self.name.get()?;
        let link = Metered::new(self.dial.dial().await?, HANDSHAKE_BYTES);
        let connector = TlsConnector::from(Arc::clone(&self.client.config));
        match connector.connect(name, link).into_fallible().await {
            Ok(stream) if stream.get_ref().1.alpn_protocol() == Some(PROTOCOL) => {
                Ok(TlsLink::open(TlsStream::Client(stream)))
            }
            Ok(_) => Err(failure::no_common_protocol().into()),
            Err((error, link)) => Err(failure::of_handshake(&error, link.has_heard()).into()),
        }
    }

    /// The same over what the transport below dials instead. Where it is nothing but a name in an address that says whom to expect, it
    /// is now the one that the server said: this end trusts whoever has a certificate for that, as it trusted the server.
    fn redirected(&self, to: &str) -> Option<Self> {
        Some(Self {
            dial: self.dial.redirected(to)?,
            name: match &self.name {
                Name::Of(_) => Name::Of(to.into()),
                Name::Set(name) => Name::Set(name.clone()),
            },
            client: self.client.clone(),
        })
    }
}

impl Name {
    fn get(&self) -> io::Result<ServerName<'static>> {
        let text = match self {
            Self::Set(name) => name,
            Self::Of(address) => match address.target()? {
                Target::Socket(address) => return Ok(address.ip().to_canonical().into()),
                Target::Name(host, _) => host,
            },
        };
        ServerName::try_from(text.to_owned()).map_err(|_| {
            let why = format!("{text:?} is no name that a certificate can have");
            io::Error::new(io::ErrorKind::InvalidInput, why)
        })
    }
}

impl<D: fmt::Debug> fmt::Debug for TlsDialer<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsDialer")
            .field("dial", &self.dial)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
