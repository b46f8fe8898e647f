//! A server, clients, and a network between them: real processes, to which things happen.

use std::{fs, path::PathBuf, thread, time::Duration};

use super::{
    checker::{self, Log, Verdict},
    journal::{Entry, Journal, What},
    plan::{CLIENTS, Fault, Kind, Round},
    process::{Client, Server, View, micros, stop},
    proxy::{Air, Proxy, Way},
    report::Figures,
};

pub(crate) const HEARTBEAT: Duration = Duration::from_millis(150);
pub(crate) const LEASE: Duration = Duration::from_millis(600);

/// Longer than anything here takes away: three leases, and the way back.
pub(crate) const RESUME: Duration = Duration::from_secs(4);

/// Longer than anything takes, on a machine that has much else to do. What takes longer has failed.
const LIMIT: Duration = Duration::from_secs(60);

/// Silence is noticed before this many microseconds, however much else the machine has to do. What is promised is less, and
/// the report counts what was later than that.
const LATEST: u64 = 10 * LEASE.as_micros() as u64;

/// Between two looks into the logs.
const LOOK: Duration = Duration::from_millis(3);

pub(crate) struct World {
    place: PathBuf,
    server: Server,
    clients: Vec<Client>,
    /// Of processes that were killed.
    dead_servers: Vec<Journal>,
    dead_clients: Vec<Journal>,
    /// How many logs there are.
    logs: usize,
    figures: Figures,
}

/// Where everybody was when a fault began.
struct Mark {
    at: u64,
    server: usize,
    clients: Vec<ClientMark>,
}

struct ClientMark {
    life: u32,
    /// How much it had written, and how many sessions it had seen end.
    written: usize,
    ended: usize,
    /// Its session's number at the server.
    session: u64,
}

impl World {
    /// Makes a place for its logs; whatever was there is removed.
    pub(crate) fn begin(place: PathBuf) -> Self {
        fs::remove_dir_all(&place).ok();
        fs::create_dir_all(&place).expect("a place for logs");
        let server = Server::start(&place.join("server-0"));
        let clients = (0..CLIENTS).map(|number| {
            let proxy = Proxy::open();
            proxy.lead_to(Some(server.address));
            Client::new(number, proxy)
        });
        let mut world = Self {
            place,
            clients: clients.collect(),
            server,
            dead_servers: Vec::new(),
            dead_clients: Vec::new(),
            logs: 1,
            figures: Figures::default(),
        };
        for client in 0..CLIENTS {
            world.start_client(client);
        }
        world
    }

    /// One fault in mid-traffic, until everybody is well again.
    pub(crate) fn go_through(&mut self, round: Round) {
        let kind = round.fault.kind();
        let before: Vec<u64> = self.views().map(|view| view.got).collect();
        self.until("traffic", |world| {
            let mut now = world.views().zip(&before);
            now.all(|(now, before)| now.got >= before + round.traffic)
        });
        let mut mark = self.mark();
        self.strike(round.fault, &mut mark);
        let healed = micros();
        self.until(&format!("everybody is served after {kind}"), |world| {
            world.views().all(|view| view.echo_of > healed)
        });
        self.figures.back(kind, micros() - healed);
        self.check_ends(kind, &mark);
        let noticed = self.detections(&round.fault, &mark);
        assert!(
            !noticed.is_empty() || !kind.is_silence(),
            "{kind}: nobody noticed"
        );
        for at in noticed {
            let after = at - mark.at;
            let silent = kind.is_silence();
            assert!(
                !silent || after < LATEST,
                "{kind}: noticed after {after} us"
            );
            self.figures.noticed(kind, after);
        }
    }

    /// Sessions end with their server, or with their client, and at no other time.
    fn check_ends(&self, kind: Kind, mark: &Mark) {
        let expected: &[&str] = match kind {
            Kind::KillServer => &["Gone"],
            _ => &[],
        };
        for view in self.views() {
            let before = mark.clients.iter().find(|client| client.life == view.life);
            let ended = &view.ended[before.map_or(0, |before| before.ended)..];
            assert_eq!(ended, expected, "{} after {kind}", view.life);
        }
    }

