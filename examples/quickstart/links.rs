//! How links are protected: not at all, or by TLS.

use std::net::SocketAddr;

use anyhow::Result;
use sessile::{
    ConnectError, Connecting, Door, Multi, Runtime, Session, Single,
    transport::tls::{
        Certificates, Certified, TlsAcceptor, TlsClient, TlsDialer, TlsServer, Trust,
    },
};

use crate::LEASE;

/// What server and clients agreed on beforehand.
#[derive(Clone)]
pub(crate) enum Links {
    Plain,
    Tls {
        server: TlsServer,
        client: TlsClient,
    },
}

/// Where to dial, and how.
pub(crate) struct Way {
    links: Links,
    address: SocketAddr,
}

impl Links {
    /// With a certificate made on the spot: the clients are told of this one, and trust no other.
    pub(crate) fn tls() -> Result<Self> {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
        let certificate = made.cert.pem();
        let certified = Certified::from_pem(&certificate, made.signing_key.serialize_pem())?;
        let trust = Trust::pinned(&Certificates::from_pem(&certificate)?);
        Ok(Self::Tls {
            server: TlsServer::new(certified)?,
            client: TlsClient::new(trust)?,
        })
    }

    pub(crate) async fn listen(&self, runtime: &Runtime<Multi>) -> Result<Door> {
        Ok(match self {
            Self::Plain => runtime.listen("127.0.0.1:0").await?,
            Self::Tls { server, .. } => {
                let acceptor = TlsAcceptor::bind("127.0.0.1:0", 4_096, LEASE, server);
                runtime.listen_over(acceptor.await?)
            }
        })
    }

    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Plain => "in plain text",
            Self::Tls { .. } => "with TLS",
        }
    }

    pub(crate) fn to(&self, address: SocketAddr) -> Way {
        Way {
            links: self.clone(),
            address,
        }
    }
}

impl Way {
    pub(crate) async fn connect(
        &self,
        runtime: Runtime<Single>,
    ) -> Result<Session<Connecting>, ConnectError> {
        match &self.links {
            Links::Plain => runtime.connect(self.address).await,
            Links::Tls { client, .. } => {
                let dialer = TlsDialer::new(self.address, LEASE, client);
                runtime.connect_over(dialer).await
            }
        }
    }
}
