//! Instructions and allocations of each case, held to `benches/baseline.txt`.
//!
//! ```text
//! cargo build --release -p sessile-benches
//! target/release/counts          # checks; fails on 5 % more instructions, or one allocation
//! target/release/counts --short  # without those of 100,000 sessions: what the gate runs
//! target/release/counts --all    # with a million sessions, too: minutes
//! target/release/counts --write  # measures all and writes the baseline
//! ```
//!
//! Instructions are counted by valgrind's callgrind, in a process of their own for each case (`one`), between entry and exit
//! of one function. They are the same whatever else the machine does, which time is not; they know nothing of caches.

use std::{collections::HashMap, env, fmt::Write, fs, path::Path, process::Command};

use anyhow::{Context, Result, bail, ensure};
use sessile_benches::{Case, all};

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

/// What one time of a case costs.
#[derive(Clone, Copy)]
struct Cost {
    instructions: u64,
    allocations: f64,
}

/// How much more is a regression. What varies by itself, hash seeds above all, is below 1 %.
const TOLERANCE: f64 = 1.05;
/// Allocations are exact, but for what grows once in a while: a list that doubles.
const ALLOCATION: f64 = 0.02;

const HELP: &str = "\
Instructions and allocations of each case, against benches/baseline.txt. Needs valgrind.

Usage: counts [OPTION]

  (none)    all but those of a million sessions; fails on 5 % more instructions, or one allocation
  --short   without those of 100,000 sessions, too: what the gate runs
  --all     with a million sessions: minutes
  --write   measures all and writes the baseline
  -h, --help
";

fn main() -> Result<()> {
    let (mut write, mut most) = (false, 100_000);
    let mut arguments = lexopt::Parser::from_env();
    while let Some(argument) = arguments.next()? {
        match argument {
            lexopt::Arg::Long("help") | lexopt::Arg::Short('h') => {
                print!("{HELP}");
                return Ok(());
            }
            lexopt::Arg::Long("write") => (write, most) = (true, usize::MAX),
            lexopt::Arg::Long("all") => most = usize::MAX,
            lexopt::Arg::Long("short") => most = 10_000,
            other => return Err(other.unexpected().into()),
        }
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("baseline.txt");
    let compiler = compiler()?;
    let text = if write {
        String::new()
    } else {
        fs::read_to_string(&file)?
    };
    let (written_by, baseline) = read(&text)?;
    let (mut table, mut worse) = (heading(&compiler), Vec::new());
    println!("{:>12} {:>11}", "instructions", "allocations");
    for case in all().iter().filter(|case| case.sessions() <= most) {
        let cost = measure(case).with_context(|| case.name)?;
        let line = line(case.name, cost);
        let judged = match baseline.get(case.name) {
            _ if write => Ok(String::new()),
            Some(known) => judge(cost, *known),
            None => Err("not in the baseline".to_owned()),
        };
        match judged {
            Ok(news) => println!("{line}{news}"),
            Err(what) => {
                println!("{line}  <-- {what}");
                worse.push(format!("{}: {what}", case.name));
            }
        }
        writeln!(table, "{line}")?;
    }
    if write {
        fs::write(&file, table)?;
    }
    if !worse.is_empty() {
        if written_by != compiler {
            eprintln!("the baseline is of another compiler: {written_by}, this is {compiler}");
        }
        bail!("dearer than the baseline:\n{}", worse.join("\n"));
    }
    Ok(())
}

fn measure(case: &Case) -> Result<Cost> {
    Ok(Cost {
        instructions: instructions(case)?,
        allocations: allocations(case),
    })
}

/// A process of its own, which counts nothing but what happens in `measured`.
fn instructions(case: &Case) -> Result<u64> {
    let one = env::current_exe()?.with_file_name("one");
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--collect-atstart=no"])
        .args([
            "--toggle-collect=*sessile_benches*measured*",
            "--callgrind-out-file=/dev/null",
        ])
        .arg(one)
        .args([case.name, &case.times.to_string()])
        .output()
        .context("valgrind is needed (Debian: apt-get install valgrind)")?;
    let told = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{told}");
    let collected = told
        .lines()
        .find_map(|line| line.split_once("Collected : "));
    let (_, collected) = collected.with_context(|| format!("valgrind counted nothing: {told}"))?;
    let done: u64 = String::from_utf8(output.stdout)?.trim().parse()?;
    let collected: u64 = collected.trim().parse()?;
    ensure!(collected > 0 && done > 0, "nothing was counted");
    Ok(collected / done)
}

fn allocations(case: &Case) -> f64 {
    let mut act = (case.prepare)();
    let mut done = 0;
    while done < case.times {
        done += act();
    }
    let _profiler = dhat::Profiler::builder().testing().build();
    let before = dhat::HeapStats::get().total_blocks;
    let mut done = 0;
    while done < case.times {
        done += act();
    }
    let made = dhat::HeapStats::get().total_blocks - before;
    made as f64 / done as f64
}

fn judge(cost: Cost, known: Cost) -> Result<String, String> {
    let ratio = cost.instructions as f64 / known.instructions.max(1) as f64;
    if ratio > TOLERANCE {
        return Err(format!(
            "{} instructions before, {:+.1} %",
            known.instructions,
            ratio.mul_add(100.0, -100.0)
        ));
    }
    if cost.allocations > known.allocations + ALLOCATION {
        return Err(format!("{:.2} allocations before", known.allocations));
    }
    let better = ratio < 1.0 / TOLERANCE || cost.allocations < known.allocations - ALLOCATION;
    Ok(if better {
        "  (better: --write keeps it)".to_owned()
    } else {
        String::new()
    })
}

fn line(name: &str, cost: Cost) -> String {
    format!(
        "{:>12} {:>11.2}  {name}",
        cost.instructions, cost.allocations
    )
}

fn heading(compiler: &str) -> String {
    format!(
        "# What each thing costs, once. Written by `counts --write`, checked by `counts`: see benches/src/bin/counts.rs.\n\
         # {compiler}\n\
         # instructions, allocations, what\n"
    )
}

/// By whom it was written, and what is in it.
fn read(text: &str) -> Result<(String, HashMap<String, Cost>)> {
    let written_by = text.lines().find_map(|line| line.strip_prefix("# rustc"));
    let written_by = written_by.map_or_else(String::new, |version| format!("rustc{version}"));
    let lines = text
        .lines()
        .filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    let entry = |line: &str| -> Result<(String, Cost)> {
        let mut words = line.trim_start().splitn(2, ' ');
        let instructions = words.next().context("instructions")?.parse()?;
        let (allocations, name) = words
            .next()
            .and_then(|rest| rest.trim_start().split_once("  "))
            .context("allocations and a name")?;
        let allocations = allocations.parse()?;
        Ok((
            name.to_owned(),
            Cost {
                instructions,
                allocations,
            },
        ))
    };
    let costs = lines.map(|line| entry(line).with_context(|| line.to_owned()));
    Ok((written_by, costs.collect::<Result<_>>()?))
}

fn compiler() -> Result<String> {
    let output = Command::new("rustc").arg("--version").output()?;
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}