    /// Everybody goes in good order, and the logs are checked. Where they are well, they are removed.
    pub(crate) fn end(mut self) -> (Figures, Verdict) {
        let last: Vec<Journal> = self.clients.iter_mut().map(Client::end).collect();
        self.until("the server lets everybody go", |world| {
            let entries = &world.server.journal.entries;
            let count = |is: fn(&What) -> bool| entries.iter().filter(|it| is(&it.what)).count();
            let begun = count(|what| matches!(what, What::Login { .. }));
            count(|what| matches!(what, What::Ended { .. })) == begun
        });
        let survivor = self.server.end();
        let verdict = checker::check(
            &logs(&self.dead_clients, &last),
            &logs(&self.dead_servers, &[survivor]),
        );
        if verdict.violations.is_empty() {
            fs::remove_dir_all(&self.place).ok();
        }
        (self.figures, verdict)
    }

    /// From a fault's begin to its end.
    fn strike(&mut self, fault: Fault, mark: &mut Mark) {
        match fault {
            Fault::KillServer { clogged, down } => {
                self.clog(clogged);
                mark.at = micros();
                self.kill_server(down);
            }
            Fault::KillClient {
                client,
                clogged,
                away,
            } => {
                self.clog(clogged);
                mark.at = micros();
                self.kill_client(client);
                thread::sleep(away);
                self.start_client(client);
                self.until_ended(mark.clients[client].session, "TakenOver", mark);
            }
            Fault::LoseClient { client, clogged } => {
                self.clog(clogged);
                mark.at = micros();
                self.kill_client(client);
                self.until_ended(mark.clients[client].session, "Expired", mark);
                self.start_client(client);
            }
            Fault::StopServer { time } => stop(self.server.program.id(), time),
            Fault::StopClient { client, time } => stop(self.clients[client].id(), time),
            Fault::Air {
                client,
                ways,
                air,
                time,
            } => {
                let proxy = &self.clients[client].proxy;
                proxy.set_air(ways, air);
                thread::sleep(time);
                proxy.set_air(ways, Air::Clear);
            }
            Fault::Blow {
                client,
                blow,
                refused,
            } => {
                let proxy = &self.clients[client].proxy;
                proxy.refuse(!refused.is_zero());
                proxy.strike(blow);
                thread::sleep(refused);
                proxy.refuse(false);
                self.until("the loss is noticed", |world| {
                    !world.detections(&fault, mark).is_empty()
                });
            }
        }
    }

    /// Lets traffic pile up in the network, where it is told to.
    fn clog(&self, clogged: bool) {
        if clogged {
            self.set_air(Air::Clogged);
            thread::sleep(LEASE / 3);
        }
    }

    fn set_air(&self, air: Air) {
        for client in &self.clients {
            client.proxy.set_air(&[Way::Up, Way::Down], air);
        }
    }

    fn kill_server(&mut self, down: Duration) {
        let ended: Vec<usize> = self.views().map(|view| view.ended.len()).collect();
        for client in &self.clients {
            client.proxy.lead_to(None);
        }
        self.server.program.signal("KILL");
        self.set_air(Air::Clear);
        thread::sleep(down);
        let next = Server::start(&self.place.join(format!("server-{}", self.logs)));
        self.logs += 1;
        for client in &self.clients {
            client.proxy.lead_to(Some(next.address));
        }
        let dead = std::mem::replace(&mut self.server, next);
        self.dead_servers.push(dead.kill());
        self.until("each client hears that its session is gone", |world| {
            let mut now = world.views().zip(&ended);
            now.all(|(now, before)| now.ended.len() > *before)
        });
    }

    fn start_client(&mut self, client: usize) {
        let log = self.place.join(format!("client-{}", self.logs));
        self.logs += 1;
        self.clients[client].start(&log);
    }

    fn kill_client(&mut self, client: usize) {
        let journal = self.clients[client].kill();
        self.dead_clients.push(journal);
        self.set_air(Air::Clear);
    }

    /// Waits until the server has given a session up, and for this reason.
    fn until_ended(&mut self, session: u64, why: &str, mark: &Mark) {
        let find = |world: &Self| {
            let mut entries = world.server.journal.entries[mark.server..].iter();
            entries.find_map(|entry| match &entry.what {
                What::Ended {
                    session: it,
                    reason,
                } if *it == session => Some(reason.clone()),
                _ => None,
            })
        };
        self.until("the server gives the session up", |world| {
            find(world).is_some()
        });
        assert_eq!(find(self).as_deref(), Some(why), "session {session}");
    }

