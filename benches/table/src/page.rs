//! The tables of the page.

use std::fmt::Write;

use anyhow::{Context, ensure};

use crate::measured::{BASE, Measured};

const BEGIN: &str = "<!-- benches/compare writes what follows -->";
const END: &str = "<!-- to here -->";

/// What a server pays: load, figure, heading, digits.
pub(crate) const COSTS: [(&str, &str, &str, usize); 5] = [
    ("idle", "memory_kib", "memory of an idle session, KiB", 2),
    ("idle", "heartbeat_cpu_us", "CPU of a heartbeat, us", 1),
    ("echo8", "echo_cpu_us", "CPU of an echo, depth 8, us", 2),
    ("echo1", "echo_cpu_us", "CPU of an echo, depth 1, us", 2),
    ("login", "login_cpu_us", "CPU of a login, us", 1),
];

/// What its peers see.
const SPEEDS: [(&str, &str, &str, usize); 7] = [
    ("echo8", "echo_rate", "echoes a second, depth 8", 0),
    ("echo8", "echo_p50_us", "p50, us", 0),
    ("echo8", "echo_p99_us", "p99, us", 0),
    ("echo1", "echo_rate", "echoes a second, depth 1", 0),
    ("echo1", "echo_p50_us", "p50, us", 0),
    ("echo1", "echo_p99_us", "p99, us", 0),
    ("login", "login_rate", "logins a second", 0),
];

/// One message at a time of one session: all there is to wait for.
const ALONE: [(&str, &str, &str, usize); 3] = [
    ("alone", "echo_p50_us", "p50, us", 0),
    ("alone", "echo_p99_us", "p99, us", 0),
    ("alone", "echo_cpu_us", "CPU of an echo, us", 2),
];

/// Long messages, at depth 8.
const LONG: [(&str, &str, &str, usize); 4] = [
    ("echo64k", "echo_mib_rate", "64 KiB, MiB/s", 0),
    ("echo64k", "echo_mib_cpu_us", "CPU a MiB, us", 0),
    ("echo1m", "echo_mib_rate", "1 MiB, MiB/s", 0),
    ("echo1m", "echo_mib_cpu_us", "CPU a MiB, us", 0),
];

const SESSILE: &str = "echo_server";

/// All that stands between the two marks.
pub(crate) fn block(measured: &Measured, about: &str) -> anyhow::Result<String> {
    let mut text = format!("{about}\n\nMedians of {} rounds", measured.rounds);
    writeln!(
        text,
        "; in brackets the median of each round's ratio to `{BASE}`.\n"
    )?;
    table(&mut text, measured, &COSTS, true)?;
    text.push('\n');
    table(&mut text, measured, &SPEEDS, false)?;
    for (title, columns) in [
        ("One session with one message on its way:", &ALONE[..]),
        (
            "Messages of 64 KiB and of 1 MiB, 8 of each of 8 sessions; a MiB comes and goes:",
            &LONG,
        ),
    ] {
        if columns
            .iter()
            .any(|(load, figure, ..)| measured.median(BASE, load, figure).is_some())
        {
            writeln!(text, "\n{title}\n")?;
            table(&mut text, measured, columns, true)?;
        }
    }
    text.push('\n');
    if let Some(storm) = storm(measured) {
        writeln!(text, "{storm}\n")?;
    }
    writeln!(text, "{}", caveats(measured))?;
    Ok(text)
}

/// The page with this block in its place.
pub(crate) fn put(page: &str, block: &str) -> anyhow::Result<String> {
    let (before, rest) = page
        .split_once(BEGIN)
        .context("no mark where the table begins")?;
    let (_, after) = rest
        .split_once(END)
        .context("no mark where the table ends")?;
    ensure!(
        !after.contains(END) && !rest.contains(BEGIN),
        "more than one place"
    );
    Ok(format!("{before}{BEGIN}\n\n{block}\n{END}{after}"))
}

