//! The whole of sessile in one process and a few seconds: a server, four clients, and a proxy between them that breaks
//! links. Everything goes over real TCP sockets on the loopback interface.
//!
//! `cargo run --release --example quickstart`, and with `-- --tls` the same over encrypted links.
//!
//! Read `client.rs` and `server.rs` first: they are what a program of yours looks like. `talk.rs` is the conversation they
//! have, and the book of what was said and heard. `links.rs` is all that TLS changes. `proxy.rs` is the bad network. `story.rs` prints.

mod client;
mod links;
mod proxy;
mod server;
mod story;
mod talk;

use std::{process::ExitCode, time::Duration};

use anyhow::{Result, bail, ensure};
use futures::{
    future::{Either, select, try_join3},
    pin_mut,
};
use sessile::{Config, Reason, Reconnect, RejectCode};
use smol::Timer;

use client::Client;
use links::Links;
use proxy::Proxy;
use server::Server;
use story::{Step, Story};

const HELP: &str = "\
Sessions that survive their links: a server, four clients and a proxy that cuts one link in mid-traffic.
Everything runs in this process, over TCP on the loopback interface, and takes a few seconds.

Usage: cargo run --release --example quickstart [-- --tls | --help]

  --tls   encrypt the links, with a certificate made on the spot

Exit status: 0 where nothing was lost or duplicated and every step of the story happened, 1 otherwise,
2 for arguments that it does not know.";

/// Longer than any run takes, even on a machine that has other things to do.
const TOO_LONG: Duration = Duration::from_secs(60);

fn main() -> ExitCode {
    let mut tls = false;
    for argument in std::env::args_os().skip(1) {
        if argument == "--help" || argument == "-h" {
            println!("{HELP}");
            return ExitCode::SUCCESS;
        }
        if argument != "--tls" {
            eprintln!(
                "quickstart: unknown argument {argument:?}; it takes none but --tls and --help"
            );
            return ExitCode::from(2);
        }
        tls = true;
    }
    match smol::block_on(within(TOO_LONG, play(tls))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("quickstart: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// How long a link may be silent.
const LEASE: Duration = Duration::from_secs(3);

/// Both sides have the same limits here. They are shorter than the defaults, so that a loss is over in a moment.
fn config() -> Config {
    Config::new()
        .heartbeat_interval(Duration::from_millis(200))
        .lease(LEASE)
        .unacked_messages(64)
        .reconnect(Reconnect::new().base(Duration::from_millis(300)))
}

async fn play(tls: bool) -> Result<()> {
    let story = Story::new();
    let links = if tls { Links::tls()? } else { Links::Plain };
    let server = Server::open(&links, &story).await?;
    let proxy = Proxy::open(server.address()).await?;
    let way = &links.to(proxy.address());

    // Who does not know the token stays outside, and is told why.
    match Client::log_in("mallory", way, "alice:guessed", &story).await {
        Ok(_) => bail!("mallory was let in"),
        Err(error) => {
            let rejection = error.closed().and_then(|closed| closed.rejection());
            ensure!(rejection.map(|why| why.code()) == Some(RejectCode::BadCredentials));
            story.tell("mallory", &error);
            story.reached(Step::Refused);
        }
    }

    let alice = Client::log_in("alice", way, "alice:wonderland", &story).await?;
    let bob = Client::log_in("bob", way, "bob:builder", &story).await?;
    let bobs_link = proxy.newest();
    let carol = Client::log_in("carol", way, "carol:singer", &story).await?;

    // Everybody talks to the server, both ways at once, and in the middle of it bob's link breaks.
    proxy.cut_after(bobs_link, 20_000);
    let (alice, bob, carol) = try_join3(alice.talk(), bob.talk(), carol.talk()).await?;
    story.book.settled().await?;
    ensure!(proxy.was_cut(bobs_link), "the proxy did not cut bob's link");
    server.heartbeats().await?;

    // The same identity on another device: the first one is told, and does not come back to throw the second one out.
    let phone = Client::log_in("alice-2", way, "alice:wonderland", &story).await?;
    let links = proxy.newest();
    let closed = alice.until_closed().await;
    ensure!(closed.reason() == Reason::TakenOver, "{closed}");
    Timer::after(Duration::from_secs(1)).await; // it would have dialed by now
    ensure!(proxy.newest() == links, "somebody dialed after a takeover");
    story.tell("alice", "heard TakenOver and stayed away");
    story.reached(Step::StayedAway);
    let phone = phone.talk().await?;
    story.book.settled().await?;

    // Whoever is removed hears the host's words.
    ensure!(server.remove("carol", "no singing after midnight"));
    let closed = carol.until_closed().await;
    ensure!(closed.reason() == Reason::Removed, "{closed}");
    story.reached(Step::Removed);

    server.heartbeats().await?;
    println!("\n{}", server.table());

    for client in [phone, bob] {
        client.close("good night").await?;
    }
    server.close().await?;
    story.end()
}

async fn within(limit: Duration, play: impl Future<Output = Result<()>>) -> Result<()> {
    pin_mut!(play);
    match select(play, Timer::after(limit)).await {
        Either::Left((outcome, _)) => outcome,
        Either::Right(_) => bail!("the story did not end within {limit:?}"),
    }
}
