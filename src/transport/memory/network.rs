use super::{
    control::LinkControl,
    link::{MemoryLink, pair},
    pipe::Wire,
};
use crate::{
    driver::Clock,
    sync::{Mutex, MutexGuard},
    testing::ManualClock,
    transport::{Accept, Dial},
};
use std::{
    collections::VecDeque,
    fmt,
    future::poll_fn,
    io, mem,
    sync::{Arc, PoisonError, Weak},
    task::{Context, Poll, Waker},
    time::Duration,
};

/// A network in memory: one server to dial, any number of links, and every fault a test needs.
///
/// Clones are the same network. Faults take effect at once and for both ends together, whichever task runs.
///
/// ```
/// use futures::{AsyncReadExt, AsyncWriteExt};
/// use sessile::transport::{Accept, Dial, memory::Network};
/// use std::io::ErrorKind;
///
/// # smol::block_on(async {
/// let network = Network::new();
/// let (mut acceptor, dialer) = (network.listener(), network.dialer());
/// let (mut client, mut server) = futures::try_join!(dialer.dial(), acceptor.accept())?;
///
/// client.write_all(b"hello").await?;
/// let mut bytes = [0; 5];
/// server.read_exact(&mut bytes).await?;
///
/// network.cut();
/// let error = server.read(&mut bytes).await.unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::ConnectionReset);
/// # std::io::Result::Ok(())
/// # }).unwrap();
/// ```
#[derive(Clone)]
pub struct Network(Arc<Shared>);

struct Shared {
    clock: Clock,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// How many acceptors there are, and how many there were.
    acceptors: usize,
    listened: u64,
    waiting: VecDeque<MemoryLink>,
    /// By number of the acceptor, in the order in which they asked: there are few.
    accepting: Vec<(u64, Waker)>,
    refuse: bool,
    fail: usize,
    swallow: bool,
    fail_accepts: usize,
    dials: u64,
    delay: Duration,
    links: Vec<Weak<Wire>>,
    made: u64,
}

/// Dials the server of a [`Network`].
#[derive(Clone)]
pub struct MemoryDialer(Arc<Shared>);

/// Accepts what is dialed in a [`Network`]. While there is none, dials are refused.
pub struct MemoryAcceptor {
    network: Arc<Shared>,
    number: u64,
}

/// Links that wait to be accepted; more are refused. As many as a TCP listener has by default here.
const BACKLOG: usize = 4_096;

impl Network {
    /// A network without faults. Delays, where asked for, take real time.
    #[must_use]
    pub fn new() -> Self {
        Self::on(Clock::real())
    }

    /// A network whose delays pass when `clock` is moved.
    #[must_use]
    pub fn with_clock(clock: ManualClock) -> Self {
        Self::on(Clock::manual(clock))
    }

    /// A server's end of the network. Several share what is dialed.
    #[must_use]
    pub fn listener(&self) -> MemoryAcceptor {
        let mut state = self.0.state();
        state.acceptors += 1;
        state.listened += 1;
        MemoryAcceptor {
            network: self.0.clone(),
            number: state.listened,
        }
    }

    /// A client's end of the network. It can be made, and dial in vain, before there is a listener.
    #[must_use]
    pub fn dialer(&self) -> MemoryDialer {
        MemoryDialer(self.0.clone())
    }

    /// Cuts all links: see [`LinkControl::cut`].
    pub fn cut(&self) {
        for link in self.links() {
            link.cut();
        }
    }

    /// The links that are up, the newest last.
    #[must_use]
    pub fn links(&self) -> Vec<LinkControl> {
        let mut links: Vec<_> = {
            let state = self.0.state();
            state.links.iter().filter_map(Weak::upgrade).collect()
        };
        links.retain(|wire| wire.is_up());
        links.into_iter().map(LinkControl::new).collect()
    }

    /// Whether dials are refused, from now on. Links that are up stay up.
    pub fn refuse(&self, refuse: bool) {
        self.0.state().refuse = refuse;
    }

    /// Refuses the next `count` dials, and no more than these.
    pub fn fail_dials(&self, count: usize) {
        self.0.state().fail = count;
    }

    /// Whether dials hear nothing from now on, neither a link nor a refusal: they end when whoever dials gives up.
    pub fn swallow_dials(&self, swallow: bool) {
        self.0.state().swallow = swallow;
    }

    /// Lets the next `count` calls of `accept` fail, as where a process has no file descriptor left. No link is lost by it.
    pub fn fail_accepts(&self, count: usize) {
        let wakers = {
            let mut state = self.0.state();
            state.fail_accepts = count;
            mem::take(&mut state.accepting)
        };
        wakers.into_iter().for_each(|(_, waker)| waker.wake());
    }