fn table(
    text: &mut String,
    measured: &Measured,
    columns: &[(&str, &str, &str, usize)],
    ratios: bool,
) -> anyhow::Result<()> {
    let headings: Vec<&str> = columns.iter().map(|(.., heading, _)| *heading).collect();
    writeln!(text, "| server | {} |", headings.join(" | "))?;
    writeln!(text, "| --- |{}", " ---: |".repeat(columns.len()))?;
    for server in &measured.servers {
        let has = |(load, figure, ..): &(&str, &str, &str, usize)| {
            measured.median(server, load, figure).is_some()
        };
        if !columns.iter().any(has) {
            continue;
        }
        write!(text, "| {} |", name(server))?;
        for (load, figure, _, digits) in columns {
            let Some(value) = measured.median(server, load, figure) else {
                write!(text, " - |")?;
                continue;
            };
            write!(text, " {value:.digits$}")?;
            match measured.ratio(server, load, figure) {
                Some(ratio) if ratios && server != BASE => write!(text, " ({ratio:.2})")?,
                _ => {}
            }
            write!(text, " |")?;
        }
        text.push('\n');
    }
    Ok(())
}

pub(crate) fn name(server: &str) -> String {
    match server {
        "raw_epoll" => "bare epoll, no runtime (`raw_epoll`)".into(),
        "lean_smol" => "bare smol, leanest (`lean_smol`)".into(),
        SESSILE => "**sessile** (`echo_server`)".into(),
        other => other.into(),
    }
}

fn storm(measured: &Measured) -> Option<String> {
    let figure = |name| measured.median(SESSILE, "storm", name);
    let (sessions, all, whole) = (
        figure("sessions")?,
        figure("storm_s")?,
        figure("storm_whole_s")?,
    );
    let logins = measured.median(SESSILE, "login", "login_rate")?;
    let bound = 1.25 * sessions / logins + 1.0;
    Some(format!(
        "A storm: {sessions:.0} sessions cut at once with {:.0} messages on their way are all resumed after {all:.2} s, their messages \
         are all back after {whole:.2} s ({bound:.2} s is 1.25 x the time that as many logins take, and the second over which they \
         spread). Over all rounds of echoes and storms: {:.0} messages lost, {:.0} duplicated.",
        figure("storm_caught")?,
        measured.total("lost"),
        measured.total("duplicated"),
    ))
}

/// What one must know to believe the table, or not to.
fn caveats(measured: &Measured) -> String {
    let all = measured.servers.iter().flat_map(|server| {
        COSTS.map(|(load, figure, what, _)| (measured.spread(server, load, figure), server, what))
    });
    let widest = all.filter_map(|(spread, server, what)| Some((spread?, server, what)));
    let widest = widest.max_by(|a, b| a.0.total_cmp(&b.0));
    let mut text = match widest {
        Some((spread, server, what)) => format!(
            "The rounds differ most in one cell by {:.0} % of its median ({server}: {what}).",
            spread * 100.0
        ),
        None => String::new(),
    };
    let (limited, had_time) = (
        measured.total("tool_was_limit"),
        measured.total("server_had_time"),
    );
    if had_time > 0.0 {
        let _ = write!(
            text,
            " In {had_time:.0} loads of echoes the server was less than 90 % busy: rate and latency are there of server and tool together."
        );
    }
    if limited > 0.0 {
        let _ = write!(
            text,
            " In {limited:.0} loads the tool was the limit: rate and latency are the tool's there."
        );
    } else {
        text.push_str(" The tool was the limit in none of the loads.");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{BEGIN, END, put};

    #[test]
    fn the_block_is_replaced_and_the_rest_stays() {
        let page = format!("before\n{BEGIN}\nold\n{END}\nafter\n");
        let new = put(&page, "new\n").unwrap();
        assert_eq!(new, format!("before\n{BEGIN}\n\nnew\n\n{END}\nafter\n"));
        assert_eq!(put(&new, "new\n").unwrap(), new);
        assert!(put("no place", "new").is_err());
    }
}