    /// When whoever is to notice a fault did so.
    fn detections(&self, fault: &Fault, mark: &Mark) -> Vec<u64> {
        const SILENCE: &[&str] = &["timed-out"];
        const LOSS: &[&str] = &["link-lost", "timed-out"];
        let kind = fault.kind();
        let by_server = |client: usize, kinds| {
            let session = mark.clients[client].session;
            let entries = self.server.journal.entries.get(mark.server..);
            first(entries?, kinds, Some(session))
        };
        let by_client = |client: usize, kinds| {
            let from = mark.clients[client].written;
            first(self.clients[client].entries().get(from..)?, kinds, None)
        };
        match *fault {
            Fault::KillServer { .. } | Fault::StopServer { .. } => {
                let kinds = if kind.is_silence() { SILENCE } else { LOSS };
                (0..CLIENTS)
                    .filter_map(|client| by_client(client, kinds))
                    .collect()
            }
            Fault::KillClient { client, .. } | Fault::LoseClient { client, .. } => {
                by_server(client, LOSS).into_iter().collect()
            }
            Fault::StopClient { client, .. } => by_server(client, SILENCE).into_iter().collect(),
            Fault::Air { client, ways, .. } if kind.is_silence() => {
                let up = ways.contains(&Way::Up).then(|| by_server(client, SILENCE));
                let down = ways
                    .contains(&Way::Down)
                    .then(|| by_client(client, SILENCE));
                [up, down].into_iter().flatten().flatten().collect()
            }
            Fault::Air { .. } => Vec::new(),
            Fault::Blow { client, .. } => {
                let both = [by_server(client, LOSS), by_client(client, LOSS)];
                both.into_iter().flatten().min().into_iter().collect()
            }
        }
    }

    fn mark(&self) -> Mark {
        let entries = &self.server.journal.entries;
        let clients = self.clients.iter().map(|client| {
            let view = client.view().expect("it runs");
            let session = entries.iter().rev().find_map(|entry| match entry.what {
                What::Taken { session, name, .. } if name.life == view.life => Some(session),
                _ => None,
            });
            ClientMark {
                life: view.life,
                written: client.entries().len(),
                ended: view.ended.len(),
                session: session.expect("it was served"),
            }
        });
        Mark {
            clients: clients.collect(),
            server: entries.len(),
            at: micros(),
        }
    }

    /// Of those clients that run.
    fn views(&self) -> impl Iterator<Item = &View> {
        self.clients.iter().filter_map(Client::view)
    }

    /// Waits until it is so; looks into the logs again and again.
    fn until(&mut self, what: &str, so: impl Fn(&Self) -> bool) {
        let begin = micros();
        loop {
            self.server.journal.read_on();
            self.clients.iter_mut().for_each(Client::read_on);
            if so(self) {
                return;
            }
            if micros() - begin > LIMIT.as_micros() as u64 {
                let printed: Vec<String> =
                    self.clients.iter_mut().map(Client::last_words).collect();
                let place = self.place.display();
                panic!("in vain: {what}; logs are in {place}; clients printed {printed:?}");
            }
            thread::sleep(LOOK);
        }
    }
}

/// Of processes that were killed, and of those that ended.
fn logs<'a>(killed: &'a [Journal], ended: &'a [Journal]) -> Vec<Log<'a>> {
    let log = |killed| {
        move |journal: &'a Journal| Log {
            entries: &journal.entries,
            killed,
        }
    };
    let killed = killed.iter().map(log(true));
    killed.chain(ended.iter().map(log(false))).collect()
}

/// When the first of these events happened, to this session.
fn first(entries: &[Entry], kinds: &[&str], of: Option<u64>) -> Option<u64> {
    entries.iter().find_map(|entry| match &entry.what {
        What::Event { session, kind, .. } => {
            let is_it = kinds.contains(&&**kind) && of.is_none_or(|of| of == *session);
            is_it.then_some(entry.at)
        }
        _ => None,
    })
}
