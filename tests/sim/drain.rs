//! A server that goes down in order and starts again, in the middle of everything that breaks.

use std::{ops::Range, time::Duration};

use fastrand::Rng;
use sessile::{
    Config, Multi, Reconnect,
    sim::{self, Fault, Faults, Node, Outcome, Sim},
};

use crate::{
    client::{Client, Style},
    ledger::Ledger,
    server::App,
};

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

/// How much later than at its time anything may happen: deadlines are kept in steps of 4 ms, and a delay is no work of ours.
const SLACK: Duration = Duration::from_millis(10);

// L4. Whatever links do, a drain ends within its deadline and a second; and nothing is lost or doubled over it.
#[test]
fn a_drain_ends_by_its_deadline_whatever_breaks_and_everybody_comes_back() {
    lives(0..15);
}

// The same for longer.
#[test]
#[ignore = "long: cargo test --release --test sim -- --ignored drain"]
fn five_hundred_lives_with_drains_end_them_in_time() {
    lives(0..500);
}

fn lives(seeds: Range<u64>) {
    let summary = sim::check(seeds, build);
    let expected = [
        "drained",
        "drained:left",
        "drained:closed",
        "drained:cut",
        "acceptor:ended:Draining",
        "dialer:ended:Draining",
    ];
    let missing = summary.missing(expected);
    assert!(missing.is_empty(), "{missing:?} of {summary}");
}

pub(crate) fn build(sim: &mut Sim) {
    let mut rng = Rng::with_seed(sim.seed() ^ 0x6472_6169_6e00);
    let ledger = Ledger::default();
    // A process that stands still, or whose timers are late, ends nothing in time.
    let faults = [Fault::Pause, Fault::PauseAll, Fault::LateTimers];
    let all = Faults::swarm(sim.seed());
    sim.faults(faults.into_iter().fold(all, Faults::without));
    let config = Config::new()
        .heartbeat_interval(MS * 300)
        .lease(SECOND)
        .resume_window(MS * [4_000, 20_000][rng.usize(..2)])
        .close_linger(MS * [300, 5_000][rng.usize(..2)])
        .event_buffer(4_096);
    let (book, limits) = (ledger.clone(), config.clone());
    sim.server("server", move |node| {
        server(node, book.clone(), limits.clone())
    });
    for number in 0..rng.usize(2..6) {
        let style = match number % 2 {
            0 => Style::Supervised,
            _ => Style::Handle,
        };
        let policy = Reconnect::new().base(MS * 50).cap(SECOND);
        let (book, config) = (ledger.clone(), config.clone().reconnect(policy));
        sim.client(&format!("client-{number}"), move |node| {
            let name = format!("c{number}");
            Client::new(node, book.clone(), name, config.clone(), style).live()
        });
    }
    sim.limit(SECOND * 180);
    sim.always(move || ledger.verdict());
}

/// Goes down and starts again, until everything is well.
async fn server(node: Node, ledger: Ledger, config: Config) -> Outcome {
    let mut rng = Rng::with_seed(node.seed());
    loop {
        let runtime = node.start::<Multi>(config.clone())?;
        let app = App {
            node: node.clone(),
            ledger: ledger.clone(),
        };
        let _serving = runtime.serve_over(node.listener(), app);
        node.sleep(MS * rng.u32(500..8_000)).await;
        if node.is_healed() {
            return node.forever().await;
        }
        let (deadline, began) = (MS * rng.u32(0..5_000), node.now());
        let drained = runtime.drain(deadline).spread(SECOND).await;
        let took = node.now() - began;
        if took > deadline + SECOND + SLACK {
            return Err(format!("a drain of {deadline:?} took {took:?}: {drained:?}").into());
        }
        node.mark("drained");
        for (count, mark) in [
            (drained.left, "drained:left"),
            (drained.closed, "drained:closed"),
            (drained.cut, "drained:cut"),
        ] {
            if count > 0 {
                node.mark(mark);
            }
        }
    }
}
