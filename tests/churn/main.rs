//! Lives of sessions, one after the other, over real sockets: what is left of them afterwards is nothing.
//!
//! The server is a process of its own (this test, started again); the clients are in this one. Open files, tasks and memory are
//! counted in both, once they are warm and again at the end. The long form:
//! `SESSILE_CHURN=100000 cargo test --release --test churn -- --ignored --nocapture`.

#![cfg(target_os = "linux")]

#[path = "../common/again.rs"]
mod again;
mod counted;
#[path = "../storm/link.rs"]
mod link;
mod server;

use std::{
    env,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::future::join_all;
use sessile::{
    Config, Connecting, Credentials, Ended, LoggedIn, Reconnect, Runtime, Session, Single,
};
use smol::{Timer, future};

use counted::{Counted, Figures, Heap};
use link::{From, Knife};
use server::Server;

#[global_allocator]
static HEAP: Heap = counted::HEAP;

/// Lives that go on at the same time.
const AT_ONCE: usize = 32;

/// How often it is looked at what there is.
const PARTS: usize = 10;

/// The same while it warms up: tables that grow with those who are there are then as large as they will ever be.
const AT_ONCE_BEFORE: usize = 2 * AT_ONCE;

/// Far longer than one life takes on a busy machine.
const HANGS: Duration = Duration::from_secs(60);

/// One life: it connects, logs in, talks, is cut, comes back, talks, and ends in one of four ways.
async fn live(number: usize, server: &Server, executor: &Counted) {
    let ms = Duration::from_millis;
    let config = Config::new().reconnect(Reconnect::new().base(ms(1)).cap(ms(5)));
    let client =
        Runtime::<Single>::start_on(config, executor.clone()).expect("a config that starts");
    let knife = Arc::new(Knife::default());
    let dials = Arc::new(AtomicUsize::new(0));
    let from = From::new(number, server.at, Arc::clone(&knife), dials);
    let session: Session<Connecting> = client.connect_over(from).await.expect("it listens");
    let me = Credentials::token(&format!("client {number:08}"));
    let mut session = session.login(&me).await.expect("admitted");
    talk(&mut session).await;
    let first = session.epoch();
    knife.cut();
    let lost = match session.recv().await {
        Err(Ended::Lost(lost)) => lost,
        other => panic!("it was cut, and not {other:?}"),
    };
    let back = session.reconnect(lost).resume().await;
    let mut session = back.expect("nothing is lost");
    talk(&mut session).await;
    assert_eq!(session.epoch(), first + 1);
    match number % 4 {
        0 => assert!(session.close("that was it").await.is_empty()),
        1 => drop(session),
        2 => {
            session.send(server::BYE).await.expect("it is up");
            let end = session.recv().await;
            assert!(matches!(end, Err(Ended::Closed(_))), "{end:?}");
        }
        _ => {
            // It goes without having read anything: the server's answer is still on its way.
            session.send("one more").await.expect("it is up");
            session.close("that was it").await;
        }
    }
}

async fn talk(session: &mut Session<LoggedIn>) {
    session.send("are you there").await.expect("it is up");
    let answer = session.recv().await.expect("it is up");
    assert_eq!(&*answer, b"are you there");
}

/// So many lives, the first of this number, so many at once.
fn churn(first: usize, lives: usize, at_once: usize, server: &Arc<Server>, executor: &Counted) {
    let next = Arc::new(AtomicUsize::new(first));
    let workers = (0..at_once).map(|_| {
        let (next, server, own) = (Arc::clone(&next), Arc::clone(server), executor.clone());
        executor.run(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= first + lives {
                    return;
                }
                let hangs = async {
                    Timer::after(HANGS).await;
                    panic!("life {number} hangs");
                };
                future::or(live(number, &server, &own), hangs).await;
            }
        })
    });
    smol::block_on(join_all(workers.collect::<Vec<_>>()));
}

/// Lives that are warmed up by, and lives that are counted.
fn leave_nothing(warm: usize, lives: usize) {
    let server = Arc::new(Server::start());
    let executor = Counted::start();
    churn(0, warm, AT_ONCE_BEFORE, &server, &executor);
    let figures = || (server.figures(), executor.figures(0));
    let before = figures();
    // Nothing is kept or printed meanwhile that would itself be counted.
    let mut parts = [before; PARTS];
    let mut lived = 0;
    for (part, figures_of) in parts.iter_mut().enumerate() {
        let until = lives * (part + 1) / PARTS;
        churn(warm + lived, until - lived, AT_ONCE, &server, &executor);
        lived = until;
        *figures_of = figures();
    }
    println!(
        "after {warm:>6} lives: server {}; clients {}",
        before.0, before.1
    );
    for (part, (server, clients)) in parts.iter().enumerate() {
        let lived = lives * (part + 1) / PARTS;
        println!("and   {lived:>6} more : server {server}; clients {clients}");
    }
    let after = parts[PARTS - 1];
    assert_eq!(
        server.sessions(),
        (0, warm + lives),
        "who is there, and who was"
    );
    check("server", &before.0, &after.0);
    check("clients", &before.1, &after.1);
}

fn check(who: &str, before: &Figures, after: &Figures) {
    assert_eq!(after.tasks, before.tasks, "{who}: tasks");
    assert_eq!(after.files, before.files, "{who}: open files");
    assert!(
        after.bytes <= before.bytes + before.bytes / 100,
        "{who}: the heap grew from {} to {} bytes",
        before.bytes,
        after.bytes
    );
}

#[test]
fn a_thousand_lives_leave_nothing_behind() {
    if server::is_asked_for() {
        return server::serve();
    }
    leave_nothing(2_000, 1_000);
}

#[test]
#[ignore = "long: cargo test --release --test churn -- --ignored --nocapture"]
fn as_many_lives_as_you_like_leave_nothing_behind() {
    let lives = env::var("SESSILE_CHURN").map_or(100_000, |lives| lives.parse().expect("a number"));
    leave_nothing(5_000, lives);
}
