//! The examples as their users run them: real processes, real sockets, and signals for what goes wrong.
#![cfg(unix)] // the signals

#[cfg(target_os = "linux")] // it reads /proc
#[path = "examples/load.rs"]
mod load;
#[path = "examples/program.rs"]
mod program;

use std::collections::BTreeSet;

use futures::future::try_join;
use program::{LIMIT, Program, run};
use sessile::{Config, Credentials, Error, LoggedIn, Runtime, Session, Single};
use smol::{Timer, future::FutureExt};

const ALL: [&str; 6] = [
    "server",
    "client",
    "echo_server",
    "echo_client",
    "tick_server",
    "proxy",
];

/// A loss is over in a moment.
const SHORT: [&str; 4] = ["--heartbeat-ms", "100", "--lease-ms", "500"];

/// Messages that are counted.
const COUNT: u32 = 300;

const ANY_PORT: &str = "127.0.0.1:0";

fn client(server: &str, name: &str) -> Program {
    let arguments = ["--connect", server, "--token", "s3cret", "--identity", name];
    let mut client = Program::start("client", &arguments);
    client.until(&format!("joined as {name}"));
    client
}

fn chat_server(at: &str) -> (Program, String) {
    Program::listen("server", at, &[&["--token", "s3cret"], &SHORT[..]].concat())
}

fn count(speaker: &mut Program) {
    for number in 1..=COUNT {
        speaker.say(number);
    }
    speaker.say("that is all");
}

/// Every number once, in order, and then no more of them.
fn hears_count(listener: &mut Program, speaker: &str) {
    for number in 1..=COUNT {
        assert_eq!(listener.heard(), format!("{speaker} {number}"));
    }
    assert_eq!(listener.heard(), format!("{speaker} that is all"));
}

#[test]
fn help_names_every_option() {
    for name in ALL {
        let (status, help) = run(name, &["--help"]);
        assert!(status.success(), "{name}: {status}");
        let own: &[&str] = match name {
            "server" => &["--listen", "--token"],
            "client" => &["--connect", "--token", "--identity"],
            "echo_server" => &["--listen", "--threads", "--log"],
            "echo_client" => &["--connect", "--name", "--log"],
            "tick_server" => &["--listen", "--ticks", "--bots"],
            _ => &["--listen", "--upstream"],
        };
        for option in own
            .iter()
            .chain(&["--heartbeat-ms", "--lease-ms", "--help"])
        {
            assert!(help.contains(option), "{name} says nothing of {option}");
        }
        assert_eq!(run(name, &["-h"]).1, help);
        let widest = help.lines().map(|line| line.chars().count()).max();
        assert!(widest <= Some(110), "{name}: lines of {widest:?}");
    }
}

#[test]
fn what_cannot_be_is_said_in_a_line() {
    let listen = ["--listen", "nonsense"];
    let upstream = ["--listen", "nonsense", "--upstream", "127.0.0.1:1"];
    let connect = ["--connect", "nonsense", "--token", "x"];
    let books = ["--connect", "nonsense", "--name", "x", "--log", "/dev/null"];
    for name in ALL {
        let bad_address = match name {
            "client" => &connect[..],
            "echo_client" => &books,
            "proxy" => &upstream,
            _ => &listen,
        };
        for (arguments, code, why) in [
            (&["--nope"][..], 2, "'--nope'"),
            (&["stray"], 2, "\"stray\""),
            (&[], 2, "missing option"),
            (&["--lease-ms", "soon"], 2, "\"soon\""),
            (bad_address, 1, "\"nonsense\" is not an address"),
            (
                &[bad_address, &["--lease-ms", "20"]].concat(),
                1,
                "config: lease = 20ms",
            ),
        ] {
            let (status, said) = run(name, arguments);
            assert_eq!(status.code(), Some(code), "{name} {arguments:?}: {said}");
            assert!(said.contains(why), "{name} {arguments:?}: {said}");
            assert!(said.starts_with(&format!("{name}: ")), "{said}");
            assert_eq!(said.lines().count(), 1, "{said}");
        }
    }
}

#[test]
fn an_address_in_use_is_said_so() {
    let (_server, address) = chat_server(ANY_PORT);
    for name in ["server", "echo_server", "tick_server"] {
        let (status, said) = run(name, &["--listen", &address]);
        assert_eq!(status.code(), Some(1));
        assert!(said.contains("in use") && said.contains(&address), "{said}");
    }
}

