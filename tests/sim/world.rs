//! What a seed makes: which programs, with which limits, under which faults.

use std::time::Duration;

use fastrand::Rng;
use sessile::{
    Config, Credentials, Reconnect, ReconnectMode, Single, Takeover,
    sim::{Fault, Faults, Node, Outcome, Sim},
};

use crate::{
    client::{Client, Style},
    ledger::{Ledger, ROGUE},
    patience::within,
    server::{Face, server},
};

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

/// The seed's world.
pub(crate) fn build(sim: &mut Sim) {
    let mut rng = Rng::with_seed(sim.seed() ^ 0x776f_726c_6400);
    let ledger = Ledger::default();
    let crowded = rng.u8(..40) == 0;
    let mut faults = Faults::swarm(sim.seed());
    if rng.u8(..4) == 0 {
        faults = faults.with(Fault::Replay, rng.u32(1..8));
    }
    sim.faults(faults);

    let (config, damped) = limits(&mut rng, crowded);
    let faces = [Face::Door, Face::Door, Face::Host, Face::Inbox];
    let face = faces[rng.usize(..faces.len())];
    let (book, limits_of_server) = (ledger.clone(), config.clone());
    sim.server("server", move |node| {
        server(node, book.clone(), limits_of_server.clone(), face)
    });

    let clients = match crowded {
        true => rng.usize(100..300),
        false => rng.usize(1..7),
    };
    let mut rivals = 0;
    for number in 0..clients {
        // Two processes with one identity are a duel.
        let name = match number {
            1.. if rng.u8(..6) == 0 => "c0".to_owned(),
            _ => format!("c{number}"),
        };
        rivals += u32::from(name == "c0");
        let style = match rng.u8(..3) {
            0 => Style::Supervised,
            _ => Style::Handle,
        };
        let (book, config) = (ledger.clone(), config.clone().reconnect(policy(&mut rng)));
        sim.client(&format!("client-{number}"), move |node| {
            Client::new(node, book.clone(), name.clone(), config.clone(), style).live()
        });
    }
    if rng.u8(..3) == 0 {
        sim.rogue_client(ROGUE, "server", ROGUE.as_bytes());
    }
    if rng.u8(..6) == 0 {
        sim.rogue_server("trap");
        sim.client("victim", victim);
    }
    // L1: a retry of 30 s that a server that is full asked for, a backoff at its cap, a lease, a window and a login deadline are
    // about 80 s, and two clients with one identity may throw each other out on the way. The longest of 1,000 lives took 56 s.
    // Where duels and flaps are damped, whoever took part in one waits for 5 min more, and a quarter of a backoff's cap; and so does
    // the next of the same name once that one was let in (seed 173 has three of them).
    sim.limit(SECOND * if damped { 180 + 310 * rivals } else { 180 });
    sim.always(move || ledger.verdict());
}

/// Limits that both ends have: small ones, so that they are met. And whether who comes too often has to wait; not in a crowd, where
/// dozens have one name, and each of them would wait for those before it for 5 min each.
fn limits(rng: &mut Rng, crowded: bool) -> (Config, bool) {
    let mut one_of = |values: &[u32]| values[rng.usize(..values.len())];
    let (beat, lease) = match one_of(&[0, 1]) {
        0 => (SECOND * 2, SECOND * 6),
        _ => (MS * 300, SECOND),
    };
    let takeover = match one_of(&[0, 1, 2]) {
        0 => Takeover::Replace,
        1 => Takeover::Reject,
        _ => Takeover::Ask,
    };
    let config = Config::new()
        .heartbeat_interval(beat)
        .lease(lease)
        .login_deadline(MS * one_of(&[1_500, 5_000]))
        .resume_window(MS * one_of(&[0, 4_000, 20_000, 120_000]))
        .stalled_write(MS * one_of(&[500, 10_000]))
        .close_linger(MS * one_of(&[300, 5_000]))
        .unacked_messages(one_of(&[1, 2, 4, 16, 1_024]) as usize)
        .unacked_bytes(one_of(&[2_000, 65_536, 1 << 20]) as usize)
        .max_message(one_of(&[400, 1_024, 2_000]) as usize)
        .volatile_messages(one_of(&[1, 4, 64]) as usize)
        .pending_logins(one_of(&[4, 16, 1_024]) as usize)
        .turn_frames(one_of(&[1, 3, 64]) as usize)
        .takeover(takeover)
        .event_buffer(4_096);
    match rng.u8(..4) {
        0 if !crowded => (config.comings_a_minute(rng.u32(2..20)), true),
        _ => {
            let free = config.comings_a_minute(65_536);
            (free.takeover_pause(Duration::ZERO), false)
        }
    }
}

fn policy(rng: &mut Rng) -> Reconnect {
    let mode = match rng.u8(..8) {
        0 => ReconnectMode::Never,
        1 | 2 => ReconnectMode::OnResume,
        _ => ReconnectMode::AtOnce,
    };
    let policy = Reconnect::new()
        .mode(mode)
        .base(MS * [50, 1_000][rng.usize(..2)])
        .cap(MS * [1_000, 30_000][rng.usize(..2)]);
    match rng.u8(..6) {
        0 => policy.attempts(rng.u32(1..6)),
        1 => policy.budget(MS * rng.u32(1_000..60_000)),
        _ => policy,
    }
}

/// A client of a server that keeps to no protocol: it must bear it.
async fn victim(node: Node) -> Outcome {
    let runtime = node.start::<Single>(Config::new())?;
    let mut client = runtime.supervise_over(node.dialer("trap"), Credentials::token("victim"));
    while !node.is_healed() {
        let _ = client.try_send("help");
        if let Some(None) = within(&node, SECOND, client.next()).await {
            break;
        }
    }
    Ok(())
}
