//! Many sessions in one process, and the memory of each: `million [core|memory] [SESSIONS]`, for release builds.
//!
//! `core`: the registry alone. `memory`: a whole server whose host is called, over the network in memory; of each client
//! there is its end of a link, and no more. What `links` take without sessions is told apart: the difference is a session.

use std::{env, fs, process::Command};

use anyhow::{Result, bail, ensure};
use sessile_benches::{crowd::Crowd, town::Town};

fn main() -> Result<()> {
    let mut arguments = env::args().skip(1);
    let what = arguments.next().unwrap_or_else(|| "core".to_owned());
    let sessions = arguments
        .next()
        .map_or(Ok(1_000_000), |text| text.parse())?;
    let before = resident()?;
    match &*what {
        "core" => {
            let crowd = Crowd::logged_in(sessions);
            say(
                "a session, logged in and idle, in the core",
                before,
                sessions,
            )?;
            println!("{} sessions", crowd.registry.len());
        }
        "links" => {
            let mut town = Town::built();
            town.link(sessions);
            say(
                "a link of the network in memory, both ends",
                before,
                sessions,
            )?;
        }
        "memory" => {
            // In a process of its own: memory that was given back is not always the system's again.
            let mut links = Command::new(env::current_exe()?);
            links.args(["links", &sessions.to_string()]);
            ensure!(links.status()?.success(), "links alone");
            let mut town = Town::built();
            town.log_in(sessions);
            say(
                "the same with its session, served and idle",
                before,
                sessions,
            )?;
            println!("{} sessions", town.sessions());
        }
        _ => bail!("million [core|memory] [SESSIONS]"),
    }
    Ok(())
}

fn say(what: &str, before: u64, sessions: usize) -> Result<()> {
    let each = resident()?.saturating_sub(before) as f64 / sessions as f64;
    println!("{each:>8.0} bytes  {what}");
    Ok(())
}

/// Bytes of this process in memory.
fn resident() -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line.and_then(|line| line.split_whitespace().next());
    Ok(kibibytes.unwrap_or_default().parse::<u64>()? * 1024)
}