#[test]
fn two_clients_chat_and_leave() {
    let (mut server, address) = chat_server(ANY_PORT);
    let mut alice = client(&address, "alice");
    let mut bob = client(&address, "bob");
    count(&mut alice);
    hears_count(&mut bob, "alice");
    count(&mut bob);
    hears_count(&mut alice, "bob");

    alice.say("good night \u{1b}[2J");
    assert_eq!(bob.heard(), "alice good night \u{fffd}[2J");
    alice.end_input();
    let (status, said) = alice.end();
    assert!(status.success() && said.contains("left: closed"), "{said}");
    server.until("alice                   left: closed by the peer");

    let wrong = [
        "--connect",
        &address,
        "--token",
        "guessed",
        "--identity",
        "mallory",
    ];
    let (status, said) = run("client", &wrong);
    assert_eq!(status.code(), Some(1));
    assert!(said.contains("wrong token"), "{said}");
    server.until("not let in: refused");
}

#[test]
fn who_is_taken_over_stays_away() {
    let (mut server, address) = chat_server(ANY_PORT);
    let first = client(&address, "alice");
    let mut bob = client(&address, "bob");
    let mut second = client(&address, "alice");
    server.until("taken over");
    let (status, said) = first.end();
    assert_eq!(status.code(), Some(1));
    assert!(said.contains("taken over"), "{said}");
    second.say("it is me");
    assert_eq!(bob.heard(), "alice it is me");
}

#[test]
fn a_server_that_is_killed_and_comes_back_is_found_again() {
    let (server, address) = chat_server(ANY_PORT);
    let mut alice = client(&address, "alice");
    let mut bob = client(&address, "bob");
    server.kill();
    for client in [&mut alice, &mut bob] {
        client.until("lost: ");
        client.until("dials again in ");
    }
    let (_server, _) = chat_server(&address);
    for (client, name) in [(&mut alice, "alice"), (&mut bob, "bob")] {
        client.until("left: the peer does not know this session any more; log in again");
        client.until(&format!("joined as {name}"));
    }
    count(&mut alice);
    hears_count(&mut bob, "alice");
}

#[test]
fn a_server_that_says_good_night_is_found_again() {
    let (server, address) = chat_server(ANY_PORT);
    let mut alice = client(&address, "alice");
    server.signal("INT");
    let (status, said) = server.end();
    assert!(status.success(), "{said}");
    alice.until("the server is going down");
    let (mut server, _) = chat_server(&address);
    alice.until("joined as alice");
    let mut bob = client(&address, "bob");
    alice.say("still here");
    assert_eq!(bob.heard(), "alice still here");
    server.until("joined as bob");
}

#[test]
fn a_client_that_stood_still_for_longer_than_the_lease_misses_nothing() {
    let (mut server, address) = chat_server(ANY_PORT);
    let mut alice = client(&address, "alice");
    let mut bob = client(&address, "bob");
    alice.signal("STOP");
    server.until("alice                   suspect: ");
    server.until("alice                   lost: nothing heard for a whole lease");
    count(&mut bob); // while she is away
    count(&mut alice); // waits in her pipe
    alice.signal("CONT");
    hears_count(&mut alice, "bob");
    hears_count(&mut bob, "alice");
    server.until("alice                   came back after ");
}

#[test]
fn a_proxy_in_between_loses_nothing() {
    let (mut server, upstream) = chat_server(ANY_PORT);
    let arguments = [&["--upstream", &upstream], &SHORT[..]].concat();
    let (mut proxy, address) = Program::listen("proxy", ANY_PORT, &arguments);
    let mut alice = client(&address, "alice"); // by the proxy
    let mut bob = client(&upstream, "bob");
    count(&mut alice);
    hears_count(&mut bob, "alice");
    count(&mut bob);
    hears_count(&mut alice, "bob");

    // The peer's side is lost.
    alice.signal("STOP");
    proxy.until("alice                   lost: ");
    count(&mut bob);
    count(&mut alice);
    alice.signal("CONT");
    proxy.until("alice                   came back after ");
    hears_count(&mut alice, "bob");
    hears_count(&mut bob, "alice");

    // The upstream side is.
    server.signal("STOP");
    proxy.until("up alice                lost: ");
    count(&mut alice);
    server.signal("CONT");
    proxy.until("up alice                came back after ");
    hears_count(&mut bob, "alice");

    // Both, for a while: the proxy itself.
    proxy.signal("STOP");
    server.until("alice                   lost: ");
    count(&mut alice);
    count(&mut bob);
    proxy.signal("CONT");
    hears_count(&mut bob, "alice");
    hears_count(&mut alice, "bob");

    // A verdict goes through, and so does an end.
    let wrong = ["--connect", &address, "--token", "guessed"];
    let (status, said) = run("client", &wrong);
    assert!(!status.success() && said.contains("wrong token"), "{said}");
    let phone = client(&upstream, "alice");
    let (status, said) = alice.end();
    assert_eq!(status.code(), Some(1));
    assert!(said.contains("removed by the server"), "{said}");
    drop(phone);
}

