use crate::{
    Address,
    driver::Owner,
    transport::{DynAccept, tcp::TcpAcceptor},
};
use futures::future::{BoxFuture, FusedFuture};
use pin_project::pin_project;
use std::{
    fmt,
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

/// A server on its way to an address: becomes what peers come in by.
///
/// # Panics
///
/// When polled after it completed.
///
/// ```
/// use sessile::{Door, Listen, Multi, Runtime};
///
/// fn both(server: &Runtime<Multi>) -> [Listen<Door>; 2] {
///     [server.listen("0.0.0.0:7000"), server.listen("[::]:7000")]
/// }
/// ```
#[pin_project]
#[must_use = "nothing listens before it is awaited"]
pub struct Listen<T> {
    /// `None` once it completed. Boxed, since a server listens once and names are resolved by a future without a name.
    bind: Option<BoxFuture<'static, io::Result<T>>>,
}

impl<T> Listen<T> {
    /// Binds the address; door, serving and inbox differ in what they make of it.
    pub(super) fn to(
        owner: Owner,
        at: Address,
        enter: impl FnOnce(Box<dyn DynAccept>) -> T + Send + 'static,
    ) -> Self {
        Self {
            bind: Some(Box::pin(async move {
                let (backlog, lease) = (owner.settings().accept_backlog, owner.settings().lease);
                let acceptor = TcpAcceptor::bind(at, backlog, lease).await?;
                Ok(enter(Box::new(acceptor)))
            })),
        }
    }
}

impl<T> Future for Listen<T> {
    type Output = io::Result<T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let bind = this
            .bind
            .as_mut()
            .expect("`Listen` polled after completion");
        let bound = ready!(bind.as_mut().poll(cx));
        *this.bind = None;
        Poll::Ready(bound)
    }
}

impl<T> FusedFuture for Listen<T> {
    fn is_terminated(&self) -> bool {
        self.bind.is_none()
    }
}

impl<T> fmt::Debug for Listen<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listen")
            .field("completed", &self.bind.is_none())
            .finish_non_exhaustive()
    }
}