    /// How long bytes travel, one way, on every link; a dial takes as long. What is under way already arrives
    /// when it would have; nothing overtakes.
    pub fn set_delay(&self, delay: Duration) {
        self.0.state().delay = delay;
        for link in self.links() {
            link.set_delay(delay);
        }
    }

    /// How many dials were begun, refused ones included.
    #[must_use]
    pub fn dials(&self) -> u64 {
        self.0.state().dials
    }

    fn on(clock: Clock) -> Self {
        let state = Mutex::default();
        Self(Arc::new(Shared { clock, state }))
    }
}

impl Default for Network {
    fn default() -> Self {
        Self::new()
    }
}

impl Dial for MemoryDialer {
    type Link = MemoryLink;

    async fn dial(&self) -> io::Result<MemoryLink> {
        let (delay, swallow) = {
            let mut state = self.0.state();
            state.dials += 1;
            (state.delay, state.swallow)
        };
        if swallow {
            std::future::pending::<()>().await;
        }
        if !delay.is_zero() {
            let clock = &self.0.clock;
            clock.sleep_until(clock.now() + delay).await;
        }
        let (dialed, accepting) = self.0.connect()?;
        accepting.into_iter().for_each(|(_, waker)| waker.wake());
        Ok(dialed)
    }
}

impl Accept for MemoryAcceptor {
    type Link = MemoryLink;

    async fn accept(&mut self) -> io::Result<MemoryLink> {
        poll_fn(|context| self.poll_accept(context)).await
    }
}

impl MemoryAcceptor {
    fn poll_accept(&self, context: &Context<'_>) -> Poll<io::Result<MemoryLink>> {
        let mut state = self.network.state();
        if state.fail_accepts > 0 {
            state.fail_accepts -= 1;
            let why = "the test lets this accept fail";
            return Poll::Ready(Err(io::Error::other(why)));
        }
        if let Some(link) = state.waiting.pop_front() {
            return Poll::Ready(Ok(link));
        }
        let waker = context.waker().clone();
        let former = state.stop_accepting(self.number);
        state.accepting.push((self.number, waker));
        drop(state);
        drop(former); // may run anything: not under the lock
        Poll::Pending
    }
}

impl State {
    fn stop_accepting(&mut self, acceptor: u64) -> Option<Waker> {
        let mut waiting = self.accepting.iter();
        let at = waiting.position(|(number, _)| *number == acceptor)?;
        Some(self.accepting.remove(at).1)
    }
}

impl Drop for MemoryAcceptor {
    fn drop(&mut self) {
        let mut state = self.network.state();
        state.acceptors -= 1;
        let waker = state.stop_accepting(self.number);
        // What nobody will ever accept.
        let abandoned = match state.acceptors {
            0 => mem::take(&mut state.waiting),
            _ => VecDeque::new(),
        };
        drop(state);
        drop(waker);
        for link in abandoned {
            link.control().cut();
        }
    }
}

impl Shared {
    /// Makes a link and queues the server's end of it. Returns who is to be woken for that.
    fn connect(self: &Arc<Self>) -> io::Result<(MemoryLink, Vec<(u64, Waker)>)> {
        let mut state = self.state();
        if state.fail > 0 {
            state.fail -= 1;
            return Err(refused("the test lets this dial fail"));
        }
        if state.refuse {
            return Err(refused("the test lets all dials fail"));
        }
        if state.acceptors == 0 {
            return Err(refused("nobody listens"));
        }
        if state.waiting.len() >= BACKLOG {
            return Err(refused("too many wait to be accepted"));
        }
        state.made += 1;
        let (dialed, accepted) = pair(state.made, self.clock.clone(), state.delay);
        // Forgets the ended ones now and then, at no cost on average.
        if state.links.len() == state.links.capacity() {
            state.links.retain(|link| link.strong_count() > 0);
        }
        state.links.push(dialed.downgrade());
        state.waiting.push_back(accepted);
        Ok((dialed, mem::take(&mut state.accepting)))
    }

    /// Nothing that can panic runs under the lock, so a poisoned state is still a whole one.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dials = self.dials();
        f.debug_struct("Network")
            .field("dials", &dials)
            .field("links", &self.links())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for MemoryDialer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryDialer").finish_non_exhaustive()
    }
}

impl fmt::Debug for MemoryAcceptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryAcceptor").finish_non_exhaustive()
    }
}

fn refused(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionRefused, why)
}
