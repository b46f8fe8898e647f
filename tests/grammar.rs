//! The grammar of events, over random lives: no event before its link, one end, nothing after it, the same for everybody,
//! and who is too slow hears exactly how much was missed.

mod common;

#[path = "grammar/life.rs"]
mod life;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use common::{MS, On, SECOND, World};
use fastrand::Rng;
use life::{Book, Order, watch};
use sessile::sim::grammar::Side;
use sessile::{Config, Multi, Reconnect, ReconnectMode, Runtime, transport::memory::Direction};

const SEEDS: u64 = 600;

/// Events that may wait for a subscriber: enough for the test itself, which reads after every deed.
const BUFFER: usize = 64;

type Words = BTreeMap<(String, &'static str), u64>;

/// One world, from beginning to end.
struct Scene {
    rng: Rng,
    world: World,
    server: Option<Server>,
    clients: Vec<Client>,
    books: Vec<Book>,
    missed: u64,
    log: Vec<String>,
    /// A long life of one server, so that who reads slowly misses something.
    long: bool,
}

struct Server {
    runtime: Arc<Runtime<Multi>>,
    /// Dropped, it takes the door and every session with it.
    _task: smol::Task<()>,
}

struct Client {
    orders: async_channel::Sender<Order>,
    task: smol::Task<()>,
}

impl Scene {
    fn new(seed: u64) -> Self {
        Self {
            rng: Rng::with_seed(seed),
            world: World::new(),
            server: None,
            clients: Vec::new(),
            books: Vec::new(),
            missed: 0,
            log: Vec::new(),
            long: seed.is_multiple_of(10),
        }
    }

    fn start_server(&mut self) {
        let config = Config::new()
            .event_buffer(BUFFER)
            .resume_window(SECOND * 20)
            .login_deadline(SECOND * 3);
        let (runtime, door) = self.world.server(config);
        let book = watch(Side::Acceptor, BUFFER, || runtime.events());
        let runtime = Arc::new(runtime);
        let serving = life::server(
            Arc::clone(&runtime),
            door,
            Arc::clone(&book),
            self.rng.fork(),
        );
        let task = self.world.spawn_on(On::Server, serving);
        self.books.push(book);
        self.server = Some(Server {
            runtime,
            _task: task,
        });
    }

    fn start_client(&mut self) {
        let modes = [
            ReconnectMode::AtOnce,
            ReconnectMode::AtOnce,
            ReconnectMode::OnResume,
            ReconnectMode::Never,
        ];
        let mode = modes[self.rng.usize(..modes.len())];
        let reconnect = Reconnect::new().base(MS * 100).cap(SECOND * 4).mode(mode);
        let mut config = Config::new()
            .reconnect(reconnect)
            .login_deadline(SECOND * 3)
            .event_buffer(BUFFER);
        if self.rng.u8(..4) == 0 {
            config = config.reconnect(reconnect.attempts(3));
        }
        let runtime = self.world.client(config);
        let book = watch(Side::Dialer, BUFFER, || runtime.events());
        let (orders, receiver) = async_channel::bounded(4);
        let name = ["alice", "bob", "carol"][self.rng.usize(..3)].to_owned();
        let dialer = self.world.network.dialer();
        let living = life::client(
            runtime,
            dialer,
            name,
            Arc::clone(&book),
            receiver,
            self.rng.fork(),
        );
        let task = self.world.spawn(living);
        self.books.push(book);
        self.clients.push(Client { orders, task });
    }

    fn order(&mut self, order: Order) {
        if let Some(client) = self.rng.choice(&self.clients) {
            let _ = client.orders.try_send(order);
        }
    }

    /// Time passes, less than `most` milliseconds, and the test reads meanwhile.
    fn pass(&mut self, most: u64) -> Result<(), String> {
        let millis = self.rng.u64(..most);
        for from in (0..millis).step_by(2_000) {
            self.world
                .pass(Duration::from_millis((millis - from).min(2_000)));
            self.books
                .iter()
                .try_for_each(|book| book.lock().unwrap().read())?;
        }
        Ok(())
    }

    /// Something happens.
    fn deed(&mut self) -> Result<(), String> {
        let deed = self.rng.u8(..40);
        self.log
            .push(format!("{:?} deed {deed}", self.world.clock.now()));
        let network = self.world.network.clone();
        let links = network.links();
        match deed {
            0..5 if self.clients.len() < 5 => self.start_client(),
            5..8 => network.cut(),
            8..10 => {
                if let Some(link) = self.rng.choice(&links) {
                    link.cut();
                }
            }
            10..13 => {
                let way = [Direction::ToAcceptor, Direction::ToDialer][self.rng.usize(..2)];
                if let Some(link) = self.rng.choice(&links) {
                    link.black_hole(way, self.rng.u8(..4) > 0);
                }
            }
            13 => {
                let way = [Direction::ToAcceptor, Direction::ToDialer][self.rng.usize(..2)];
                if let Some(link) = self.rng.choice(&links) {
                    link.cut_after(self.rng.u64(1..100), way);
                }
            }
            14 => network.refuse(true),
            15..18 => network.refuse(false),
            18 => network.fail_dials(self.rng.usize(1..4)),
            19 => network.set_delay(MS * self.rng.u32(..3) * 40),
            20..24 => self.order(Order::Send),
            24..27 => self.order(Order::GoOn),
            27 => self.order(Order::Close),
            28 if !self.clients.is_empty() => {
                let client = self
                    .clients
                    .swap_remove(self.rng.usize(..self.clients.len()));
                drop(client.task); // wherever it waits
            }
            29 => {
                if let Some(server) = &self.server {
                    server.runtime.sessions().remove("alice", "kicked");
                }
            }
            30 if !self.long => {
                self.server = None;
                if self.rng.bool() {
                    self.pass(8_000)?;
                }
                self.start_server();
            }
            31 => self.world.stall(MS * self.rng.u32(..20_000)),
            32 => self.world.stall_one(
                [On::Server, On::Client][self.rng.usize(..2)],
                MS * self.rng.u32(..8_000),
            ),
            33 => self.pass(30_000)?,
            _ => self.pass(4_000)?,
        }
        self.world.settle();
        for book in &self.books {
            let mut book = book.lock().unwrap();
            match self.rng.u8(..200) {
                0 => self.missed += book.read_slowly()?,
                _ => book.read()?,
            }
        }
        Ok(())
    }

    /// Everybody goes home.
    fn end(&mut self, words: &mut Words) -> Result<(), String> {
        if self.rng.bool() {
            self.server = None;
            self.clients.clear();
        } else {
            self.clients.clear();
            self.pass(60_000)?;
            self.server = None;
        }
        self.world.network.refuse(false);
        self.world.pass(SECOND * 60);
        for book in &self.books {
            let mut book = book.lock().unwrap();
            let world = &self.world;
            let end =
                book.finish(|events| world.try_run(std::pin::pin!(events.next())) == Some(None));
            if let Err(error) = end {
                let told: Vec<String> = book.truth.iter().map(ToString::to_string).collect();
                return Err(format!("{error}\nall that was told:\n{}", told.join("\n")));
            }
            self.missed += end?;
            book.count(words);
        }
        match self.world.is_empty() {
            true => Ok(()),
            false => Err("tasks are left".into()),
        }
    }
}

/// Says which life it was also where the library panics.
struct Says(u64);

impl Drop for Says {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("seed {}", self.0);
        }
    }
}

