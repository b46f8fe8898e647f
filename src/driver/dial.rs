use std::{
    fmt, io,
    pin::Pin,
    sync::{Arc, PoisonError},
    task::{Context, Poll},
};

use futures::future::BoxFuture;
use pin_project::pin_project;

use super::{Handle, Owner, Sleep, hub::remember, link, shared::Shared};
use crate::{
    error::retry_of,
    proto::{Key, LinkId, Machine},
    registry::Port,
    transport::{AnyLink, DynDial},
};

/// One attempt to open a link, bounded in time.
#[pin_project]
pub(crate) struct Dialing {
    #[pin]
    attempt: BoxFuture<'static, io::Result<AnyLink>>,
    #[pin]
    timeout: Sleep,
}

/// An attempt that somebody wants: it ends when its session no longer does.
#[pin_project]
struct Wanted {
    shared: Arc<Shared>,
    key: Key,
    link: LinkId,
    #[pin]
    dialing: Dialing,
}

impl Owner {
    /// Opens a link, as long as this future is polled and the dial timeout allows.
    pub(crate) fn dial(&self, dialer: &Arc<dyn DynDial>) -> Dialing {
        dial(self.shared(), Arc::clone(dialer))
    }

    /// A client's session without a link: its login will dial.
    pub(crate) fn unconnected(&self, dialer: Arc<dyn DynDial>) -> Handle {
        self.shared().dial_by(dialer);
        Handle::new(self.clone(), self.new_dialer(0))
    }

    /// The client's session: its first link is up, and a task drives it from here on.
    pub(crate) fn connected(&self, dialer: Arc<dyn DynDial>, io: AnyLink) -> Handle {
        let shared = self.shared();
        shared.dial_by(dialer);
        let key = self.new_dialer(0);
        let remote = io.remote_addr();
        let link = shared
            .with(|hub, now| hub.input(key, now, |machine, cx| machine.first_link(cx, remote)));
        if let Some(link) = link {
            link::spawn(shared, Port::new(key, link), io);
        }
        Handle::new(self.clone(), key)
    }
}

fn dial(shared: &Arc<Shared>, dialer: Arc<dyn DynDial>) -> Dialing {
    Dialing {
        attempt: Box::pin(async move { dialer.dial_boxed().await }),
        timeout: shared
            .clock
            .sleep_until(shared.clock.now() + shared.settings.dial_timeout),
    }
}

/// A session wants a link: dials it, and drives it to its end.
pub(super) fn spawn(shared: &Arc<Shared>, key: Key, link: LinkId) {
    let dialer = shared.dialer.lock();
    let Some(dialer) = dialer.unwrap_or_else(PoisonError::into_inner).clone() else {
        return;
    };
    let dialing = dial(shared, dialer);
    let wanted = Wanted {
        shared: Arc::clone(shared),
        key,
        link,
        dialing,
    };
    let shared = Arc::clone(shared);
    let spawner = shared.spawner.clone();
    spawner.spawn(async move {
        let Some(io) = wanted.await else { return };
        let remote = io.remote_addr();
        let up = shared
            .with(|hub, now| hub.input(key, now, |machine, cx| machine.link_up(cx, link, remote)));
        if up == Some(true) {
            link::spawn(&shared, Port::new(key, link), io);
        }
    });
}

impl Future for Dialing {
    type Output = io::Result<AnyLink>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Poll::Ready(outcome) = this.attempt.poll(cx) {
            return Poll::Ready(outcome);
        }
        this.timeout.poll(cx).map(|()| {
            Err(io::Error::new(
                io::ErrorKind::TimedOut,
                "no link within the dial timeout",
            ))
        })
    }
}

impl Future for Wanted {
    type Output = Option<AnyLink>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let (key, link) = (*this.key, *this.link);
        let wanted = this.shared.with(|hub, _| {
            let wanted = hub.registry.get(key).and_then(Machine::current_link) == Some(link);
            if wanted {
                remember(&mut hub.seat(key).link, cx.waker());
            }
            wanted
        });
        if !wanted {
            return Poll::Ready(None);
        }
        let Poll::Ready(outcome) = this.dialing.poll(cx) else {
            return Poll::Pending;
        };
        match outcome {
            Ok(io) => Poll::Ready(Some(io)),
            Err(error) => {
                let (why, again) = (error.to_string(), retry_of(&error));
                this.shared.with(|hub, now| {
                    hub.input(key, now, |machine, cx| {
                        machine.dial_failed(cx, link, &why, again)
                    })
                });
                Poll::Ready(None)
            }
        }
    }
}

impl fmt::Debug for Dialing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Dialing")
    }
}
