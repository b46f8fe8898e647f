use std::{
    env,
    ops::Range,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::Arc,
};

use super::{report::Summary, simulation::Sim};

/// Lives many simulated lives, one for each seed, each in a world that `build` fills with programs.
///
/// Where `SESSILE_SEED` is set, only that one, and its timeline is printed; where `SESSILE_SEEDS` is, as in `0..100000`,
/// those.
///
/// # Panics
///
/// At the first life in which something is wrong, or in which a program panics, with what happened before and with the
/// command that repeats it.
pub fn check(seeds: Range<u64>, build: impl Fn(&mut Sim)) -> Summary {
    let one: Option<u64> = read("SESSILE_SEED");
    let seeds = match (one, env::var("SESSILE_SEEDS")) {
        (Some(seed), _) => seed..seed.saturating_add(1),
        (None, Ok(range)) => parse_range(&range)
            .unwrap_or_else(|| panic!("SESSILE_SEEDS={range} is no range such as 0..1000")),
        (None, Err(_)) => seeds,
    };
    let mut summary = Summary::default();
    for seed in seeds {
        let mut sim = Sim::new(seed);
        build(&mut sim);
        let world = Arc::clone(&sim.world);
        let timeline = |most| world.state().trace.timeline(None, most);
        match catch_unwind(AssertUnwindSafe(|| sim.run())) {
            Ok(Ok(report)) => {
                if one.is_some() {
                    eprintln!("{}seed {seed}: nothing is wrong", timeline(usize::MAX));
                }
                summary.add(&report);
            }
            Ok(Err(failure)) => {
                if one.is_some() {
                    eprintln!("{}", timeline(usize::MAX));
                }
                panic!("{failure}\nto repeat it: {}", command(seed));
            }
            Err(panic) => {
                let most = if one.is_some() { usize::MAX } else { 80 };
                eprintln!(
                    "{}\nseed {seed} panicked; to repeat it: {}",
                    timeline(most),
                    command(seed)
                );
                resume_unwind(panic);
            }
        }
    }
    summary
}

/// What repeats this test with this seed, as well as it can be known from inside.
fn command(seed: u64) -> String {
    let release = if cfg!(debug_assertions) {
        ""
    } else {
        " --release"
    };
    let program = env::current_exe().ok();
    let stem = program
        .as_deref()
        .and_then(|path| path.file_stem()?.to_str());
    // cargo names a test's program `name-0123456789abcdef`.
    let crate_name = env::var("CARGO_PKG_NAME")
        .unwrap_or_default()
        .replace('-', "_");
    let target = match stem.and_then(|stem| stem.rsplit_once('-')) {
        Some((name, _)) if name == crate_name => " --lib".to_owned(),
        Some((name, _)) => format!(" --test {name}"),
        None => String::new(),
    };
    let thread = std::thread::current();
    let test = thread.name().filter(|&name| name != "main");
    let test = test.map_or_else(String::new, |name| {
        format!(" -- --exact {name} --nocapture")
    });
    format!("SESSILE_SEED={seed} cargo test{release}{target}{test}")
}

fn read<T: std::str::FromStr>(variable: &str) -> Option<T> {
    let text = env::var(variable).ok()?;
    match text.parse() {
        Ok(value) => Some(value),
        Err(_) => panic!("{variable}={text} is no number"),
    }
}

fn parse_range(text: &str) -> Option<Range<u64>> {
    let (from, to) = text.split_once("..")?;
    Some(from.parse().ok()?..to.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read() {
        assert_eq!(parse_range("3..14"), Some(3..14));
        for no in ["3", "3..", "..3", "a..b", "3..=4"] {
            assert_eq!(parse_range(no), None, "{no}");
        }
    }
}
