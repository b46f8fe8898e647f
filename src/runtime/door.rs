use super::Next;
use crate::{
    Connecting, Multi, Session,
    driver::{Gate, Owner},
    transport::DynAccept,
};
use futures::{Stream, stream::FusedStream};
use pin_project::pin_project;
use std::{
    fmt, io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll, ready},
};

/// Where a server's peers come in: a stream of sessions to admit or to reject.
///
/// Only peers that have presented themselves come out, each with its [offer](Session::offer); slow strangers wait outside,
/// at most [`Config::pending_logins`](crate::Config::pending_logins) of them, until the login deadline. Peers that come *back* do not come by here: they
/// resume their session.
///
/// It keeps its runtime alive. Dropping it stops listening there; sessions go on.
///
/// ```
/// use sessile::{Door, Rejection};
///
/// async fn at_most(door: &mut Door, peers: usize) {
///     let mut inside = Vec::new();
///     while let Some(session) = door.next().await {
///         if inside.len() < peers {
///             let number = inside.len() as u64;
///             inside.push(session.admit(number));
///         } else {
///             session.reject(Rejection::full());
///         }
///     }
/// }
/// ```
#[pin_project]
#[must_use = "dropping the door stops listening"]
pub struct Door {
    gate: Gate,
    /// The runtime stopped, or the listener did: nobody will come.
    ended: bool,
}

impl Door {
    pub(super) fn new(owner: &Owner, acceptor: Box<dyn DynAccept>) -> Self {
        Self {
            gate: owner.gate(acceptor),
            ended: false,
        }
    }

    /// Waits for the next peer that asks to be let in. `None` once the runtime was stopped, or the system ended the
    /// listening: [`failure`](Self::failure) says why.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses no peer.
    pub const fn next(&mut self) -> Next<'_, Self> {
        Next::new(self)
    }

    /// Where it listens, with the port that the system chose; `None` where the transport has no addresses.
    #[must_use]
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.gate.local_addr()
    }

    /// Why nobody comes any more, where the system says that this is no listener any more (its socket was closed behind our back).
    /// A lack of open files does not end it: it rests and goes on. Sessions that came in before go on in any case.
    #[must_use]
    pub fn failure(&self) -> Option<io::Error> {
        self.gate.failure()
    }
}

impl Stream for Door {
    type Item = Session<Connecting, Multi>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.project();
        while !*this.ended {
            match ready!(this.gate.poll_next(cx)).map(Session::accepted) {
                Some(Some(session)) => return Poll::Ready(Some(session)),
                Some(None) => {} // it left while it waited here
                None => *this.ended = true,
            }
        }
        Poll::Ready(None)
    }
}

impl FusedStream for Door {
    fn is_terminated(&self) -> bool {
        self.ended
    }
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Door")
            .field("local_addr", &self.local_addr())
            .finish_non_exhaustive()
    }
}
