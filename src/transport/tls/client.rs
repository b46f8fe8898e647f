use super::{Certificates, Certified, PROTOCOL, pin::Pin, provider};
use futures_rustls::rustls::{
    self, ClientConfig, RootCertStore,
    client::{ResolvesClientCert, WantsClientCert},
    sign::{CertifiedKey, SingleCertAndKey},
    version::TLS13,
};
use rustls_platform_verifier::Verifier;
use std::{fmt, io, sync::Arc};

/// Whom a client takes for its server.
///
/// ```
/// use sessile::transport::tls::{Certificates, Trust};
///
/// # let made = rcgen::generate_simple_self_signed(["localhost".to_string()]).unwrap();
/// # let pem = made.cert.pem();
/// let certificate = Certificates::from_pem(&pem)?;
/// let by_name = Trust::roots(certificate.clone()); // whoever these have signed, for the name that is dialed
/// let this_one = Trust::pinned(&certificate); // this very certificate
/// # std::io::Result::Ok(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct Trust(Kind);

#[derive(Clone)]
enum Kind {
    System,
    Roots(Certificates),
    Pin([u8; 32]),
}

/// How a client speaks TLS: whom it trusts, and what it shows. Cheap to clone; one serves any number of dialers.
///
/// Dialers that share one take up each other's TLS sessions, with the same server.
///
/// ```
/// use sessile::transport::tls::{TlsClient, Trust};
///
/// let fingerprint = [7; 32]; // openssl x509 -in server.crt -noout -fingerprint -sha256
/// let tls = TlsClient::new(Trust::pinned_sha256(fingerprint))?;
/// # std::io::Result::Ok(())
/// ```
#[derive(Clone)]
pub struct TlsClient {
    pub(super) config: Arc<ClientConfig>,
}

impl Trust {
    /// Whoever this system trusts: what a browser here would accept. For servers with a certificate from a public authority, or from
    /// one that was installed here.
    pub const fn system() -> Self {
        Self(Kind::System)
    }

    /// Whoever has a certificate, for the name that is dialed, that one of these has signed. For an authority of your own. A
    /// certificate that signed itself is its own root.
    pub const fn roots(roots: Certificates) -> Self {
        Self(Kind::Roots(roots))
    }

    /// Whoever has the first of these certificates, and its key. Nothing else of it is looked at: not the name, not who signed it,
    /// not its dates. For a server and clients that are delivered together; when the certificate changes, so must the pin.
    pub fn pinned(certificate: &Certificates) -> Self {
        Self::pinned_sha256(Pin::fingerprint(certificate.first()))
    }

    /// The same by the SHA-256 of the certificate (DER).
    pub const fn pinned_sha256(fingerprint: [u8; 32]) -> Self {
        Self(Kind::Pin(fingerprint))
    }
}

impl TlsClient {
    /// Will talk to whoever is trusted. This end shows no certificate.
    ///
    /// # Errors
    ///
    /// `InvalidData` where a root is no certificate; `NotFound` where this system has no roots that could be read.
    pub fn new(trust: Trust) -> io::Result<Self> {
        Self::made(trust, |wants| wants.with_no_client_auth())
    }

    /// The same, and shows a certificate to a server that asks for one.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn with_certificate(trust: Trust, certified: Certified) -> io::Result<Self> {
        Self::made(trust, |wants| {
            wants.with_client_cert_resolver(Arc::new(Shown::new(certified.0)))
        })
    }

    fn made(
        trust: Trust,
        show: impl FnOnce(rustls::ConfigBuilder<ClientConfig, WantsClientCert>) -> ClientConfig,
    ) -> io::Result<Self> {
        let builder = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&TLS13])
            .map_err(io::Error::other)?;
        let wants = match trust.0 {
            Kind::System => {
                let system = Verifier::new(provider())
                    .map_err(|error| io::Error::new(io::ErrorKind::NotFound, error))?;
                builder
                    .dangerous()
                    .with_custom_certificate_verifier(Arc::new(system))
            }
            Kind::Roots(roots) => {
                let roots: Arc<RootCertStore> = roots.into_roots()?;
                builder.with_root_certificates(roots)
            }
            Kind::Pin(sha256) => builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(Pin::new(sha256))),
        };
        let mut config = show(wants);
        config.alpn_protocols = vec![PROTOCOL.to_vec()];
        config.enable_early_data = false;
        Ok(Self {
            config: Arc::new(config),
        })
    }
}

/// Shows one certificate to whoever asks. A server says whose signatures it takes; who has only one certificate lets the server judge,
/// which tells more than silence.
#[derive(Debug)]
struct Shown(SingleCertAndKey);

impl Shown {
    fn new(key: Arc<CertifiedKey>) -> Self {
        Self(SingleCertAndKey::from(key))
    }
}

impl ResolvesClientCert for Shown {
    fn resolve(
        &self,
        roots: &[&[u8]],
        schemes: &[rustls::SignatureScheme],
    ) -> Option<Arc<CertifiedKey>> {
        ResolvesClientCert::resolve(&self.0, roots, schemes)
    }

    fn has_certs(&self) -> bool {
        true
    }
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::System => f.write_str("System"),
            Kind::Roots(roots) => write!(f, "Roots({})", roots.len()),
            Kind::Pin(sha256) => {
                f.write_str("Pin(")?;
                for byte in sha256 {
                    write!(f, "{byte:02x}")?;
                }
                f.write_str(")")
            }
        }
    }
}

impl fmt::Debug for TlsClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsClient")
            .field(
                "shows_certificate",
                &self.config.client_auth_cert_resolver.has_certs(),
            )
            .finish_non_exhaustive()
    }
}
