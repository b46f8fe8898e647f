//! A storm over real sockets: thousands of clients lose their links at the same instant, and come back.
//!
//! The server is a process of its own (this test, started again); the clients are in this one, at addresses of their own, as from
//! as many networks. Run it by
//! `cargo test --release --test storm -- --ignored --nocapture`; `SESSILE_STORM=clients,rate` chooses another size.

#![cfg(target_os = "linux")]

#[path = "../common/again.rs"]
mod again;
mod link;
mod server;

use std::{
    env,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use futures::future::join_all;
use sessile::{Config, Credentials, Ended, LoggedIn, Retry, Runtime, Session, Single};
use smol::{Executor, Timer};

use again::Again;
use link::{From, Knife};

/// What each client says while the links are cut.
const IN_FLIGHT: u64 = 3;

struct Client {
    session: Session<LoggedIn>,
    dials: Arc<AtomicUsize>,
    /// Numbers that it sent, and that came back.
    sent: u64,
    heard: u64,
}

impl Client {
    /// Logs in, patiently: the server lets in only so many a second.
    async fn log_in(number: usize, server: &Again, knife: Arc<Knife>, config: Config) -> Self {
        let dials = Arc::new(AtomicUsize::new(0));
        let client = Runtime::<Single>::start(config).expect("a config that starts");
        let from = From::new(number, server.at, knife, Arc::clone(&dials));
        let mut session = client.connect_over(from).await.expect("the server is up");
        let me = Credentials::token(&format!("client {number}"));
        let session = loop {
            match session.login(&me).await {
                Ok(session) => break session,
                Err(error) => {
                    if let Retry::After(after) = error.retry() {
                        Timer::after(after).await;
                    }
                    session = error.into_session();
                }
            }
        };
        Self {
            session,
            dials,
            sent: 0,
            heard: 0,
        }
    }

    async fn say(&mut self) {
        let number = self.sent.to_be_bytes();
        self.sent += 1;
        // A loss is told by the next receive; what was accepted before is still to arrive.
        if self.session.send(&number).await.is_err() {
            self.sent -= 1;
        }
    }

    /// Hears all that it said come back, in order, each once.
    async fn hear(mut self) -> Self {
        while self.heard < self.sent {
            match self.session.recv().await {
                Ok(message) => {
                    assert_eq!(*message, self.heard.to_be_bytes(), "lost or doubled");
                    self.heard += 1;
                }
                Err(Ended::Lost(lost)) => {
                    let back = self.session.reconnect(lost).resume().await;
                    self.session = back.expect("nothing is lost");
                }
                Err(Ended::Closed(why)) => panic!("{why}"),
            }
        }
        self
    }
}

fn size() -> (usize, u32) {
    let Ok(size) = env::var("SESSILE_STORM") else {
        return (9_500, 2_000);
    };
    let (clients, rate) = size.split_once(',').expect("clients,rate");
    (
        clients.parse().expect("a number"),
        rate.parse().expect("a number"),
    )
}

async fn all<T: Send + 'static>(
    executor: &Executor<'static>,
    what: impl Iterator<Item = impl Future<Output = T> + Send + 'static>,
) -> Vec<T> {
    join_all(what.map(|one| executor.spawn(one)).collect::<Vec<_>>()).await
}

#[test]
#[ignore = "long: cargo test --release --test storm -- --ignored --nocapture"]
#[expect(
    clippy::disallowed_methods,
    reason = "how long it takes is what it is about"
)]
fn clients_that_are_cut_at_once_are_all_back_as_soon_as_the_rate_allows() {
    if server::is_asked_for() {
        return server::serve();
    }
    let (clients, rate) = size();
    let server = Arc::new(server::start(rate));
    let executor = Arc::new(Executor::new());
    let knife = Arc::new(Knife::default());
    let storm = async {
        let logins = (0..clients).map(|number| {
            let (server, knife) = (Arc::clone(&server), Arc::clone(&knife));
            async move { Client::log_in(number, &server, knife, Config::new()).await }
        });
        let begun = Instant::now();
        let mut everybody = all(&executor, logins).await;
        println!("{clients} logged in after {:?}", begun.elapsed());
        for client in &mut everybody {
            for _ in 0..IN_FLIGHT {
                client.say().await;
            }
        }
        let dialed: usize = everybody
            .iter()
            .map(|one| one.dials.load(Ordering::Relaxed))
            .sum();
        let cut = Instant::now();
        knife.cut();
        let back = everybody.into_iter().map(|mut client| async move {
            client.say().await;
            let client = client.hear().await;
            // It is back once its session has another link: what it said before can have come back on the old one.
            while client.session.epoch() < 2 && client.session.check().is_ok() {
                Timer::after(Duration::from_millis(5)).await;
            }
            let mut client = match client.session.check() {
                Ok(()) => client,
                Err(Ended::Lost(lost)) => {
                    let back = client.session.reconnect(lost).resume().await;
                    Client {
                        session: back.expect("nothing is lost"),
                        ..client
                    }
                }
                Err(Ended::Closed(why)) => panic!("{why}"),
            };
            let healed = cut.elapsed();
            client.say().await;
            (client.hear().await, healed)
        });
        let back = all(&executor, back).await;
        let dials = back
            .iter()
            .map(|(one, _)| one.dials.load(Ordering::Relaxed))
            .sum::<usize>()
            - dialed;
        let mut healed: Vec<_> = back.iter().map(|(_, healed)| *healed).collect();
        healed.sort();
        let (each, last) = (dials as f64 / clients as f64, healed[clients - 1]);
        let bound = Duration::from_secs_f64(1.25 * clients as f64 / f64::from(rate) + 1.0);
        println!(
            "{clients} clients cut at once, {rate} let in a second: {each:.2} dials each, half of them back after {:.2?}, 99 % after \
             {:.2?}, the last after {last:.2?} of {bound:.2?}; 0 lost, 0 doubled",
            healed[clients / 2],
            healed[clients * 99 / 100],
        );
        assert!(each <= 2.2, "{each:.2} dials a client");
        assert!(last <= bound, "the last came back after {last:?}");
        assert!(
            back.iter().all(|(one, _)| one.session.epoch() == 2),
            "one resume each"
        );
    };
    smol::block_on(executor.run(storm));
}
