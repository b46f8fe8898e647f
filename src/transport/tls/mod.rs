//! TLS 1.3 over TCP, or over any other transport: nobody between the two ends reads or changes what a session says.
//!
//! * [`TlsDialer`] and [`TlsAcceptor`] go where TCP's go: into [`connect_over`](crate::Runtime::connect_over),
//!   [`listen_over`](crate::Runtime::listen_over) and their kin.
//! * A client says whom it [trusts](Trust): this system's roots, roots of your own, or one certificate.
//! * A server shows a [certificate and its key](Certified), and may ask its clients for theirs: what they show lies in
//!   [`Offer::certificates`](crate::Offer::certificates) when they are judged.
//!
//! Both ends must speak `sessile/1` (ALPN), and TLS 1.3 at the least. There is no early data (0-RTT): a login or a resume that somebody
//! recorded cannot be played again. A reconnect takes up the former TLS session where the server allows it, which spares both ends the
//! costly part of a handshake. An acceptor does the handshake where the link is driven: a stranger who does not finish it holds up nobody,
//! counts as a pending login, and is dropped at the login deadline.
//!
//! ```
//! # smol::block_on(async {
//! use sessile::{Config, Credentials, Multi, Runtime, Single};
//! use sessile::transport::tls::{
//!     Certificates, Certified, TlsAcceptor, TlsClient, TlsDialer, TlsServer, Trust,
//! };
//! use std::time::Duration;
//! # let made = rcgen::generate_simple_self_signed(["localhost".to_string()])?;
//! # let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
//!
//! let lease = Duration::from_secs(6);
//! let server = Runtime::<Multi>::start(Config::new())?;
//! let tls = TlsServer::new(Certified::from_pem(&certificate, &key)?)?;
//! let mut door = server.listen_over(TlsAcceptor::bind("localhost:0", 4096, lease, &tls).await?);
//! let at = door.local_addr().expect("TCP has addresses");
//! smol::spawn(async move {
//!     while let Some(session) = door.next().await {
//!         session.admit(7u64).send("welcome").await.ok();
//!     }
//! })
//! .detach();
//!
//! // in production: `Trust::system()`, and no certificate to hand around
//! let tls = TlsClient::new(Trust::roots(Certificates::from_pem(&certificate)?))?;
//! let dialer = TlsDialer::new(("localhost", at.port()), lease, &tls);
//! let client = Runtime::<Single>::start(Config::new())?;
//! let session = client.connect_over(dialer).await?;
//! let mut session = session.login(&Credentials::token("s3cret")).await?;
//! assert_eq!(&*session.recv().await?, b"welcome");
//! # Ok::<(), anyhow::Error>(())
//! # }).unwrap();
//! ```

mod accept;
mod certificates;
mod client;
mod dial;
mod failure;
mod link;
mod pin;
mod server;

pub use accept::TlsAcceptor;
pub use certificates::{Certificates, Certified};
pub use client::{TlsClient, Trust};
pub use dial::TlsDialer;
pub use link::TlsLink;
pub use server::TlsServer;

use futures_rustls::rustls::crypto::{CryptoProvider, ring};
use std::sync::Arc;

/// What both ends must agree on (ALPN), so that nothing that listens for something else takes a session's bytes for its own.
const PROTOCOL: &[u8] = b"sessile/1";

/// Named wherever one is needed: the process-wide default is somebody else's to choose.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}
