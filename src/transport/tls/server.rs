use super::{
    Certificates, Certified, PROTOCOL,
    link::{GREETING_BYTES, HANDSHAKE_BYTES},
    provider,
};
use futures_rustls::rustls::{
    ConfigBuilder, ServerConfig,
    crypto::ring::Ticketer,
    server::{ClientHello, ResolvesServerCert, WantsServerCert, WebPkiClientVerifier},
    sign::CertifiedKey,
    version::TLS13,
};
use std::{
    fmt, io,
    sync::{Arc, PoisonError, RwLock},
};

/// How a server speaks TLS: what it shows, and whether it asks its clients for a certificate. Cheap to clone; clones are the same.
///
/// ```
/// use sessile::transport::tls::{Certified, TlsServer};
/// use std::io;
///
/// /// Called when the files were renewed: whoever dials from now on sees the new certificate, and no session ends for it.
/// fn renew(tls: &TlsServer) -> io::Result<()> {
///     tls.show(Certified::from_pem_files("server.crt", "server.key")?);
///     Ok(())
/// }
/// ```
#[derive(Clone)]
pub struct TlsServer {
    pub(super) config: Arc<ServerConfig>,
    shown: Arc<Shown>,
    /// What a client may send in its handshake.
    pub(super) handshake_bytes: usize,
}

/// The certificate of this moment.
#[derive(Debug)]
struct Shown(RwLock<Arc<CertifiedKey>>);

impl TlsServer {
    /// Shows this certificate and asks for none: clients are known by what they present at login.
    ///
    /// # Errors
    ///
    /// Where this system gives no random numbers.
    pub fn new(certified: Certified) -> io::Result<Self> {
        Self::made(certified, GREETING_BYTES, |wants| {
            Ok(wants.with_no_client_auth())
        })
    }

    /// Also asks each client for a certificate that one of these has signed. A client that has none comes in all the same, and its
    /// [offer](crate::Offer::certificates) says so; one with another's is turned away.
    ///
    /// # Errors
    ///
    /// `InvalidData` where a root is no certificate.
    pub fn asking(certified: Certified, clients: Certificates) -> io::Result<Self> {
        Self::made(certified, HANDSHAKE_BYTES, |wants| {
            let verifier =
                WebPkiClientVerifier::builder_with_provider(clients.into_roots()?, provider())
                    .allow_unauthenticated()
                    .build();
            Ok(wants.with_client_cert_verifier(verifier.map_err(io::Error::other)?))
        })
    }

    /// Also demands of each client a certificate that one of these has signed (mutual TLS). Who has none does not get as far as a login.
    ///
    /// # Errors
    ///
    /// As [`asking`](Self::asking).
    pub fn demanding(certified: Certified, clients: Certificates) -> io::Result<Self> {
        Self::made(certified, HANDSHAKE_BYTES, |wants| {
            let verifier =
                WebPkiClientVerifier::builder_with_provider(clients.into_roots()?, provider())
                    .build();
            Ok(wants.with_client_cert_verifier(verifier.map_err(io::Error::other)?))
        })
    }

    /// Shows another certificate from now on: the renewed one.
    pub fn show(&self, certified: Certified) {
        *self.shown.0.write().unwrap_or_else(PoisonError::into_inner) = certified.0;
    }

    fn made(
        certified: Certified,
        handshake_bytes: usize,
        ask: impl FnOnce(
            ConfigBuilder<ServerConfig, futures_rustls::rustls::WantsVerifier>,
        ) -> io::Result<ConfigBuilder<ServerConfig, WantsServerCert>>,
    ) -> io::Result<Self> {
        let builder = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&TLS13])
            .map_err(io::Error::other)?;
        let shown = Arc::new(Shown(RwLock::new(certified.0)));
        let mut config = ask(builder)?.with_cert_resolver(Arc::clone(&shown) as Arc<_>);
        config.alpn_protocols = vec![PROTOCOL.to_vec()];
        config.max_early_data_size = 0;
        // Thousands that reconnect at once are taken up without a signature each, and without a table of who was here.
        config.ticketer = Ticketer::new().map_err(io::Error::other)?;
        // A reconnect uses one, and gets the next.
        config.send_tls13_tickets = 1;
        Ok(Self {
            config: Arc::new(config),
            shown,
            handshake_bytes,
        })
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let shown = self.0.read().unwrap_or_else(PoisonError::into_inner);
        Some(Arc::clone(&shown))
    }
}

impl fmt::Debug for TlsServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TlsServer")
    }
}
