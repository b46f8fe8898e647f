//! What a client of TLS says first, for strangers who say no more.

use std::{io::Read, net::TcpListener, time::Duration};

use sessile::transport::{
    Dial,
    tls::{TlsClient, TlsDialer},
};

pub(crate) const LEASE: Duration = Duration::from_secs(6);

/// It, as somebody hears it who listens.
pub(crate) fn greeting(tls: &TlsClient) -> Vec<u8> {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let dialer = TlsDialer::new(listener.local_addr().expect("bound"), LEASE, tls);
    let _dialing = smol::spawn(async move { dialer.dial().await.map(drop) });
    let (mut heard, _) = listener.accept().expect("it dials");
    let mut greeting = vec![0; 5];
    heard.read_exact(&mut greeting).expect("a header");
    let length = usize::from(u16::from_be_bytes([greeting[3], greeting[4]]));
    greeting.resize(5 + length, 0);
    heard.read_exact(&mut greeting[5..]).expect("the rest");
    greeting
}
