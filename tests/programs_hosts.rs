//! Whole programs around hosts, inboxes and clients, written before these were built: they do what their authors thought.

mod common;

use std::{
    collections::HashMap,
    convert::Infallible,
    sync::{Arc, Mutex, atomic::Ordering},
    time::Duration,
};

use common::{Count, On, World, count};
use futures::future::{join_all, try_join};
use sessile::{
    Admission, Client, Config, Connecting, Credentials, Door, Ended, Error, Host, Identity, Inbox,
    Incoming, Message, Multi, Offer, Peer, RecvHalf, RejectCode, Rejection, Runtime, SendHalf,
    Session, Single, Update, What, admit_with, transport::memory::Network,
};
use smol::Executor;

const SECOND: Duration = Duration::from_secs(1);
const FRAME: Duration = Duration::from_micros(16_667);

// --- a game server that never blocks: 60 ticks a second, an inbox drained in each ---------------------------------------

struct Player {
    name: String,
    x: u64,
    peer: Peer,
}

struct GameServer {
    inbox: Inbox<String>,
    /// By index, which is dense: a `Vec<Option<Player>>` would do as well.
    players: HashMap<usize, Player>,
    tick: u64,
    log: Vec<String>,
}

impl GameServer {
    fn new(runtime: &Runtime<Multi>, world: &World) -> Self {
        let admit = admit_with(|offer: Offer| async move {
            let name = String::from_utf8(offer.credentials().to_vec())
                .map_err(|_| Rejection::bad_credentials())?;
            let identity = Identity::new(&name).map_err(|_| Rejection::bad_credentials())?;
            Ok(Admission::new(identity, name))
        });
        Self {
            inbox: runtime.intake_over(world.network.listener(), admit),
            players: HashMap::new(),
            tick: 0,
            log: Vec::new(),
        }
    }

    fn tick(&mut self) {
        for Incoming { peer, what, .. } in self.inbox.drain() {
            let index = peer.index();
            match what {
                What::Joined(name) => {
                    let player = Player { name, x: 0, peer };
                    self.players.insert(index, player);
                }
                What::Message(steps) => {
                    if let (Some(player), [dx]) = (self.players.get_mut(&index), &*steps) {
                        player.x += u64::from(*dx);
                    }
                }
                What::Event(event) => self.log.push(event.kind().name().to_owned()),
                What::Ended { why, .. } => {
                    if let Some(player) = self.players.remove(&index) {
                        let (name, x) = (player.name, player.x);
                        self.log
                            .push(format!("{name} left at {x}: {:?}", why.reason()));
                    }
                }
                _ => {}
            }
        }
        self.tick += 1;
        for player in self.players.values() {
            let snapshot = [self.tick.to_le_bytes(), player.x.to_le_bytes()].concat();
            player.peer.send_volatile(&snapshot).ok(); // the next tick's replaces it
        }
    }
}

#[test]
fn a_game_server_drains_once_a_tick() {
    let world = World::new();
    let runtime = Runtime::<Multi>::start_on(
        Config::new()
            .heartbeat_interval(SECOND / 2)
            .clock(world.clock.clone()),
        Arc::clone(world.executor(On::Client)),
    )
    .expect("it starts");
    let mut game = GameServer::new(&runtime, &world);
    let mut clients: Vec<Client> = ["alice", "bob", "carol"]
        .map(|name| world.supervise(Config::new(), name))
        .into();
    for frame in 0..180u8 {
        world.pass(FRAME);
        game.tick();
        world.settle();
        if frame == 90 {
            world.network.cut();
        }
        for (number, client) in clients.iter_mut().enumerate() {
            for update in client.drain() {
                assert!(
                    matches!(update, Update::Message(_) | Update::Event(_)),
                    "{update:?}"
                );
            }
            client.try_send(&[number as u8]).ok();
        }
    }
    let mut carol = clients.pop().expect("carol");
    world.pass(SECOND * 2);
    game.tick();
    world.settle();
    let last = carol.drain().filter_map(|update| match update {
        Update::Message(message) if message.is_volatile() => message.get(8..)?.try_into().ok(),
        _ => None,
    });
    let x = u64::from_le_bytes(last.last().expect("a snapshot"));
    assert!(
        x > 2 * 60,
        "steps of 2, all but those while the link was down: {x}"
    );
    drop(carol.close("good night"));
    world.settle();
    game.tick();
    world.settle();
    game.tick();
    assert_eq!(
        game.log.last().unwrap(),
        &format!("carol left at {x}: ClosedByPeer")
    );
    assert_eq!(game.log.iter().filter(|one| *one == "resumed").count(), 3);
    assert_eq!((game.players.len(), runtime.sessions().len()), (2, 2));
}

// --- a proxy: a server that holds one client for each of its peers ------------------------------------------------------

#[derive(Clone)]
struct Proxy {
    executor: Arc<Executor<'static>>,
    config: Config,
    upstream: Network,
    refused: Arc<Mutex<Vec<Option<Rejection>>>>,
}

impl Proxy {
    async fn run(self, mut door: Door) {
        while let Some(session) = door.next().await {
            let proxy = self.clone();
            let pair = async move { drop(proxy.pair(session).await) };
            self.executor.spawn(pair).detach();
        }
    }

