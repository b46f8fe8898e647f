use std::{
    fmt,
    future::poll_fn,
    net::SocketAddr,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use smol::future::FutureExt;

use super::{
    Handle, Owner,
    hub::{GateState, Hub, remember},
    link,
    race::{Race, is_on},
    shared::Shared,
};
use crate::{
    Closed, Reason, Rejection,
    proto::{Key, Time},
    transport::{BoxLink, DynAccept},
};

/// Where a listener's peers come in, each once its offer is complete. Dropping it stops the listener.
pub(crate) struct Gate {
    owner: Owner,
    id: usize,
    local_addr: Option<SocketAddr>,
}

/// How long a listener rests after an error of accepting, such as a lack of file descriptors: 100 tries a second at most,
/// and back within that of it passing.
const REST: Duration = Duration::from_millis(10);

impl Owner {
    /// Lets peers in that this acceptor accepts.
    pub(crate) fn gate(&self, acceptor: Box<dyn DynAccept>) -> Gate {
        let local_addr = acceptor.listens_at();
        let shared = self.shared();
        let id = shared.with(|hub, _| {
            hub.gates.push(GateState {
                open: !hub.stopping,
                ..GateState::default()
            });
            hub.gates.len() - 1
        });
        shared
            .spawner
            .spawn(listen(Arc::clone(shared), id, acceptor));
        Gate {
            owner: self.clone(),
            id,
            local_addr,
        }
    }
}

async fn listen(shared: Arc<Shared>, id: usize, mut acceptor: Box<dyn DynAccept>) {
    loop {
        let closed = async {
            poll_fn(|cx| poll_closed(&shared, id, cx)).await;
            None
        };
        let accepted = async { Some(acceptor.accept_boxed().await) };
        match closed.or(accepted).await {
            None => return,
            Some(Ok(io)) => enter(&shared, id, io),
            Some(Err(_)) => shared.clock.sleep_until(shared.clock.now() + REST).await,
        }
    }
}

fn poll_closed(shared: &Arc<Shared>, id: usize, cx: &Context<'_>) -> Poll<()> {
    shared.with(
        |hub, _| match hub.gates.get_mut(id).filter(|gate| gate.open) {
            Some(gate) => {
                remember(&mut gate.listener, cx.waker());
                Poll::Pending
            }
            None => Poll::Ready(()),
        },
    )
}

/// A link was accepted. Where there is no room for one more stranger, or the gate was closed meanwhile, it is dropped again.
fn enter(shared: &Arc<Shared>, id: usize, io: BoxLink) {
    let remote = io.remote_addr();
    let port = shared.with(|hub, now| {
        let open = |gate: &&GateState| gate.open || is_on(Race::EntersClosedGate);
        hub.gates.get(id).filter(open)?;
        let port = hub.registry.accept(now, remote)?;
        let seat = hub.seat(port.key());
        seat.gate = id;
        seat.host = None;
        Some(port)
    });
    if let Some(port) = port {
        link::spawn(shared, port, io);
    }
}

impl Gate {
    /// The next peer to be judged. `None` when nobody will come any more.
    pub(crate) fn poll_next(&self, cx: &Context<'_>) -> Poll<Option<Handle>> {
        let key = Self::poll_offered(self.owner.shared(), self.id, cx);
        key.map(|key| key.map(|key| Handle::new(self.owner.clone(), key)))
    }

    /// The same for whoever holds no gate. The session is claimed: whoever asked makes a handle of it.
    pub(super) fn poll_offered(
        shared: &Arc<Shared>,
        id: usize,
        cx: &Context<'_>,
    ) -> Poll<Option<Key>> {
        shared.with(|hub, now| {
            loop {
                let Some(gate) = hub.gates.get_mut(id).filter(|gate| gate.open) else {
                    return Poll::Ready(None);
                };
                let Some(key) = gate.offered.pop_front() else {
                    remember(&mut gate.door, cx.waker());
                    return Poll::Pending;
                };
                // Whoever left while it waited was never here.
                if hub
                    .registry
                    .get(key)
                    .is_some_and(|machine| machine.is_admissible(now))
                {
                    hub.input(key, now, |machine, _| machine.claim());
                    return Poll::Ready(Some(key));
                }
            }
        })
    }

    pub(super) const fn id(&self) -> usize {
        self.id
    }

    pub(super) const fn owner(&self) -> &Owner {
        &self.owner
    }

    /// Where it listens, where that is an address.
    pub(crate) const fn local_addr(&self) -> Option<SocketAddr> {
        self.local_addr
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        let id = self.id;
        self.owner.shared().with(|hub, now| {
            let Some(gate) = hub.gates.get_mut(id) else {
                return;
            };
            gate.close(&mut hub.todo);
            let left = std::mem::take(&mut gate.offered);
            for key in left {
                hub.turn_away(key, now);
            }
            // Nobody will be told of the sessions that live on without a handle.
            for key in hub.hosted_by(id) {
                hub.let_go(key, now);
            }
        });
    }
}

impl Hub {
    /// Nobody will judge this peer: it hears so at once, and may come back to whoever listens then.
    pub(super) fn turn_away(&mut self, key: Key, now: Time) {
        let busy = || Rejection::busy(Duration::from_secs(1));
        let gone = self.registry.no_entry().unwrap_or_else(busy);
        self.input(key, now, |machine, cx| machine.reject(cx, &gone));
    }

    /// Whoever served this session serves no more.
    pub(super) fn let_go(&mut self, key: Key, now: Time) {
        self.input(key, now, |machine, cx| {
            machine.close(cx, Closed::new(Reason::Dropped));
        });
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate")
            .field("local_addr", &self.local_addr)
            .finish_non_exhaustive()
    }
}
