use super::provider;
use futures_rustls::{
    pki_types::{CertificateDer, ServerName, UnixTime},
    rustls::{
        CertificateError, DigitallySignedStruct, Error, OtherError, PeerIncompatible,
        SignatureScheme, SupportedCipherSuite,
        client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        crypto::{
            CryptoProvider, ring::cipher_suite::TLS13_AES_128_GCM_SHA256, verify_tls13_signature,
        },
    },
};
use std::{fmt, sync::Arc};

/// Accepts one certificate, whatever is in it, and nothing else.
#[derive(Debug)]
pub(super) struct Pin {
    sha256: [u8; 32],
    provider: Arc<CryptoProvider>,
}

/// Another certificate than the pinned one.
#[derive(Debug)]
pub(super) struct NotPinned;

impl Pin {
    pub(super) fn new(sha256: [u8; 32]) -> Self {
        Self {
            sha256,
            provider: provider(),
        }
    }

    /// Of a certificate in DER, as `openssl x509 -fingerprint -sha256` shows it.
    pub(super) fn fingerprint(der: &[u8]) -> [u8; 32] {
        let SupportedCipherSuite::Tls13(suite) = TLS13_AES_128_GCM_SHA256;
        let mut sha256 = [0; 32];
        let hash = suite.common.hash_provider.hash(der);
        sha256.copy_from_slice(hash.as_ref());
        sha256
    }
}

impl ServerCertVerifier for Pin {
    fn verify_server_cert(
        &self,
        shown: &CertificateDer<'_>,
        _signers: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if Self::fingerprint(shown) == self.sha256 {
            return Ok(ServerCertVerified::assertion());
        }
        let other = OtherError(Arc::new(NotPinned));
        Err(CertificateError::Other(other).into())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _shown: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig.into())
    }

    /// That the other end holds the certificate's key: without it a pin says nothing.
    fn verify_tls13_signature(
        &self,
        message: &[u8],
        shown: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, shown, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

impl fmt::Display for NotPinned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("another certificate than the pinned one")
    }
}

impl std::error::Error for NotPinned {}
