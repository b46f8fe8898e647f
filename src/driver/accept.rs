use std::{
    fmt,
    future::poll_fn,
    io,
    net::SocketAddr,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use smol::future::{FutureExt, yield_now};

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
    transport::{AnyLink, DynAccept, Outcome},
};

/// Where a listener's peers come in, each once its offer is complete. Dropping it stops the listener.
pub(crate) struct Gate {
    owner: Owner,
    id: usize,
    local_addr: Option<SocketAddr>,
}

/// How a listener fares that cannot accept.
#[derive(Debug, Default)]
struct Trouble {
    /// Errors since it accepted something.
    in_a_row: u32,
    /// How often it rested for them.
    rests: u32,
}

/// How long a listener rests after an error such as a lack of open files; doubled each time it finds no end of it. So it asks
/// less than 100 times a second even at first, twice a second in the end, and is back half a second after it has passed
/// (threat T30).
const REST: Duration = Duration::from_millis(10);

/// The longest rest.
const LONGEST_REST: Duration = Duration::from_millis(500);

/// Errors of one link each, in a row, after which it looks as if they were not of the links.
const LINKS_A_REST: u32 = 16;

/// Links accepted before others get their turn: those that were accepted have something to say.
const ACCEPTS_A_TURN: u32 = 32;

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
    let (mut trouble, mut accepted) = (Trouble::default(), 0u32);
    loop {
        let next = async { Some(acceptor.accept_boxed().await) };
        let rest = match closed(&shared, id).or(next).await {
            None => return,
            Some(Ok(io)) => {
                trouble = Trouble::default();
                enter(&shared, id, io);
                accepted = accepted.wrapping_add(1);
                if accepted.is_multiple_of(ACCEPTS_A_TURN) {
                    yield_now().await;
                }
                continue;
            }
            Some(Err(error)) => match Outcome::of(&error) {
                Outcome::Over => return shared.with(|hub, _| hub.end_gate(id, &error)),
                outcome => trouble.meet(outcome),
            },
        };
        if let Some(rest) = rest {
            let until = shared.clock.sleep_until(shared.clock.now() + rest);
            let rested = async {
                until.await;
                Some(())
            };
            if closed(&shared, id).or(rested).await.is_none() {
                return;
            }
        }
    }
}

/// Waits for the gate to close; then there is none.
async fn closed<T>(shared: &Arc<Shared>, id: usize) -> Option<T> {
    poll_fn(|cx| poll_closed(shared, id, cx)).await;
    None
}

impl Trouble {
    /// How long to rest now, if at all.
    fn meet(&mut self, outcome: Outcome) -> Option<Duration> {
        self.in_a_row += 1;
        if outcome == Outcome::Next && self.in_a_row < LINKS_A_REST {
            return None;
        }
        let doubled = REST.saturating_mul(1 << self.rests.min(6));
        self.rests += 1;
        Some(doubled.min(LONGEST_REST))
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
fn enter(shared: &Arc<Shared>, id: usize, io: AnyLink) {
    let remote = io.remote_addr();
    let port = shared.with(|hub, now| {
        let open = |gate: &&GateState| gate.open || is_on(Race::EntersClosedGate);
        hub.gates.get(id).filter(open)?;
        let port = hub.registry.accept(now, remote, &mut hub.fx)?;
        hub.seat(port.key()).enter(id);
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

    /// Why nobody comes in any more, where the system ended it.
    pub(crate) fn failure(&self) -> Option<io::Error> {
        self.owner.shared().look(|hub| {
            let (kind, text) = hub.gates.get(self.id)?.failure.as_ref()?;
            Some(io::Error::new(*kind, text.clone()))
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
            hub.turn_away_waiting(id, now);
            // Nobody will be told of the sessions that live on without a handle.
            for key in hub.hosted_by(id) {
                hub.let_go(key, now);
            }
        });
    }
}

impl Hub {
    /// The system says that this listener is none any more: its sessions go on, and whoever waits for more hears that there will be
    /// none.
    fn end_gate(&mut self, id: usize, error: &io::Error) {
        if let Some(gate) = self.gates.get_mut(id) {
            gate.failure = Some((error.kind(), error.to_string()));
            gate.close(&mut self.todo);
        }
    }

    /// Nobody will judge those any more who came by this gate and wait.
    pub(super) fn turn_away_waiting(&mut self, gate: usize, now: Time) {
        let offered = self
            .gates
            .get_mut(gate)
            .map(|gate| std::mem::take(&mut gate.offered));
        let mut waiting = Vec::from(offered.unwrap_or_default());
        let of_gate = |key: &Key| self.seat_of(*key).is_some_and(|seat| seat.gate() == gate);
        waiting.extend(self.places.new_in_line().filter(of_gate));
        for key in waiting {
            self.turn_away(key, now);
        }
    }

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