    async fn pair(self, down: Session<Connecting, Multi>) -> Result<(), Error> {
        // Upstream with the peer's own credentials, before it is admitted here.
        let me = Credentials::bytes(down.offer().credentials());
        let runtime = Runtime::<Single>::start_on(self.config, Arc::clone(&self.executor))?;
        let up = runtime.connect_over(self.upstream.dialer()).await?;
        let mut up = match up.login(&me).await {
            Ok(up) => up,
            Err(error) => {
                let why = error.rejection().cloned();
                self.refused.lock().expect("no panic").push(why.clone());
                down.reject(why.unwrap_or_else(Rejection::full));
                return Ok(());
            }
        };
        let mut down = down.admit(up.identity());
        // What was taken from one end and not given to the other yet: a link may break in between.
        let (mut upwards, mut downwards) = (None, None);
        loop {
            let (mut down_sends, mut down_hears) = down.split();
            let (mut up_sends, mut up_hears) = up.split();
            let both = try_join(
                pump(&mut down_hears, &mut up_sends, &mut upwards),
                pump(&mut up_hears, &mut down_sends, &mut downwards),
            );
            let Err(_) = both.await;
            down = match down.check() {
                Ok(()) => down,
                Err(Ended::Lost(lost)) => down.reconnect(lost).resume().await?,
                Err(Ended::Closed(why)) => {
                    up.close("downstream left").await;
                    return Err(why.into());
                }
            };
            up = match up.check() {
                Ok(()) => up,
                Err(Ended::Lost(lost)) => up.reconnect(lost).resume().await?,
                Err(Ended::Closed(why)) => {
                    down.close("upstream left").await;
                    return Err(why.into());
                }
            };
        }
    }
}

async fn pump(
    from: &mut RecvHalf<'_>,
    to: &mut SendHalf<'_>,
    held: &mut Option<Message<'static>>,
) -> Result<Infallible, Error> {
    loop {
        if let Some(message) = &*held {
            to.send(message).await?;
        }
        *held = None;
        *held = Some(from.recv().await?);
    }
}

#[test]
fn a_proxy_holds_a_client_for_each_of_its_peers() {
    let world = World::new();
    let upstream = Network::with_clock(world.clock.clone());
    let (server, _) = world.server(Config::new());
    let (_serving, messages) = count(&upstream, &server);
    let (_front, door) = world.server(Config::new());
    let proxy = Proxy {
        executor: Arc::clone(world.executor(On::Client)),
        config: Config::new().clock(world.clock.clone()),
        upstream: upstream.clone(),
        refused: Arc::default(),
    };
    world
        .executor(On::Server)
        .spawn(proxy.clone().run(door))
        .detach();

    // Who is not let in upstream is not let in here, and for the same reason.
    let login = world.connect(Config::new());
    let refused = world
        .run(login.login(&Credentials::token("bad")))
        .unwrap_err();
    assert_eq!(
        refused.rejection().map(Rejection::code),
        Some(RejectCode::BadCredentials)
    );
    assert_eq!(proxy.refused.lock().unwrap().len(), 1);

    let clients = ["alice", "bob", "carol"].map(|name| world.supervise(Config::new(), name));
    let talks = join_all(clients.map(async |mut client| {
        let (mut asked, mut heard) = (0u8, Vec::new());
        while heard.len() < 100 {
            let ahead = usize::from(asked) - heard.len();
            if asked < 100 && ahead < 5 && client.try_send(&[asked]).is_ok() {
                asked += 1;
                continue;
            }
            let update = client.next().await;
            match update.expect("it goes on") {
                Update::Message(message) => heard.extend_from_slice(&message),
                Update::Event(_) => {}
                other => panic!("{other:?}"),
            }
            match heard.len() {
                30 => world.network.cut(),
                60 => upstream.cut(),
                _ => {}
            }
        }
        heard
    }));
    for heard in world.run_within(SECOND * 600, talks) {
        assert!(heard.into_iter().eq(0..100), "each once, in order");
    }
    assert_eq!(messages.load(Ordering::SeqCst), 300);
    world.pass(SECOND * 10);
    assert_eq!(
        server.sessions().len(),
        0,
        "the clients left, and so did what the proxy held for them"
    );
}

// --- a host that counts, in two functions -------------------------------------------------------------------------------

/// A host is generic at the surface alone: what it returns can be spawned without its name.
fn judge<H: Host>(world: &World, host: Arc<H>, offer: Offer) -> smol::Task<bool> {
    world.spawn(async move { host.admit(&offer).await.is_ok() })
}

#[test]
fn a_host_is_two_functions_and_a_state() {
    let world = World::new();
    let (server, mut door) = world.server(Config::new());
    let host = Arc::new(Count {
        messages: Arc::default(),
    });
    for (name, good) in [("alice", true), ("bad", false)] {
        let login = world
            .connect(Config::new())
            .login(&Credentials::token(name));
        let peer = world.run(door.next()).expect("a peer");
        let offer = peer.offer().clone();
        assert_eq!(world.run(judge(&world, Arc::clone(&host), offer)), good);
        drop((login, peer));
    }
    drop(door);
    let (_serving, messages) = count(&world.network, &server);
    let mut alice = world.supervise(Config::new(), "alice");
    for number in 0..1000u32 {
        world
            .run(alice.send(&number.to_be_bytes()))
            .expect("a session");
        world.settle();
        let echoes = alice
            .drain()
            .filter(|one| matches!(one, Update::Message(_)));
        assert_eq!(echoes.count(), 1);
    }
    assert_eq!(messages.load(Ordering::SeqCst), 1000);
}