/// In the time that a test has.
fn within<T>(work: impl Future<Output = Result<T, Error>>) -> T {
    let limit = async {
        Timer::after(LIMIT).await;
        panic!("it takes too long");
    };
    smol::block_on(work.or(limit)).unwrap()
}

async fn log_in(server: &str, token: &str) -> Result<Session<LoggedIn>, Error> {
    let runtime = Runtime::<Single>::start(Config::new())?;
    let session = runtime.connect(server).await?;
    Ok(session.login(&Credentials::token(token)).await?)
}

#[test]
fn an_echo_server_echoes() {
    for threads in ["1", "2"] {
        let (server, address) = Program::listen("echo_server", ANY_PORT, &["--threads", threads]);
        within(async {
            let mut session = log_in(&address, "anybody").await?;
            let (mut sender, mut receiver) = session.split();
            let send = async {
                for number in 0..1_000u32 {
                    sender.send(&number.to_be_bytes()).await?;
                }
                Ok::<_, Error>(())
            };
            let hear = async {
                for number in 0..1_000u32 {
                    assert_eq!(&*receiver.recv().await?, number.to_be_bytes());
                }
                Ok(())
            };
            try_join(send, hear).await?;
            assert_eq!(session.close("thanks").await, []);
            Ok(())
        });
        server.signal("INT");
        let (status, printed) = server.end();
        assert!(status.success());
        assert_eq!(printed, format!("listening on {address}"));
    }
}

#[test]
fn a_tick_server_tells_who_is_where() {
    let (mut server, address) = Program::listen("tick_server", ANY_PORT, &["--bots", "1"]);
    within(async {
        let mut session = log_in(&address, "alice").await?;
        // Both names, and both positions in one state, in whatever order.
        let (mut names, mut here) = (BTreeSet::new(), None);
        let mut ticks = Vec::new();
        while names.len() < 2 || here.is_none() {
            session.send_volatile(&[3f32.to_be_bytes(), 4f32.to_be_bytes()].concat())?;
            let message = session.recv().await?;
            if message.is_volatile() {
                let (tick, players) = message.split_at(8);
                ticks.push(u64::from_be_bytes(tick.try_into().unwrap()));
                let at = [3f32.to_be_bytes(), 4f32.to_be_bytes()].concat();
                here = here.or_else(|| {
                    players
                        .chunks(12)
                        .find(|p| p[4..] == at)
                        .map(<[u8]>::to_vec)
                });
            } else {
                let line = str::from_utf8(&message).unwrap();
                assert!(line.starts_with('+'), "{line}");
                names.insert(line.split(' ').nth(1).unwrap().to_owned());
            }
        }
        assert_eq!(Vec::from_iter(names), ["alice", "bot-0"]);
        assert!(ticks.is_sorted_by(|a, b| a < b), "{ticks:?}");

        // Another one comes and goes.
        let bob = log_in(&address, "bob").await?;
        let plus = loop {
            let message = session.recv().await?;
            if message.ends_with(b" bob") && !message.is_volatile() {
                break String::from_utf8(message.to_vec()).unwrap();
            }
        };
        bob.close("").await;
        let minus = plus.replace('+', "-").replace(" bob", "");
        while &*session.recv().await? != minus.as_bytes() {}
        Ok(())
    });
    server.until("players      1   messages ");
    server.signal("INT");
    assert!(server.end().0.success());

    let (status, printed) = run("tick_server", &["--listen", ANY_PORT, "--ticks", "30"]);
    assert!(status.success());
    assert!(
        printed.contains("tick       30   players      0"),
        "{printed}"
    );
}
