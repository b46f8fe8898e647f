//! A link without its type: below the surface nothing is generic over the transport.

use super::{BoxLink, Link, tcp::TcpLink};
use bytes::Bytes;
use std::{any::Any, net::SocketAddr, pin::Pin, sync::Arc};

/// A link of any transport. TCP's is no allocation of its own: a server has one a session, idle most of the time.
pub(crate) enum AnyLink {
    Tcp(TcpLink),
    Other(BoxLink),
}

impl AnyLink {
    pub(crate) fn new(link: impl Link) -> Self {
        let mut link = Some(link);
        // The type is known to whoever compiles this: all but one of these questions are gone by then.
        let any: &mut dyn Any = &mut link;
        if let Some(tcp) = any.downcast_mut::<Option<TcpLink>>().and_then(Option::take) {
            return Self::Tcp(tcp);
        }
        if let Some(boxed) = any.downcast_mut::<Option<BoxLink>>().and_then(Option::take) {
            return Self::Other(boxed);
        }
        Self::Other(Box::new(link.expect("nobody took it")))
    }

    /// To read and to write.
    pub(crate) fn io(&mut self) -> Pin<&mut dyn Link> {
        match self {
            Self::Tcp(link) => Pin::new(link),
            Self::Other(link) => Pin::new(&mut **link),
        }
    }

    pub(crate) fn remote_addr(&self) -> Option<SocketAddr> {
        self.link().remote_addr()
    }

    pub(crate) fn certificates(&self) -> Option<Arc<[Bytes]>> {
        self.link().certificates()
    }

    fn link(&self) -> &dyn Link {
        match self {
            Self::Tcp(link) => link,
            Self::Other(link) => &**link,
        }
    }
}
