use super::provider;
use futures_rustls::{
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{self, PemObject},
    },
    rustls::{self, RootCertStore, sign::CertifiedKey},
};
use std::{fmt, io, path::Path, sync::Arc};

/// Certificates without keys: a chain, or roots to trust.
///
/// ```
/// use sessile::transport::tls::Certificates;
///
/// assert!(Certificates::from_pem("no certificate").is_err());
/// # let made = rcgen::generate_simple_self_signed(["localhost".to_string()]).unwrap();
/// # let pem = made.cert.pem();
/// assert_eq!(Certificates::from_pem(&pem)?.len(), 1);
/// # std::io::Result::Ok(())
/// ```
#[derive(Clone)]
pub struct Certificates(Vec<CertificateDer<'static>>);

/// A certificate chain and its private key: what this end shows, and proves to be its own.
///
/// The chain begins with this end's own certificate; those that signed it follow, without the root.
///
/// ```
/// use sessile::transport::tls::Certified;
///
/// let missing = Certified::from_pem_files("no-such.crt", "no-such.key").unwrap_err();
/// assert_eq!(missing.kind(), std::io::ErrorKind::NotFound);
/// assert!(missing.to_string().contains("no-such.crt"));
/// ```
#[derive(Clone)]
pub struct Certified(pub(super) Arc<CertifiedKey>);

impl Certificates {
    /// All certificates of a PEM file.
    ///
    /// # Errors
    ///
    /// What the system says of the file; `InvalidData` where there is no certificate in it.
    pub fn from_pem_file(path: impl AsRef<Path>) -> io::Result<Self> {
        let path = path.as_ref();
        let pem = read(path)?;
        Self::from_pem(&pem).map_err(|error| in_file(path, &error))
    }

    /// All certificates in PEM text.
    ///
    /// # Errors
    ///
    /// `InvalidData` where there is none, or one that is not PEM.
    pub fn from_pem(pem: impl AsRef<[u8]>) -> io::Result<Self> {
        let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_ref()).collect();
        Self::from_der(all.map_err(|error| not_pem("certificate", &error))?)
    }

    /// Certificates as they cross the wire (DER).
    ///
    /// # Errors
    ///
    /// `InvalidData` where there is none.
    pub fn from_der<D: Into<CertificateDer<'static>>>(
        all: impl IntoIterator<Item = D>,
    ) -> io::Result<Self> {
        let all: Vec<_> = all.into_iter().map(Into::into).collect();
        if all.is_empty() {
            return Err(invalid("there is no certificate in it".into()));
        }
        Ok(Self(all))
    }

    /// How many there are: at least one.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "it is never empty")]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// The first one, as it crosses the wire (DER).
    pub(super) fn first(&self) -> &[u8] {
        self.0.first().map_or(&[], |first| first)
    }

    pub(super) fn into_roots(self) -> io::Result<Arc<RootCertStore>> {
        let mut roots = RootCertStore::empty();
        for certificate in self.0 {
            roots
                .add(certificate)
                .map_err(|error| invalid(format!("one of the roots is no certificate: {error}")))?;
        }
        Ok(Arc::new(roots))
    }
}

impl Certified {
    /// A chain and a key from PEM files. They are read now; where they are renewed, read them again.
    ///
    /// # Errors
    ///
    /// What the system says of a file; else those of [`from_pem`](Self::from_pem), with the names of the files.
    pub fn from_pem_files(chain: impl AsRef<Path>, key: impl AsRef<Path>) -> io::Result<Self> {
        let (chain, key) = (chain.as_ref(), key.as_ref());
        let certificates = Certificates::from_pem_file(chain)?;
        let secret = PrivateKeyDer::from_pem_slice(&read(key)?)
            .map_err(|error| in_file(key, &not_pem("private key", &error)))?;
        certified(certificates, secret).map_err(|error| {
            let (chain, key) = (chain.display(), key.display());
            io::Error::new(error.kind(), format!("{chain}, {key}: {error}"))
        })
    }

    /// A chain and a key from PEM text.
    ///
    /// # Errors
    ///
    /// `InvalidData` where one is missing, is not PEM, cannot be used, or where the key is not the first certificate's.
    pub fn from_pem(chain: impl AsRef<[u8]>, key: impl AsRef<[u8]>) -> io::Result<Self> {
        let key = PrivateKeyDer::from_pem_slice(key.as_ref())
            .map_err(|error| not_pem("private key", &error))?;
        certified(Certificates::from_pem(chain)?, key)
    }

    /// A chain and a key (PKCS #8, SEC1 or PKCS #1) in DER.
    ///
    /// # Errors
    ///
    /// As [`from_pem`](Self::from_pem).
    pub fn from_der(chain: Certificates, key: Vec<u8>) -> io::Result<Self> {
        let key = PrivateKeyDer::try_from(key).map_err(|why| invalid(why.to_owned()))?;
        certified(chain, key)
    }
}

fn certified(chain: Certificates, key: PrivateKeyDer<'static>) -> io::Result<Certified> {
    match CertifiedKey::from_der(chain.0, key, &provider()) {
        Ok(certified) => Ok(Certified(Arc::new(certified))),
        Err(rustls::Error::InconsistentKeys(_)) => Err(invalid(
            "the key is not the first certificate's; the chain begins with this end's own".into(),
        )),
        Err(error) => Err(invalid(format!("it cannot be used: {error}"))),
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    std::fs::read(path).map_err(|error| in_file(path, &error))
}

fn in_file(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

fn not_pem(what: &str, error: &pem::Error) -> io::Error {
    match error {
        pem::Error::NoItemsFound => invalid(format!("there is no {what} in it")),
        // Its text can have lines of the file, which may be those of a key.
        _ => invalid(format!("its {what} is not well-formed PEM")),
    }
}

fn invalid(text: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text)
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificates({})", self.0.len())
    }
}

/// Shows no key.
impl fmt::Debug for Certified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certified({} certificates)", self.0.cert.len())
    }
}