fn live(seed: u64, words: &mut Words) -> u64 {
    let _says = Says(seed);
    let mut scene = Scene::new(seed);
    scene.start_server();
    scene.start_client();
    scene.start_client();
    let deeds = match scene.long {
        true => 400,
        false => scene.rng.usize(10..90),
    };
    let lived = (0..deeds)
        .try_for_each(|_| scene.deed())
        .and_then(|()| scene.end(words));
    if let Err(error) = lived {
        panic!("seed {seed}: {error}\n{}", scene.log.join("\n"));
    }
    scene.missed
}

#[test]
fn random_lives_keep_to_the_grammar() {
    let mut words = Words::new();
    let missed: u64 = (0..SEEDS).map(|seed| live(seed, &mut words)).sum();
    // What never happened was not tested.
    assert!(missed > 100, "{missed} events missed by the slow ones");
    let both = [
        "link-up",
        "login-started",
        "logged-in",
        "login-failed",
        "suspect",
        "recovered",
        "timed-out",
        "link-lost",
        "resumed",
        "taken-over",
        "ended",
    ];
    let told = |side: &str, word| words.get(&(side.to_owned(), word)).copied().unwrap_or(0);
    for word in both {
        for side in ["Dialer", "Acceptor"] {
            assert!(told(side, word) > 10, "{side} {word}: {words:?}");
        }
    }
    for word in ["reconnect-scheduled", "reconnect-started"] {
        assert!(told("Dialer", word) > 100, "{word}: {words:?}");
    }
}
